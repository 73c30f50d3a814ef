package codepipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	deploytypes "github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/bus"
)

// fakeDeployments is CodeDeploy with one group, which has one deployment at a
// time.
type fakeDeployments struct {
	made []*codedeploy.CreateDeploymentInput
	info deploytypes.DeploymentInfo
}

func (f *fakeDeployments) CreateDeployment(_ context.Context, in *codedeploy.CreateDeploymentInput, _ ...func(*codedeploy.Options)) (*codedeploy.CreateDeploymentOutput, error) {
	if len(f.made) > 0 {
		return nil, &deploytypes.DeploymentLimitExceededException{Message: aws.String("The Deployment Group 'g' already has an active Deployment 'd-1'")}
	}
	f.made = append(f.made, in)
	f.info = deploytypes.DeploymentInfo{DeploymentId: aws.String("d-1"), Revision: in.Revision, Status: deploytypes.DeploymentStatusInProgress}
	return &codedeploy.CreateDeploymentOutput{DeploymentId: aws.String("d-1")}, nil
}

func (f *fakeDeployments) GetDeployment(context.Context, *codedeploy.GetDeploymentInput, ...func(*codedeploy.Options)) (*codedeploy.GetDeploymentOutput, error) {
	return &codedeploy.GetDeploymentOutput{DeploymentInfo: &f.info}, nil
}

const template = `{
  "family": "f", "cpu": "256", "networkMode": "awsvpc", "revision": 7,
  "containerDefinitions": [
    {"name": "app", "image": "<IMAGE1_NAME>", "essential": true, "portMappings": [{"containerPort": 80}]},
    {"name": "side", "image": "<SIDE>", "environment": [{"name": "Which", "value": "<IMAGE1_NAME>"}]}
  ]
}`

func blueGreen(t *testing.T) (blueGreenDeploy, *Work, *fakeObjects, *fakeServices, *fakeDeployments) {
	objects := &fakeObjects{objects: map[string]string{
		"b/src":  zipOf(t, "taskdef.json="+template, "appspec.yaml=version: 0.0\nTaskDefinition: <TASK_DEFINITION>\n"),
		"b/one":  zipOf(t, `imageDetail.json={"ImageURI":"localhost:4566/app@sha256:1"}`),
		"b/side": zipOf(t, "imageDetail.json=\ufeff"+`{"ImageURI":"side:2"}`),
	}}
	services, deployments := newFakeServices(), &fakeDeployments{}
	a := blueGreenDeploy{&dependencies{tempDir: t.TempDir(), console: "http://c/", s3: func(aws.Config) objectAPI { return objects },
		ecs: func(aws.Config) serviceAPI { return services }, codedeploy: func(aws.Config) deploymentAPI { return deployments }}}
	w := work(t, "ApplicationName=a", "DeploymentGroupName=g", "TaskDefinitionTemplateArtifact=Src", "AppSpecTemplateArtifact=Src",
		"Image1ArtifactName=One", "Image1ContainerName=IMAGE1_NAME", "Image3ArtifactName=Side", "Image3ContainerName=SIDE")
	w.Inputs = []Artifact{{Name: "Src", Bucket: "b", Key: "src"}, {Name: "One", Bucket: "b", Key: "one"}, {Name: "Side", Bucket: "b", Key: "side"}}
	return a, w, objects, services, deployments
}

