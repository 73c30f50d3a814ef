package ecs

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

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
