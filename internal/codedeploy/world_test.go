package codedeploy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"
)

const (
	prefix     = "arn:aws:elasticloadbalancing:us-east-1:000000000000:"
	tgA        = prefix + "targetgroup/a/1"
	tgB        = prefix + "targetgroup/b/2"
	tgC        = prefix + "targetgroup/c/3"
	prod       = prefix + "listener/app/lb/1/2"
	testing8   = prefix + "listener/app/lb/1/3"
	prodRule   = prefix + "listener-rule/app/lb/1/2/9"
	otherRule  = prefix + "listener-rule/app/lb/1/2/8"
	serviceARN = "arn:aws:ecs:us-east-1:000000000000:service/c/web"
)

// world is what deployments act on: one service with two target groups, one
// function with two versions. It watches that the traffic is right at every
// moment: a group with weight has a task set that is steady.
type world struct {
	t  testing.TB
	mu sync.Mutex

	sets       []ecstypes.TaskSet
	events     []ecstypes.ServiceEvent
	service    string // its status
	controller ecstypes.DeploymentControllerType
	lazy       bool // new task sets are steady only after settle
	tasks      map[string]*ecstypes.TaskDefinition
	rules      map[string][]elbtypes.Rule // by listener; [0] is the default one

	alias   string
	extra   map[string]float64
	invoked []map[string]string
	missing bool // the hook's function

	alarms  map[string]cwtypes.StateValue
	objects map[string][]byte

	published []*sns.PublishInput

	denied  string // a call that the role may not make
	calls   int
	changes []string // what was done, in order
	// crash is called after each call that changes something; its error is what
	// the caller gets instead of the answer.
	crash func(change string) error
}

func forward(weights ...any) []elbtypes.Action {
	c := &elbtypes.ForwardActionConfig{}
	for i := 0; i < len(weights); i += 2 {
		c.TargetGroups = append(c.TargetGroups, elbtypes.TargetGroupTuple{TargetGroupArn: aws.String(weights[i].(string)), Weight: aws.Int32(int32(weights[i+1].(int)))})
	}
	a := elbtypes.Action{Type: elbtypes.ActionTypeEnumForward, Order: aws.Int32(1), ForwardConfig: c}
	if len(weights) == 2 {
		a.TargetGroupArn = aws.String(weights[0].(string))
	}
	return []elbtypes.Action{a}
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, service: "ACTIVE", controller: ecstypes.DeploymentControllerTypeCodeDeploy, alias: "1",
		alarms: map[string]cwtypes.StateValue{}, objects: map[string][]byte{}, rules: map[string][]elbtypes.Rule{}, tasks: map[string]*ecstypes.TaskDefinition{}}
	for _, revision := range []string{"f:1", "f:2"} {
		w.tasks[revision] = &ecstypes.TaskDefinition{TaskDefinitionArn: aws.String(revision), Status: ecstypes.TaskDefinitionStatusActive,
			ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("web"), PortMappings: []ecstypes.PortMapping{{ContainerPort: aws.Int32(80)}}}}}
	}
	w.rules[prod] = []elbtypes.Rule{{RuleArn: aws.String(prod + "/default"), IsDefault: aws.Bool(true), Actions: forward(tgA, 1)}}
	w.rules[testing8] = []elbtypes.Rule{{RuleArn: aws.String(testing8 + "/default"), IsDefault: aws.Bool(true), Actions: forward(tgB, 1)}}
	w.sets = []ecstypes.TaskSet{{Id: aws.String("ecs-svc/1"), TaskSetArn: aws.String("set/1"), Status: aws.String("PRIMARY"), TaskDefinition: aws.String("f:1"),
		LaunchType: ecstypes.LaunchTypeFargate, StabilityStatus: ecstypes.StabilityStatusSteadyState, ComputedDesiredCount: 1, RunningCount: 1,
		LoadBalancers: []ecstypes.LoadBalancer{{TargetGroupArn: aws.String(tgA), ContainerName: aws.String("web"), ContainerPort: aws.Int32(80)}}}}
	return w
}

