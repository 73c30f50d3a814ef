package gitea_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider/gitea"
)

func TestWebhooks(t *testing.T) {
	const in = `"repository":{"full_name":"o/r"}`
	for _, tt := range []struct {
		name, event, body string
		want              []source.Change
	}{
		{"a branch that is gone", "delete", `{"ref":"topic/x","ref_type":"branch",` + in + `}`, []source.Change{{Kind: source.Push, Branch: "topic/x", Deleted: true}}},
		{"a tag that is gone", "delete", `{"ref":"v1","ref_type":"tag",` + in + `}`, []source.Change{{Kind: source.Push, Tag: "v1", Deleted: true}}},
		{"a branch that is made", "create", `{"ref":"x","ref_type":"branch",` + in + `}`, nil}, // a push tells of it, too
		{"more commits than are told", "push", `{"ref":"refs/heads/main","before":"1111111111111111111111111111111111111111","after":"2222222222222222222222222222222222222222",
			"total_commits":9,"commits":[{"modified":["a"]}],` + in + `}`,
			[]source.Change{{Kind: source.Push, Branch: "main", BeforeCommitID: "1111111111111111111111111111111111111111", CommitID: "2222222222222222222222222222222222222222",
				Files: []string{"a"}, FilesTruncated: true}}},
		{"new commits", "pull_request_sync", `{"action":"synchronized","number":3,` + in + `,"pull_request":{"title":"t","head":{"ref":"x","sha":"2","repo":{"full_name":"o/r"}},"base":{"ref":"main"}}}`,
			[]source.Change{{Kind: source.PullRequest, Action: source.Updated, Branch: "x", BaseBranch: "main", CommitID: "2", PullRequestID: "3", PullRequestTitle: "t", FilesTruncated: true}}},
	} {
		h := http.Header{}
		h.Set("X-Gitea-Event", tt.event)
		d, err := gitea.Dialect{}.Read(h, []byte(tt.body))
		if err != nil || !reflect.DeepEqual(d.Changes, tt.want) {
			t.Errorf("%s: %+v, want %+v, %v", tt.name, d, tt.want, err)
		}
	}
}

func TestSignature(t *testing.T) {
	h := http.Header{}
	// As GitHub's, without the prefix.
	h.Set("X-Gitea-Signature", "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")
	if !(gitea.Dialect{}).Signed(h, []byte("Hello, World!"), "It's a Secret to Everybody") || (gitea.Dialect{}).Signed(h, []byte("Hello, World?"), "It's a Secret to Everybody") {
		t.Error("signature")
	}
}
