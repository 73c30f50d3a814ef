package codepipeline

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	builds "github.com/aws/aws-sdk-go-v2/service/codebuild/types"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	commits "github.com/aws/aws-sdk-go-v2/service/codecommit/types"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// fakeObjects is S3 with a version "v" for everything.
type fakeObjects struct {
	objects map[string]string // bucket/key → content
	puts    map[string]*s3.PutObjectInput
	copies  []*s3.CopyObjectInput
	gets    int
	err     error
}

func (f *fakeObjects) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	f.gets++
	b, ok := f.objects[*in.Bucket+"/"+*in.Key]
	if f.err != nil {
		return nil, f.err
	}
	if !ok {
		return nil, &s3types.NoSuchKey{}
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(strings.NewReader(b))}, nil
}

func (f *fakeObjects) HeadObject(_ context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	if _, ok := f.objects[*in.Bucket+"/"+*in.Key]; !ok {
		return nil, &s3types.NotFound{}
	}
	return &s3.HeadObjectOutput{VersionId: aws.String("v"), ETag: aws.String(`"e"`)}, nil
}

func (f *fakeObjects) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	b, err := io.ReadAll(in.Body)
	if err != nil || f.err != nil {
		return nil, errors.Join(err, f.err)
	}
	f.objects[*in.Bucket+"/"+*in.Key] = string(b)
	if f.puts == nil {
		f.puts = map[string]*s3.PutObjectInput{}
	}
	f.puts[*in.Key] = in
	return &s3.PutObjectOutput{VersionId: aws.String("v")}, nil
}

func (f *fakeObjects) CopyObject(_ context.Context, in *s3.CopyObjectInput, _ ...func(*s3.Options)) (*s3.CopyObjectOutput, error) {
	f.copies = append(f.copies, in)
	return &s3.CopyObjectOutput{VersionId: aws.String("v2")}, f.err
}

type archives struct {
	asked string
	err   error
}

func (a *archives) Archive(_ context.Context, _ aws.CredentialsProvider, region, repository, commit string, w io.Writer) error {
	a.asked = region + " " + repository + " " + commit
	if a.err != nil {
		return a.err
	}
	_, err := io.WriteString(w, "the tree")
	return err
}

func work(t *testing.T, configuration ...string) *Work {
	w := &Work{ActionExecutionID: "11111111-1111-4111-8111-111111111111", ExecutionID: "e1", Pipeline: "p", Region: "us-east-1",
		Now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), RoleARN: "arn:aws:iam::000000000000:role/r", Configuration: map[string]string{},
		Inputs: []Artifact{{Name: "In", Bucket: "b", Key: "in"}}, Outputs: []Artifact{{Name: "Out", Bucket: "b", Key: "out"}},
		Session: func(context.Context) (aws.Config, error) { return aws.Config{}, nil }}
	for _, kv := range configuration {
		k, v, _ := strings.Cut(kv, "=")
		w.Configuration[k] = v
	}
	return w
}

func zipOf(t *testing.T, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		name, content, _ := strings.Cut(f, "=")
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, content)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// again calls Step with the memo of the result before.
func again(t *testing.T, a Action, w *Work, r *Result) (*Result, error) {
	t.Helper()
	b, err := json.Marshal(r.Memo)
	if err != nil {
		t.Fatal(err)
	}
	w.Memo = b
	return a.Step(t.Context(), w)
}

func failure(t *testing.T, err error) *Failure {
	t.Helper()
	f := refusal(err)
	if f == nil {
		t.Fatalf("%v is no failure", err)
	}
	return f
}

var refused = &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}

type fakeCommits struct{ err error }

func (f fakeCommits) GetBranch(context.Context, *codecommit.GetBranchInput, ...func(*codecommit.Options)) (*codecommit.GetBranchOutput, error) {
	return &codecommit.GetBranchOutput{Branch: &commits.BranchInfo{CommitId: aws.String("tip")}}, f.err
}

func (f fakeCommits) GetCommit(_ context.Context, in *codecommit.GetCommitInput, _ ...func(*codecommit.Options)) (*codecommit.GetCommitOutput, error) {
	return &codecommit.GetCommitOutput{Commit: &commits.Commit{CommitId: in.CommitId, Message: aws.String("fix it\n"),
		Author: &commits.UserInfo{Date: aws.String("1572319941 -0700")}, Committer: &commits.UserInfo{Date: aws.String("1572319942 +0000")}}}, f.err
}

