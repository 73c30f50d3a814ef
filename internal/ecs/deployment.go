package ecs

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// deployment is a service deployment: how one change of what a service runs is
// carried out. The current one is in the service's document, former ones in a
// table of their own.
type deployment struct {
	ID string
	// Target and Source are the ids of the deployments (rollouts) whose tasks come
	// and go. A service's first has no source. Others are those that an earlier
	// deployment had not ended yet.
	Target, Source string
	Others         []string `json:",omitempty"`
	// Config is what the service was told when it began, without the details of
	// its hooks, which have no type: those are in Details, by the hook's place.
	Config  types.DeploymentConfiguration
	Details []json.RawMessage `json:",omitempty"`
	// Minute is how long a minute of it lasts.
	Minute time.Duration
	Status types.ServiceDeploymentStatus
	Reason string `json:",omitempty"`
	Stage  types.ServiceDeploymentLifecycleStage

	CreatedAt                                   time.Time
	StartedAt, FinishedAt, StoppedAt, UpdatedAt time.Time       `json:",omitzero"`
	Rollback                                    *types.Rollback `json:",omitempty"`

	// Step is the place in the program (see program) and StepAt since when;
	// StageAt is when the stage began. Back tells that it is the way back,
	// Reconcile that others than the source still ran at the start.
	Step            int
	StepAt, StageAt time.Time `json:",omitzero"`
	Back, Reconcile bool      `json:",omitempty"`
	// Production and Test are per cent of the traffic that the target gets.
	// Routed tells that the rules are known to be as they shall be at the start,
	// Shifted that production traffic has begun to move, and Tested that the test
	// traffic has.
	Production, Test        float64
	Routed, Shifted, Tested bool `json:",omitempty"`
	// Errand is what is being done outside, of which Errands were ordered.
	Errand  *errand `json:",omitempty"`
	Errands int
	// Muted are the alarms that were in the state ALARM before it began, and
	// Triggered those that went there since.
	Muted, Triggered []string `json:",omitempty"`
	// Hooks are those that were asked, in this order, until now.
	Hooks []types.DeploymentLifecycleHookDetail `json:",omitempty"`
	// Failures is the most tasks that failed, for the circuit breaker.
	Failures int32
	// Revisions are those it is about, by rollout, and Counts how many tasks
	// they had when it ended.
	Revisions map[string]string                       `json:",omitempty"`
	Counts    map[string]types.ServiceRevisionSummary `json:",omitempty"`
}

// errand is something that a deployment needs from another service.
type errand struct {
	Number, Step int
	Do           move
	Hook         int                                `json:",omitempty"`
	At           types.DeploymentLifecycleHookStage `json:",omitempty"`
	// Production and Test are what to shift to.
	Production, Test float64
	// Details is what the hook's last answer added to its details.
	Details json.RawMessage `json:",omitempty"`
	// Done tells that it was done, Failed why it cannot be, and Again when the hook
	// wants to be asked again.
	Done   bool      `json:",omitempty"`
	Failed string    `json:",omitempty"`
	Again  time.Time `json:",omitzero"`
}

// open tells whether the deployment has not ended.
func (d *deployment) open() bool {
	if d == nil {
		return false
	}
	switch d.Status {
	case types.ServiceDeploymentStatusPending, types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentStatusStopRequested,
		types.ServiceDeploymentStatusRollbackRequested, types.ServiceDeploymentStatusRollbackInProgress:
		return true
	}
	return false
}

// staged tells whether the deployment goes through the lifecycle stages, with
// the tasks of two revisions side by side.
func (d *deployment) staged() bool { return d != nil && isStaged(d.Config.Strategy) }

func isStaged(s types.DeploymentStrategy) bool {
	return s != "" && s != types.DeploymentStrategyRolling
}

func (d *deployment) minutes(n *int32) time.Duration {
	return time.Duration(aws.ToInt32(n)) * d.Minute
}

// end closes the deployment.
func (d *deployment) end(status types.ServiceDeploymentStatus, reason string, now time.Time) {
	d.Status, d.Reason, d.Errand = status, reason, nil
	d.FinishedAt, d.UpdatedAt = now, now
	if status == types.ServiceDeploymentStatusStopped {
		d.StoppedAt = now
	}
}

// move is one thing that a deployment does.
type move string

const (
	look    move = "look"    // which alarms are in the state ALARM already
	invoke  move = "invoke"  // a hook's function
	pause   move = "pause"   // at a hook, until someone says how to go on
	shift   move = "shift"   // traffic
	part    move = "part"    // clients from the target groups that have no traffic
	scale   move = "scale"   // the target to the desired count
	settle  move = "settle"  // wait until the target's tasks are healthy
	rest    move = "rest"    // wait
	retire  move = "retire"  // the tasks that are not needed any more
	discard move = "discard" // tasks of neither source nor target
)

// step is a move with its place in the lifecycle.
type step struct {
	stage            types.ServiceDeploymentLifecycleStage
	do               move
	hook             int                                // for invoke and pause
	at               types.DeploymentLifecycleHookStage // for invoke and pause
	production, test float64                            // for shift and part
	minutes          *int32                             // for rest
}

