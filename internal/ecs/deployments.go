package ecs

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// ofService are cluster, service and id in the ARN of a service deployment or
// revision.
func ofService(ref, kind string) (region, cluster, name, id string, ok bool) {
	a, ok := arn.Parse(ref)
	part := strings.Split(a.Resource, "/")
	if !ok || a.Service != "ecs" || len(part) != 4 || part[0] != kind {
		return "", "", "", "", false
	}
	return a.Region, part[1], part[2], part[3], true
}

// findDeployment reads a service deployment by its ARN, with its service.
// store.ErrNotFound if there is none.
func findDeployment(r store.Reader, ref string) (*service, *deployment, error) {
	region, cluster, name, id, ok := ofService(ref, "service-deployment")
	if !ok {
		return nil, nil, invalidParameter("Invalid identifier: %s is not the ARN of a service deployment.", ref)
	}
	svc, err := services.Get(r, region, cluster, name)
	if err != nil {
		return nil, nil, err
	}
	if svc.Deploy != nil && svc.Deploy.ID == id {
		return svc, svc.Deploy, nil
	}
	d, err := past.Get(r, region, cluster, name, id)
	return svc, d, err
}

// DescribeServiceDeployments describes up to 20; unknown ones are failures.
func (s *Service) DescribeServiceDeployments(ctx context.Context, in *ecs.DescribeServiceDeploymentsInput, _ ...func(*ecs.Options)) (*ecs.DescribeServiceDeploymentsOutput, error) {
	if n := len(in.ServiceDeploymentArns); n == 0 || n > 20 {
		return nil, invalidParameter("serviceDeploymentArns must have 1 to 20 items.")
	}
	out := &ecs.DescribeServiceDeploymentsOutput{ServiceDeployments: []types.ServiceDeployment{}, Failures: []types.Failure{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for _, ref := range in.ServiceDeploymentArns {
			svc, d, err := findDeployment(r, ref)
			if errors.Is(err, store.ErrNotFound) {
				out.Failures = append(out.Failures, missing(ref))
				continue
			}
			if err != nil {
				return err
			}
			counts := d.Counts
			if d.open() {
				running, err := liveTasks(r, svc.Region, svc.cluster(), svc.name())
				if err != nil {
					return err
				}
				counts = svc.counts(running)
			}
			out.ServiceDeployments = append(out.ServiceDeployments, s.describeDeployment(svc, d, counts))
		}
		return nil
	})
	return out, err
}

// clusterOf is the cluster of a request, which the ARN of its service may tell,
// too: AWS's own sample hooks ask so.
func clusterOf(cluster, service *string) *string {
	if a, ok := arn.Parse(aws.ToString(service)); ok && cluster == nil {
		if part := strings.Split(a.Resource, "/"); len(part) == 3 {
			return &part[1]
		}
	}
	return cluster
}

// ListServiceDeployments lists a service's, the newest first, 20 at a time
// unless asked otherwise.
func (s *Service) ListServiceDeployments(ctx context.Context, in *ecs.ListServiceDeploymentsInput, _ ...func(*ecs.Options)) (*ecs.ListServiceDeploymentsOutput, error) {
	region := identity.Region(ctx)
	out := &ecs.ListServiceDeploymentsOutput{ServiceDeployments: []types.ServiceDeploymentBrief{}}
	wanted := func(d *deployment) bool {
		return (len(in.Status) == 0 || slices.Contains(in.Status, d.Status)) &&
			(in.CreatedAt == nil || (in.CreatedAt.After == nil || d.CreatedAt.After(*in.CreatedAt.After)) && (in.CreatedAt.Before == nil || d.CreatedAt.Before(*in.CreatedAt.Before)))
	}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		c, svc, err := knownService(r, region, clusterOf(in.Cluster, in.Service), in.Service)
		if err != nil {
			return err
		}
		scope := strings.Join([]string{"ListServiceDeployments", region, c.name(), svc.name()}, "\x00")
		prefix := store.Prefix(string(past), region, c.name(), svc.name())
		p, err := newPage(scope, prefix, in.NextToken, in.MaxResults, 20)
		if err != nil {
			return err
		}
		take := func(d *deployment) bool {
			if !wanted(d) {
				return true
			}
			if !p.take(past.Key(region, c.name(), svc.name(), d.ID)) {
				return false
			}
			b := types.ServiceDeploymentBrief{ServiceDeploymentArn: aws.String(s.deploymentARN(svc, d.ID)), ServiceArn: svc.ServiceArn, ClusterArn: svc.ClusterArn,
				CreatedAt: aws.Time(d.CreatedAt), StartedAt: given(d.StartedAt), FinishedAt: given(d.FinishedAt), Status: d.Status,
				TargetServiceRevisionArn: aws.String(s.revisionARN(svc, d.Revisions[d.Target]))}
			if d.Reason != "" {
				b.StatusReason = aws.String(d.Reason)
			}
			out.ServiceDeployments = append(out.ServiceDeployments, b)
			return true
		}
		more := true
		if svc.Deploy != nil && p.rng.Start == "" {
			more = take(svc.Deploy)
		}
		if more {
			for d, err := range past.Scan(r, p.rng) {
				if err != nil {
					return err
				}
				if svc.Deploy != nil && d.ID == svc.Deploy.ID {
					continue
				}
				if !take(d) {
					break
				}
			}
		}
		out.NextToken = p.next
		return nil
	})
	return out, err
}

