package ecs

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/engine"
)

// The values of lastStatus.
const (
	statusProvisioning   = "PROVISIONING"
	statusPending        = "PENDING"
	statusActivating     = "ACTIVATING"
	statusRunning        = "RUNNING"
	statusDeactivating   = "DEACTIVATING"
	statusStopping       = "STOPPING"
	statusDeprovisioning = "DEPROVISIONING"
	statusStopped        = "STOPPED"
)

// isActive tells whether a task in this status takes up room of its service:
// its containers have not been told to end.
func isActive(status string) bool {
	switch status {
	case statusProvisioning, statusPending, statusActivating, statusRunning, statusDeactivating:
		return true
	}
	return false
}

// task is what the store keeps of one.
type task struct {
	types.Task
	Region, Cluster, ID string
	// Service and Deployment own it; "" for RunTask's.
	Service, Deployment string
	// Definition is what it runs, overrides applied.
	Definition types.TaskDefinition
	// WasHealthy tells that it has counted as healthy for its service.
	WasHealthy bool
	// Pause is the engine's id of the container that holds the network.
	Pause string
	// Boxes are in the order of Definition's containers and of Containers.
	Boxes []box
	// Targets are its places in target groups.
	Targets []membership `json:",omitempty"`
	// Secret is in the path of its credentials and metadata.
	Secret string
}

// box is what must be remembered of a container.
type box struct {
	EngineID string
	// Pinned is the image by its digest, if the deployment has settled on one.
	Pinned    string    `json:",omitempty"`
	StartedAt time.Time `json:",omitzero"`
	// Unhealthy counts failed health checks in a row.
	Unhealthy int `json:",omitempty"`
	// ShippedTo is the time of the last line that the log group has, and
	// Shipped how many lines of that time it has.
	ShippedTo time.Time `json:",omitzero"`
	Shipped   int       `json:",omitempty"`
	LogsDone  bool      `json:",omitempty"`
}

func (t *task) arn() string             { return aws.ToString(t.TaskArn) }
func (t *task) status() string          { return aws.ToString(t.LastStatus) }
func (t *task) stopping() bool          { return aws.ToString(t.DesiredStatus) == statusStopped }
func (t *task) isRunning() bool         { return t.status() == statusRunning }
func (t *task) key() taskKey            { return taskKey{t.Region, t.Cluster, t.ID} }
func (t *task) awsvpc() bool            { return t.Definition.NetworkMode == types.NetworkModeAwsvpc }
func (t *task) put(tx *engine.Tx) error { return tasks.Put(tx, t, t.Region, t.Cluster, t.ID) }

func (t *task) isPending() bool {
	return isActive(t.status()) && !t.isRunning() && t.status() != statusDeactivating
}

func (t *task) view() view {
	v := view{
		ID: t.ID, Deployment: t.Deployment, Status: t.status(), Stopping: t.stopping(),
		CreatedAt: aws.ToTime(t.CreatedAt), StartedAt: aws.ToTime(t.StartedAt), Health: t.HealthStatus, WasHealthy: t.WasHealthy,
		Targets: t.Targets,
	}
	for _, c := range t.Definition.ContainerDefinitions {
		v.Checked = v.Checked || aws.ToBool(c.Essential) && checked(&c)
	}
	return v
}

// action is the next thing to do for a task.
type action struct {
	do    verb
	boxes []int     // which containers
	at    time.Time // for wait: look again then, if not zero
	code  types.TaskStopCode
	why   string // for giveUp
}

type verb int

const (
	wait           verb = iota
	makeNetwork         // start the pause container
	makeContainer       // pull the image and create boxes[0]
	startContainer      // start boxes[0]
	activate            // the task is ACTIVATING
	register            // its targets
	nowRunning          // the task is RUNNING
	deactivate          // the task is DEACTIVATING
	deregister          // its targets
	beginStopping       // the task is STOPPING
	stopContainers      // boxes
	deprovision         // the task is DEPROVISIONING
	removeAll           // and the task is STOPPED
	giveUp              // it cannot go on: stop it with code and why
)

// next is the task's state machine: what to do with a task that is not
// STOPPED. It looks at nothing but the task and the time.
func next(t *task, now time.Time) action {
	if t.stopping() {
		return nextStop(t)
	}
	if t.status() == statusProvisioning {
		return action{do: makeNetwork}
	}
	waiting := time.Time{}
	started := true // all of them, ended or not
	for i, c := range t.Definition.ContainerDefinitions {
		b := &t.Boxes[i]
		if !b.StartedAt.IsZero() {
			continue
		}
		started = false
		switch ready, why, at := dependencies(t, &c, now); {
		case why != "":
			return action{do: giveUp, code: types.TaskStopCodeTaskFailedToStart, why: why}
		case !ready:
			if !at.IsZero() && (waiting.IsZero() || at.Before(waiting)) {
				waiting = at
			}
		case b.EngineID == "":
			return action{do: makeContainer, boxes: []int{i}}
		default:
			return action{do: startContainer, boxes: []int{i}}
		}
	}
	if a, ok := nextJoin(t); ok && (started || t.isRunning()) {
		return a
	}
	if started && t.isPending() {
		return action{do: nowRunning}
	}
	return action{do: wait, at: waiting}
}

