package codedeploy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/klauspost/compress/zip"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

func object(kind types.BundleType) *types.RevisionLocation {
	return &types.RevisionLocation{RevisionType: types.RevisionLocationTypeS3, S3Location: &types.S3Location{Bucket: aws.String("b"), Key: aws.String("k"), BundleType: kind}}
}

func zipped(t *testing.T, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte(content))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarred(t *testing.T, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte(content))
	_ = w.Close()
	_ = gz.Close()
	return b.Bytes()
}

// What a deployment says of what is wrong. Blue has its traffic in all cases.
func TestBadInput(t *testing.T) {
	good := strings.Replace(spec, "%s", "", 1)
	without := func(part string) *types.RevisionLocation { return inline(strings.Replace(good, part, "", 1)) }
	with := func(old, now string) *types.RevisionLocation { return inline(strings.Replace(good, old, now, 1)) }
	stored := func(b []byte) func(*bench) { return func(x *bench) { x.world.objects["b/k"] = b } }
	for _, c := range []struct {
		name     string
		revision *types.RevisionLocation
		change   func(*bench)
		code     types.ErrorCode
		says     string
	}{
		{"no task definition key", without(`"TaskDefinition": "f:2",`), nil, types.ErrorCodeInvalidRevision, "TaskDefinition is missing"},
		{"no port", without(`, "ContainerPort": 80`), nil, types.ErrorCodeInvalidRevision, "ContainerPort is missing"},
		{"a placeholder", with("f:2", "<TASK_DEFINITION>"), nil, types.ErrorCodeInvalidRevision, "placeholder"},
		{"another platform", with("AWS::ECS::Service", "AWS::Lambda::Function"), nil, types.ErrorCodeInvalidRevision, "unknown key"},
		{"not YAML", inline("{"), nil, types.ErrorCodeInvalidRevision, "AppSpec file is not valid"},
		{"no object", object(types.BundleTypeYaml), nil, types.ErrorCodeRevisionMissing, "s3://b/k cannot be read: The specified key does not exist."},
		{"no zip", object(types.BundleTypeZip), stored([]byte(good)), types.ErrorCodeInvalidRevision, "not a zip archive"},
		{"no tgz", object(types.BundleTypeTarGZip), stored([]byte(good)), types.ErrorCodeInvalidRevision, "not a gzipped tar archive"},
		{"a zip that is YAML", object(types.BundleTypeYaml), stored(zipped(t, "appspec.yaml", good)), types.ErrorCodeInvalidRevision, "AppSpec file is not valid"},
		{"no JSON", object(types.BundleTypeJson), stored([]byte("version: 0.0")), types.ErrorCodeInvalidRevision, "not JSON"},
		{"a zip without appspec", object(types.BundleTypeZip), stored(zipped(t, "readme", good)), types.ErrorCodeInvalidRevision, "could not be found"},
		{"another ETag", &types.RevisionLocation{RevisionType: types.RevisionLocationTypeS3, S3Location: &types.S3Location{Bucket: aws.String("b"), Key: aws.String("k"),
			BundleType: types.BundleTypeJson, ETag: aws.String("e2")}}, stored([]byte(good)), types.ErrorCodeInvalidRevision, "ETag e1, not e2"},
		{"no task definition", with("f:2", "f:9"), nil, types.ErrorCodeEcsUpdateError, "Unable to describe task definition"},
		{"no container", with(`"web"`, `"nobody"`), nil, types.ErrorCodeEcsUpdateError, "The container nobody does not exist in the task definition."},
		{"no such port", with("80", "81"), nil, types.ErrorCodeEcsUpdateError, "The container web did not have a container port 81 defined."},
		{"no service", inline(good), func(b *bench) { b.world.service = "" }, types.ErrorCodeInvalidEcsService, "does not exist"},
		{"an inactive service", inline(good), func(b *bench) { b.world.service = "INACTIVE" }, types.ErrorCodeInvalidEcsService, "not ACTIVE"},
		{"another controller", inline(good), func(b *bench) { b.world.controller = "ECS" }, types.ErrorCodeInvalidEcsService, "CODE_DEPLOY"},
		{"foreign target groups", inline(good), func(b *bench) { b.world.sets[0].LoadBalancers[0].TargetGroupArn = aws.String(tgC) }, types.ErrorCodeInvalidEcsService, "one of those two target groups"},
		{"swapped target groups", inline(good), func(b *bench) { b.world.sets[0].LoadBalancers[0].TargetGroupArn = aws.String(tgB) }, types.ErrorCodeElasticLoadBalancingInvalid,
			"Primary taskset target group must be behind listener " + prod},
		{"no listener", inline(good), func(b *bench) { delete(b.world.rules, prod) }, types.ErrorCodeElasticLoadBalancingInvalid, "listeners not found"},
		{"no test listener", inline(good), func(b *bench) { delete(b.world.rules, testing8) }, types.ErrorCodeElasticLoadBalancingInvalid, "listeners not found"},
		{"a listener to others", inline(good), func(b *bench) { b.world.rules[testing8][0].Actions = forward(tgC, 1) }, types.ErrorCodeElasticLoadBalancingInvalid, "must be behind listener " + testing8},
		{"a listener to more", inline(good), func(b *bench) { b.world.rules[prod][0].Actions = forward(tgA, 1, tgC, 1) }, types.ErrorCodeElasticLoadBalancingInvalid, "Only target group in ECS deployment group"},
		{"no permission", inline(good), func(b *bench) { b.world.denied = "ecs:CreateTaskSet" }, types.ErrorCodeIamRolePermissions, "following AWS service: AmazonECS"},
		{"no permission for S3", object(types.BundleTypeYaml), func(b *bench) { b.world.denied = "s3:GetObject" }, types.ErrorCodeIamRolePermissions, "AmazonS3"},
		{"no permission for the listener", inline(good), func(b *bench) { b.world.denied = "elasticloadbalancing:ModifyListener" }, types.ErrorCodeIamRolePermissions, "AmazonElasticLoadBalancing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.group(types.ComputePlatformEcs)
			if c.change != nil {
				c.change(b)
			}
			id := b.deploy(c.revision)
			d := b.want(id, types.DeploymentStatusFailed, c.code)
			if !strings.Contains(*d.ErrorInformation.Message, c.says) {
				t.Errorf("it says %s", *d.ErrorInformation.Message)
			}
			if len(b.world.sets) != 1 || len(b.world.sets) == 1 && *b.world.sets[0].Status != "PRIMARY" {
				t.Errorf("task sets: %s", b.world.running())
			}
			if w, _ := weight(b.world.rules[prod0(b)][0].Actions, tgB); w != 0 {
				t.Error("green has traffic")
			}
		})
	}
}