// DescribeServiceRevisions describes up to 20; unknown ones are failures.
func (s *Service) DescribeServiceRevisions(ctx context.Context, in *ecs.DescribeServiceRevisionsInput, _ ...func(*ecs.Options)) (*ecs.DescribeServiceRevisionsOutput, error) {
	if n := len(in.ServiceRevisionArns); n == 0 || n > 20 {
		return nil, invalidParameter("serviceRevisionArns must have 1 to 20 items.")
	}
	out := &ecs.DescribeServiceRevisionsOutput{ServiceRevisions: []types.ServiceRevision{}, Failures: []types.Failure{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for _, ref := range in.ServiceRevisionArns {
			region, cluster, name, id, ok := ofService(ref, "service-revision")
			if !ok {
				return invalidParameter("Invalid identifier: %s is not the ARN of a service revision.", ref)
			}
			rev, err := revisions.Get(r, region, cluster, name, id)
			if errors.Is(err, store.ErrNotFound) {
				out.Failures = append(out.Failures, missing(ref))
				continue
			}
			if err != nil {
				return err
			}
			out.ServiceRevisions = append(out.ServiceRevisions, *rev)
		}
		return nil
	})
	return out, err
}

// StopServiceDeployment takes a deployment back to the revision before it, or
// ends it where it is.
func (s *Service) StopServiceDeployment(ctx context.Context, in *ecs.StopServiceDeploymentInput, _ ...func(*ecs.Options)) (*ecs.StopServiceDeploymentOutput, error) {
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		svc, d, err := knownDeployment(tx, in.ServiceDeploymentArn)
		if err != nil {
			return err
		}
		abort := in.StopType == types.StopServiceDeploymentStopTypeAbort
		switch {
		case d.Status != types.ServiceDeploymentStatusPending && d.Status != types.ServiceDeploymentStatusInProgress:
			return &types.ConflictException{Message: aws.String("The service deployment cannot be stopped in the state " + string(d.Status) + ".")}
		case d.Stage == types.ServiceDeploymentLifecycleStageCleanUp:
			return &types.ConflictException{Message: aws.String("The service deployment cannot be stopped in the stage CLEAN_UP.")}
		case !abort && !svc.canGoBack():
			return &types.ConflictException{Message: aws.String("The service deployment cannot be rolled back: the service has no earlier revision.")}
		}
		d.Status, d.UpdatedAt = types.ServiceDeploymentStatusRollbackRequested, tx.Now()
		if abort {
			d.Status = types.ServiceDeploymentStatusStopRequested
		}
		return s.putService(tx, svc)
	})
	if err != nil {
		return nil, err
	}
	return &ecs.StopServiceDeploymentOutput{ServiceDeploymentArn: in.ServiceDeploymentArn}, nil
}

// canGoBack tells whether the current deployment has something to go back to.
func (s *service) canGoBack() bool {
	if d := s.Deploy; d.staged() {
		return d.Source != ""
	}
	return s.Completed != nil && s.Completed.id() != s.Rollouts[0].id()
}

// ContinueServiceDeployment answers a hook at which a deployment pauses.
func (s *Service) ContinueServiceDeployment(ctx context.Context, in *ecs.ContinueServiceDeploymentInput, _ ...func(*ecs.Options)) (*ecs.ContinueServiceDeploymentOutput, error) {
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		svc, d, err := knownDeployment(tx, in.ServiceDeploymentArn)
		if err != nil {
			return err
		}
		n := len(d.Hooks) - 1 // the hook that is waited for
		switch {
		case !hookIDForm.MatchString(aws.ToString(in.HookId)):
			return invalidParameter("Invalid hookId: hookId must follow the format: ecs-{hookType}-{id}")
		case !d.open():
			return invalidParameter("Continuing a service deployment is not allowed for service deployment in terminal states.")
		case n < 0 || aws.ToString(d.Hooks[n].HookId) != aws.ToString(in.HookId) || d.Hooks[n].Status != hookWaits || d.Errand == nil || d.Errand.Do != pause:
			return invalidParameter("Provided hookId is either completed, unavailable, or not associated with the given Resource ARN")
		}
		d.Errand.Done = true
		if in.Action == types.DeploymentLifecycleHookActionRollback {
			d.Errand.Failed = "a rollback was requested"
		}
		return s.putService(tx, svc)
	})
	if err != nil {
		return nil, err
	}
	return &ecs.ContinueServiceDeploymentOutput{ServiceDeploymentArn: in.ServiceDeploymentArn}, nil
}

// knownDeployment is findDeployment where there must be one.
//
// Errors: ServiceDeploymentNotFoundException.
func knownDeployment(r store.Reader, arn *string) (*service, *deployment, error) {
	svc, d, err := findDeployment(r, aws.ToString(arn))
	if errors.Is(err, store.ErrNotFound) {
		err = &types.ServiceDeploymentNotFoundException{Message: aws.String("The service deployment does not exist.")}
	}
	return svc, d, err
}