// program is all that a staged deployment does, in order. It follows from what
// the deployment was told at its start alone, so its place in it can be kept as
// a number.
func (d *deployment) program() []step {
	if d.Back {
		return d.wayBack()
	}
	p := &program{config: &d.Config}
	p.add(step{do: look})
	first, all := d.Source == "", 100.0
	base := step{do: shift} // until traffic is shifted to the target
	if first {
		base.production, base.test = all, all
	}
	if d.Reconcile {
		p.stage = types.ServiceDeploymentLifecycleStageReconcileService
		p.hooks(types.DeploymentLifecycleHookStageReconcileService)
		p.add(base, step{do: discard})
	}
	p.stage = types.ServiceDeploymentLifecycleStagePreScaleUp
	p.hooks(types.DeploymentLifecycleHookStagePreScaleUp)
	p.stage = types.ServiceDeploymentLifecycleStageScaleUp
	// Listeners know the target's group from now on, so its targets are checked.
	p.add(base, step{do: scale}, step{do: settle})
	p.stage = types.ServiceDeploymentLifecycleStagePostScaleUp
	p.hooks(types.DeploymentLifecycleHookStagePostScaleUp)
	p.stage = types.ServiceDeploymentLifecycleStageTestTrafficShift
	if !first {
		p.add(step{do: shift, test: all})
	}
	p.hooks(types.DeploymentLifecycleHookStageTestTrafficShift)
	p.stage = types.ServiceDeploymentLifecycleStagePostTestTrafficShift
	p.hooks(types.DeploymentLifecycleHookStagePostTestTrafficShift)
	p.stage = types.ServiceDeploymentLifecycleStageProductionTrafficShift
	percents, pause := increments(&d.Config)
	if first {
		percents = []float64{all}
	}
	for _, percent := range percents {
		p.hooks(types.DeploymentLifecycleHookStagePreProductionTrafficShift)
		p.add(step{do: shift, production: percent, test: all})
		p.hooks(types.DeploymentLifecycleHookStageProductionTrafficShift)
		if percent < all {
			p.add(step{do: rest, minutes: pause})
		}
	}
	p.stage = types.ServiceDeploymentLifecycleStagePostProductionTrafficShift
	p.hooks(types.DeploymentLifecycleHookStagePostProductionTrafficShift)
	if !first {
		p.stage = types.ServiceDeploymentLifecycleStageBakeTime
		p.add(step{do: rest, minutes: d.Config.BakeTimeInMinutes})
	}
	p.stage = types.ServiceDeploymentLifecycleStageCleanUp
	if !first {
		p.add(step{do: part, production: all, test: all}, step{do: retire})
	}
	return p.steps
}

// wayBack gives all traffic to the source again. The hooks of the shifts are
// told, which recognise it by the weights. Rules that were never touched, maybe
// because they do not fit, are left alone.
func (d *deployment) wayBack() []step {
	p := &program{config: &d.Config, stage: types.ServiceDeploymentLifecycleStageProductionTrafficShift}
	touched := d.Routed || d.Shifted || d.Tested
	if touched {
		p.add(step{do: shift})
	}
	if d.Shifted {
		p.hooks(types.DeploymentLifecycleHookStageProductionTrafficShift)
	}
	if d.Tested {
		p.stage = types.ServiceDeploymentLifecycleStageTestTrafficShift
		p.hooks(types.DeploymentLifecycleHookStageTestTrafficShift)
	}
	p.stage = types.ServiceDeploymentLifecycleStageCleanUp
	if touched {
		p.add(step{do: part})
	}
	p.add(step{do: retire})
	return p.steps
}

type program struct {
	config *types.DeploymentConfiguration
	stage  types.ServiceDeploymentLifecycleStage
	steps  []step
}

func (p *program) add(steps ...step) {
	for _, s := range steps {
		s.stage = p.stage
		p.steps = append(p.steps, s)
	}
}

func (p *program) hooks(at types.DeploymentLifecycleHookStage) {
	for i, h := range p.config.LifecycleHooks {
		do := invoke
		if h.TargetType == types.DeploymentLifecycleHookTargetTypePause {
			do = pause
		}
		if slices.Contains(h.LifecycleStages, at) {
			p.add(step{do: do, hook: i, at: at})
		}
	}
}

// increments are the percentages of production traffic that the target gets one
// after another, and the minutes between them.
func increments(c *types.DeploymentConfiguration) (percents []float64, pause *int32) {
	switch c.Strategy {
	case types.DeploymentStrategyCanary:
		percents, pause = append(percents, *c.CanaryConfiguration.CanaryPercent), c.CanaryConfiguration.CanaryBakeTimeInMinutes
	case types.DeploymentStrategyLinear:
		pause = c.LinearConfiguration.StepBakeTimeInMinutes
		by := tenths(*c.LinearConfiguration.StepPercent)
		for at := by; at < 1000; at += by {
			percents = append(percents, float64(at)/10)
		}
	}
	if len(percents) == 0 || percents[len(percents)-1] < 100 {
		percents = append(percents, 100)
	}
	return percents, pause
}

// tenths is a percentage in tenths of a per cent, the finest that there are.
func tenths(percent float64) int { return int(percent*10 + 0.5) }
