package codeconnections_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"
	pipelines "github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/e2e/githost"
)

// signatures are the headers by which dialects prove who they are.
var signatures = map[string]string{
	githost.GitHub: "X-Hub-Signature-256", githost.GitLab: "X-Gitlab-Token", githost.Bitbucket: "X-Hub-Signature", githost.Gitea: "X-Gitea-Signature",
}

var deliveryIDs = map[string]string{
	githost.GitHub: "X-GitHub-Delivery", githost.GitLab: "Idempotency-Key", githost.Bitbucket: "X-Request-UUID", githost.Gitea: "X-Gitea-Delivery",
}

func TestWebhooksThatAreRefused(t *testing.T) {
	for kind, dialect := range map[types.ProviderType]string{
		types.ProviderTypeGithub: githost.GitHub, types.ProviderTypeGitlab: githost.GitLab, types.ProviderTypeBitbucket: githost.Bitbucket,
		types.ProviderTypeGithubEnterpriseServer: githost.Gitea,
	} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := begin(t, kind, dialect, anything)
			s.complete()
			s.pipeline("p", nil)
			s.hooked()
			s.source("p", 1)
			apptest.Must(s.repo.Push("main", "second", map[string]string{"index.html": "two"}))(t)
			s.source("p", 2)
			good := s.git.Deliveries()[0]
			if good.Status != http.StatusAccepted && good.Status != http.StatusOK {
				t.Fatalf("the webhook got %d", good.Status)
			}
			send := func(what string, change func(d *githost.Delivery), want ...int) {
				t.Helper()
				d := &githost.Delivery{URL: good.URL, Header: good.Header.Clone(), Body: bytes.Clone(good.Body)}
				change(d)
				status, err := d.Send()
				if err != nil || !slices.Contains(want, status) {
					t.Errorf("%s: %d, %v", what, status, err)
				}
			}
			send("a replay", func(*githost.Delivery) {}, 200)
			send("a replay under another id", func(d *githost.Delivery) { d.Header.Set(deliveryIDs[dialect], "other") }, 200)
			send("a signature off by a byte", func(d *githost.Delivery) {
				h := []byte(d.Header.Get(signatures[dialect]))
				h[len(h)-1] ^= 1
				d.Header.Set(signatures[dialect], string(h))
				d.Header.Set(deliveryIDs[dialect], "new")
			}, 401)
			send("no signature", func(d *githost.Delivery) { d.Header.Del(signatures[dialect]) }, 401)
			if dialect != githost.GitLab { // whose token does not cover the body
				send("another body", func(d *githost.Delivery) { d.Body = append(d.Body, ' ') }, 401)
			}
			send("30 MB", func(d *githost.Delivery) { d.Body = make([]byte, 30<<20) }, 413)
			send("another hook", func(d *githost.Delivery) { d.URL = d.URL[:len(d.URL)-1] + "x" }, 404)
			if resp, err := http.Get(good.URL); err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("GET: %v, %v", resp, err)
			}
			// What was refused started nothing: the next push is the third.
			apptest.Must(s.repo.Push("main", "third", map[string]string{"index.html": "three"}))(t)
			if got := s.file(s.source("p", 3), "index.html"); got != "three" {
				t.Errorf("the third execution has %q", got)
			}
			if n := len(s.executions("p")); n != 3 {
				t.Errorf("%d executions", n)
			}
		})
	}
}

// An old webhook that comes again, signed, is not news even when nobody
// remembers it: the provider is asked what holds now.
func TestAnOldPushIsNoNews(t *testing.T) {
	s := begin(t, types.ProviderTypeGitlab, githost.GitLab, anything)
	s.complete()
	s.pipeline("p", nil)
	s.hooked()
	s.source("p", 1)
	apptest.Must(s.repo.Push("main", "second", map[string]string{"index.html": "two"}))(t)
	s.source("p", 2)
	apptest.Must(s.repo.Push("main", "third", map[string]string{"index.html": "three"}))(t)
	s.source("p", 3)
	old := *s.git.Deliveries()[0]
	old.Body = append(bytes.Clone(old.Body), ' ')
	old.Header = old.Header.Clone()
	old.Header.Set("Idempotency-Key", "forgotten")
	if status, err := old.Send(); err != nil || status != http.StatusAccepted {
		t.Fatal(status, err)
	}
	apptest.Must(s.repo.Push("main", "fourth", map[string]string{"index.html": "four"}))(t)
	if got := s.file(s.source("p", 4), "index.html"); got != "four" || len(s.executions("p")) != 4 {
		t.Errorf("%q in the fourth of %d", got, len(s.executions("p")))
	}
}