// dependencies tells whether a container may start; why tells that it never
// will; at is when the patience with one of its dependencies ends.
func dependencies(t *task, c *types.ContainerDefinition, now time.Time) (ready bool, why string, at time.Time) {
	ready = true
	for _, d := range c.DependsOn {
		i := slices.IndexFunc(t.Definition.ContainerDefinitions, func(o types.ContainerDefinition) bool {
			return aws.ToString(o.Name) == aws.ToString(d.ContainerName)
		})
		on, b, state := &t.Definition.ContainerDefinitions[i], &t.Boxes[i], &t.Containers[i]
		ended := aws.ToString(state.LastStatus) == statusStopped
		met := false
		switch d.Condition {
		case types.ContainerConditionStart:
			met = !b.StartedAt.IsZero()
		case types.ContainerConditionComplete:
			met = ended
		case types.ContainerConditionSuccess:
			met = ended && aws.ToInt32(state.ExitCode) == 0
		case types.ContainerConditionHealthy:
			met = state.HealthStatus == types.HealthStatusHealthy
		}
		if met {
			continue
		}
		ready = false
		if ended {
			return false, "Container " + *on.Name + " ended without becoming " + string(d.Condition) + ", which container " + *c.Name + " depends on", at
		}
		if on.StartTimeout != nil && !b.StartedAt.IsZero() {
			end := b.StartedAt.Add(time.Duration(*on.StartTimeout) * time.Second)
			if !now.Before(end) {
				return false, "Container " + *on.Name + " did not become " + string(d.Condition) + " within its start timeout", at
			}
			if at.IsZero() || end.Before(at) {
				at = end
			}
		}
	}
	return ready, "", at
}

func nextStop(t *task) action {
	switch t.status() {
	case statusStopping:
		if boxes := lastOnes(t); len(boxes) > 0 {
			return action{do: stopContainers, boxes: boxes}
		}
		return action{do: deprovision}
	case statusDeprovisioning:
		for i, b := range t.Boxes {
			if !b.StartedAt.IsZero() && t.Definition.ContainerDefinitions[i].LogConfiguration != nil && !b.LogsDone {
				return action{do: wait} // its output is still being shipped
			}
		}
		return action{do: removeAll}
	}
	if a, ok := nextLeave(t); ok {
		return a
	}
	for _, b := range t.Boxes {
		if b.EngineID != "" {
			return action{do: beginStopping}
		}
	}
	return action{do: deprovision}
}

// lastOnes are the containers that run and that no other running one depends
// on: a task stops in the reverse order of its start.
func lastOnes(t *task) []int {
	runs := func(i int) bool {
		return !t.Boxes[i].StartedAt.IsZero() && aws.ToString(t.Containers[i].LastStatus) != statusStopped
	}
	needed := map[string]bool{}
	for i, c := range t.Definition.ContainerDefinitions {
		if runs(i) {
			for _, d := range c.DependsOn {
				needed[aws.ToString(d.ContainerName)] = true
			}
		}
	}
	var all []int
	for i, c := range t.Definition.ContainerDefinitions {
		if runs(i) && !needed[aws.ToString(c.Name)] {
			all = append(all, i)
		}
	}
	return all
}

// ended notes the end of a container; that of an essential one is the task's.
func (t *task) ended(i int, exit *int32, reason string, now time.Time) {
	c := &t.Containers[i]
	c.LastStatus, c.ExitCode = aws.String(statusStopped), exit
	if reason != "" {
		c.Reason = aws.String(reason)
	}
	if t.Boxes[i].StartedAt.IsZero() {
		t.Boxes[i].LogsDone = true
	}
	if aws.ToBool(t.Definition.ContainerDefinitions[i].Essential) && !t.stopping() {
		t.ExecutionStoppedAt = aws.Time(now)
		t.stop(types.TaskStopCodeEssentialContainerExited, "Essential container in task exited")
	}
	t.judge()
}

// stop asks for the end of the task; the first to ask says why.
func (t *task) stop(code types.TaskStopCode, reason string) bool {
	if t.stopping() {
		return false
	}
	t.DesiredStatus = aws.String(statusStopped)
	t.StopCode, t.StoppedReason = code, aws.String(reason)
	return true
}

// judge sets the task's health: the worst of its essential containers'.
func (t *task) judge() {
	health := types.HealthStatus("")
	for i, c := range t.Definition.ContainerDefinitions {
		if !aws.ToBool(c.Essential) || !checked(&c) {
			continue
		}
		switch h := t.Containers[i].HealthStatus; {
		case h == types.HealthStatusUnhealthy:
			health = h
		case h == types.HealthStatusUnknown && health != types.HealthStatusUnhealthy:
			health = h
		case health == "":
			health = h
		}
	}
	if health == "" {
		health = types.HealthStatusUnknown
	}
	t.HealthStatus = health
}

// checkedHealth notes the result of a health check of container i.
func (t *task) checkedHealth(i int, ok bool, now time.Time) {
	h := t.Definition.ContainerDefinitions[i].HealthCheck
	b, c := &t.Boxes[i], &t.Containers[i]
	if ok {
		b.Unhealthy, c.HealthStatus = 0, types.HealthStatusHealthy
		t.judge()
		return
	}
	// The first look comes before the interval has passed once (see
	// checkHealth); like those of the start period its failure says nothing.
	tolerate := max(seconds(h.StartPeriod), seconds(h.Interval))
	if c.HealthStatus != types.HealthStatusHealthy && now.Before(b.StartedAt.Add(tolerate)) {
		return
	}
	if b.Unhealthy++; b.Unhealthy >= int(aws.ToInt32(h.Retries)) {
		c.HealthStatus = types.HealthStatusUnhealthy
	}
	t.judge()
}

func seconds(n *int32) time.Duration { return time.Duration(aws.ToInt32(n)) * time.Second }