func (w *world) clients(aws.Config) *clients { return &clients{w, w, w, w, w, w} }

func apiError(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message, Fault: smithy.FaultClient}
}

func (w *world) enter(call string) (func(), error) {
	w.mu.Lock()
	w.calls++
	if w.denied == call {
		return w.mu.Unlock, apiError("AccessDeniedException", "User is not authorized to perform: "+call)
	}
	return w.mu.Unlock, nil
}

// did notes a change and checks the traffic.
func (w *world) did(format string, args ...any) error {
	change := fmt.Sprintf(format, args...)
	w.changes = append(w.changes, change)
	for _, r := range w.rules[prod] {
		for _, a := range r.Actions {
			for _, g := range groupsOf(a) {
				if *g.Weight == 0 || *g.TargetGroupArn == tgC {
					continue
				}
				if !slices.ContainsFunc(w.sets, func(s ecstypes.TaskSet) bool {
					return *s.LoadBalancers[0].TargetGroupArn == *g.TargetGroupArn && s.StabilityStatus == ecstypes.StabilityStatusSteadyState && *s.Status != "DRAINING"
				}) && w.service == "ACTIVE" {
					w.t.Errorf("after %s: %s has weight %d and no task set", change, *g.TargetGroupArn, *g.Weight)
				}
			}
		}
	}
	if w.crash != nil {
		return w.crash(change)
	}
	return nil
}

// settle lets all task sets be steady.
func (w *world) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.sets {
		w.sets[i].StabilityStatus, w.sets[i].RunningCount = ecstypes.StabilityStatusSteadyState, 1
	}
}

