package codedeploy

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/appspec"
)

// taskSets replaces the task set of a service of ECS and moves its traffic.
type taskSets struct {
	*clients
	d *deployment
}

func (x taskSets) ecsRefused(err error) error {
	return refused(err, x.d, amazonECS, types.ErrorCodeEcsUpdateError, "The ECS service cannot be updated due to the following error: ")
}

func invalidService(format string, args ...any) error {
	return failed(types.ErrorCodeInvalidEcsService, format, args...)
}

// service reads the group's service, with its task sets.
func (x taskSets) service(ctx context.Context) (*ecstypes.Service, error) {
	cluster, name := *x.d.Service.ClusterName, *x.d.Service.ServiceName
	out, err := x.services.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{name}})
	switch {
	case err != nil:
		return nil, refused(err, x.d, amazonECS, types.ErrorCodeInvalidEcsService, "The ECS service "+name+" in the cluster "+cluster+" cannot be read: ")
	case len(out.Services) == 0 || aws.ToString(out.Services[0].Status) != "ACTIVE":
		return nil, errNoService{failed(types.ErrorCodeInvalidEcsService, "The ECS service %s in the cluster %s does not exist or is not ACTIVE.", name, cluster)}
	}
	return &out.Services[0], nil
}

// errNoService is the failure of a deployment whose service is gone.
type errNoService struct{ *failure }

func (e errNoService) Unwrap() error { return e.failure }

func serviceGone(err error) bool {
	var gone errNoService
	return errors.As(err, &gone) || is(err, "ClusterNotFound")
}

// sets are the service's task sets.
func (x taskSets) sets(ctx context.Context) ([]ecstypes.TaskSet, error) {
	service, err := x.service(ctx)
	if err != nil {
		return nil, err
	}
	return service.TaskSets, nil
}

// find is the task set with one of the ids, nil if there is none.
func find(sets []ecstypes.TaskSet, ids ...string) *ecstypes.TaskSet {
	for i := range sets {
		for _, id := range ids {
			if id != "" && (aws.ToString(sets[i].TaskSetArn) == id || aws.ToString(sets[i].ExternalId) == id) {
				return &sets[i]
			}
		}
	}
	return nil
}

func primary(sets []ecstypes.TaskSet) *ecstypes.TaskSet {
	i := slices.IndexFunc(sets, func(t ecstypes.TaskSet) bool { return aws.ToString(t.Status) == "PRIMARY" })
	if i < 0 {
		return nil
	}
	return &sets[i]
}

// look checks everything before anything is changed, and finds which of the two
// target groups is the one to deploy to: the one that PRIMARY is not in.
func (x taskSets) look(ctx context.Context, spec *appspec.Service) (*sets, error) {
	if strings.Contains(spec.TaskDefinition, appspec.Placeholder) {
		return nil, invalidSpec("The AppSpec file is not valid: the task definition is still the placeholder %s.", appspec.Placeholder)
	}
	service, err := x.service(ctx)
	if err != nil {
		return nil, err
	}
	if service.DeploymentController == nil || service.DeploymentController.Type != ecstypes.DeploymentControllerTypeCodeDeploy {
		return nil, invalidService("Deployment group's ECS service must be configured for a CODE_DEPLOY deployment controller.")
	}
	blue := primary(service.TaskSets)
	if blue == nil || len(blue.LoadBalancers) == 0 {
		return nil, invalidService("The ECS service %s has no PRIMARY task set behind a load balancer.", *x.d.Service.ServiceName)
	}
	a, b, err := x.pair(ctx)
	if err != nil {
		return nil, err
	}
	out := &sets{ServiceARN: aws.ToString(service.ServiceArn), Spec: spec, Blue: aws.ToString(blue.TaskSetArn),
		BlueGroup: a, GreenGroup: b, Definition: aws.ToString(blue.TaskDefinition)}
	switch aws.ToString(blue.LoadBalancers[0].TargetGroupArn) {
	case a.ARN:
	case b.ARN:
		out.BlueGroup, out.GreenGroup = b, a
	default:
		return nil, invalidService("The target ECS service must be configured using one of those two target groups.")
	}
	production := x.d.production()
	routes, err := x.routes(ctx, production)
	if err != nil {
		return nil, err
	}
	if err := checkProduction(production, routes, out.BlueGroup.ARN, out.GreenGroup.ARN); err != nil {
		return nil, err
	}
	if test := x.d.test(); test != "" {
		routes, err := x.routes(ctx, test)
		if err != nil {
			return nil, err
		}
		if err := checkTest(test, routes, out.BlueGroup.ARN, out.GreenGroup.ARN); err != nil {
			return nil, err
		}
	}
	out.Seen = seen(service.TaskSets, out, x.d.id())
	return out, nil
}

