package codedeploy

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store/memory"
)

type sessions struct{ err error }

func (s sessions) Credentials(context.Context, session.Request) (aws.Credentials, error) {
	return aws.Credentials{}, s.err
}

func (s sessions) Config(context.Context, session.Request) (aws.Config, error) {
	return aws.Config{}, s.err
}

// bench is the service on a fake world, with a clock that the test moves.
type bench struct {
	*Service
	t      testing.TB
	ctx    context.Context
	store  *memory.Store
	clock  *clock.Fake
	ids    *id.Sequence
	world  *world
	events []string // of deployments
	stop   func()
	roles  bool
	role   error // of every session
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t, ctx: identity.WithRegion(t.Context(), "us-east-1"), store: memory.New(),
		clock: clock.NewFake(enginetest.Epoch), ids: &id.Sequence{}, world: newWorld(t), roles: true}
	b.start()
	return b
}

func (b *bench) start() {
	e := enginetest.On(b.t, b.store, b.clock)
	hub := bus.New(e, b.ids)
	b.Service = New(Config{Engine: e, Bus: hub, Site: site.Site{Account: "000000000000", Region: "us-east-1"}, IDs: b.ids, Log: enginetest.Log(b.t),
		Sessions: sessions{b.role}, Roles: func(context.Context, string) bool { return b.roles }})
	b.connect = b.world.clients
	hub.Subscribe("test", func(ev *bus.Event) bool { return ev.Source == "aws.codedeploy" }, func(_ context.Context, ev bus.Event) error {
		var d struct{ DeploymentId, State string }
		if err := json.Unmarshal(ev.Detail, &d); err != nil {
			return err
		}
		b.events = append(b.events, d.State)
		return nil
	})
	b.stop = enginetest.Start(b.t, e)
	b.must(b.Resume(b.ctx))
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// settle waits until nothing is left to do now.
func (b *bench) settle() { enginetest.Settle(b.t, b.Engine) }

// pass lets time go by, in steps of a second, as timers fall due one after
// another.
func (b *bench) pass(d time.Duration) {
	for ; d > 0; d -= time.Second {
		b.clock.Advance(min(d, time.Second))
		b.settle()
	}
}

// emit publishes an event of another service.
func (b *bench) emit(source, kind, resource string, detail any) {
	b.t.Helper()
	raw, err := json.Marshal(detail)
	b.must(err)
	b.must(b.Engine.Update(b.ctx, func(tx *engine.Tx) error {
		return b.Bus.Emit(tx, bus.Event{Source: source, DetailType: kind, Region: "us-east-1", Resources: []string{resource}, Detail: raw})
	}))
	b.settle()
}

// steady tells that a task set is.
func (b *bench) steady() {
	b.world.settle()
	b.emit("aws.ecs", "ECS Service Action", serviceARN, map[string]string{"eventName": "TASKSET_STEADY_STATE"})
}

// alarm turns an alarm on.
func (b *bench) alarm(name string) {
	b.world.mu.Lock()
	b.world.alarms[name] = "ALARM"
	b.world.mu.Unlock()
	b.emit("aws.cloudwatch", "CloudWatch Alarm State Change", "alarm", map[string]any{"alarmName": name, "state": map[string]string{"value": "ALARM"}})
}

const spec = `{"version": 0.0, "Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": "f:2",
	"LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 80}}}}]%s}`

func hooks(events ...string) string {
	s := `, "Hooks": [`
	for i, e := range events {
		if i > 0 {
			s += ", "
		}
		s += `{"` + e + `": "check"}`
	}
	return s + "]"
}

func inline(content string) *types.RevisionLocation {
	return &types.RevisionLocation{RevisionType: types.RevisionLocationTypeAppSpecContent, AppSpecContent: &types.AppSpecContent{Content: &content}}
}

// group makes an application and its group directly, as there is no ECS to ask.
func (b *bench) group(p types.ComputePlatform, change ...func(*types.DeploymentGroupInfo)) {
	b.t.Helper()
	g := &group{DeploymentGroupInfo: types.DeploymentGroupInfo{DeploymentGroupId: aws.String("gid"), DeploymentGroupName: aws.String("g"),
		ServiceRoleArn: aws.String("arn:aws:iam::000000000000:role/deploy"), ComputePlatform: p,
		AutoRollbackConfiguration: &types.AutoRollbackConfiguration{Enabled: true, Events: types.AutoRollbackEvent("").Values()}}}
	if p != types.ComputePlatformServer {
		g.DeploymentStyle = &types.DeploymentStyle{DeploymentType: types.DeploymentTypeBlueGreen, DeploymentOption: types.DeploymentOptionWithTrafficControl}
	}
	if p == types.ComputePlatformEcs {
		g.EcsServices = []types.ECSService{{ClusterName: aws.String("c"), ServiceName: aws.String("web")}}
		g.LoadBalancerInfo = &types.LoadBalancerInfo{TargetGroupPairInfoList: []types.TargetGroupPairInfo{{
			TargetGroups:     []types.TargetGroupInfo{{Name: aws.String("a")}, {Name: aws.String("b")}},
			ProdTrafficRoute: &types.TrafficRoute{ListenerArns: []string{prod}}, TestTrafficRoute: &types.TrafficRoute{ListenerArns: []string{testing8}}}}}
		g.BlueGreenDeploymentConfiguration = &types.BlueGreenDeploymentConfiguration{
			DeploymentReadyOption:                     &types.DeploymentReadyOption{ActionOnTimeout: types.DeploymentReadyActionContinueDeployment},
			TerminateBlueInstancesOnDeploymentSuccess: &types.BlueInstanceTerminationOption{Action: types.InstanceActionTerminate}}
	}
	for _, f := range change {
		f(&g.DeploymentGroupInfo)
	}
	b.must(b.Engine.Update(b.ctx, func(tx *engine.Tx) error {
		a := &application{ID: "aid", Name: "app", Platform: p}
		if err := putApplication(tx, "us-east-1", a); err != nil {
			return err
		}
		return saveGroup(tx, "us-east-1", a, g)
	}))
}

// deploy creates a deployment and lets it run as far as it can.
func (b *bench) deploy(revision *types.RevisionLocation, change ...func(*codedeploy.CreateDeploymentInput)) string {
	b.t.Helper()
	in := &codedeploy.CreateDeploymentInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g"), Revision: revision}
	for _, f := range change {
		f(in)
	}
	out, err := b.CreateDeployment(b.ctx, in)
	b.must(err)
	b.settle()
	return *out.DeploymentId
}

func config(name string) func(*codedeploy.CreateDeploymentInput) {
	return func(in *codedeploy.CreateDeploymentInput) {
		in.DeploymentConfigName = aws.String("CodeDeployDefault." + name)
	}
}

func (b *bench) get(id string) *types.DeploymentInfo {
	b.t.Helper()
	out, err := b.GetDeployment(b.ctx, &codedeploy.GetDeploymentInput{DeploymentId: &id})
	b.must(err)
	return out.DeploymentInfo
}

// want checks status and error code.
func (b *bench) want(id string, status types.DeploymentStatus, code types.ErrorCode) *types.DeploymentInfo {
	b.t.Helper()
	d := b.get(id)
	got, message := types.ErrorCode(""), ""
	if d.ErrorInformation != nil {
		got, message = d.ErrorInformation.Code, *d.ErrorInformation.Message
	}
	if d.Status != status || got != code {
		b.t.Fatalf("%s is %s %s (%s), want %s %s", id, d.Status, got, message, status, code)
	}
	return d
}

// lifecycle is how far a deployment has come: "BeforeInstall=Succeeded …".
func (b *bench) lifecycle(id string) string {
	b.t.Helper()
	out, err := b.BatchGetDeploymentTargets(b.ctx, &codedeploy.BatchGetDeploymentTargetsInput{DeploymentId: &id, TargetIds: []string{"c:web"}})
	b.must(err)
	s := ""
	for _, e := range out.DeploymentTargets[0].EcsTarget.LifecycleEvents {
		s += fmt.Sprintf("%s=%s ", *e.LifecycleEventName, e.Status)
	}
	return s
}

// expect checks what the traffic and the task sets are.
func (b *bench) expect(production, sets string) {
	b.t.Helper()
	if got := b.world.split(prod); got != production {
		b.t.Errorf("production is %q, want %q", got, production)
	}
	if got := b.world.running(); got != sets {
		b.t.Errorf("task sets are %q, want %q", got, sets)
	}
}