func TestCommitSource(t *testing.T) {
	objects := &fakeObjects{objects: map[string]string{}}
	archives := &archives{}
	client := fakeCommits{}
	a := commitSource{&dependencies{s3: func(aws.Config) objectAPI { return objects }, codecommit: func(aws.Config) commitAPI { return client }, archives: archives, tempDir: t.TempDir()}}
	w := work(t, "RepositoryName=r", "BranchName=main")
	r, err := a.Step(t.Context(), w)
	if err != nil || !r.Done {
		t.Fatal(r, err)
	}
	want := map[string]string{"AuthorDate": "2019-10-29T03:32:21Z", "BranchName": "main", "CommitId": "tip", "CommitMessage": "fix it",
		"CommitterDate": "2019-10-29T03:32:22Z", "RepositoryName": "r"}
	if !maps.Equal(r.Variables, want) {
		t.Errorf("variables %v", r.Variables)
	}
	if archives.asked != "us-east-1 r tip" || objects.objects["b/out"] != "the tree" || *r.Revision.RevisionId != "tip" {
		t.Errorf("archive %q, artifact %q, revision %+v", archives.asked, objects.objects["b/out"], r.Revision)
	}
	w.Override = &types.SourceRevisionOverride{RevisionType: types.SourceRevisionTypeCommitId, RevisionValue: aws.String("old")}
	if r, err = a.Step(t.Context(), w); err != nil || r.Variables["CommitId"] != "old" {
		t.Errorf("the override gives %v, %v", r, err)
	}
	archives.err = &wire.Error{Code: "AccessDenied", Message: "not authorized to perform: codecommit:UploadArchive"}
	_, err = a.Step(t.Context(), w)
	if f := failure(t, err); f.Code != permissionError || !strings.Contains(f.Message, "not authorized to perform: codecommit:UploadArchive") {
		t.Error(f)
	}
	for code, err := range map[string]error{permissionError: refused, configurationError: &commits.BranchDoesNotExistException{}, revisionUnavailable: &commits.CommitIdDoesNotExistException{}} {
		client.err = err
		_, err := a.Step(t.Context(), w)
		if f := failure(t, err); f.Code != code {
			t.Errorf("%v, want %s", f, code)
		}
	}
}