func (x taskSets) perform(ctx context.Context, a action) (o outcome, err error) {
	r := x.d.Run.ECS
	switch a.do {
	case install:
		return x.install(ctx)
	case nothing: // something woke it: it may be the end of the service, or of green
		all, err := x.sets(ctx)
		if err != nil && !serviceGone(err) {
			return o, nil
		}
		o.seen = seen(all, r, x.external())
		if err == nil && r.Green != "" {
			err = x.checkGreen(all)
		}
		return o, err
	case test:
		err = x.shift(ctx, x.d.test(), 100)
	case shiftTo:
		err = x.shift(ctx, x.d.production(), a.percent)
	case promote:
		err = x.promote(ctx, r.Green)
	case terminate:
		all, err := x.sets(ctx)
		if err == nil {
			err = x.checkGreen(all)
		}
		if err != nil {
			return o, err
		}
		if err = x.part(ctx, 100); err != nil {
			return o, err
		}
		if err = x.drop(ctx, r.Blue); err != nil {
			return o, err
		}
	case restore:
		err = x.restore(ctx)
	case remove:
		err = x.drop(ctx, r.Green, x.external())
	}
	if err != nil {
		return o, err
	}
	all, err := x.sets(ctx)
	if err != nil {
		return o, nil // what was to be done is done
	}
	o.seen = seen(all, r, x.external())
	return o, nil
}

// checkGreen fails when somebody else has deleted green: it must neither be given
// traffic nor outlive blue.
func (x taskSets) checkGreen(all []ecstypes.TaskSet) error {
	green := x.d.Run.ECS.Green
	if t := find(all, green); t == nil || aws.ToString(t.Status) == "DRAINING" {
		return failed(types.ErrorCodeEcsUpdateError, "The replacement task set %s is gone.", green)
	}
	return nil
}

// shift gives green a percentage of a listener's traffic.
func (x taskSets) shift(ctx context.Context, listener string, percent int32) error {
	all, err := x.sets(ctx)
	if err == nil {
		err = x.checkGreen(all)
	}
	if err != nil {
		return err
	}
	return x.weigh(ctx, listener, percent, false)
}

// external is the external id of green: the deployment's own, or that of the
// deployment that is undone.
func (x taskSets) external() string {
	if x.d.undoing() {
		return x.d.Run.Undoes
	}
	return x.d.id()
}

// install makes green and waits until it is steady. Its target group is put
// behind the production listener first, with no traffic: targets of a group
// without a listener have no health.
func (x taskSets) install(ctx context.Context) (o outcome, err error) {
	r := x.d.Run.ECS
	service, err := x.service(ctx)
	if err != nil {
		return o, err
	}
	all := service.TaskSets
	green := find(all, x.d.id())
	if green == nil {
		// What an earlier deployment left when it failed without rollback would
		// share the target group with green.
		for _, t := range all {
			if s := aws.ToString(t.Status); s != "PRIMARY" && s != "DRAINING" {
				if err := x.drop(ctx, aws.ToString(t.TaskSetArn)); err != nil {
					return o, err
				}
			}
		}
		if err := x.weigh(ctx, x.d.production(), 0, false); err != nil {
			return o, err
		}
		if green, err = x.create(ctx, find(all, r.Blue)); err != nil {
			return o, err
		}
		if all, err = x.sets(ctx); err != nil {
			return o, err
		}
	}
	o.green = aws.ToString(green.TaskSetArn)
	if o.pending = green.StabilityStatus != ecstypes.StabilityStatusSteadyState; o.pending {
		o.note = trouble(service.Events, aws.ToString(green.Id))
	}
	known := *r
	known.Green = o.green
	o.seen = seen(all, &known, x.d.id())
	return o, nil
}

// trouble is what the service's events, newest first, say of a task set whose
// tasks cannot be placed, do not stay or are not healthy; "" if nothing.
func trouble(events []ecstypes.ServiceEvent, set string) string {
	for _, e := range events {
		if m := aws.ToString(e.Message); strings.Contains(m, "taskSet "+set+")") && (strings.Contains(m, "unable to") || strings.Contains(m, "is unhealthy in")) {
			return m
		}
	}
	return ""
}