// split is production's: "a:90 b:10".
func (w *world) split(listener string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, g := range groupsOf(w.rules[listener][0].Actions[0]) {
		if *g.Weight > 0 {
			all = append(all, fmt.Sprintf("%s:%d", strings.Split(*g.TargetGroupArn, "/")[1], *g.Weight))
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// running are the task sets: "1/PRIMARY 2/ACTIVE".
func (w *world) running() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, s := range w.sets {
		all = append(all, strings.TrimPrefix(*s.TaskSetArn, "set/")+"/"+*s.Status)
	}
	return strings.Join(all, " ")
}

func (w *world) DescribeServices(context.Context, *ecs.DescribeServicesInput, ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error) {
	unlock, err := w.enter("ecs:DescribeServices")
	defer unlock()
	if w.service == "" {
		return &ecs.DescribeServicesOutput{}, err
	}
	return &ecs.DescribeServicesOutput{Services: []ecstypes.Service{{ServiceArn: aws.String(serviceARN), Status: aws.String(w.service),
		DeploymentController: &ecstypes.DeploymentController{Type: w.controller}, TaskSets: slices.Clone(w.sets), Events: w.events}}}, err
}

func (w *world) CreateTaskSet(_ context.Context, in *ecs.CreateTaskSetInput, _ ...func(*ecs.Options)) (*ecs.CreateTaskSetOutput, error) {
	unlock, err := w.enter("ecs:CreateTaskSet")
	defer unlock()
	if err != nil {
		return nil, err
	}
	if err := w.fits(in); err != nil {
		return nil, err
	}
	n := len(w.changes) + 100
	s := ecstypes.TaskSet{Id: aws.String(fmt.Sprintf("ecs-svc/%d", n)), TaskSetArn: aws.String(fmt.Sprintf("set/%d", n)), Status: aws.String("ACTIVE"), ExternalId: in.ExternalId,
		TaskDefinition: in.TaskDefinition, LoadBalancers: in.LoadBalancers, ComputedDesiredCount: 1, RunningCount: 1, StabilityStatus: ecstypes.StabilityStatusSteadyState}
	if w.lazy {
		s.StabilityStatus, s.RunningCount = ecstypes.StabilityStatusStabilizing, 0
	}
	w.sets = append(w.sets, s)
	return &ecs.CreateTaskSetOutput{TaskSet: &s}, w.did("create %s in %s", *in.TaskDefinition, *in.LoadBalancers[0].TargetGroupArn)
}

// fits is how ECS checks a task set's load balancer.
func (w *world) fits(in *ecs.CreateTaskSetInput) error {
	d, b := w.tasks[*in.TaskDefinition], in.LoadBalancers[0]
	switch {
	case d == nil:
		return apiError("ClientException", "Unable to describe task definition.")
	case *d.ContainerDefinitions[0].Name != *b.ContainerName:
		return apiError("InvalidParameterException", "The container "+*b.ContainerName+" does not exist in the task definition.")
	case *d.ContainerDefinitions[0].PortMappings[0].ContainerPort != *b.ContainerPort:
		return apiError("InvalidParameterException", fmt.Sprintf("The container %s did not have a container port %d defined.", *b.ContainerName, *b.ContainerPort))
	}
	return nil
}

func (w *world) UpdateServicePrimaryTaskSet(_ context.Context, in *ecs.UpdateServicePrimaryTaskSetInput, _ ...func(*ecs.Options)) (*ecs.UpdateServicePrimaryTaskSetOutput, error) {
	unlock, err := w.enter("ecs:UpdateServicePrimaryTaskSet")
	defer unlock()
	if err != nil {
		return nil, err
	}
	for i := range w.sets {
		w.sets[i].Status = aws.String("ACTIVE")
		if *w.sets[i].TaskSetArn == *in.PrimaryTaskSet {
			w.sets[i].Status = aws.String("PRIMARY")
		}
	}
	return &ecs.UpdateServicePrimaryTaskSetOutput{}, w.did("primary")
}

func (w *world) DeleteTaskSet(_ context.Context, in *ecs.DeleteTaskSetInput, _ ...func(*ecs.Options)) (*ecs.DeleteTaskSetOutput, error) {
	unlock, err := w.enter("ecs:DeleteTaskSet")
	defer unlock()
	if err != nil {
		return nil, err
	}
	w.sets = slices.DeleteFunc(slices.Clone(w.sets), func(s ecstypes.TaskSet) bool { return *s.TaskSetArn == *in.TaskSet })
	return &ecs.DeleteTaskSetOutput{}, w.did("delete")
}

func (w *world) DescribeTargetGroups(_ context.Context, in *elb.DescribeTargetGroupsInput, _ ...func(*elb.Options)) (*elb.DescribeTargetGroupsOutput, error) {
	unlock, err := w.enter("elasticloadbalancing:DescribeTargetGroups")
	defer unlock()
	arn := map[string]string{"a": tgA, "b": tgB, "c": tgC}[in.Names[0]]
	if arn == "" {
		err = apiError("TargetGroupNotFound", "One or more target groups not found")
	}
	return &elb.DescribeTargetGroupsOutput{TargetGroups: []elbtypes.TargetGroup{{TargetGroupArn: &arn}}}, err
}

func (w *world) DescribeRules(_ context.Context, in *elb.DescribeRulesInput, _ ...func(*elb.Options)) (*elb.DescribeRulesOutput, error) {
	unlock, err := w.enter("elasticloadbalancing:DescribeRules")
	defer unlock()
	if err == nil && w.rules[*in.ListenerArn] == nil {
		err = apiError("ListenerNotFound", "One or more listeners not found")
	}
	return &elb.DescribeRulesOutput{Rules: slices.Clone(w.rules[*in.ListenerArn])}, err
}

func (w *world) ModifyListener(_ context.Context, in *elb.ModifyListenerInput, _ ...func(*elb.Options)) (*elb.ModifyListenerOutput, error) {
	unlock, err := w.enter("elasticloadbalancing:ModifyListener")
	defer unlock()
	if err != nil {
		return nil, err
	}
	w.rules[*in.ListenerArn][0].Actions = in.DefaultActions
	return &elb.ModifyListenerOutput{}, w.did("weigh %s", (*in.ListenerArn)[len(*in.ListenerArn)-1:])
}

func (w *world) ModifyRule(_ context.Context, in *elb.ModifyRuleInput, _ ...func(*elb.Options)) (*elb.ModifyRuleOutput, error) {
	unlock, err := w.enter("elasticloadbalancing:ModifyRule")
	defer unlock()
	if err != nil {
		return nil, err
	}
	for _, rules := range w.rules {
		for i := range rules {
			if *rules[i].RuleArn == *in.RuleArn {
				rules[i].Actions = in.Actions
			}
		}
	}
	return &elb.ModifyRuleOutput{}, w.did("weigh rule")
}

func (w *world) Invoke(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	unlock, err := w.enter("lambda:InvokeFunction")
	defer unlock()
	if err == nil && w.missing {
		err = apiError("ResourceNotFoundException", "Function not found: "+*in.FunctionName)
	}
	if err != nil {
		return nil, err
	}
	payload := map[string]string{}
	if err := json.Unmarshal(in.Payload, &payload); err != nil {
		w.t.Error(err)
	}
	if in.InvocationType != lambdatypes.InvocationTypeEvent {
		w.t.Errorf("invoked as %s", in.InvocationType)
	}
	payload["function"] = *in.FunctionName
	w.invoked = append(w.invoked, payload)
	return &lambda.InvokeOutput{}, w.did("invoke")
}

func (w *world) GetAlias(_ context.Context, in *lambda.GetAliasInput, _ ...func(*lambda.Options)) (*lambda.GetAliasOutput, error) {
	unlock, err := w.enter("lambda:GetAlias")
	defer unlock()
	if *in.Name != "live" {
		err = apiError("ResourceNotFoundException", "Cannot find alias arn")
	}
	return &lambda.GetAliasOutput{FunctionVersion: &w.alias, RoutingConfig: &lambdatypes.AliasRoutingConfiguration{AdditionalVersionWeights: w.extra}}, err
}

func (w *world) UpdateAlias(_ context.Context, in *lambda.UpdateAliasInput, _ ...func(*lambda.Options)) (*lambda.UpdateAliasOutput, error) {
	unlock, err := w.enter("lambda:UpdateAlias")
	defer unlock()
	if err != nil {
		return nil, err
	}
	for v := range in.RoutingConfig.AdditionalVersionWeights {
		if v != "1" && v != "2" {
			return nil, apiError("ResourceNotFoundException", "Function not found: "+v)
		}
	}
	w.alias, w.extra = *in.FunctionVersion, in.RoutingConfig.AdditionalVersionWeights
	return &lambda.UpdateAliasOutput{}, w.did("alias %s %v", w.alias, w.extra)
}

func (w *world) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	unlock, err := w.enter("cloudwatch:DescribeAlarms")
	defer unlock()
	out := &cloudwatch.DescribeAlarmsOutput{}
	for _, name := range in.AlarmNames {
		if state, ok := w.alarms[name]; ok {
			out.MetricAlarms = append(out.MetricAlarms, cwtypes.MetricAlarm{AlarmName: &name, StateValue: state})
		}
	}
	return out, err
}

func (w *world) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	unlock, err := w.enter("s3:GetObject")
	defer unlock()
	b, ok := w.objects[*in.Bucket+"/"+*in.Key]
	if err == nil && !ok {
		err = apiError("NoSuchKey", "The specified key does not exist.")
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(b)), ETag: aws.String(`"e1"`), LastModified: aws.Time(time.Unix(0, 0))}, err
}

func (w *world) Publish(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	unlock, err := w.enter("sns:Publish")
	defer unlock()
	if err == nil {
		w.published = append(w.published, in)
	}
	return &sns.PublishOutput{}, err
}