func TestObjectSource(t *testing.T) {
	objects := &fakeObjects{objects: map[string]string{"src/my app+1/x.zip": "z"}}
	a := objectSource{&dependencies{s3: func(aws.Config) objectAPI { return objects }}}
	w := work(t, "S3Bucket=src", "S3ObjectKey=my app+1/x.zip")
	r, err := a.Step(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if got := *objects.copies[0].CopySource; got != "src/my%20app%2B1/x.zip?versionId=v" {
		t.Errorf("copied from %s", got)
	}
	if *r.Revision.RevisionSummary != "Amazon S3 version id: v" || *r.Revision.RevisionChangeIdentifier != "e" || r.Versions["Out"] != "v2" {
		t.Errorf("result %+v", r)
	}
	w.Configuration["S3ObjectKey"] = "nope"
	_, err = a.Step(t.Context(), w)
	if f := failure(t, err); f.Code != configurationError {
		t.Error(f)
	}
	objects.err = &smithy.GenericAPIError{Code: "Forbidden"}
	_, err = a.Step(t.Context(), w)
	if f := failure(t, err); f.Message != `CodePipeline service role "arn:aws:iam::000000000000:role/r" is getting S3 access denied for the S3 bucket "src"` {
		t.Error(f)
	}
}

type fakeImages struct{}

func (fakeImages) DescribeImages(_ context.Context, in *ecr.DescribeImagesInput, _ ...func(*ecr.Options)) (*ecr.DescribeImagesOutput, error) {
	if aws.ToString(in.ImageIds[0].ImageTag) != "latest" {
		return nil, &ecrtypes.ImageNotFoundException{}
	}
	return &ecr.DescribeImagesOutput{ImageDetails: []ecrtypes.ImageDetail{{ImageDigest: aws.String("sha256:d"), ImageSizeInBytes: aws.Int64(44728918),
		ImagePushedAt: aws.Time(time.Date(2019, 1, 21, 20, 4, 0, 0, time.UTC)), RegistryId: aws.String("000000000000"), ImageTags: []string{"latest"}}}}, nil
}

func (fakeImages) DescribeRepositories(context.Context, *ecr.DescribeRepositoriesInput, ...func(*ecr.Options)) (*ecr.DescribeRepositoriesOutput, error) {
	return &ecr.DescribeRepositoriesOutput{Repositories: []ecrtypes.Repository{{RepositoryUri: aws.String("localhost:4566/repo")}}}, nil
}

func TestImageSource(t *testing.T) {
	objects := &fakeObjects{objects: map[string]string{}}
	a := imageSource{&dependencies{s3: func(aws.Config) objectAPI { return objects }, ecr: func(aws.Config) imageAPI { return fakeImages{} }, tempDir: t.TempDir()}}
	w := work(t, "RepositoryName=repo")
	r, err := a.Step(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(strings.NewReader(objects.objects["b/out"]), int64(len(objects.objects["b/out"])))
	if err != nil || len(z.File) != 1 || z.File[0].Name != "imageDetail.json" {
		t.Fatal(z, err)
	}
	f, _ := z.File[0].Open()
	b, _ := io.ReadAll(f)
	want := `{"ImageSizeInBytes":"44728918","ImageDigest":"sha256:d","Version":"1.0","ImagePushedAt":"Mon Jan 21 20:04:00 UTC 2019","RegistryId":"000000000000","RepositoryName":"repo","ImageURI":"localhost:4566/repo@sha256:d","ImageTags":["latest"]}`
	if string(b) != want {
		t.Errorf("got %s", b)
	}
	if r.Variables["ImageURI"] != "localhost:4566/repo@sha256:d" {
		t.Errorf("variables %v", r.Variables)
	}
	w.Configuration["ImageTag"] = "nope"
	_, err = a.Step(t.Context(), w)
	if f := failure(t, err); f.Code != revisionUnavailable {
		t.Error(f)
	}
}

type fakeBuilds struct {
	start  *codebuild.StartBuildInput
	status builds.StatusType
	err    error
}

func (f *fakeBuilds) StartBuild(_ context.Context, in *codebuild.StartBuildInput, _ ...func(*codebuild.Options)) (*codebuild.StartBuildOutput, error) {
	f.start = in
	return &codebuild.StartBuildOutput{Build: &builds.Build{Id: aws.String("p:1"), Arn: aws.String("arn:build/p:1")}}, f.err
}

func (f *fakeBuilds) BatchGetBuilds(context.Context, *codebuild.BatchGetBuildsInput, ...func(*codebuild.Options)) (*codebuild.BatchGetBuildsOutput, error) {
	return &codebuild.BatchGetBuildsOutput{Builds: []builds.Build{{Id: aws.String("p:1"), BuildStatus: f.status,
		ExportedEnvironmentVariables: []builds.ExportedEnvironmentVariable{{Name: aws.String("V"), Value: aws.String("7")}}}}}, nil
}

func TestBuild(t *testing.T) {
	client := &fakeBuilds{status: builds.StatusTypeInProgress}
	a := build{&dependencies{codebuild: func(aws.Config) buildAPI { return client }}}
	w := work(t, "ProjectName=p", "PrimarySource=Two", `EnvironmentVariables=[{"name":"A","value":"1"},{"name":"S","value":"s","type":"SECRETS_MANAGER"}]`)
	w.Inputs = []Artifact{{Name: "One", Bucket: "b", Key: "one"}, {Name: "Two", Bucket: "b", Key: "two", Revision: "abc"}}
	r, err := a.Step(t.Context(), w)
	if err != nil || !r.Again || !slices.Equal(r.Wake, []string{"arn:build/p:1"}) || r.ExternalID != "p:1" {
		t.Fatal(r, err)
	}
	in := client.start
	if *in.SourceVersion != "arn:aws:s3:::b/two" || len(in.SecondarySourcesOverride) != 1 || *in.SecondarySourcesOverride[0].SourceIdentifier != "One" ||
		*in.ArtifactsOverride.Location != "b" || *in.ArtifactsOverride.Path != "out" || *in.IdempotencyToken != w.ActionExecutionID {
		t.Errorf("request %+v", in)
	}
	var env []string
	for _, v := range in.EnvironmentVariablesOverride {
		env = append(env, fmt.Sprintf("%s=%s %s", *v.Name, *v.Value, v.Type))
	}
	if want := []string{"A=1 PLAINTEXT", "S=s SECRETS_MANAGER", "CODEBUILD_INITIATOR=codepipeline/p PLAINTEXT", "CODEBUILD_RESOLVED_SOURCE_VERSION=abc PLAINTEXT"}; !slices.Equal(env, want) {
		t.Errorf("environment %v", env)
	}
	if r, err = again(t, a, w, r); err != nil || r.Done || len(r.Wake) != 1 {
		t.Fatal(r, err)
	}
	client.status = builds.StatusTypeTimedOut
	if r, err = a.Step(t.Context(), w); err != nil || r.Failure == nil || r.Failure.Message != "Build terminated with state: TIMED_OUT" {
		t.Fatal(r, err)
	}
	client.status = builds.StatusTypeSucceeded
	if r, err = a.Step(t.Context(), w); err != nil || !r.Done || r.Variables["V"] != "7" {
		t.Fatal(r, err)
	}
	// Several outputs are secondary artifacts.
	w.Memo, w.Outputs = nil, []Artifact{{Name: "X", Bucket: "b", Key: "x"}, {Name: "Y", Bucket: "b", Key: "y"}}
	if _, err = a.Step(t.Context(), w); err != nil || len(client.start.SecondaryArtifactsOverride) != 2 || client.start.ArtifactsOverride.Path != nil {
		t.Errorf("request %+v, %v", client.start, err)
	}
	client.err = &builds.ResourceNotFoundException{Message: aws.String("Project cannot be found")}
	_, err = a.Step(t.Context(), w)
	if f := failure(t, err); !strings.HasPrefix(f.Message, "Error calling startBuild: Project cannot be found (Service: AWSCodeBuild; Status Code: 400; Error Code: ResourceNotFoundException; ") {
		t.Error(f)
	}
}

// fakeServices is one ECS service with a task definition family "f".
type fakeServices struct {
	service     ecstypes.Service
	definitions []ecstypes.TaskDefinition
	registered  int
}

func (f *fakeServices) DescribeServices(context.Context, *ecs.DescribeServicesInput, ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error) {
	return &ecs.DescribeServicesOutput{Services: []ecstypes.Service{f.service}}, nil
}

func (f *fakeServices) DescribeTaskDefinition(_ context.Context, in *ecs.DescribeTaskDefinitionInput, _ ...func(*ecs.Options)) (*ecs.DescribeTaskDefinitionOutput, error) {
	for i := range f.definitions {
		if *f.definitions[i].TaskDefinitionArn == *in.TaskDefinition {
			return &ecs.DescribeTaskDefinitionOutput{TaskDefinition: &f.definitions[i]}, nil
		}
	}
	return &ecs.DescribeTaskDefinitionOutput{TaskDefinition: &f.definitions[len(f.definitions)-1]}, nil
}

func (f *fakeServices) RegisterTaskDefinition(_ context.Context, in *ecs.RegisterTaskDefinitionInput, _ ...func(*ecs.Options)) (*ecs.RegisterTaskDefinitionOutput, error) {
	f.registered++
	n := int32(len(f.definitions) + 1)
	f.definitions = append(f.definitions, ecstypes.TaskDefinition{Family: in.Family, Revision: n, ContainerDefinitions: in.ContainerDefinitions,
		TaskDefinitionArn: aws.String(fmt.Sprint("f:", n))})
	return &ecs.RegisterTaskDefinitionOutput{TaskDefinition: &f.definitions[n-1]}, nil
}

func (f *fakeServices) UpdateService(_ context.Context, in *ecs.UpdateServiceInput, _ ...func(*ecs.Options)) (*ecs.UpdateServiceOutput, error) {
	if aws.ToString(f.service.TaskDefinition) != *in.TaskDefinition {
		f.service.TaskDefinition = in.TaskDefinition
		for i := range f.service.Deployments {
			f.service.Deployments[i].Status = aws.String("ACTIVE")
		}
		f.service.Deployments = append(f.service.Deployments, ecstypes.Deployment{Id: aws.String("ecs-svc/" + *in.TaskDefinition), Status: aws.String("PRIMARY"),
			DesiredCount: 1, RolloutState: ecstypes.DeploymentRolloutStateInProgress})
	}
	return &ecs.UpdateServiceOutput{Service: &f.service}, nil
}

func newFakeServices() *fakeServices {
	return &fakeServices{
		service: ecstypes.Service{ServiceArn: aws.String("arn:service"), ServiceName: aws.String("s"), TaskDefinition: aws.String("f:1"), Status: aws.String("ACTIVE")},
		definitions: []ecstypes.TaskDefinition{{Family: aws.String("f"), Revision: 1, TaskDefinitionArn: aws.String("f:1"), Cpu: aws.String("256"),
			ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("old")}, {Name: aws.String("side"), Image: aws.String("same")}}}},
	}
}