// create makes green: as the revision says, and as blue is where it says
// nothing. A second time gives the first one.
func (x taskSets) create(ctx context.Context, blue *ecstypes.TaskSet) (*ecstypes.TaskSet, error) {
	r := x.d.Run.ECS
	spec := r.Spec
	if blue == nil {
		return nil, invalidService("The PRIMARY task set of the ECS service %s is gone.", *x.d.Service.ServiceName)
	}
	in := &ecs.CreateTaskSetInput{
		Cluster: x.d.Service.ClusterName, Service: x.d.Service.ServiceName, TaskDefinition: &spec.TaskDefinition,
		ExternalId: x.d.DeploymentId, ClientToken: x.d.DeploymentId,
		Scale: &ecstypes.Scale{Unit: ecstypes.ScaleUnitPercent, Value: 100},
		LoadBalancers: []ecstypes.LoadBalancer{{TargetGroupArn: &r.GreenGroup.ARN, ContainerName: &spec.ContainerName,
			ContainerPort: aws.Int32(int32(spec.ContainerPort))}},
		NetworkConfiguration: blue.NetworkConfiguration, ServiceRegistries: blue.ServiceRegistries,
		LaunchType: blue.LaunchType, CapacityProviderStrategy: blue.CapacityProviderStrategy, PlatformVersion: blue.PlatformVersion,
	}
	if len(in.CapacityProviderStrategy) > 0 {
		in.LaunchType = "" // one or the other
	}
	if spec.PlatformVersion != "" {
		in.PlatformVersion = &spec.PlatformVersion
	}
	if spec.Subnets != nil {
		in.NetworkConfiguration = &ecstypes.NetworkConfiguration{AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{
			Subnets: spec.Subnets, SecurityGroups: spec.SecurityGroups, AssignPublicIp: ecstypes.AssignPublicIp(spec.AssignPublicIP)}}
	}
	if spec.CapacityProviders != nil {
		in.LaunchType, in.CapacityProviderStrategy = "", nil
		for _, c := range spec.CapacityProviders {
			in.CapacityProviderStrategy = append(in.CapacityProviderStrategy, ecstypes.CapacityProviderStrategyItem{
				CapacityProvider: aws.String(c.Name), Base: int32(c.Base), Weight: int32(c.Weight)})
		}
	}
	out, err := x.services.CreateTaskSet(ctx, in)
	if err != nil {
		return nil, x.ecsRefused(err)
	}
	return out.TaskSet, nil
}

// promote makes a task set PRIMARY.
func (x taskSets) promote(ctx context.Context, set string) error {
	all, err := x.sets(ctx)
	if err != nil {
		return err
	}
	if p := primary(all); p != nil && aws.ToString(p.TaskSetArn) == set {
		return nil
	}
	_, err = x.services.UpdateServicePrimaryTaskSet(ctx, &ecs.UpdateServicePrimaryTaskSetInput{
		Cluster: x.d.Service.ClusterName, Service: x.d.Service.ServiceName, PrimaryTaskSet: &set})
	return x.ecsRefused(err)
}

// restore gives blue all traffic, and makes it PRIMARY if it no longer is. If
// blue is gone, the traffic stays where it is.
func (x taskSets) restore(ctx context.Context) error {
	r := x.d.Run.ECS
	all, err := x.sets(ctx)
	gone := serviceGone(err)
	if err != nil && !gone {
		return err
	}
	if blue := find(all, r.Blue); !gone && (blue == nil || aws.ToString(blue.Status) == "DRAINING") {
		return failed(types.ErrorCodeEcsUpdateError, "The original task set %s is gone.", r.Blue)
	}
	for _, listener := range x.listeners() {
		if err := x.weigh(ctx, listener, 0, true); err != nil {
			return err
		}
	}
	if gone {
		return nil
	}
	return x.promote(ctx, r.Blue)
}

// drop deletes the task set with one of the ids, if it is there. Its tasks leave
// their target group first; ECS sees to that.
func (x taskSets) drop(ctx context.Context, ids ...string) error {
	all, err := x.sets(ctx)
	if err != nil {
		if serviceGone(err) {
			return nil
		}
		return err
	}
	t := find(all, ids...)
	if t == nil || aws.ToString(t.Status) == "DRAINING" {
		return nil
	}
	_, err = x.services.DeleteTaskSet(ctx, &ecs.DeleteTaskSetInput{Cluster: x.d.Service.ClusterName, Service: x.d.Service.ServiceName,
		TaskSet: t.TaskSetArn, Force: aws.Bool(true)})
	if is(err, "TaskSetNotFound") {
		return nil
	}
	return x.ecsRefused(err)
}

// seen are the task sets of the pair as a target shows them.
func seen(all []ecstypes.TaskSet, r *sets, green string) []types.ECSTaskSet {
	shown := []types.ECSTaskSet{}
	for _, t := range all {
		one := types.ECSTaskSet{Identifer: t.Id, Status: t.Status, DesiredCount: int64(t.ComputedDesiredCount),
			RunningCount: int64(t.RunningCount), PendingCount: int64(t.PendingCount)}
		switch {
		case aws.ToString(t.TaskSetArn) == r.Blue:
			one.TaskSetLabel, one.TargetGroup = types.TargetLabelBlue, &types.TargetGroupInfo{Name: aws.String(r.BlueGroup.Name)}
		case aws.ToString(t.ExternalId) == green:
			one.TaskSetLabel, one.TargetGroup = types.TargetLabelGreen, &types.TargetGroupInfo{Name: aws.String(r.GreenGroup.Name)}
		default:
			continue
		}
		shown = append(shown, one)
	}
	return shown
}
