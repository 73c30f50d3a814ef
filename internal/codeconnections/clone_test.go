package codeconnections_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"
	pipelines "github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/e2e/githost"
)

// The reference that a source leaves for builds is good for git with the
// credentials of whoever may use the connection, and for nobody else.
func TestFullClones(t *testing.T) {
	helper, err := exec.LookPath("/usr/bin/aws")
	if err != nil {
		t.Skip("no aws command")
	}
	s := begin(t, types.ProviderTypeGitlab, githost.GitLab, anything)
	s.complete()
	apptest.Must(s.repo.Push("main", "second", map[string]string{"index.html": "two"}))(t)
	s.pipeline("p", func(p *pipelines.PipelineDeclaration) {
		p.Stages[0].Actions[0].Configuration["OutputArtifactFormat"] = "CODEBUILD_CLONE_REF"
	})
	a := s.source("p", 1)
	var ref struct{ CloneURL, CommitID, ConnectionARN, FullRepositoryID, Branch, Provider string }
	if err := json.Unmarshal(s.artifact(a), &ref); err != nil {
		t.Fatalf("%v in %s", err, s.artifact(a))
	}
	if ref.ConnectionARN != s.arn || ref.FullRepositoryID != "octo/site" || ref.Branch != "main" || ref.Provider != "GitLab" || ref.CommitID != a.Output.OutputVariables["CommitId"] {
		t.Errorf("%+v", ref)
	}
	if strings.Contains(string(s.artifact(a)), githost.Token) {
		t.Error("the token is in the artifact")
	}

	c, ctx := iam.NewFromConfig(s.srv.Config()), t.Context()
	user := func(name, policy string) []string {
		apptest.Must(c.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}))(t)
		apptest.Must(c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy}))(t)
		k := apptest.Must(c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name}))(t).AccessKey
		return []string{"AWS_ACCESS_KEY_ID=" + *k.AccessKeyId, "AWS_SECRET_ACCESS_KEY=" + *k.SecretAccessKey, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1"}
	}
	git := func(env []string, args ...string) (string, error) {
		cmd := exec.Command("git", append([]string{"-c", "credential.helper=!" + helper + " codecommit credential-helper --ignore-host-check $@", "-c", "credential.UseHttpPath=true"}, args...)...)
		cmd.Env = append(env, "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir(), "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	allow := func(condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"codeconnections:UseConnection","Resource":"` + s.arn + `"` + condition + `}]}`
	}
	reader := user("reader", allow(`,"Condition":{"StringEquals":{"codeconnections:ProviderPermissionsRequired":"read_only"}}`))
	writer := user("writer", allow(`,"Condition":{"StringEquals":{"codeconnections:FullRepositoryId":"octo/site"}}`))
	stranger := user("stranger", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)

	dir := filepath.Join(t.TempDir(), "w")
	if out, err := git(reader, "clone", "-q", ref.CloneURL, dir); err != nil {
		t.Fatal(out, err)
	}
	if out, err := git(reader, "-C", dir, "log", "--format=%s"); err != nil || out != "second\nfirst\n" {
		t.Error(out, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, ".git", "config")); err != nil || strings.Contains(string(b), githost.Token) {
		t.Error(string(b), err)
	}
	if out, err := git(stranger, "clone", "-q", ref.CloneURL, dir+"2"); err == nil || !strings.Contains(out, "403") {
		t.Errorf("a stranger clones: %s", out)
	}
	if out, err := git(writer, "clone", "-q", strings.Replace(ref.CloneURL, "octo/site", "octo/other", 1), dir+"3"); err == nil || !strings.Contains(out, "403") {
		t.Errorf("another repository: %s", out)
	}
	if out, err := git(reader, "-C", dir, "commit", "-q", "--allow-empty", "-m", "pushed"); err != nil {
		t.Fatal(out, err)
	}
	if out, err := git(reader, "-C", dir, "push", "-q", "origin", "HEAD:pushed"); err == nil || !strings.Contains(out, "403") {
		t.Errorf("a reader pushes: %s", out)
	}
	if out, err := git(writer, "-C", dir, "push", "-q", "origin", "HEAD:pushed"); err != nil {
		t.Error(out, err)
	}
	// What the provider redirects stays here, too.
	mallory := host(t)
	apptest.Must(mallory.Create("octo/site"))(t)
	s.git.RedirectGit("octo/site", mallory.URL)
	if out, err := git(reader, "clone", "-q", ref.CloneURL, dir+"4"); err == nil || !strings.Contains(out, "502") {
		t.Errorf("redirected: %s", out)
	}
	if seen := mallory.Seen(); len(seen) > 0 {
		t.Errorf("the other host was sent %q", seen)
	}
}

// The role of a pipeline must be permitted to use the connection, by one of the
// two names that the permission has.
func TestPermissions(t *testing.T) {
	for policy, want := range map[string]string{
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","codeconnections:UseConnection"],"Resource":"*"}]}`: "",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","codeconnections:GetConnection"],"Resource":"*"}]}`: "does not have sufficient permissions",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","codestar-connections:*"],"Resource":"*"},
			{"Effect":"Deny","Action":"codeconnections:UseConnection","Resource":"*","Condition":{"StringLike":{"codeconnections:FullRepositoryId":"octo/*"}}}]}`: "does not have sufficient permissions",
	} {
		s := begin(t, types.ProviderTypeGithub, githost.GitHub, policy)
		s.complete()
		s.pipeline("p", nil)
		a := s.source("p", 1)
		message := ""
		if e := a.Output.ExecutionResult.ErrorDetails; e != nil {
			if message = *e.Message; *e.Code != "PermissionError" {
				t.Errorf("code %s", *e.Code)
			}
		}
		if message != "" != (want != "") || !strings.Contains(message, want) {
			t.Errorf("%s: %q", policy, message)
		}
	}
}
