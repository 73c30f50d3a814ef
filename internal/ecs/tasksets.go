package ecs

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// deployed finds a service whose task sets someone else manages.
func deployed(r store.Reader, region string, cluster, ref *string) (*cluster, *service, error) {
	c, svc, err := knownService(r, region, cluster, ref)
	if err != nil {
		return nil, nil, err
	}
	if aws.ToString(svc.Status) == "INACTIVE" {
		return nil, nil, notActive()
	}
	if !svc.hasTaskSets() {
		return nil, nil, invalidParameter("Amazon ECS only supports task set management on services configured to use external deployment controllers.")
	}
	return c, svc, nil
}

// changeable is deployed for what changes the task sets.
func changeable(r store.Reader, region string, cluster, ref *string) (*cluster, *service, error) {
	c, svc, err := deployed(r, region, cluster, ref)
	if err == nil && aws.ToString(svc.Status) != "ACTIVE" {
		err = notActive()
	}
	return c, svc, err
}

func notActive() error {
	return &types.ServiceNotActiveException{Message: aws.String("Service was not ACTIVE.")}
}

// setID is the id in a reference that may be an id or an ARN.
func setID(ref string) string {
	if a, ok := arn.Parse(ref); ok {
		if part := strings.SplitN(a.Resource, "/", 4); len(part) == 4 {
			return part[3]
		}
	}
	return ref
}

// set is the task set of an id; nil if the service has none such.
func (s *service) set(id string) *taskSet {
	for i := range s.Sets {
		if s.Sets[i].id() == id {
			return &s.Sets[i]
		}
	}
	return nil
}

func knownSet(svc *service, ref *string) (*taskSet, error) {
	if t := svc.set(setID(aws.ToString(ref))); t != nil {
		return t, nil
	}
	return nil, &types.TaskSetNotFoundException{Message: aws.String("The specified task set does not exist.")}
}

// addSet makes a task set, and tells what of it Slipway does not do.
func (s *Service) addSet(tx *engine.Tx, svc *service, t taskSet, d *definition) (*taskSet, error) {
	t.Id = aws.String("ecs-svc/1" + id.Of(s.IDs, id.Digits, 18))
	t.CreatedAt, t.UpdatedAt, t.SteadyAt = aws.Time(tx.Now()), aws.Time(tx.Now()), tx.Now()
	svc.Sets = append(svc.Sets, t)
	if t.is(setPrimary) {
		svc.adopt(&t.rollout)
	}
	for _, message := range svc.undone(&t.rollout, d) {
		if err := s.say(tx, svc, svc.who(t.id())+message); err != nil {
			return nil, err
		}
	}
	return &svc.Sets[len(svc.Sets)-1], nil
}

// checkScale is the scale of a request; none is 100 per cent.
func checkScale(in *types.Scale) (float64, error) {
	switch {
	case in == nil:
		return 100, nil
	case in.Unit != "" && in.Unit != types.ScaleUnitPercent:
		return 0, invalidParameter("The unit of a scale must be PERCENT.")
	case !(in.Value >= 0 && in.Value <= 100):
		return 0, invalidParameter("The value of a scale must be between 0 and 100.")
	}
	return in.Value, nil
}

