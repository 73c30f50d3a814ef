package ecs

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	// past are the service deployments that another followed: cluster, service,
	// id. The newest come first (see deploymentID).
	past store.Table[deployment] = "ecs.deployment"
	// revisions are what services were told to run: cluster, service, id.
	revisions store.Table[types.ServiceRevision] = "ecs.revision"
)

// deploymentID is 21 characters, of which the first 8 sort the newest first.
func (s *Service) deploymentID(now time.Time) string {
	const sorted = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
	left := uint64(1<<48-1) - uint64(now.UnixMilli())
	b := make([]byte, 8)
	for i := range b {
		b[i] = sorted[left>>(42-6*i)&63]
	}
	return string(b) + id.Of(s.IDs, sorted, 13)
}

func (s *Service) deploymentARN(svc *service, id string) string {
	return s.arn(svc.Region, "service-deployment/"+svc.cluster()+"/"+svc.name()+"/"+id)
}

func (s *Service) revisionARN(svc *service, id string) string {
	return s.arn(svc.Region, "service-revision/"+svc.cluster()+"/"+svc.name()+"/"+id)
}

// capture writes down what a deployment runs, for ever the same.
func (s *Service) capture(tx *engine.Tx, svc *service, r *rollout, d *definition) error {
	r.Revision = "1" + id.Of(s.IDs, id.Digits, 18)
	rev := types.ServiceRevision{
		ServiceRevisionArn: aws.String(s.revisionARN(svc, r.Revision)), ServiceArn: svc.ServiceArn, ClusterArn: svc.ClusterArn,
		TaskDefinition: r.TaskDefinition, LaunchType: r.LaunchType, CapacityProviderStrategy: r.CapacityProviderStrategy,
		PlatformVersion: r.PlatformVersion, PlatformFamily: r.PlatformFamily, LoadBalancers: r.LoadBalancers, ServiceRegistries: r.ServiceRegistries,
		NetworkConfiguration: r.NetworkConfiguration, ServiceConnectConfiguration: r.ServiceConnectConfiguration,
		VolumeConfigurations: r.VolumeConfigurations, VpcLatticeConfigurations: r.VpcLatticeConfigurations, CreatedAt: aws.Time(tx.Now()),
	}
	for _, c := range d.ContainerDefinitions {
		rev.ContainerImages = append(rev.ContainerImages, types.ContainerImage{ContainerName: c.Name, Image: c.Image})
	}
	for _, lb := range r.LoadBalancers {
		resolved := types.ServiceRevisionLoadBalancer{TargetGroupArn: aws.String(r.group(&lb))}
		if a := lb.AdvancedConfiguration; a != nil {
			resolved.ProductionListenerRule = a.ProductionListenerRule
		}
		if rev.ResolvedConfiguration == nil {
			rev.ResolvedConfiguration = &types.ResolvedConfiguration{}
		}
		rev.ResolvedConfiguration.LoadBalancers = append(rev.ResolvedConfiguration.LoadBalancers, resolved)
	}
	return revisions.Put(tx, &rev, svc.Region, svc.cluster(), svc.name(), r.Revision)
}

// source is the deployment that a new one replaces: what serves most of the
// traffic, or the newest that is known to work; nil if nothing runs.
func (s *service) source() *rollout {
	if d := s.Deploy; d.staged() {
		best := d.Source
		if d.Production >= 50 || best == "" {
			best = d.Target
		}
		if r := s.rollout(best); r != nil && !r.Off {
			return r
		}
	}
	if s.Completed != nil {
		if r := s.rollout(s.Completed.id()); r != nil && !r.Off {
			return r
		}
	}
	for r := range s.rollouts() {
		if !r.Off {
			return r
		}
	}
	return nil
}

// replace ends the service's current deployment, if it has not ended, and keeps
// it for those who ask.
func (s *Service) replace(tx *engine.Tx, svc *service, why string) error {
	d := svc.Deploy
	if d == nil {
		return nil
	}
	if d.open() {
		running, err := liveTasks(tx, svc.Region, svc.cluster(), svc.name())
		if err != nil {
			return err
		}
		d.Counts = svc.counts(running)
		d.end(types.ServiceDeploymentStatusStopped, "Service deployment stopped because "+why, tx.Now())
	}
	if err := s.watchAlarms(tx, svc, d, false); err != nil {
		return err
	}
	key := errandKey{taskKey{svc.Region, svc.cluster(), svc.name()}, d.ID, 0}
	err := tx.Enqueue(engine.NewJob{Kind: jobPast, ID: svc.Region + "/" + svc.cluster() + "/" + svc.name() + "/" + d.ID, At: tx.Now().Add(keepPast), Payload: key})
	if err != nil {
		return err
	}
	return past.Put(tx, d, svc.Region, svc.cluster(), svc.name(), d.ID)
}

// keepPast is how long former service deployments can be described, at AWS too.
const keepPast = 90 * 24 * time.Hour

// dropPast forgets a former service deployment, and the revision it was about
// if nothing runs it any more.
func (s *Service) dropPast(ctx context.Context, job *engine.Job) error {
	var key errandKey
	if err := json.Unmarshal(job.Payload, &key); err != nil {
		return err
	}
	at := []string{key.Service.Region, key.Service.Cluster, key.Service.ID}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		d, err := past.Get(tx, append(at, key.Deployment)...)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		revision := d.Revisions[d.Target]
		svc, err := services.Get(tx, at...)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		used := err == nil && (svc.Completed != nil && svc.Completed.Revision == revision ||
			slices.ContainsFunc(svc.Rollouts, func(r rollout) bool { return r.Revision == revision }))
		if !used {
			if err := revisions.Delete(tx, append(at, revision)...); err != nil {
				return err
			}
		}
		return past.Delete(tx, append(at, key.Deployment)...)
	})
}

