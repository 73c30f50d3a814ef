package codebuild_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"codebuild.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

type world struct {
	*testing.T
	srv   *apptest.Server
	cb    *codebuild.Client
	role  string
	cfg   aws.Config
	bytes *s3.Client
}

func begin(t *testing.T, opts ...apptest.Option) *world {
	t.Helper()
	srv := apptest.Start(t, opts...)
	w := &world{T: t, srv: srv, cfg: srv.Config()}
	w.cb = codebuild.NewFromConfig(w.cfg)
	w.bytes = s3.NewFromConfig(w.cfg, func(o *s3.Options) { o.UsePathStyle = true })
	users := iam.NewFromConfig(w.cfg)
	out, err := users.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("builder"), AssumeRolePolicyDocument: aws.String(trust)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("builder"), PolicyName: aws.String("all"), PolicyDocument: aws.String(everything)}); err != nil {
		t.Fatal(err)
	}
	w.role = *out.Role.Arn
	return w
}

func (w *world) project(name, spec string, change ...func(*codebuild.CreateProjectInput)) *types.Project {
	w.Helper()
	in := &codebuild.CreateProjectInput{
		Name: aws.String(name), ServiceRole: aws.String(w.role),
		Source:      &types.ProjectSource{Type: types.SourceTypeNoSource, Buildspec: aws.String(spec)},
		Artifacts:   &types.ProjectArtifacts{Type: types.ArtifactsTypeNoArtifacts},
		Environment: &types.ProjectEnvironment{Type: types.EnvironmentTypeLinuxContainer, Image: aws.String("aws/codebuild/standard:7.0"), ComputeType: types.ComputeTypeBuildGeneral1Small},
	}
	for _, c := range change {
		c(in)
	}
	out, err := w.cb.CreateProject(w.Context(), in)
	if err != nil {
		w.Fatal(err)
	}
	return out.Project
}

func (w *world) start(name string, change ...func(*codebuild.StartBuildInput)) *types.Build {
	w.Helper()
	in := &codebuild.StartBuildInput{ProjectName: aws.String(name)}
	for _, c := range change {
		c(in)
	}
	out, err := w.cb.StartBuild(w.Context(), in)
	if err != nil {
		w.Fatal(err)
	}
	return out.Build
}

// until asks again until a build is as it should be.
func (w *world) until(id string, ok func(*types.Build) bool) *types.Build {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		out, err := w.cb.BatchGetBuilds(ctx, &codebuild.BatchGetBuildsInput{Ids: []string{id}})
		if err != nil {
			w.Fatal(err)
		}
		if len(out.Builds) == 1 && ok(&out.Builds[0]) {
			return &out.Builds[0]
		}
		<-ticker.C
	}
}

func complete(b *types.Build) bool { return b.BuildComplete }

func (w *world) log(b *types.Build) string {
	w.Helper()
	var text strings.Builder
	pages := cloudwatchlogs.NewGetLogEventsPaginator(cloudwatchlogs.NewFromConfig(w.cfg), &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: b.Logs.GroupName, LogStreamName: b.Logs.StreamName, StartFromHead: aws.Bool(true)},
		func(o *cloudwatchlogs.GetLogEventsPaginatorOptions) { o.StopOnDuplicateToken = true })
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		for _, e := range page.Events {
			text.WriteString(*e.Message)
		}
	}
	return text.String()
}

const greet = "version: 0.2\nenv: {exported-variables: [TAG]}\nphases:\n  build:\n    commands:\n      - echo hello $WHO\n      - TAG=v1; mkdir out; echo a > out/a; aws() { :; }\nartifacts: {files: ['**/*'], base-directory: out}\n"