func TestServiceDeploy(t *testing.T) {
	client := newFakeServices()
	objects := &fakeObjects{objects: map[string]string{"b/in": zipOf(t, `imagedefinitions.json=[{"name":"app","imageUri":"new"}]`)}}
	a := serviceDeploy{&dependencies{s3: func(aws.Config) objectAPI { return objects }, ecs: func(aws.Config) serviceAPI { return client }, tempDir: t.TempDir()}}
	w := work(t, "ClusterName=c", "ServiceName=s")
	r, err := a.Step(t.Context(), w)
	if err != nil || !r.Again || client.registered != 1 {
		t.Fatal(r, err)
	}
	if c := client.definitions[1].ContainerDefinitions; *c[0].Image != "new" || *c[1].Image != "same" || *client.definitions[0].ContainerDefinitions[0].Image != "old" {
		t.Errorf("containers %+v", c)
	}
	// The crash came before the registration was noted.
	w.Repeated = true
	if r, err = a.Step(t.Context(), w); err != nil || client.registered != 1 {
		t.Fatalf("registered %d times, %v", client.registered, err)
	}
	// The crash came before the update was noted.
	registered := r
	if r, err = again(t, a, w, registered); err != nil || r.ExternalID != "ecs-svc/f:2" || !slices.Equal(r.Wake, []string{"arn:service"}) {
		t.Fatal(r, err)
	}
	if r, err = again(t, a, w, registered); err != nil || len(client.service.Deployments) != 1 {
		t.Fatal(r, err)
	}
	if r, err = again(t, a, w, r); err != nil || r.Done {
		t.Fatal("done before the deployment", r, err)
	}
	dep := &client.service.Deployments[0]
	dep.RolloutState = ecstypes.DeploymentRolloutStateCompleted
	if r, err = a.Step(t.Context(), w); err != nil || r.Done {
		t.Fatal("done before its tasks run", r, err)
	}
	dep.RunningCount = 1
	if r, err = a.Step(t.Context(), w); err != nil || !r.Done {
		t.Fatal(r, err)
	}
	dep.RolloutState, dep.RolloutStateReason = ecstypes.DeploymentRolloutStateFailed, aws.String("tasks failed to start.")
	_, err = a.Step(t.Context(), w)
	if f := failure(t, err); f.Code != jobFailed || !strings.HasSuffix(f.Message, "tasks failed to start.") {
		t.Error(f)
	}
	client.service.Deployments = nil
	_, err = a.Step(t.Context(), w)
	if f := failure(t, err); !strings.Contains(f.Message, "rolled back, or updated again") {
		t.Error(f)
	}
}

