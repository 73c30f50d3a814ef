package bitbucket

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
)

// Signed implements provider.Dialect.
func (Dialect) Signed(h http.Header, body []byte, secret string) bool {
	signature, ok := strings.CutPrefix(h.Get("X-Hub-Signature"), "sha256=")
	return ok && provider.HMAC(signature, body, secret)
}

// Delivery implements provider.Dialect.
func (Dialect) Delivery(h http.Header) string { return h.Get("X-Request-UUID") }

type ref struct {
	Type, Name string // branch or tag
	Target     commit
}

type payload struct {
	Push struct {
		Changes []struct{ Old, New *ref }
	}
	Repository struct {
		FullName string `json:"full_name"`
	}
	PullRequest struct {
		ID                  int64
		Title, State        string
		Source, Destination struct {
			Branch     struct{ Name string }
			Commit     struct{ Hash string }
			Repository *struct {
				FullName string `json:"full_name"`
			}
		}
	}
}

var actions = map[string]source.Action{
	"pullrequest:created": source.Open, "pullrequest:updated": source.Updated,
	"pullrequest:fulfilled": source.Closed, "pullrequest:rejected": source.Closed,
}

// Read implements provider.Dialect. Bitbucket does not tell which files changed.
func (Dialect) Read(h http.Header, body []byte) (*provider.Delivery, error) {
	event := h.Get("X-Event-Key")
	action, isPullRequest := actions[event]
	if event != "repo:push" && !isPullRequest {
		return &provider.Delivery{}, nil
	}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("the webhook is not JSON: %w", err)
	}
	d := &provider.Delivery{Repository: p.Repository.FullName}
	if isPullRequest {
		q := p.PullRequest
		// The name of the event is not signed, the state is.
		if open := q.State == "OPEN"; open == (action == source.Closed) {
			return nil, fmt.Errorf("the event %.40q does not go with a pull request that is %.40q", event, q.State)
		}
		// One from a fork is of no interest: its code is that of a stranger.
		if from := q.Source.Repository; from != nil && strings.EqualFold(from.FullName, p.Repository.FullName) {
			d.Changes = []source.Change{{Kind: source.PullRequest, Action: action, Branch: q.Source.Branch.Name, BaseBranch: q.Destination.Branch.Name,
				CommitID: q.Source.Commit.Hash, PullRequestID: strconv.FormatInt(q.ID, 10), PullRequestTitle: q.Title, FilesTruncated: true}}
		}
		return d, nil
	}
	for _, moved := range p.Push.Changes {
		if c, ok := pushed(moved.Old, moved.New); ok {
			d.Changes = append(d.Changes, c)
		}
	}
	return d, nil
}

func pushed(before, after *ref) (source.Change, bool) {
	c := source.Change{Kind: source.Push, Deleted: after == nil}
	about := after
	if about == nil {
		about = before
	}
	if about == nil {
		return c, false
	}
	switch about.Type {
	case "branch", "named_branch":
		c.Branch = about.Name
	case "tag", "annotated_tag":
		c.Tag = about.Name
	default:
		return c, false
	}
	if before != nil {
		c.BeforeCommitID = before.Target.Hash
	}
	if after != nil {
		d := after.Target.describe()
		c.CommitID, c.CommitMessage, c.AuthorDate = d.ID, d.Message, d.AuthorDate
		c.AuthorEmail, c.AuthorDisplayName, c.AuthorID = d.AuthorEmail, d.AuthorDisplayName, d.AuthorID
		c.FilesTruncated = true
	}
	return c, true
}