func TestBlueGreenDeploy(t *testing.T) {
	a, w, objects, services, deployments := blueGreen(t)
	registered, err := a.Step(t.Context(), w)
	if err != nil || !registered.Again {
		t.Fatal(registered, err)
	}
	if left, _ := os.ReadDir(a.tempDir); objects.gets != 3 || len(left) > 0 {
		t.Errorf("three artifacts were fetched %d times, and %d are left on the disk", objects.gets, len(left))
	}
	c := services.definitions[1].ContainerDefinitions
	if *c[0].Image != "localhost:4566/app@sha256:1" || *c[1].Image != "side:2" || *c[1].Environment[0].Value != *c[0].Image || *c[0].PortMappings[0].ContainerPort != 80 {
		t.Errorf("containers %+v", c)
	}
	created, err := again(t, a, w, registered)
	if err != nil || created.ExternalID != "d-1" || !slices.Equal(created.Wake, []string{"d-1"}) || !created.Again ||
		created.ExternalURL != "http://c/codedeploy/deployments/d-1?region=us-east-1" {
		t.Fatal(created, err)
	}
	in := deployments.made[0]
	if *in.ApplicationName != "a" || *in.DeploymentGroupName != "g" || *in.Revision.AppSpecContent.Content != "version: 0.0\nTaskDefinition: f:2\n" {
		t.Errorf("request %+v", in.Revision.AppSpecContent)
	}
	// The crash came before the deployment was noted: it is found again.
	w.Repeated = true
	if r, err := again(t, a, w, registered); err != nil || r.ExternalID != "d-1" || len(deployments.made) != 1 {
		t.Fatal(r, err)
	}
	// Somebody else's is not ours.
	theirs := *deployments.made[0].Revision.AppSpecContent
	theirs.Sha256 = aws.String("other")
	deployments.info.Revision = &deploytypes.RevisionLocation{AppSpecContent: &theirs}
	if _, err := again(t, a, w, registered); err == nil || !strings.Contains(failure(t, err).Message, "already has an active Deployment 'd-1'") {
		t.Error(err)
	}
	w.Repeated = false
	if r, err := again(t, a, w, created); err != nil || r.Done || r.Failure != nil || !slices.Equal(r.Wake, []string{"d-1"}) {
		t.Error(r, err)
	}
	deployments.info.Status = deploytypes.DeploymentStatusStopped
	deployments.info.ErrorInformation = &deploytypes.ErrorInformation{Code: deploytypes.ErrorCodeAlarmActive, Message: aws.String("One or more alarms")}
	deployments.info.RollbackInfo = &deploytypes.RollbackInfo{RollbackMessage: aws.String("Automatic rollback is triggered")}
	if r, err := again(t, a, w, created); err != nil || r.Failure == nil || r.Summary != "Deployment d-1 failed" ||
		r.Failure.Message != "Deployment d-1 failed: One or more alarms (Error Code: ALARM_ACTIVE). Automatic rollback is triggered" {
		t.Error(r, err)
	}
	deployments.info.Status = deploytypes.DeploymentStatusSucceeded
	if r, err := again(t, a, w, created); err != nil || !r.Done || r.Summary != "Deployment Succeeded" {
		t.Error(r, err)
	}
}

func TestBlueGreenDeployOfBadInput(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*Work, *fakeObjects)
		want string
	}{
		"no template":         {func(w *Work, _ *fakeObjects) { w.Configuration["TaskDefinitionTemplatePath"] = "td.json" }, "Exception while trying to read the task definition artifact file from: Src: td.json"},
		"no such artifact":    {func(w *Work, _ *fakeObjects) { w.Configuration["AppSpecTemplateArtifact"] = "Other" }, "Exception while trying to read the AppSpec artifact file from: Other"},
		"half an image":       {func(w *Work, _ *fakeObjects) { delete(w.Configuration, "Image1ArtifactName") }, "Image1ArtifactName and Image1ContainerName must be given together"},
		"no image detail":     {func(w *Work, o *fakeObjects) { o.objects["b/one"] = o.objects["b/src"] }, "Exception while trying to read the image detail artifact file from: One"},
		"a detail without it": {func(w *Work, o *fakeObjects) { o.objects["b/one"] = zipOf(t, "imageDetail.json={}") }, "must be JSON with an ImageURI"},
		"not JSON": {func(w *Work, o *fakeObjects) {
			o.objects["b/src"] = zipOf(t, "taskdef.json={\n\"family\": f}", "appspec.yaml=x")
		}, "line 2: "},
		"not a definition": {func(w *Work, o *fakeObjects) {
			o.objects["b/src"] = zipOf(t, "taskdef.json={\n\"family\": 7}", "appspec.yaml=x")
		}, "line 2: Family cannot be a number"},
		"not an object": {func(w *Work, o *fakeObjects) {
			o.objects["b/src"] = zipOf(t, "taskdef.json=[]", "appspec.yaml=x")
		}, "line 1: expected an object, not a array"},
		"an image that closes the text": {func(w *Work, o *fakeObjects) {
			o.objects["b/one"] = zipOf(t, `imageDetail.json={"ImageURI":"x\",\"privileged\":true,\"image\":\"y"}`)
		}, ""},
	} {
		a, w, objects, services, _ := blueGreen(t)
		c.edit(w, objects)
		_, err := a.Step(t.Context(), w)
		if c.want == "" {
			if d := services.definitions[1].ContainerDefinitions[0]; err != nil || d.Privileged != nil || *d.Image != `x","privileged":true,"image":"y` {
				t.Errorf("%s: %+v, %v", name, d, err)
			}
			continue
		}
		if f := failure(t, err); f.Code != configurationError || !strings.Contains(f.Message, c.want) || services.registered > 0 {
			t.Errorf("%s: %v", name, f)
		}
	}
}

