package codedeploy

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/appspec"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// deployment is what the store keeps of one: what is described, and where its
// run stands. The settings of its group are copied: changes of the group are
// for later deployments.
type deployment struct {
	types.DeploymentInfo
	Region                 string
	ApplicationID, GroupID string
	Role                   string                     // the service role
	Service                *types.ECSService          // ECS only
	Traffic                types.TrafficRoutingConfig // not of servers
	Alarms                 *types.AlarmConfiguration  // the group's, or those that override them
	Triggers               []types.TriggerConfig
	Run                    run
}

// run is where a deployment stands; flow.go changes it.
type run struct {
	Steps []string  // lifecycle events and waits, in order
	At    int       // the one it is in
	Since time.Time // since when
	Turn  int       // grows with every transition, so that late results are known
	// Events are the lifecycle events as the target shows them.
	Events []types.LifecycleEvent
	// Hooks are functions by lifecycle event.
	Hooks map[string]string
	Call  *call
	Calls []string // ids of the hooks that have reported
	// Note is the last note of a step that waits, which the messages show.
	Note string

	// Weight is the percentage of production traffic that was last given to the
	// new version, the Shifts-th of the traffic's plan, at Shifted.
	Weight  int32
	Shifts  int
	Shifted time.Time

	Ending *ending
	Lambda *appspec.Function
	ECS    *sets
	// Undoes is the deployment that this one rolls back.
	Undoes string
}

// call is the invocation of a hook.
type call struct {
	ID      string // LifecycleEventHookExecutionId
	Invoked bool
}

// ending is how a deployment will end once the traffic is back.
type ending struct {
	Status types.DeploymentStatus
	// Rollback asks for a rollback deployment.
	Rollback bool
	// Restored tells that the traffic is back.
	Restored bool
	// Remove lets this deployment remove the new task set itself, because there
	// is no group any more that could have a rollback deployment.
	Remove bool
}

// sets is what a deployment to ECS works on.
type sets struct {
	ServiceARN string
	Spec       *appspec.Service
	// Blue and Green are ARNs of task sets; Green is empty before it is there.
	Blue, Green           string
	BlueGroup, GreenGroup targets
	// Seen are the task sets as they were last described.
	Seen []types.ECSTaskSet
	// Definition is the task definition of blue.
	Definition string
}

// targets is a target group.
type targets struct{ ARN, Name string }

// progress is how far the deployments of a group have come, by the group's id.
type progress struct {
	Active, LastAttempted, LastSuccessful string // deployments
	Target                                *types.RevisionLocation
}

const (
	deployments store.Table[deployment] = "codedeploy.deployment" // id
	progresses  store.Table[progress]   = "codedeploy.progress"   // group's id
	// history has the ids of deployments in the order of their creation, those
	// of a group and (with an empty group) all.
	history store.Table[string] = "codedeploy.history" // group's id or "", time, id
	// running has the ids of deployments that have not ended.
	running store.Table[runningRef] = "codedeploy.running" // id
	// watches finds the deployments that an event wakes.
	watches store.Table[string] = "codedeploy.watch" // what, id
	// names finds the name that an application or group has now.
	names store.Table[string] = "codedeploy.name" // id
)

type runningRef struct{ Region, ID string }

func (d *deployment) id() string { return *d.DeploymentId }

func (d *deployment) ended() bool { return over(d.Status) }

func over(s types.DeploymentStatus) bool {
	return s == types.DeploymentStatusSucceeded || s == types.DeploymentStatusFailed || s == types.DeploymentStatusStopped
}

// undoing tells whether it rolls back another one.
func (d *deployment) undoing() bool { return d.Run.Undoes != "" }

// deploymentForm is that of deployments' ids.
var deploymentForm = regexp.MustCompile(`^d-[A-Z0-9]{9,}$`)

// findDeployment reads one.
//
// Errors: DeploymentIdRequiredException, InvalidDeploymentIdException,
// DeploymentDoesNotExistException.
func findDeployment(r store.Reader, region string, id *string) (*deployment, error) {
	switch {
	case aws.ToString(id) == "":
		return nil, &types.DeploymentIdRequiredException{Message: text("A deployment ID must be specified.")}
	case !deploymentForm.MatchString(*id):
		return nil, &types.InvalidDeploymentIdException{Message: text("The deployment ID %s is not valid.", *id)}
	}
	d, err := deployments.Get(r, region, *id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &types.DeploymentDoesNotExistException{Message: text("The deployment %s could not be found", *id)}
	}
	return d, err
}

// shown is the deployment as it is described, under the names that its
// application and its group have now.
func (d *deployment) shown(r store.Reader) (*types.DeploymentInfo, error) {
	info := d.DeploymentInfo
	for id, name := range map[string]**string{d.ApplicationID: &info.ApplicationName, d.GroupID: &info.DeploymentGroupName} {
		now, err := names.Get(r, d.Region, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if err == nil {
			*name = now
		}
	}
	return &info, nil
}

// historyKey sorts by the time of creation.
func (d *deployment) historyKey(group string) []string {
	return []string{d.Region, group, fmt.Sprintf("%015d", d.CreateTime.UnixMilli()), d.id()}
}

// progressOf is empty for a group that was never deployed to.
func progressOf(r store.Reader, region, group string) (*progress, error) {
	p, err := progresses.Get(r, region, group)
	if errors.Is(err, store.ErrNotFound) {
		return &progress{}, nil
	}
	return p, err
}

// begin writes a new deployment down, as the active one of its group.
func (s *Service) begin(tx *engine.Tx, d *deployment) error {
	p, err := progressOf(tx, d.Region, d.GroupID)
	if err != nil {
		return err
	}
	p.Active, p.LastAttempted = d.id(), d.id()
	id := d.id()
	for _, group := range []string{"", d.GroupID} {
		if err := history.Put(tx, &id, d.historyKey(group)...); err != nil {
			return err
		}
	}
	if err := running.Put(tx, &runningRef{d.Region, id}, d.Region, id); err != nil {
		return err
	}
	if err := progresses.Put(tx, p, d.Region, d.GroupID); err != nil {
		return err
	}
	if err := deployments.Put(tx, d, d.Region, id); err != nil {
		return err
	}
	if err := s.watch(tx, d); err != nil {
		return err
	}
	return s.wake(tx, d.Region, id)
}

// end writes down that a deployment is over.
func (s *Service) end(tx *engine.Tx, d *deployment) error {
	p, err := progressOf(tx, d.Region, d.GroupID)
	if err != nil {
		return err
	}
	if p.Active == d.id() {
		p.Active = ""
	}
	if d.Status == types.DeploymentStatusSucceeded {
		p.LastSuccessful, p.Target = d.id(), d.Revision
	}
	if err := progresses.Put(tx, p, d.Region, d.GroupID); err != nil {
		return err
	}
	if err := running.Delete(tx, d.Region, d.id()); err != nil {
		return err
	}
	if err := s.unwatch(tx, d); err != nil {
		return err
	}
	return tx.Cancel(jobTimer, timerID(d.Region, d.id()))
}
