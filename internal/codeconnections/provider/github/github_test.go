package github_test

import (
	"net/http"
	"net/url"
	"reflect"
	"testing"

	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider/github"
)

func TestPlaces(t *testing.T) {
	for base, want := range map[string]string{
		"https://github.com": "https://api.github.com", "https://GitHub.com": "https://api.github.com",
		"https://git.example.com": "https://git.example.com/api/v3", "https://example.com/git": "https://example.com/git/api/v3",
	} {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		if got := (github.Dialect{}).API(u).String(); got != want {
			t.Errorf("%s: %s", base, got)
		}
	}
}

// GitHub's own example of a signature, from "Validating webhook deliveries".
func TestSignature(t *testing.T) {
	h := http.Header{}
	body, secret := []byte("Hello, World!"), "It's a Secret to Everybody"
	h.Set("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")
	if !(github.Dialect{}).Signed(h, body, secret) {
		t.Error("a good signature is refused")
	}
	for _, bad := range []string{"", "sha256=", "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e16", "sha256=757107ea", "sha256=zz"} {
		if h.Set("X-Hub-Signature-256", bad); (github.Dialect{}).Signed(h, body, secret) {
			t.Errorf("%q is accepted", bad)
		}
	}
}

const (
	before = "1111111111111111111111111111111111111111"
	after  = "2222222222222222222222222222222222222222"
	zero   = "0000000000000000000000000000000000000000"
	head   = `"head_commit":{"id":"` + after + `","message":"m","timestamp":"2024-05-01T12:00:00+02:00","author":{"name":"n","email":"e"},"added":["b"],"removed":["c"],"modified":["a"]}`
	repo   = `"repository":{"full_name":"o/r"}`
)

func TestWebhooks(t *testing.T) {
	pull := func(action, from string) string {
		return `{"action":"` + action + `","number":7,` + repo + `,"pull_request":{"title":"t","head":{"ref":"topic","sha":"` + after + `","repo":` + from + `},"base":{"ref":"main"}}}`
	}
	opened := source.Change{Kind: source.PullRequest, Action: source.Open, Branch: "topic", BaseBranch: "main", CommitID: after, PullRequestID: "7", PullRequestTitle: "t", FilesTruncated: true}
	described := source.Change{Kind: source.Push, CommitID: after, CommitMessage: "m", AuthorDate: "2024-05-01T10:00:00Z", AuthorEmail: "e", AuthorDisplayName: "n"}
	change := func(c source.Change, f func(*source.Change)) *source.Change {
		f(&c)
		return &c
	}
	for _, tt := range []struct {
		name, event, body string
		want              *source.Change
	}{
		{"a push", "push", `{"ref":"refs/heads/a/b","before":"` + before + `","after":"` + after + `",` + repo + `,` + head + `,"commits":[{"added":["b"],"removed":["c"],"modified":["a"]}]}`,
			change(described, func(c *source.Change) { c.Branch, c.BeforeCommitID, c.Files = "a/b", before, []string{"a", "b", "c"} })},
		{"a forced push", "push", `{"ref":"refs/heads/main","before":"` + before + `","after":"` + after + `","forced":true,` + repo + `,` + head + `,"commits":[{"added":["b"]}]}`,
			change(described, func(c *source.Change) {
				c.Branch, c.BeforeCommitID, c.Files, c.FilesTruncated = "main", before, []string{"b"}, true
			})},
		{"an annotated tag", "push", `{"ref":"refs/tags/v1","before":"` + zero + `","after":"3333333333333333333333333333333333333333",` + repo + `,` + head + `}`,
			change(described, func(c *source.Change) { c.Tag, c.FilesTruncated = "v1", true })},
		{"a branch that is gone", "push", `{"ref":"refs/heads/x","before":"` + before + `","after":"` + zero + `","head_commit":null,` + repo + `}`,
			&source.Change{Kind: source.Push, Branch: "x", BeforeCommitID: before, Deleted: true}},
		{"notes", "push", `{"ref":"refs/notes/x",` + repo + `}`, nil},
		{"a ping", "ping", `{"zen":"x"}`, nil},
		{"opened", "pull_request", pull("opened", `{"full_name":"O/R"}`), &opened},
		{"reopened", "pull_request", pull("reopened", `{"full_name":"o/r"}`), &opened},
		{"updated", "pull_request", pull("synchronize", `{"full_name":"o/r"}`), change(opened, func(c *source.Change) { c.Action = source.Updated })},
		{"closed", "pull_request", pull("closed", `{"full_name":"o/r"}`), change(opened, func(c *source.Change) { c.Action = source.Closed })},
		{"labelled", "pull_request", pull("labeled", `{"full_name":"o/r"}`), nil},
		{"from a fork", "pull_request", pull("opened", `{"full_name":"mallory/r"}`), nil},
		{"from a fork that is gone", "pull_request", pull("opened", `null`), nil},
	} {
		h := http.Header{}
		h.Set("X-GitHub-Event", tt.event)
		d, err := github.Dialect{}.Read(h, []byte(tt.body))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if tt.want == nil {
			if len(d.Changes) > 0 {
				t.Errorf("%s: %+v", tt.name, d.Changes)
			}
			continue
		}
		if len(d.Changes) != 1 || !reflect.DeepEqual(&d.Changes[0], tt.want) || d.Repository != "o/r" {
			t.Errorf("%s: %+v, want %+v", tt.name, d, tt.want)
		}
	}
	for _, event := range []string{"push", "pull_request"} {
		h := http.Header{}
		h.Set("X-GitHub-Event", event)
		if _, err := (github.Dialect{}).Read(h, []byte(`{`)); err == nil {
			t.Errorf("%s: half a body is read", event)
		}
	}
}

var _ provider.Dialect = github.Dialect{}