// A definition that the SDK does not even send fails the action at once.
func TestDefinitionThatIsNotSent(t *testing.T) {
	in, err := parseDefinition([]byte(`{"containerDefinitions": [{"logConfiguration": {}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = ecs.New(ecs.Options{Region: "us-east-1", Credentials: aws.AnonymousCredentials{}}).RegisterTaskDefinition(t.Context(), in)
	if f := failure(t, err); f.Code != configurationError || !strings.Contains(f.Message, "missing required field, RegisterTaskDefinitionInput.Family") {
		t.Error(f)
	}
}

func TestRevisionDeploy(t *testing.T) {
	deployments := &fakeDeployments{}
	a := revisionDeploy{&dependencies{codedeploy: func(aws.Config) deploymentAPI { return deployments }}}
	w := work(t, "ApplicationName=a", "DeploymentGroupName=g")
	w.Inputs[0].VersionID = "v"
	r, err := a.Step(t.Context(), w)
	if err != nil || r.ExternalID != "d-1" {
		t.Fatal(r, err)
	}
	if l := deployments.made[0].Revision.S3Location; *l.Bucket != "b" || *l.Key != "in" || *l.Version != "v" || l.BundleType != deploytypes.BundleTypeZip {
		t.Errorf("location %+v", l)
	}
	w.Repeated = true
	if r, err := a.Step(t.Context(), w); err != nil || r.ExternalID != "d-1" {
		t.Error(r, err)
	}
	deployments.info.Status = deploytypes.DeploymentStatusSucceeded
	if r, err = again(t, a, w, r); err != nil || !r.Done {
		t.Error(r, err)
	}
	ev := &bus.Event{Source: "aws.codedeploy", Detail: json.RawMessage(`{"deploymentId":"d-1"}`)}
	if a.Key(ev) != "d-1" {
		t.Errorf("key %q", a.Key(ev))
	}
}

type fakeFunction struct {
	invoked []*lambda.InvokeInput
	err     error
}

func (f *fakeFunction) Invoke(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	f.invoked = append(f.invoked, in)
	return &lambda.InvokeOutput{StatusCode: 202}, f.err
}

func TestFunctionInvoke(t *testing.T) {
	function := &fakeFunction{}
	a := functionInvoke{&dependencies{account: "111111111111", console: "http://c/", lambda: func(aws.Config) functionAPI { return function }}}
	w := work(t, "FunctionName=f", "UserParameters=x")
	r, err := a.Step(t.Context(), w)
	if err != nil || !r.Assign || !r.Again {
		t.Fatal(r, err)
	}
	w.JobData = func(context.Context) (*types.JobData, error) {
		return &types.JobData{ActionConfiguration: &types.ActionConfiguration{Configuration: w.Configuration},
			InputArtifacts: jobArtifacts(w.Inputs), OutputArtifacts: jobArtifacts(nil), ContinuationToken: aws.String("t"),
			ArtifactCredentials: &types.AWSSessionCredentials{AccessKeyId: aws.String("A"), SecretAccessKey: aws.String("S"), SessionToken: aws.String("T")},
			EncryptionKey:       &types.EncryptionKey{Id: aws.String("k"), Type: types.EncryptionKeyTypeKms}}, nil
	}
	w.Job = "j1"
	if r, err = a.Step(t.Context(), w); err != nil || r.Done || len(function.invoked) != 1 {
		t.Fatal(r, err)
	}
	want := `{"CodePipeline.job":{"id":"j1","accountId":"111111111111","data":{"actionConfiguration":{"configuration":{"FunctionName":"f","UserParameters":"x"}},` +
		`"inputArtifacts":[{"name":"In","revision":null,"location":{"type":"S3","s3Location":{"bucketName":"b","objectKey":"in"}}}],"outputArtifacts":[],` +
		`"artifactCredentials":{"accessKeyId":"A","secretAccessKey":"S","sessionToken":"T"},"continuationToken":"t","encryptionKey":{"id":"k","type":"KMS"}}}}`
	if in := function.invoked[0]; string(in.Payload) != want || in.InvocationType != lambdatypes.InvocationTypeEvent || *in.FunctionName != "f" {
		t.Errorf("payload %s", in.Payload)
	}
	// Until there is another job, it is not invoked again.
	if r, err = again(t, a, w, r); err != nil || r.Done || len(function.invoked) != 1 {
		t.Error(r, err, len(function.invoked))
	}
	w.Job = "j2"
	if _, err = a.Step(t.Context(), w); err != nil || len(function.invoked) != 2 {
		t.Error(err, len(function.invoked))
	}
	w.Job = "j3"
	for code, err := range map[string]error{configurationError: &lambdatypes.ResourceNotFoundException{}, permissionError: refused} {
		function.err = err
		_, err := a.Step(t.Context(), w)
		if f := failure(t, err); f.Code != code || !strings.Contains(f.Message, "function f") {
			t.Error(f)
		}
	}
	function.err = fmt.Errorf("connection reset")
	if _, err := a.Step(t.Context(), w); refusal(err) != nil {
		t.Errorf("trouble that may pass fails the action: %v", err)
	}
}