// prod0 is the production listener, or the test listener if that is gone.
func prod0(b *bench) string {
	if b.world.rules[prod] == nil {
		b.world.rules[testing8][0].Actions = []elbtypes.Action{}
		return testing8
	}
	return prod
}

func TestBundles(t *testing.T) {
	good := strings.Replace(spec, "%s", "", 1)
	yaml := "version: 0.0\nResources:\n  - Web:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: f:2\n        LoadBalancerInfo: {ContainerName: web, ContainerPort: 80}\n"
	for kind, content := range map[types.BundleType][]byte{
		types.BundleTypeJson: []byte(good), types.BundleTypeYaml: []byte(yaml), types.BundleTypeZip: zipped(t, "dir/appspec.yml", yaml), types.BundleTypeTarGZip: tarred(t, "./appspec.yaml", yaml),
	} {
		b := newBench(t)
		b.group(types.ComputePlatformEcs)
		b.world.objects["b/k"] = content
		b.want(b.deploy(object(kind)), types.DeploymentStatusSucceeded, "")
	}
}

func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	if !is(err, want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestRefusedRequests(t *testing.T) {
	b := newBench(t)
	b.group(types.ComputePlatformEcs)
	for want, in := range map[string]*codedeploy.CreateDeploymentInput{
		"RevisionRequiredException":                          {},
		"InvalidRevisionException":                           {Revision: &types.RevisionLocation{RevisionType: "AppSpecContent", AppSpecContent: &types.AppSpecContent{Content: aws.String("x"), Sha256: aws.String("00")}}},
		"InvalidIgnoreApplicationStopFailuresValueException": {Revision: ecsSpec(""), IgnoreApplicationStopFailures: true},
		"InvalidUpdateOutdatedInstancesOnlyValueException":   {Revision: ecsSpec(""), UpdateOutdatedInstancesOnly: true},
		"InvalidTargetInstancesException":                    {Revision: ecsSpec(""), TargetInstances: &types.TargetInstances{}},
		"DeploymentConfigDoesNotExistException":              {Revision: ecsSpec(""), DeploymentConfigName: aws.String("nobody")},
		"InvalidDeploymentConfigNameException":               {Revision: ecsSpec(""), DeploymentConfigName: aws.String("CodeDeployDefault.LambdaAllAtOnce")},
		"InvalidAutoRollbackConfigException":                 {Revision: ecsSpec(""), AutoRollbackConfiguration: &types.AutoRollbackConfiguration{Enabled: true}},
		"InvalidAlarmConfigException":                        {Revision: ecsSpec(""), OverrideAlarmConfiguration: &types.AlarmConfiguration{Enabled: true}},
		"DescriptionTooLongException":                        {Revision: ecsSpec(""), Description: aws.String(strings.Repeat("x", 257))},
		"DeploymentGroupDoesNotExistException":               {Revision: ecsSpec(""), DeploymentGroupName: aws.String("nobody")},
		"ApplicationDoesNotExistException":                   {Revision: ecsSpec(""), ApplicationName: aws.String("nobody")},
	} {
		if in.ApplicationName == nil {
			in.ApplicationName = aws.String("app")
		}
		if in.DeploymentGroupName == nil {
			in.DeploymentGroupName = aws.String("g")
		}
		_, err := b.CreateDeployment(b.ctx, in)
		wantCode(t, err, want)
	}
	for _, r := range []*types.RevisionLocation{object(types.BundleTypeTar), object("rar"), {RevisionType: "S3"}, {RevisionType: "GitHub", GitHubLocation: &types.GitHubLocation{Repository: aws.String("a/b"), CommitId: aws.String("c")}}} {
		_, err := b.CreateDeployment(b.ctx, &codedeploy.CreateDeploymentInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g"), Revision: r})
		wantCode(t, err, "InvalidRevisionException")
	}
	if list, err := b.ListDeployments(b.ctx, &codedeploy.ListDeploymentsInput{}); err != nil || len(list.Deployments) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestRoles(t *testing.T) {
	for _, exists := range []bool{true, false} {
		b := newBench(t)
		b.group(types.ComputePlatformEcs, func(g *types.DeploymentGroupInfo) {
			g.AlarmConfiguration = &types.AlarmConfiguration{Enabled: true, Alarms: []types.Alarm{{Name: aws.String("errors")}}}
		})
		b.stop()
		b.roles, b.role = exists, &wire.Error{Code: "AccessDenied", Message: "no"}
		b.start()
		code := types.ErrorCodeIamRoleMissing
		if exists {
			code = types.ErrorCodeIamRolePermissions
		}
		b.want(b.deploy(ecsSpec("")), types.DeploymentStatusFailed, code)
	}
}

func TestServer(t *testing.T) {
	b := newBench(t)
	b.group(types.ComputePlatformServer)
	id := b.deploy(object(types.BundleTypeZip))
	b.want(id, types.DeploymentStatusFailed, types.ErrorCodeNoInstances)
	out, err := b.ListDeploymentTargets(b.ctx, &codedeploy.ListDeploymentTargetsInput{DeploymentId: &id})
	if err != nil || len(out.TargetIds) != 0 {
		t.Errorf("%v, %v", out, err)
	}
}

// Green that is never steady: an hour, then blue alone.
func TestNeverSteady(t *testing.T) {
	b := newBench(t)
	b.group(types.ComputePlatformEcs)
	b.world.lazy = true
	id := b.deploy(ecsSpec(""))
	b.world.mu.Lock()
	const trouble = "(service s, taskSet %s) is unable to consistently start tasks successfully."
	for _, set := range []string{*b.world.sets[1].Id, "ecs-svc/7"} {
		b.world.events = append(b.world.events, ecstypes.ServiceEvent{Message: aws.String(fmt.Sprintf(trouble, set))})
	}
	said := *b.world.events[0].Message
	b.world.mu.Unlock()
	for range 2 {
		b.emit("aws.ecs", "ECS Service Action", serviceARN, map[string]string{"eventName": "SERVICE_TASK_START_IMPAIRED"})
	}
	if d := b.want(id, types.DeploymentStatusInProgress, ""); !slices.Equal(d.DeploymentStatusMessages, []string{said}) {
		t.Errorf("%q", d.DeploymentStatusMessages)
	}
	// What ECS said last takes the place of what it said before.
	later := fmt.Sprintf("(service s, taskSet %s) (task 1) (port 80) is unhealthy in (target-group g) due to (reason Health checks failed)", *b.world.sets[1].Id)
	b.world.mu.Lock()
	b.world.events = slices.Insert(b.world.events, 0, ecstypes.ServiceEvent{Message: &later})
	b.world.mu.Unlock()
	b.emit("aws.ecs", "ECS Service Action", serviceARN, map[string]string{"eventName": "SERVICE_TASK_START_IMPAIRED"})
	if d := b.want(id, types.DeploymentStatusInProgress, ""); !slices.Equal(d.DeploymentStatusMessages, []string{later}) {
		t.Errorf("%q", d.DeploymentStatusMessages)
	}
	b.pass(time.Hour + time.Second)
	d := b.want(id, types.DeploymentStatusFailed, types.ErrorCodeTimeout)
	if !strings.Contains(*d.ErrorInformation.Message, "This time out period is 60 minutes.") {
		t.Error(*d.ErrorInformation.Message)
	}
	b.rolledBack(id)
	b.expect("a:100", "1/PRIMARY")
}

// A service that is deleted while green starts, and while it waits.
func TestDeletedService(t *testing.T) {
	for _, lazy := range []bool{true, false} {
		b := newBench(t)
		b.group(types.ComputePlatformEcs, func(g *types.DeploymentGroupInfo) {
			g.BlueGreenDeploymentConfiguration.DeploymentReadyOption = &types.DeploymentReadyOption{ActionOnTimeout: types.DeploymentReadyActionStopDeployment, WaitTimeInMinutes: 10}
		})
		b.world.lazy = lazy
		id := b.deploy(ecsSpec(""))
		b.world.mu.Lock()
		b.world.service, b.world.sets = "", nil
		b.world.mu.Unlock()
		b.emit("aws.ecs", "ECS Service Action", serviceARN, map[string]string{})
		b.want(id, types.DeploymentStatusFailed, types.ErrorCodeInvalidEcsService)
		b.rolledBack(id)
	}
}