func TestBuild(t *testing.T) {
	w := begin(t)
	if _, err := w.bytes.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("out")}); err != nil {
		t.Fatal(err)
	}
	w.project("greet", greet, func(in *codebuild.CreateProjectInput) {
		in.Environment.EnvironmentVariables = []types.EnvironmentVariable{{Name: aws.String("WHO"), Value: aws.String("project")}}
		in.Artifacts = &types.ProjectArtifacts{Type: types.ArtifactsTypeS3, Location: aws.String("out"), Path: aws.String("p"), Packaging: types.ArtifactPackagingZip, Name: aws.String("a.zip")}
	})
	first := w.start("greet", func(in *codebuild.StartBuildInput) {
		in.EnvironmentVariablesOverride = []types.EnvironmentVariable{{Name: aws.String("WHO"), Value: aws.String("override")}}
	})
	if first.BuildStatus != types.StatusTypeInProgress || *first.CurrentPhase != "QUEUED" || len(first.Phases) != 2 || *first.BuildNumber != 1 ||
		*first.Artifacts.Location != "arn:aws:s3:::out/p/a.zip" {
		t.Errorf("at once: %+v", first)
	}
	b := w.until(*first.Id, complete)
	log := w.log(b)
	if b.BuildStatus != types.StatusTypeSucceeded || len(b.Phases) != 11 || !strings.Contains(log, "\nhello override\n") {
		t.Errorf("%s, %d phases\n%s", b.BuildStatus, len(b.Phases), log)
	}
	if v := b.ExportedEnvironmentVariables; len(v) != 1 || *v[0].Value != "v1" {
		t.Errorf("exported: %+v", v)
	}
	object, err := w.bytes.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("out"), Key: aws.String("p/a.zip")})
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(object.Body)
	if z, err := zip.NewReader(bytes.NewReader(body), int64(len(body))); err != nil || len(z.File) != 1 || z.File[0].Name != "a" {
		t.Errorf("artifact: %v", err)
	}
	retried, err := w.cb.RetryBuild(t.Context(), &codebuild.RetryBuildInput{Id: b.Id})
	if err != nil || *retried.Build.BuildNumber != 2 {
		t.Fatal(err)
	}
	w.until(*retried.Build.Id, complete)
	list, err := w.cb.ListBuildsForProject(t.Context(), &codebuild.ListBuildsForProjectInput{ProjectName: aws.String("greet")})
	if err != nil || len(list.Ids) != 2 || list.Ids[1] != *b.Id {
		t.Errorf("%+v %v", list, err)
	}
	deleted, err := w.cb.BatchDeleteBuilds(t.Context(), &codebuild.BatchDeleteBuildsInput{Ids: list.Ids})
	if err != nil || len(deleted.BuildsDeleted) != 2 {
		t.Errorf("%+v %v", deleted, err)
	}
}

func TestStop(t *testing.T) {
	w := begin(t)
	w.project("slow", "version: 0.2\nphases: {build: {commands: [sleep 100]}}\n")
	b := w.start("slow")
	w.until(*b.Id, func(b *types.Build) bool { return *b.CurrentPhase == "BUILD" })
	out, err := w.cb.StopBuild(t.Context(), &codebuild.StopBuildInput{Id: b.Id})
	if err != nil {
		t.Fatal(err)
	}
	last := out.Build.Phases[len(out.Build.Phases)-2]
	if out.Build.BuildStatus != types.StatusTypeStopped || last.PhaseType != types.BuildPhaseTypeBuild || last.PhaseStatus != types.StatusTypeStopped {
		t.Errorf("%+v", out.Build)
	}
}

// The server goes away and comes back; the build does not notice.
func TestRestart(t *testing.T) {
	w := begin(t)
	w.project("long", "version: 0.2\nphases: {build: {commands: ['for i in 1 2 3 4 5 6 7 8 9; do echo tick $i; sleep 0.2; done; echo once >> \"$CODEBUILD_SRC_DIR/n\"; wc -l < n']}}\n")
	b := w.start("long")
	w.until(*b.Id, func(b *types.Build) bool { return *b.CurrentPhase == "BUILD" })
	w.srv.Restart()
	w.cfg = w.srv.Config()
	w.cb = codebuild.NewFromConfig(w.cfg)
	done := w.until(*b.Id, complete)
	log := w.log(done)
	if done.BuildStatus != types.StatusTypeSucceeded || strings.Count(log, "\ntick ") != 9 || !strings.Contains(log, "\n1\n") {
		t.Errorf("%s\n%s", done.BuildStatus, log)
	}
}

