package bitbucket_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"testing"

	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider/bitbucket"
)

const (
	before = "1111111111111111111111111111111111111111"
	after  = "2222222222222222222222222222222222222222"
	target = `{"hash":"` + after + `","date":"2024-05-01T12:00:00+02:00","message":"m","author":{"raw":"Ann Other <ann@example.com>","user":{"account_id":"5"}}}`
	in     = `"repository":{"full_name":"o/r"}`
)

func TestWebhooks(t *testing.T) {
	pushed := source.Change{Kind: source.Push, CommitID: after, CommitMessage: "m", AuthorDate: "2024-05-01T10:00:00Z",
		AuthorEmail: "ann@example.com", AuthorDisplayName: "Ann Other", AuthorID: "5", FilesTruncated: true}
	branch, tag := pushed, pushed
	branch.Branch, branch.BeforeCommitID, tag.Tag = "main", before, "v1"
	pull := func(state, from string) string {
		return `{` + in + `,"pullrequest":{"id":7,"title":"t","state":"` + state + `","source":{"branch":{"name":"topic"},"commit":{"hash":"222222222222"},"repository":` + from + `},"destination":{"branch":{"name":"main"}}}}`
	}
	opened := source.Change{Kind: source.PullRequest, Action: source.Open, Branch: "topic", BaseBranch: "main", CommitID: "222222222222", PullRequestID: "7", PullRequestTitle: "t", FilesTruncated: true}
	merged := opened
	merged.Action = source.Closed
	for _, tt := range []struct {
		name, event, body string
		want              []source.Change
	}{
		{"a push", "repo:push", `{` + in + `,"push":{"changes":[
			{"old":{"type":"branch","name":"main","target":{"hash":"` + before + `"}},"new":{"type":"branch","name":"main","target":` + target + `}},
			{"old":null,"new":{"type":"tag","name":"v1","target":` + target + `}},
			{"old":{"type":"branch","name":"x","target":{"hash":"` + before + `"}},"new":null},
			{"old":null,"new":null},{"old":null,"new":{"type":"bookmark","name":"x"}}]}}`,
			[]source.Change{branch, tag, {Kind: source.Push, Branch: "x", BeforeCommitID: before, Deleted: true}}},
		{"opened", "pullrequest:created", pull("OPEN", `{"full_name":"o/r"}`), []source.Change{opened}},
		{"merged", "pullrequest:fulfilled", pull("MERGED", `{"full_name":"o/r"}`), []source.Change{merged}},
		{"from a fork", "pullrequest:created", pull("OPEN", `{"full_name":"m/r"}`), nil},
		{"from a fork that is gone", "pullrequest:created", pull("OPEN", `null`), nil},
		{"approved", "pullrequest:approved", `{`, nil},
	} {
		h := http.Header{}
		h.Set("X-Event-Key", tt.event)
		d, err := bitbucket.Dialect{}.Read(h, []byte(tt.body))
		if err != nil || !reflect.DeepEqual(d.Changes, tt.want) {
			t.Errorf("%s: %+v, want %+v, %v", tt.name, d, tt.want, err)
		}
	}
	for event, body := range map[string]string{"pullrequest:fulfilled": pull("OPEN", `{"full_name":"o/r"}`), "pullrequest:created": pull("MERGED", `{"full_name":"o/r"}`), "repo:push": `[`} {
		h := http.Header{}
		h.Set("X-Event-Key", event)
		if d, err := (bitbucket.Dialect{}).Read(h, []byte(body)); err == nil {
			t.Errorf("%s is read: %+v", event, d)
		}
	}
}

// An access token of a repository has no user of its own.
func TestAccounts(t *testing.T) {
	for _, tt := range []struct {
		status     int
		body, want string
		err        error
	}{
		{200, `{"type":"user","nickname":"ann","account_id":"5"}`, "ann", nil},
		{200, `{"login":"somebody"}`, "", provider.ErrAnswer},
		{403, `{"type":"error","error":{"message":"Your credentials lack one or more required privilege scopes."}}`, "an access token", nil},
		{403, `forbidden`, "", provider.ErrDenied},
		{401, `{"type":"error"}`, "", provider.ErrToken},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = w.Write([]byte(tt.body))
		}))
		u, err := url.Parse(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		got, err := bitbucket.Dialect{}.Client(provider.NewREST(u, http.DefaultTransport)).Account(context.Background())
		srv.Close()
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%d %s: %q, %v", tt.status, tt.body, got, err)
		}
	}
}

func TestCredentials(t *testing.T) {
	for token, want := range map[string][3]string{
		"ATCTT3x":             {"Bearer ATCTT3x", "x-token-auth", "ATCTT3x"},
		"ann:app-password":    {"Basic YW5uOmFwcC1wYXNzd29yZA==", "ann", "app-password"},
		"ann@example.com:api": {"Basic YW5uQGV4YW1wbGUuY29tOmFwaQ==", "x-bitbucket-api-token-auth", "api"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		bitbucket.Dialect{}.Authorize(r, token)
		user, password := bitbucket.Dialect{}.Password(token)
		if got := [3]string{r.Header.Get("Authorization"), user, password}; got != want {
			t.Errorf("%s: %q", token, got)
		}
	}
}