// CreateTaskSet makes a task set beside those that a service has; it serves
// what its target group is sent.
func (s *Service) CreateTaskSet(ctx context.Context, in *ecs.CreateTaskSetInput, _ ...func(*ecs.Options)) (*ecs.CreateTaskSetOutput, error) {
	region := identity.Region(ctx)
	scale, err := checkScale(in.Scale)
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	groups, err := s.targetGroups(ctx, in.LoadBalancers)
	if err != nil {
		return nil, err
	}
	if err := s.Networks.Ready(ctx, region); err != nil {
		return nil, err
	}
	out := &ecs.CreateTaskSetOutput{}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		c, svc, err := changeable(tx, region, in.Cluster, in.Service)
		if err != nil {
			return err
		}
		if token := aws.ToString(in.ClientToken); token != "" {
			if i := slices.IndexFunc(svc.Sets, func(t taskSet) bool { return t.Token == token }); i >= 0 {
				out.TaskSet, err = s.shownSet(tx, svc, &svc.Sets[i])
				return err
			}
		}
		if n := liveSets(svc.Sets); n >= maxSets {
			return invalidParameter("%d deployments exist on the service. Unable to create new TaskSet since this exceeds the maximum limit.", n)
		}
		controller := controllerOf(svc.DeploymentController)
		if controller == external {
			if err := checkAttached(groups, in.LoadBalancers); err != nil {
				return err
			}
		}
		d, err := usableDefinition(tx, region, aws.ToString(in.TaskDefinition))
		if err != nil {
			return err
		}
		t := taskSet{Scale: scale, ExternalID: aws.ToString(in.ExternalId), Token: aws.ToString(in.ClientToken), Tags: in.Tags, rollout: rollout{
			LoadBalancers: orNil(in.LoadBalancers), ServiceRegistries: orNil(in.ServiceRegistries), Platform: aws.ToString(in.PlatformVersion),
			Deployment: types.Deployment{Status: aws.String(setActive), TaskDefinition: d.TaskDefinitionArn, NetworkConfiguration: network(in.NetworkConfiguration),
				LaunchType: in.LaunchType, CapacityProviderStrategy: orNil(in.CapacityProviderStrategy)},
		}}
		if controller == codeDeploy {
			t.StartedBy = "CODE_DEPLOY"
			if len(t.LoadBalancers) == 0 {
				return invalidParameter("A load balancer with a target group is required for services with a CODE_DEPLOY deployment controller.")
			}
		}
		if err := t.place(c, d, controller); err != nil {
			return err
		}
		if err := s.checkNetwork(tx, region, in.NetworkConfiguration); err != nil {
			return err
		}
		if err := checkTargets(groups, d); err != nil {
			return err
		}
		made, err := s.addSet(tx, svc, t, d)
		if err != nil {
			return err
		}
		out.TaskSet, err = s.saveSet(tx, svc, made)
		return err
	})
	return out, err
}

// maxSets is how many task sets a service has at most, beside those that end.
const maxSets = 5

// liveSets counts the sets that do not end. One that ends stays for as long as
// its targets drain, five minutes by default: were it counted, a few deployments
// after one another, each of them rolled back, would keep the next from starting.
func liveSets(sets []taskSet) (n int) {
	for i := range sets {
		if !sets[i].is(setDraining) {
			n++
		}
	}
	return n
}

// saveSet writes a service whose task set an operation changed, and sets it
// going.
func (s *Service) saveSet(tx *engine.Tx, svc *service, t *taskSet) (*types.TaskSet, error) {
	if err := s.putService(tx, svc); err != nil {
		return nil, err
	}
	return s.shownSet(tx, svc, t)
}

func (s *Service) shownSet(r store.Reader, svc *service, t *taskSet) (*types.TaskSet, error) {
	running, err := liveTasks(r, svc.Region, svc.cluster(), svc.name())
	if err != nil {
		return nil, err
	}
	out := s.describeSet(svc, t, running, true)
	return &out, nil
}

// changeSet changes a task set of a service and sets the service going.
func (s *Service) changeSet(ctx context.Context, cluster, name, set *string, change func(tx *engine.Tx, svc *service, t *taskSet) error) (shown *types.TaskSet, err error) {
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		_, svc, err := changeable(tx, identity.Region(ctx), cluster, name)
		if err != nil {
			return err
		}
		t, err := knownSet(svc, set)
		if err != nil {
			return err
		}
		if err := change(tx, svc, t); err != nil {
			return err
		}
		shown, err = s.saveSet(tx, svc, t)
		return err
	})
	return shown, err
}

// UpdateTaskSet changes the scale of a task set.
func (s *Service) UpdateTaskSet(ctx context.Context, in *ecs.UpdateTaskSetInput, _ ...func(*ecs.Options)) (*ecs.UpdateTaskSetOutput, error) {
	scale, err := checkScale(in.Scale)
	if err != nil {
		return nil, err
	}
	shown, err := s.changeSet(ctx, in.Cluster, in.Service, in.TaskSet, func(tx *engine.Tx, _ *service, t *taskSet) error {
		if t.is(setDraining) {
			return invalidParameter("The task set cannot be updated while it is DRAINING.")
		}
		t.Scale, t.UpdatedAt = scale, aws.Time(tx.Now())
		return nil
	})
	return &ecs.UpdateTaskSetOutput{TaskSet: shown}, err
}