// counts are the tasks of a deployment's revisions, by rollout.
func (s *service) counts(running []*task) map[string]types.ServiceRevisionSummary {
	all := map[string]types.ServiceRevisionSummary{}
	for i := range s.Rollouts {
		r := &s.Rollouts[i]
		c := types.ServiceRevisionSummary{RequestedTaskCount: s.DesiredCount}
		if r.Off {
			c.RequestedTaskCount = 0
		}
		for _, t := range running {
			switch {
			case t.Deployment != r.id():
			case t.isRunning():
				c.RunningTaskCount++
			case t.isPending():
				c.PendingTaskCount++
			}
		}
		all[r.id()] = c
	}
	return all
}

// describeDeployment is a service deployment as it is described.
func (s *Service) describeDeployment(svc *service, d *deployment, counts map[string]types.ServiceRevisionSummary) types.ServiceDeployment {
	out := types.ServiceDeployment{
		ServiceDeploymentArn: aws.String(s.deploymentARN(svc, d.ID)), ServiceArn: svc.ServiceArn, ClusterArn: svc.ClusterArn,
		CreatedAt: aws.Time(d.CreatedAt), StartedAt: given(d.StartedAt), FinishedAt: given(d.FinishedAt), StoppedAt: given(d.StoppedAt), UpdatedAt: given(d.UpdatedAt),
		Status: d.Status, LifecycleStage: d.Stage, Rollback: d.Rollback, DeploymentConfiguration: withDetails(&d.Config, d.Details),
		SourceServiceRevisions: []types.ServiceRevisionSummary{}, LifecycleHookDetails: d.Hooks,
		Alarms: &types.ServiceDeploymentAlarms{Status: types.ServiceDeploymentRollbackMonitorsStatusDisabled},
		DeploymentCircuitBreaker: &types.ServiceDeploymentCircuitBreaker{Status: types.ServiceDeploymentRollbackMonitorsStatusDisabled,
			FailureCount: d.Failures, Threshold: thresholdOf(d.Config.DeploymentCircuitBreaker, int(svc.DesiredCount))},
	}
	if d.Reason != "" {
		out.StatusReason = aws.String(d.Reason)
	}
	if d.Rollback != nil {
		r := *d.Rollback
		r.ServiceRevisionArn = aws.String(s.revisionARN(svc, d.Revisions[d.Source]))
		out.Rollback = &r
	}
	summary := func(rollout string, production, test float64) types.ServiceRevisionSummary {
		c := counts[rollout]
		c.Arn = aws.String(s.revisionARN(svc, d.Revisions[rollout]))
		if d.staged() {
			c.RequestedProductionTrafficWeight, c.RequestedTestTrafficWeight = aws.Float64(production), aws.Float64(test)
		}
		return c
	}
	target := summary(d.Target, d.Production, d.Test)
	out.TargetServiceRevision = &target
	if d.Source != "" {
		out.SourceServiceRevisions = append(out.SourceServiceRevisions, summary(d.Source, 100-d.Production, 100-d.Test))
	}
	monitors := func(enabled, triggered bool) types.ServiceDeploymentRollbackMonitorsStatus {
		switch {
		case !enabled:
			return types.ServiceDeploymentRollbackMonitorsStatusDisabled
		case triggered:
			return types.ServiceDeploymentRollbackMonitorsStatusTriggered
		case d.open():
			return types.ServiceDeploymentRollbackMonitorsStatusMonitoring
		}
		return types.ServiceDeploymentRollbackMonitorsStatusMonitoringComplete
	}
	if a := d.Config.Alarms; a != nil {
		out.Alarms.AlarmNames, out.Alarms.TriggeredAlarmNames = a.AlarmNames, d.Triggered
		out.Alarms.Status = monitors(a.Enable, len(d.Triggered) > 0)
	}
	if b := d.Config.DeploymentCircuitBreaker; b != nil {
		out.DeploymentCircuitBreaker.Status = monitors(b.Enable, d.Failures >= out.DeploymentCircuitBreaker.Threshold)
	}
	return out
}

func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

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
		c, svc, err := knownService(r, region, in.Cluster, in.Service)
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
		svc, d, err := findDeployment(tx, aws.ToString(in.ServiceDeploymentArn))
		if errors.Is(err, store.ErrNotFound) {
			return noDeployment()
		}
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
		svc, d, err := findDeployment(tx, aws.ToString(in.ServiceDeploymentArn))
		if errors.Is(err, store.ErrNotFound) {
			return noDeployment()
		}
		if err != nil {
			return err
		}
		i := slices.IndexFunc(d.Hooks, func(h types.DeploymentLifecycleHookDetail) bool {
			return aws.ToString(h.HookId) == aws.ToString(in.HookId)
		})
		switch {
		case i < 0:
			return invalidParameter("The service deployment has no lifecycle hook %s.", aws.ToString(in.HookId))
		case !d.open() || i != len(d.Hooks)-1 || d.Hooks[i].Status != hookWaits || d.Errand == nil || d.Errand.Do != pause:
			return invalidParameter("The lifecycle hook %s does not await an action.", aws.ToString(in.HookId))
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

func noDeployment() error {
	return &types.ServiceDeploymentNotFoundException{Message: aws.String("Service deployment not found.")}
}
