package codeconnections_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	pipelines "github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	buckets "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/e2e/githost"
	"github.com/slipway-dev/slipway/internal/codeconnections/handshake"
)

// story is a server, a git host and what a pipeline between them needs.
type story struct {
	t    *testing.T
	srv  *apptest.Server
	git  *githost.Host
	repo *githost.Repo
	role string
	arn  string // of the connection
}

const (
	trust    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"codepipeline.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	anything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","codestar-connections:UseConnection"],"Resource":"*"}]}`
)

func host(t *testing.T, dialects ...string) *githost.Host {
	t.Helper()
	h, err := githost.Start(dialects...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// begin makes all but the pipeline; policy is that of its role.
func begin(t *testing.T, kind types.ProviderType, dialect, policy string, opts ...apptest.Option) *story {
	t.Helper()
	ctx := t.Context()
	s := &story{t: t, srv: apptest.Start(t, append(opts, apptest.Enforce)...), git: host(t, dialect)}
	s.repo = apptest.Must(s.git.Create("Octo/site"))(t)
	apptest.Must(s.repo.Push("main", "first", map[string]string{"index.html": "one", "docs/a.md": "a"}))(t)
	cfg := s.srv.Config()
	apptest.Must(s.s3().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("artifacts")}))(t)
	apptest.Must(s.s3().PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: aws.String("artifacts"),
		VersioningConfiguration: &buckets.VersioningConfiguration{Status: buckets.BucketVersioningStatusEnabled}}))(t)
	i := iam.NewFromConfig(cfg)
	s.role = *apptest.Must(i.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("pipeline"), AssumeRolePolicyDocument: aws.String(trust)}))(t).Role.Arn
	apptest.Must(i.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("pipeline"), PolicyName: aws.String("p"), PolicyDocument: aws.String(policy)}))(t)
	c := codeconnections.NewFromConfig(cfg)
	in := &codeconnections.CreateConnectionInput{ConnectionName: aws.String("git"), ProviderType: kind}
	if kind == types.ProviderTypeGithubEnterpriseServer || kind == types.ProviderTypeGitlabSelfManaged {
		h := apptest.Must(c.CreateHost(ctx, &codeconnections.CreateHostInput{Name: aws.String("h"), ProviderType: kind, ProviderEndpoint: aws.String(s.git.URL)}))(t)
		in.ProviderType, in.HostArn = "", h.HostArn
	}
	s.arn = *apptest.Must(c.CreateConnection(ctx, in))(t).ConnectionArn
	return s
}

func (s *story) s3() *s3.Client {
	return s3.NewFromConfig(s.srv.Config(), func(o *s3.Options) { o.UsePathStyle = true })
}

func (s *story) pipelines() *codepipeline.Client { return codepipeline.NewFromConfig(s.srv.Config()) }

func (s *story) complete() {
	s.t.Helper()
	out, err := handshake.Complete(s.t.Context(), s.srv.Config(), &handshake.Input{ConnectionArn: s.arn, BaseURL: s.git.URL, Token: githost.Token})
	if err != nil || out.ConnectionStatus != "AVAILABLE" || out.Account != githost.User {
		s.t.Fatal(out, err)
	}
}

// pipeline makes a pipeline whose second stage waits for somebody.
func (s *story) pipeline(name string, change func(*pipelines.PipelineDeclaration)) {
	s.t.Helper()
	p := &pipelines.PipelineDeclaration{Name: aws.String(name), RoleArn: aws.String(s.role), PipelineType: pipelines.PipelineTypeV2,
		ExecutionMode: pipelines.ExecutionModeQueued,
		ArtifactStore: &pipelines.ArtifactStore{Type: pipelines.ArtifactStoreTypeS3, Location: aws.String("artifacts")},
		Stages: []pipelines.StageDeclaration{
			{Name: aws.String("Source"), Actions: []pipelines.ActionDeclaration{{
				Name:            aws.String("Checkout"),
				Namespace:       aws.String("source"),
				ActionTypeId:    &pipelines.ActionTypeId{Category: "Source", Owner: "AWS", Provider: aws.String("CodeStarSourceConnection"), Version: aws.String("1")},
				OutputArtifacts: []pipelines.OutputArtifact{{Name: aws.String("src")}},
				Configuration:   map[string]string{"ConnectionArn": s.arn, "FullRepositoryId": "octo/site", "BranchName": "main"},
			}}},
			{Name: aws.String("Approve"), Actions: []pipelines.ActionDeclaration{{
				Name:         aws.String("Wait"),
				ActionTypeId: &pipelines.ActionTypeId{Category: "Approval", Owner: "AWS", Provider: aws.String("Manual"), Version: aws.String("1")},
			}}},
		}}
	if change != nil {
		change(p)
	}
	apptest.Must(s.pipelines().CreatePipeline(s.t.Context(), &codepipeline.CreatePipelineInput{Pipeline: p}))(s.t)
}

// executions are those of a pipeline, the newest first.
func (s *story) executions(name string) []pipelines.PipelineExecutionSummary {
	s.t.Helper()
	return apptest.Must(s.pipelines().ListPipelineExecutions(s.t.Context(),
		&codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String(name)}))(s.t).PipelineExecutionSummaries
}

// source waits for the Source action of a pipeline's n-th execution, and
// returns it.
func (s *story) source(name string, n int) pipelines.ActionExecutionDetail {
	s.t.Helper()
	var got pipelines.ActionExecutionDetail
	s.until(fmt.Sprintf("%s's execution %d", name, n), func() bool {
		list := s.executions(name)
		if len(list) < n {
			return false
		}
		out := apptest.Must(s.pipelines().ListActionExecutions(s.t.Context(), &codepipeline.ListActionExecutionsInput{
			PipelineName: aws.String(name), Filter: &pipelines.ActionExecutionFilter{PipelineExecutionId: list[len(list)-n].PipelineExecutionId}}))(s.t)
		for _, a := range out.ActionExecutionDetails {
			if *a.ActionName == "Checkout" && a.Status != pipelines.ActionExecutionStatusInProgress {
				got = a
				return true
			}
		}
		return false
	})
	return got
}

// until waits for what happens by itself, soon.
func (s *story) until(what string, f func() bool) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if f() {
			return
		}
	}
	for _, d := range s.git.Deliveries() {
		s.t.Logf("webhook: %d %.500s", d.Status, d.Body)
	}
	s.t.Fatalf("no %s within 20 s", what)
}

// file reads a file of an action's artifact.
func (s *story) file(a pipelines.ActionExecutionDetail, name string) string {
	s.t.Helper()
	if a.Status != pipelines.ActionExecutionStatusSucceeded {
		s.t.Fatalf("%s: %+v", a.Status, a.Output.ExecutionResult.ErrorDetails)
	}
	b := s.artifact(a)
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		s.t.Fatal(err)
	}
	f, err := z.Open(name)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	return string(apptest.Must(io.ReadAll(f))(s.t))
}

func (s *story) artifact(a pipelines.ActionExecutionDetail) []byte {
	s.t.Helper()
	at := a.Output.OutputArtifacts[0].S3location
	out := apptest.Must(s.s3().GetObject(s.t.Context(), &s3.GetObjectInput{Bucket: at.Bucket, Key: at.Key}))(s.t)
	defer out.Body.Close()
	return apptest.Must(io.ReadAll(out.Body))(s.t)
}

func (s *story) hooked() {
	s.t.Helper()
	s.until("webhook", func() bool { return s.git.Hooks("octo/site") == 1 })
}

// A pipeline is made before the handshake and fails; then pushes start it, in
// every dialect.
func TestPushes(t *testing.T) {
	for _, tt := range []struct {
		kind    types.ProviderType
		dialect string
	}{
		{types.ProviderTypeGithub, githost.GitHub}, {types.ProviderTypeGithubEnterpriseServer, githost.GitHub},
		{types.ProviderTypeGitlabSelfManaged, githost.GitLab}, {types.ProviderTypeBitbucket, githost.Bitbucket},
		{types.ProviderTypeGithubEnterpriseServer, githost.Gitea},
	} {
		t.Run(string(tt.kind)+" "+tt.dialect, func(t *testing.T) {
			t.Parallel()
			s := begin(t, tt.kind, tt.dialect, anything)
			s.pipeline("p", nil)
			first := s.source("p", 1)
			if e := first.Output.ExecutionResult.ErrorDetails; e == nil || !strings.Contains(*e.Message, "is not available: its status is PENDING") {
				t.Errorf("before the handshake: %+v", e)
			}
			s.complete()
			s.hooked()
			commit := apptest.Must(s.repo.Push("main", "second\n\nwith more", map[string]string{"index.html": "two"}))(t)
			a := s.source("p", 2)
			if got := s.file(a, "index.html"); got != "two" {
				t.Errorf("the artifact has %q", got)
			}
			v := a.Output.OutputVariables
			id := "42"
			if tt.dialect == githost.GitLab {
				id = ""
			}
			for name, want := range map[string]string{
				"AuthorDate": "2024-05-01T10:00:00Z", "AuthorDisplayName": "Octo Cat", "AuthorEmail": "octo@example.com", "AuthorId": id,
				"BranchName": "main", "CommitId": commit, "CommitMessage": "second\n\nwith more", "ConnectionArn": s.arn,
				"FullRepositoryName": "octo/site", "ProviderType": string(tt.kind),
			} {
				if v[name] != want {
					t.Errorf("%s is %q, want %q", name, v[name], want)
				}
			}
			if n := len(s.executions("p")); n != 2 {
				t.Errorf("%d executions", n)
			}
			// The pipeline goes, and the webhook with it.
			apptest.Must(s.pipelines().DeletePipeline(t.Context(), &codepipeline.DeletePipelineInput{Name: aws.String("p")}))(t)
			s.until("end of the webhook", func() bool { return s.git.Hooks("octo/site") == 0 })
		})
	}
}