func TestServiceDeployRefuses(t *testing.T) {
	for _, c := range []struct{ name, zip, message string }{
		{"no zip", "junk", "not a ZIP"},
		{"no file", zipOf(t, "other.json={}"), "Did not find the image definition file imagedefinitions.json in the input artifacts ZIP file. Verify the file is stored in your pipeline's Amazon S3 artifact bucket: b key: in"},
		{"no JSON", zipOf(t, "imagedefinitions.json=[{"), "The image definition file imagedefinitions.json contents invalid JSON format"},
		{"an object", zipOf(t, `imagedefinitions.json={"name":"app"}`), "contents invalid JSON format"},
		{"no image", zipOf(t, `imagedefinitions.json=[{"name":"app"}]`), "element 1"},
		{"another container", zipOf(t, `imagedefinitions.json=[{"name":"web","imageUri":"i"}]`), "The AWS ECS container web does not exist"},
		{"too large", zipOf(t, `imagedefinitions.json=[`+strings.Repeat(" ", 101<<10)+`]`), "larger than 100 KB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := newFakeServices()
			a := serviceDeploy{&dependencies{s3: func(aws.Config) objectAPI { return &fakeObjects{objects: map[string]string{"b/in": c.zip}} },
				ecs: func(aws.Config) serviceAPI { return client }, tempDir: t.TempDir()}}
			_, err := a.Step(t.Context(), work(t, "ClusterName=c", "ServiceName=s"))
			if f := failure(t, err); f.Code != configurationError || !strings.Contains(f.Message, c.message) {
				t.Errorf("got %v, want %s", f, c.message)
			}
			if client.registered > 0 {
				t.Error("a task definition was registered")
			}
		})
	}
}