// UpdateServicePrimaryTaskSet makes a task set the one whose parameters the
// service shows. It moves no traffic.
func (s *Service) UpdateServicePrimaryTaskSet(ctx context.Context, in *ecs.UpdateServicePrimaryTaskSetInput, _ ...func(*ecs.Options)) (*ecs.UpdateServicePrimaryTaskSetOutput, error) {
	shown, err := s.changeSet(ctx, in.Cluster, in.Service, in.PrimaryTaskSet, func(tx *engine.Tx, svc *service, t *taskSet) error {
		if t.is(setDraining) {
			return invalidParameter("The task set cannot be the primary one while it is DRAINING.")
		}
		for i := range svc.Sets {
			if other := &svc.Sets[i]; other.is(setPrimary) && other.id() != t.id() {
				other.Status, other.UpdatedAt = aws.String(setActive), aws.Time(tx.Now())
			}
		}
		if !t.is(setPrimary) {
			t.Status, t.UpdatedAt = aws.String(setPrimary), aws.Time(tx.Now())
		}
		svc.adopt(&t.rollout)
		return nil
	})
	return &ecs.UpdateServicePrimaryTaskSetOutput{TaskSet: shown}, err
}

// DeleteTaskSet ends a task set: its targets drain, its tasks stop, and it is
// gone. A set that runs tasks, or is the primary one, needs force. To do it again
// changes nothing.
func (s *Service) DeleteTaskSet(ctx context.Context, in *ecs.DeleteTaskSetInput, _ ...func(*ecs.Options)) (*ecs.DeleteTaskSetOutput, error) {
	shown, err := s.changeSet(ctx, in.Cluster, in.Service, in.TaskSet, func(tx *engine.Tx, svc *service, t *taskSet) error {
		switch force := aws.ToBool(in.Force); {
		case t.is(setDraining):
			return nil
		case !force && t.is(setPrimary):
			return invalidParameter("The primary task set of a service cannot be deleted without force.")
		case !force && t.desired(svc.DesiredCount) > 0:
			return invalidParameter("The task set cannot be deleted while it is scaled above 0.")
		case t.is(setPrimary):
			svc.adopt(&rollout{})
		}
		t.Status, t.UpdatedAt = aws.String(setDraining), aws.Time(tx.Now())
		return nil
	})
	return &ecs.DeleteTaskSetOutput{TaskSet: shown}, err
}

// DescribeTaskSets describes those that are named, or all of a service; unknown
// ones are failures.
func (s *Service) DescribeTaskSets(ctx context.Context, in *ecs.DescribeTaskSetsInput, _ ...func(*ecs.Options)) (*ecs.DescribeTaskSetsOutput, error) {
	tags := slices.Contains(in.Include, types.TaskSetFieldTags)
	out := &ecs.DescribeTaskSetsOutput{TaskSets: []types.TaskSet{}, Failures: []types.Failure{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		_, svc, err := deployed(r, identity.Region(ctx), in.Cluster, in.Service)
		if err != nil {
			return err
		}
		running, err := liveTasks(r, svc.Region, svc.cluster(), svc.name())
		if err != nil {
			return err
		}
		for i := range svc.Sets {
			if len(in.TaskSets) == 0 {
				out.TaskSets = append(out.TaskSets, s.describeSet(svc, &svc.Sets[i], running, tags))
			}
		}
		for _, ref := range in.TaskSets {
			if t := svc.set(setID(ref)); t != nil {
				out.TaskSets = append(out.TaskSets, s.describeSet(svc, t, running, tags))
			} else {
				out.Failures = append(out.Failures, missing(s.setARN(svc, setID(ref))))
			}
		}
		return nil
	})
	return out, err
}
