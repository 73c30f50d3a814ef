package gitlab_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider/gitlab"
)

const (
	before = "1111111111111111111111111111111111111111"
	after  = "2222222222222222222222222222222222222222"
	zero   = "0000000000000000000000000000000000000000"
	commit = `{"id":"` + after + `","message":"m","timestamp":"2024-05-01T12:00:00+02:00","author":{"name":"n","email":"e"},"added":["b"],"removed":["c"],"modified":["a"]}`
	in     = `"project":{"path_with_namespace":"g/s/r"}`
)

func TestWebhooks(t *testing.T) {
	described := source.Change{Kind: source.Push, CommitID: after, CommitMessage: "m", AuthorDate: "2024-05-01T10:00:00Z", AuthorEmail: "e", AuthorDisplayName: "n"}
	change := func(c source.Change, f func(*source.Change)) *source.Change {
		f(&c)
		return &c
	}
	merge := func(attributes string) string {
		return `{"object_kind":"merge_request",` + in + `,"object_attributes":{"iid":7,"title":"t","source_branch":"topic","target_branch":"main","last_commit":` + commit + `,` + attributes + `}}`
	}
	opened := change(described, func(c *source.Change) {
		c.Kind, c.Action, c.Branch, c.BaseBranch, c.PullRequestID, c.PullRequestTitle, c.FilesTruncated = source.PullRequest, source.Open, "topic", "main", "7", "t", true
	})
	const same = `"source_project_id":1,"target_project_id":1`
	for _, tt := range []struct {
		name, body string
		want       *source.Change
	}{
		{"a push", `{"object_kind":"push","ref":"refs/heads/main","before":"` + before + `","after":"` + after + `","checkout_sha":"` + after + `","total_commits_count":1,"commits":[` + commit + `],` + in + `}`,
			change(described, func(c *source.Change) { c.Branch, c.BeforeCommitID, c.Files = "main", before, []string{"a", "b", "c"} })},
		{"a push of more than is told", `{"object_kind":"push","ref":"refs/heads/main","before":"` + before + `","after":"` + after + `","checkout_sha":"` + after + `","total_commits_count":30,"commits":[` + commit + `],` + in + `}`,
			change(described, func(c *source.Change) {
				c.Branch, c.BeforeCommitID, c.Files, c.FilesTruncated = "main", before, []string{"a", "b", "c"}, true
			})},
		{"an annotated tag", `{"object_kind":"tag_push","ref":"refs/tags/v1","before":"` + zero + `","after":"3333333333333333333333333333333333333333","checkout_sha":"` + after + `","total_commits_count":1,"commits":[` + commit + `],` + in + `}`,
			change(described, func(c *source.Change) { c.Tag, c.Files = "v1", []string{"a", "b", "c"} })},
		{"a branch that is gone", `{"object_kind":"push","ref":"refs/heads/x","before":"` + before + `","after":"` + zero + `","checkout_sha":null,"commits":[],` + in + `}`,
			&source.Change{Kind: source.Push, Branch: "x", BeforeCommitID: before, Deleted: true}},
		{"opened", merge(`"action":"open",` + same), opened},
		{"updated", merge(`"action":"update","oldrev":"` + before + `",` + same), change(*opened, func(c *source.Change) { c.Action = source.Updated })},
		{"other words", merge(`"action":"update",` + same), nil},
		{"merged", merge(`"action":"merge",` + same), change(*opened, func(c *source.Change) { c.Action = source.Closed })},
		{"closed", merge(`"action":"close",` + same), change(*opened, func(c *source.Change) { c.Action = source.Closed })},
		{"approved", merge(`"action":"approved",` + same), nil},
		{"from a fork", merge(`"action":"open","source_project_id":2,"target_project_id":1`), nil},
		{"a note", `{"object_kind":"note",` + in + `}`, nil},
	} {
		d, err := gitlab.Dialect{}.Read(http.Header{}, []byte(tt.body))
		if err != nil || d.Repository != "g/s/r" {
			t.Errorf("%s: %+v, %v", tt.name, d, err)
			continue
		}
		if tt.want == nil && len(d.Changes) > 0 || tt.want != nil && (len(d.Changes) != 1 || !reflect.DeepEqual(&d.Changes[0], tt.want)) {
			t.Errorf("%s: %+v, want %+v", tt.name, d.Changes, tt.want)
		}
	}
	if _, err := (gitlab.Dialect{}).Read(http.Header{}, []byte(`[`)); err == nil {
		t.Error("half a body is read")
	}
}

func TestToken(t *testing.T) {
	h := http.Header{}
	for token, want := range map[string]bool{"secret": true, "secre": false, "secret ": false, "Secret": false, "": false} {
		if h.Set("X-Gitlab-Token", token); (gitlab.Dialect{}).Signed(h, nil, "secret") != want {
			t.Errorf("%q: %v", token, !want)
		}
	}
}
