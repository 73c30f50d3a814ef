package codedeploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/appspec"
)

// perform does what a deployment decided to do. Everything may be done twice.
//
// Errors: *failure for what ends the deployment; others are tried again.
func (s *Service) perform(ctx context.Context, d *deployment, a action) (outcome, error) {
	if d.ComputePlatform == types.ComputePlatformServer {
		return outcome{}, failed(types.ErrorCodeNoInstances, "The deployment failed because no instances were found for your deployment group. "+
			"Slipway has no instances that the CodeDeploy agent could deploy to.")
	}
	if a.do == goOn || a.do == runOut || a.do == nothing && d.Run.ECS == nil {
		return outcome{}, nil
	}
	c, err := s.open(ctx, d)
	if err != nil && a.do == nothing {
		return outcome{}, nil // it need not look
	}
	if err != nil {
		return outcome{}, err
	}
	switch a.do {
	case start:
		return s.start(ctx, c, d)
	case invoke:
		return outcome{}, s.invoke(ctx, c, d)
	}
	if d.ComputePlatform == types.ComputePlatformLambda {
		return outcome{}, aliasShift{c, d}.perform(ctx, a)
	}
	return taskSets{c, d}.perform(ctx, a)
}

// invalidSpec is the failure of a deployment whose AppSpec file is not right. The
// beginning is AWS's.
func invalidSpec(format string, args ...any) error {
	return failed(types.ErrorCodeInvalidRevision, "The deployment failed because the AppSpec file that specifies the deployment configuration is missing or has an invalid configuration. "+format, args...)
}

// start reads the revision and looks at what is to be deployed to.
func (s *Service) start(ctx context.Context, c *clients, d *deployment) (outcome, error) {
	content, err := s.content(ctx, c, d)
	if err != nil {
		return outcome{}, err
	}
	spec, err := appspec.Parse(content)
	if err != nil {
		return outcome{}, invalidSpec("The AppSpec file is not valid: %v.", err)
	}
	want := map[types.ComputePlatform]appspec.Platform{types.ComputePlatformEcs: appspec.ECS, types.ComputePlatformLambda: appspec.Lambda}[d.ComputePlatform]
	if spec.Platform != want {
		return outcome{}, invalidSpec("The AppSpec file is for the compute platform %s, the deployment group for %s.", spec.Platform, d.ComputePlatform)
	}
	b := &begun{Hooks: map[string]string{}}
	for _, h := range spec.Hooks {
		if b.Hooks[h.Event] != "" {
			return outcome{}, invalidSpec("The AppSpec file is not valid: the hook %s stands twice, again at line %d.", h.Event, h.Line)
		}
		b.Hooks[h.Event] = h.Function
		if !slices.Contains(d.Run.Steps, h.Event) {
			b.Notes = append(b.Notes, fmt.Sprintf("The hook %s is not called: the deployment group has no test listener.", h.Event))
		}
	}
	o := outcome{begun: b}
	if spec.Function != nil {
		b.Lambda = spec.Function
		return o, aliasShift{c, d}.look(ctx, spec.Function)
	}
	b.ECS, err = taskSets{c, d}.look(ctx, spec.Service)
	if err != nil {
		return outcome{}, err
	}
	return o, nil
}

// invoke calls the function of a hook, which reports by
// PutLifecycleEventHookExecutionStatus; what it returns is of no interest.
func (s *Service) invoke(ctx context.Context, c *clients, d *deployment) error {
	event := d.Run.step()
	function := d.Run.Hooks[event]
	payload, err := json.Marshal(map[string]string{"DeploymentId": d.id(), "LifecycleEventHookExecutionId": d.Run.Call.ID})
	if err != nil {
		return err
	}
	_, err = c.functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, InvocationType: lambdatypes.InvocationTypeEvent, Payload: payload})
	return refused(err, d, awsLambda, types.ErrorCodeHookExecutionFailure, fmt.Sprintf("The function %s of the hook %s could not be invoked: ", function, event))
}

// lookAtAlarms tells why a deployment must stop, nil if nothing is wrong. last
// is for the last attempt: alarms that cannot be looked at stop the deployment,
// too, unless its settings say otherwise.
func (s *Service) lookAtAlarms(ctx context.Context, d *deployment, last bool) (*failure, error) {
	blind := func(why string) (*failure, error) {
		if d.Alarms.IgnorePollAlarmFailure {
			return nil, nil
		}
		return failed(types.ErrorCodeAlarmActive, "The deployment was stopped because the state of its alarms could not be read: %s", why), nil
	}
	var wanted []string
	for _, a := range d.Alarms.Alarms {
		wanted = append(wanted, aws.ToString(a.Name))
	}
	c, err := s.open(ctx, d)
	if err != nil {
		var why *failure
		switch {
		case !errors.As(err, &why):
			return nil, err
		case d.Run.step() == stepBegin:
			return nil, nil // the first step fails with what is wrong with the role
		}
		return blind(why.Message)
	}
	out, err := c.alarms.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: wanted,
		AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm, cwtypes.AlarmTypeCompositeAlarm}, MaxRecords: aws.Int32(100)})
	if err != nil {
		err = refused(err, d, cloudWatch, types.ErrorCodeAlarmActive, "")
		var why *failure
		switch {
		case errors.As(err, &why):
			return blind(why.Message)
		case last:
			return blind(err.Error())
		}
		return nil, err
	}
	states := map[string]cwtypes.StateValue{}
	for _, a := range out.MetricAlarms {
		states[aws.ToString(a.AlarmName)] = a.StateValue
	}
	for _, a := range out.CompositeAlarms {
		states[aws.ToString(a.AlarmName)] = a.StateValue
	}
	var active, missing []string
	for _, name := range wanted {
		switch state, ok := states[name]; {
		case !ok:
			missing = append(missing, name)
		case state == cwtypes.StateValueAlarm:
			active = append(active, name)
		}
	}
	slices.Sort(active)
	switch {
	case len(active) > 0:
		return failed(types.ErrorCodeAlarmActive, "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, "+
			"and the affected deployments have been stopped. Activated alarms: <%s>", strings.Join(active, ", ")), nil
	case len(missing) > 0:
		return blind("there is no alarm with the name " + strings.Join(missing, ", "))
	}
	return nil, nil
}
