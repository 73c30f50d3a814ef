package ecs

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

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
		if d.Source != "" {
			r.ServiceRevisionArn = aws.String(s.revisionARN(svc, d.Revisions[d.Source]))
		}
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
	for _, id := range d.Others {
		out.SourceServiceRevisions = append(out.SourceServiceRevisions, summary(id, 0, 0))
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