func TestRefusals(t *testing.T) {
	w := begin(t)
	p := w.project("there", greet)
	if *p.TimeoutInMinutes != 60 || *p.QueuedTimeoutInMinutes != 480 || p.Cache.Type != types.CacheTypeNoCache || *p.EncryptionKey == "" {
		t.Errorf("defaults: %+v", p)
	}
	create := func(change func(*codebuild.CreateProjectInput)) error {
		in := &codebuild.CreateProjectInput{Name: aws.String("new"), ServiceRole: aws.String(w.role), Source: p.Source, Artifacts: p.Artifacts, Environment: p.Environment}
		change(in)
		_, err := w.cb.CreateProject(t.Context(), in)
		return err
	}
	start := func(change func(*codebuild.StartBuildInput)) error {
		in := &codebuild.StartBuildInput{ProjectName: aws.String("there")}
		change(in)
		_, err := w.cb.StartBuild(t.Context(), in)
		return err
	}
	for name, tt := range map[string]struct {
		err        error
		code, text string
	}{
		"twice": {create(func(in *codebuild.CreateProjectInput) { in.Name = aws.String("there") }), "ResourceAlreadyExistsException", "Project already exists: " + *p.Arn},
		"connection": {start(func(in *codebuild.StartBuildInput) {
			in.SourceTypeOverride, in.SourceLocationOverride = types.SourceTypeGithub, aws.String("https://github.com/a/b")
			in.SourceAuthOverride = &types.SourceAuth{Type: types.SourceAuthTypeCodeconnections, Resource: aws.String("arn:connection")}
		}), "InvalidInputException", "Invalid source auth: arn:connection is not a connection"},
		"report": {start(func(in *codebuild.StartBuildInput) {
			in.SourceTypeOverride, in.SourceLocationOverride = types.SourceTypeGithub, aws.String("https://github.com/a/b")
			in.ReportBuildStatusOverride = aws.Bool(true)
		}), "InvalidInputException", "source.reportBuildStatus (telling GitHub how the build went) is not available"},
		"certificate": {start(func(in *codebuild.StartBuildInput) { in.CertificateOverride = aws.String("arn:aws:s3:::b/k") }), "InvalidInputException", "environment.certificate is not available"},
		"token":       {start(func(in *codebuild.StartBuildInput) { in.IdempotencyToken = aws.String(strings.Repeat("x", 65)) }), "InvalidInputException", "at most 64 are allowed"},
		"debug":       {start(func(in *codebuild.StartBuildInput) { in.DebugSessionEnabled = aws.Bool(true) }), "InvalidInputException", "debugSessionEnabled is not available"},
		"github's host": {create(func(in *codebuild.CreateProjectInput) {
			in.Source = &types.ProjectSource{Type: types.SourceTypeGithub, Location: aws.String("https://github.example.com/a/b")}
		}), "InvalidInputException", "Invalid project source location: https://github.example.com/a/b"},
		"token in location": {create(func(in *codebuild.CreateProjectInput) {
			in.Source = &types.ProjectSource{Type: types.SourceTypeGithub, Location: aws.String("https://secret@github.com/a/b")}
		}), "InvalidInputException", "it must not contain credentials"},
		"oauth": {create(func(in *codebuild.CreateProjectInput) {
			in.Source = &types.ProjectSource{Type: types.SourceTypeGithub, Location: aws.String("https://github.com/a/b"), Auth: &types.SourceAuth{Type: types.SourceAuthTypeOauth}}
		}), "InvalidInputException", "No Access token found, please visit AWS CodeBuild console to connect to GitHub"},
		"status": {create(func(in *codebuild.CreateProjectInput) {
			in.Source = &types.ProjectSource{Type: types.SourceTypeNoSource, Buildspec: p.Source.Buildspec, ReportBuildStatus: aws.Bool(true)}
		}), "InvalidInputException", "Source type NO_SOURCE does not support ReportBuildStatus"},
		"badge": {create(func(in *codebuild.CreateProjectInput) { in.BadgeEnabled = aws.Bool(true) }), "InvalidInputException", "Build badges are not supported"},
		"vpc":   {create(func(in *codebuild.CreateProjectInput) { in.VpcConfig = &types.VpcConfig{VpcId: aws.String("vpc-1")} }), "InvalidInputException", "subnets and securityGroupIds are required"},
		"tags": {create(func(in *codebuild.CreateProjectInput) {
			in.Tags = []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("y")}}
		}), "InvalidInputException", "reserved"},
		"lambda": {create(func(in *codebuild.CreateProjectInput) {
			e := *p.Environment
			e.Type = types.EnvironmentTypeLinuxLambdaContainer
			in.Environment = &e
		}), "InvalidInputException", "Invalid compute type provided: BUILD_GENERAL1_SMALL"},
		"windows": {start(func(in *codebuild.StartBuildInput) {
			in.EnvironmentTypeOverride = types.EnvironmentTypeWindowsServer2022Container
		}), "InvalidInputException", "environment type WINDOWS_SERVER_2022_CONTAINER on this machine is not available"},
		"pipeline": {create(func(in *codebuild.CreateProjectInput) {
			in.Source = &types.ProjectSource{Type: types.SourceTypeCodepipeline}
		}), "InvalidInputException", "both sourceType, and artifactType"},
		"role": {create(func(in *codebuild.CreateProjectInput) {
			in.ServiceRole = aws.String("arn:aws:iam::000000000000:role/none")
		}), "InvalidInputException", "CodeBuild is not authorized to perform: sts:AssumeRole on arn:aws:iam::000000000000:role/none"},
		"location": {create(func(in *codebuild.CreateProjectInput) { in.Source = &types.ProjectSource{Type: types.SourceTypeS3} }), "InvalidInputException", "Project source location is required"},
		"unknown":  {start(func(in *codebuild.StartBuildInput) { in.ProjectName = aws.String("none") }), "ResourceNotFoundException", "Project cannot be found: arn:aws:codebuild:us-east-1:000000000000:project/none"},
		"fleet": {start(func(in *codebuild.StartBuildInput) {
			in.FleetOverride = &types.ProjectFleet{FleetArn: aws.String("arn")}
		}), "InvalidInputException", "environment.fleet is not available"},
		"reserved": {start(func(in *codebuild.StartBuildInput) {
			in.EnvironmentVariablesOverride = []types.EnvironmentVariable{{Name: aws.String("CODEBUILD_INITIATOR"), Value: aws.String("x")}}
		}), "InvalidInputException", "reserved"},
	} {
		var api smithy.APIError
		if !errors.As(tt.err, &api) || api.ErrorCode() != tt.code || !strings.Contains(api.ErrorMessage(), tt.text) {
			t.Errorf("%s: %v", name, tt.err)
		}
	}
	token := func(in *codebuild.StartBuildInput) { in.IdempotencyToken = aws.String("once") }
	one, two := w.start("there", token), w.start("there", token)
	if *one.Id != *two.Id {
		t.Error("an idempotency token starts two builds")
	}
	// An image needs an engine, and this installation has processes.
	b := w.until(*w.start("there", func(in *codebuild.StartBuildInput) { in.ImageOverride = aws.String("my/image:1") }).Id, complete)
	failed := b.Phases[len(b.Phases)-2]
	if b.BuildStatus != types.StatusTypeFailed || failed.PhaseType != types.BuildPhaseTypeProvisioning || !strings.Contains(*failed.Contexts[0].Message, "needs a container engine") {
		t.Errorf("%s %+v", b.BuildStatus, failed)
	}
}