// Triggers by tag, file path and pull request, with what the source says of them.
func TestWhatWebhooksTell(t *testing.T) {
	for kind, dialect := range map[types.ProviderType]string{
		types.ProviderTypeGithub: githost.GitHub, types.ProviderTypeGitlab: githost.GitLab, types.ProviderTypeBitbucket: githost.Bitbucket,
		types.ProviderTypeGithubEnterpriseServer: githost.Gitea,
	} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := begin(t, kind, dialect, anything)
			s.complete()
			trigger := func(g *pipelines.GitConfiguration) func(p *pipelines.PipelineDeclaration) {
				g.SourceActionName = aws.String("Checkout")
				return func(p *pipelines.PipelineDeclaration) {
					p.Triggers = []pipelines.PipelineTriggerDeclaration{{ProviderType: "CodeStarSourceConnection", GitConfiguration: g}}
				}
			}
			s.pipeline("tags", trigger(&pipelines.GitConfiguration{Push: []pipelines.GitPushFilter{{Tags: &pipelines.GitTagFilterCriteria{Includes: []string{"v*"}}}}}))
			s.pipeline("docs", trigger(&pipelines.GitConfiguration{Push: []pipelines.GitPushFilter{{Branches: &pipelines.GitBranchFilterCriteria{Includes: []string{"main"}},
				FilePaths: &pipelines.GitFilePathFilterCriteria{Includes: []string{"docs/**"}}}}}))
			s.pipeline("pulls", trigger(&pipelines.GitConfiguration{PullRequest: []pipelines.GitPullRequestFilter{{
				Branches:  &pipelines.GitBranchFilterCriteria{Includes: []string{"main"}},
				FilePaths: &pipelines.GitFilePathFilterCriteria{Includes: []string{"docs/**"}}}}}))
			s.hooked()
			for _, p := range []string{"tags", "docs", "pulls"} {
				s.source(p, 1)
			}
			base := apptest.Must(s.repo.Push("main", "page", map[string]string{"index.html": "two"}))(t)
			if err := s.repo.Tag("v1", base); err != nil {
				t.Fatal(err)
			}
			if v := s.source("tags", 2).Output.OutputVariables; v["TagName"] != "v1" || v["CommitId"] != base {
				t.Errorf("tag: %v", v)
			}
			docs := apptest.Must(s.repo.Push("main", "docs", map[string]string{"docs/a.md": "b"}))(t)
			if v := s.source("docs", 2).Output.OutputVariables; v["CommitId"] != docs {
				t.Errorf("docs: %v", v)
			}
			// A forced push that takes a change of docs back is one of docs, too.
			if err := s.repo.Reset("main", base); err != nil {
				t.Fatal(err)
			}
			if v := s.source("docs", 3).Output.OutputVariables; v["CommitId"] != base {
				t.Errorf("forced: %v", v)
			}

			apptest.Must(s.repo.Push("topic/x", "more docs", map[string]string{"docs/a.md": "c"}))(t)
			pull := apptest.Must(s.repo.OpenPullRequest("Better docs", "topic/x", "main", ""))(t)
			v := s.source("pulls", 2).Output.OutputVariables
			if v["PullRequestId"] != "1" || v["PullRequestTitle"] != "Better docs" || v["SourceBranchName"] != "topic/x" || v["DestinationBranchName"] != "main" || len(v["CommitId"]) != 40 {
				t.Errorf("pull request: %v", v)
			}
			pull.Retitle("Best docs") // no change of commits
			newer := apptest.Must(s.repo.Push("topic/x", "more", map[string]string{"docs/b.md": "d"}))(t)
			if v := s.source("pulls", 3).Output.OutputVariables; v["CommitId"] != newer {
				t.Errorf("updated: %v", v)
			}
			pull.Close(true)
			if v := s.source("pulls", 4).Output.OutputVariables; v["CommitId"] != newer {
				t.Errorf("closed: %v", v)
			}
			apptest.Must(s.repo.OpenPullRequest("From a stranger", "topic/x", "main", "mallory/site"))(t)
			apptest.Must(s.repo.Push("page", "no docs", map[string]string{"index.html": "x"}))(t)
			apptest.Must(s.repo.OpenPullRequest("A page", "page", "main", ""))(t)
			if err := s.repo.Delete("refs/heads/page"); err != nil {
				t.Fatal(err)
			}
			if err := s.repo.Tag("v2", newer); err != nil {
				t.Fatal(err)
			}
			s.source("tags", 3) // all before it has been delivered
			for p, want := range map[string]int{"tags": 3, "docs": 3, "pulls": 4} {
				if n := len(s.executions(p)); n != want {
					t.Errorf("%s: %d executions, want %d", p, n, want)
				}
			}
			for _, d := range s.git.Deliveries() {
				if d.Status != 202 && d.Status != 200 {
					t.Errorf("%d for %.300s", d.Status, d.Body)
				}
			}
			if !strings.Contains(s.git.Deliveries()[0].URL, "/_slipway/webhooks/connections/") {
				t.Error(s.git.Deliveries()[0].URL)
			}
		})
	}
}
