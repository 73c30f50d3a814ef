package ecs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// describeService fills in what changes by itself.
func (s *Service) describeService(r store.Reader, svc *service, tags bool) (*types.Service, error) {
	out := svc.Service
	running, err := liveTasks(r, svc.Region, svc.cluster(), svc.name())
	if err != nil {
		return nil, err
	}
	out.Deployments = []types.Deployment{}
	for i := range svc.Rollouts {
		ro := &svc.Rollouts[i]
		d := ro.Deployment
		for _, t := range running {
			if t.Deployment != ro.id() {
				continue
			}
			if !t.stopping() {
				d.DesiredCount++
			}
			switch {
			case t.isRunning():
				d.RunningCount++
			case t.isPending():
				d.PendingCount++
			}
		}
		if i == 0 && !ro.Off {
			d.DesiredCount = svc.DesiredCount
		}
		out.RunningCount += d.RunningCount
		out.PendingCount += d.PendingCount
		out.Deployments = append(out.Deployments, d)
	}
	for i := range svc.Sets {
		out.TaskSets = append(out.TaskSets, s.describeSet(svc, &svc.Sets[i], running, tags))
	}
	for _, t := range running { // of task sets, and of deployments that are no longer listed
		if !slices.ContainsFunc(svc.Rollouts, func(ro rollout) bool { return ro.id() == t.Deployment }) {
			if t.isRunning() {
				out.RunningCount++
			} else if t.isPending() {
				out.PendingCount++
			}
		}
	}
	out.Events = []types.ServiceEvent{}
	for e, err := range events.All(r, svc.Region, svc.cluster(), svc.name()) {
		if err != nil {
			return nil, err
		}
		if out.Events = append(out.Events, *e); len(out.Events) == maxEvents {
			break
		}
	}
	if !tags {
		out.Tags = nil
	}
	if svc.HookDetails != nil {
		out.DeploymentConfiguration = withDetails(svc.DeploymentConfiguration, svc.HookDetails)
	}
	if svc.Deploy != nil {
		out.CurrentServiceDeployment = aws.String(s.deploymentARN(svc, svc.Deploy.ID))
	}
	counts := svc.counts(running)
	for i := range svc.Rollouts {
		if ro := &svc.Rollouts[i]; ro.Revision != "" {
			c := counts[ro.id()]
			out.CurrentServiceRevisions = append(out.CurrentServiceRevisions, types.ServiceCurrentRevisionSummary{Arn: aws.String(s.revisionARN(svc, ro.Revision)),
				RequestedTaskCount: c.RequestedTaskCount, RunningTaskCount: c.RunningTaskCount, PendingTaskCount: c.PendingTaskCount})
		}
	}
	if out.LoadBalancers == nil {
		out.LoadBalancers = []types.LoadBalancer{}
	}
	if out.ServiceRegistries == nil {
		out.ServiceRegistries = []types.ServiceRegistry{}
	}
	if out.PlacementConstraints == nil {
		out.PlacementConstraints = []types.PlacementConstraint{}
	}
	if out.PlacementStrategy == nil {
		out.PlacementStrategy = []types.PlacementStrategy{}
	}
	return &out, nil
}

// maxEvents is how many messages a service keeps.
const maxEvents = 100

// say adds a message to a service's events; the newest come first in the key
// order.
func (s *Service) say(tx *engine.Tx, svc *service, message string) error {
	svc.Messages++
	key := func(n int64) string { return fmt.Sprintf("%019d", math.MaxInt64-n) }
	e := types.ServiceEvent{Id: aws.String(id.UUID(s.IDs)), CreatedAt: aws.Time(tx.Now()), Message: aws.String(message)}
	if err := events.Put(tx, &e, svc.Region, svc.cluster(), svc.name(), key(svc.Messages)); err != nil {
		return err
	}
	return events.Delete(tx, svc.Region, svc.cluster(), svc.name(), key(svc.Messages-maxEvents))
}

// forgetEvents drops the messages of a service that is gone.
func forgetEvents(tx *engine.Tx, svc *service) error {
	var keys []string
	for e, err := range tx.Scan(store.Range{Prefix: store.Prefix(string(events), svc.Region, svc.cluster(), svc.name())}) {
		if err != nil {
			return err
		}
		keys = append(keys, e.Key)
	}
	for _, key := range keys {
		if err := tx.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// DescribeServices describes up to 10; unknown ones are failures.
func (s *Service) DescribeServices(ctx context.Context, in *ecs.DescribeServicesInput, _ ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error) {
	region := identity.Region(ctx)
	if len(in.Services) == 0 {
		return nil, invalidParameter("Services cannot be empty.")
	}
	if len(in.Services) > 10 {
		return nil, invalidParameter("Services cannot contain more than 10 items.")
	}
	tags := slices.Contains(in.Include, types.ServiceFieldTags)
	out := &ecs.DescribeServicesOutput{Services: []types.Service{}, Failures: []types.Failure{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		c, err := activeCluster(r, region, in.Cluster)
		if err != nil {
			return err
		}
		for _, ref := range in.Services {
			svc, err := getService(r, c, ref)
			if errors.Is(err, store.ErrNotFound) {
				out.Failures = append(out.Failures, missing(s.arn(region, "service/"+c.name()+"/"+lastPart(ref))))
				continue
			}
			if err != nil {
				return err
			}
			d, err := s.describeService(r, svc, tags)
			if err != nil {
				return err
			}
			out.Services = append(out.Services, *d)
		}
		return nil
	})
	return out, err
}

// ListServices lists ARNs of the active ones by name, 10 at a time unless
// asked otherwise.
func (s *Service) ListServices(ctx context.Context, in *ecs.ListServicesInput, _ ...func(*ecs.Options)) (*ecs.ListServicesOutput, error) {
	region := identity.Region(ctx)
	out := &ecs.ListServicesOutput{ServiceArns: []string{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		c, err := activeCluster(r, region, in.Cluster)
		if err != nil {
			return err
		}
		scope := strings.Join([]string{"ListServices", region, c.name(), string(in.LaunchType), string(in.SchedulingStrategy)}, "\x00")
		p, err := newPage(scope, store.Prefix(string(services), region, c.name()), in.NextToken, in.MaxResults, 10)
		if err != nil {
			return err
		}
		for svc, err := range services.Scan(r, p.rng) {
			if err != nil {
				return err
			}
			if aws.ToString(svc.Status) != "ACTIVE" || in.LaunchType != "" && svc.LaunchType != in.LaunchType ||
				in.SchedulingStrategy != "" && svc.SchedulingStrategy != in.SchedulingStrategy {
				continue
			}
			if !p.take(services.Key(region, c.name(), svc.name())) {
				break
			}
			out.ServiceArns = append(out.ServiceArns, aws.ToString(svc.ServiceArn))
		}
		out.NextToken = p.next
		return nil
	})
	return out, err
}