func TestObjectDeploy(t *testing.T) {
	objects := &fakeObjects{objects: map[string]string{"b/in": zipOf(t, "index.html=<p>", "css/site.css=p{}")}}
	a := objectDeploy{&dependencies{s3: func(aws.Config) objectAPI { return objects }, tempDir: t.TempDir()}}
	run := func(w *Work) error {
		t.Helper()
		r, err := a.Step(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		r, err = again(t, a, w, r)
		if err == nil && !r.Done {
			t.Errorf("not done: %+v", r)
		}
		return err
	}
	if err := run(work(t, "BucketName=web", "Extract=true", "ObjectKey=site/", "CacheControl=no-cache", "CannedACL=bucket-owner-full-control")); err != nil {
		t.Fatal(err)
	}
	put := objects.puts["site/index.html"]
	if objects.objects["web/site/css/site.css"] != "p{}" || put == nil || *put.CacheControl != "no-cache" || put.ACL != "bucket-owner-full-control" || !strings.HasPrefix(*put.ContentType, "text/html") {
		t.Errorf("%v, %+v", slices.Collect(maps.Keys(objects.objects)), put)
	}
	if err := run(work(t, "BucketName=web", "Extract=false", "ObjectKey=app-{datetime}-{uuid}.zip")); err != nil {
		t.Fatal(err)
	}
	if got := objects.objects["web/app-2026-01-02_03-04-05-11111111-1111-4111-8111-111111111111.zip"]; got != objects.objects["b/in"] {
		t.Errorf("%v", slices.Collect(maps.Keys(objects.objects)))
	}
	objects.objects["b/in"] = zipOf(t, "fine=1", "../evil=1")
	before := len(objects.objects)
	if f := failure(t, run(work(t, "BucketName=web", "Extract=true"))); !strings.Contains(f.Message, "../evil") {
		t.Error(f)
	}
	if len(objects.objects) != before {
		t.Error("something of the bad archive was uploaded")
	}
}

func TestBuildFailureSaysWhichPhase(t *testing.T) {
	of := func(code, message string) []builds.PhaseContext {
		return []builds.PhaseContext{{StatusCode: aws.String(code), Message: aws.String(message)}}
	}
	r := buildResult(&builds.Build{BuildStatus: builds.StatusTypeFailed, Phases: []builds.BuildPhase{
		{PhaseType: builds.BuildPhaseTypeInstall, Contexts: of("", "")},
		{PhaseType: builds.BuildPhaseTypeBuild, Contexts: of("COMMAND_EXECUTION_ERROR", "Error while executing command: false. Reason: exit status 1")},
		{PhaseType: builds.BuildPhaseTypePostBuild, Contexts: of("COMMAND_EXECUTION_ERROR", "later")},
	}}, buildMemo{})
	want := "Build terminated with state: FAILED. Phase: BUILD, Code: COMMAND_EXECUTION_ERROR, Message: Error while executing command: false. Reason: exit status 1"
	if r.Failure == nil || r.Failure.Message != want || r.Summary != want {
		t.Errorf("%+v", r)
	}
}