// What CodeBuild does in the service role before there is a container fails
// the build in PROVISIONING, if it may not.
func TestServiceRole(t *testing.T) {
	w := begin(t, apptest.Enforce)
	roles := iam.NewFromConfig(w.cfg)
	w.project("role", "version: 0.2\nphases: {build: {commands: [echo hello]}}")
	failure := func() string {
		t.Helper()
		b := w.until(*w.start("role").Id, complete)
		p := b.Phases[len(b.Phases)-2]
		if b.BuildStatus != types.StatusTypeFailed || p.PhaseType != types.BuildPhaseTypeProvisioning || len(p.Contexts) != 1 {
			t.Fatalf("%s, %+v", b.BuildStatus, p)
		}
		return *p.Contexts[0].StatusCode + ": " + *p.Contexts[0].Message
	}
	if b := w.until(*w.start("role").Id, complete); b.BuildStatus != types.StatusTypeSucceeded {
		t.Fatalf("with all permissions: %s", b.BuildStatus)
	}
	if _, err := roles.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("builder"), PolicyName: aws.String("less"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"logs:CreateLogStream","Resource":"*"}]}`)}); err != nil {
		t.Fatal(err)
	}
	if got := failure(); !strings.HasPrefix(got, "ACCESS_DENIED: Service role "+w.role+" does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for build ") ||
		!strings.Contains(got, "is not authorized to perform: logs:CreateLogStream") {
		t.Error(got)
	}
	if _, err := roles.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("builder"),
		PolicyDocument: aws.String(strings.Replace(trust, "codebuild", "ec2", 1))}); err != nil {
		t.Fatal(err)
	}
	if got := failure(); got != "CLIENT_ERROR: CodeBuild is not authorized to perform: sts:AssumeRole on "+w.role {
		t.Error(got)
	}
}
