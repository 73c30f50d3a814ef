package gitlab

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
)

// Signed implements provider.Dialect. GitLab sends the secret itself; hashing
// makes the comparison as long for any guess.
func (Dialect) Signed(h http.Header, _ []byte, secret string) bool {
	given, want := sha256.Sum256([]byte(h.Get("X-Gitlab-Token"))), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

// Delivery implements provider.Dialect. GitLab has the header since 17.4; that
// of the event's UUID would not do, as what one webhook leads to has it again.
func (Dialect) Delivery(h http.Header) string { return h.Get("Idempotency-Key") }

type payload struct {
	Kind        string `json:"object_kind"`
	Ref         string
	Before      string
	After       string
	CheckoutSHA string `json:"checkout_sha"`
	Commits     []commit
	Total       int `json:"total_commits_count"`
	Project     struct {
		Path string `json:"path_with_namespace"`
	}
	Attributes struct {
		IID          int64
		Title        string
		Action       string
		OldRevision  string `json:"oldrev"`
		SourceBranch string `json:"source_branch"`
		TargetBranch string `json:"target_branch"`
		SourceID     int64  `json:"source_project_id"`
		TargetID     int64  `json:"target_project_id"`
		LastCommit   commit `json:"last_commit"`
	} `json:"object_attributes"`
}

type commit struct {
	ID, Message, Timestamp   string
	Author                   struct{ Name, Email string }
	Added, Removed, Modified []string
}

func (c *commit) describe(to *source.Change) {
	to.CommitMessage, to.AuthorDate = c.Message, provider.Date(c.Timestamp)
	to.AuthorEmail, to.AuthorDisplayName = c.Author.Email, c.Author.Name
}

// Read implements provider.Dialect.
func (Dialect) Read(_ http.Header, body []byte) (*provider.Delivery, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("the webhook is not JSON: %w", err)
	}
	d := &provider.Delivery{Repository: p.Project.Path}
	switch p.Kind {
	case "push", "tag_push":
		if c, ok := p.push(); ok {
			d.Changes = append(d.Changes, c)
		}
	case "merge_request":
		if c, ok := p.mergeRequest(); ok {
			d.Changes = append(d.Changes, c)
		}
	}
	return d, nil
}

func (p *payload) push() (source.Change, bool) {
	branch, tag, err := provider.Ref(p.Ref)
	if err != nil {
		return source.Change{}, false
	}
	c := source.Change{Kind: source.Push, Branch: branch, Tag: tag,
		BeforeCommitID: provider.Given(p.Before), CommitID: provider.Given(p.After), Deleted: provider.Zero(p.After)}
	if c.Deleted {
		return c, true
	}
	if p.CheckoutSHA != "" {
		c.CommitID = p.CheckoutSHA // of an annotated tag, "after" is the tag's own
	}
	for i := range p.Commits {
		if p.Commits[i].ID == c.CommitID {
			p.Commits[i].describe(&c)
		}
		c.Files = append(append(append(c.Files, p.Commits[i].Added...), p.Commits[i].Removed...), p.Commits[i].Modified...)
	}
	slices.Sort(c.Files)
	c.Files = slices.Compact(c.Files)
	// A forced push is not told apart: its commits are those that are new.
	c.FilesTruncated = len(p.Commits) == 0 || p.Total != len(p.Commits)
	return c, true
}

// mergeRequest leaves out those from forks, whose code is that of a stranger.
func (p *payload) mergeRequest() (source.Change, bool) {
	a := p.Attributes
	c := source.Change{Kind: source.PullRequest, Branch: a.SourceBranch, BaseBranch: a.TargetBranch, CommitID: a.LastCommit.ID,
		PullRequestID: strconv.FormatInt(a.IID, 10), PullRequestTitle: a.Title, FilesTruncated: true}
	a.LastCommit.describe(&c)
	switch a.Action {
	case "open", "reopen":
		c.Action = source.Open
	case "update":
		c.Action = source.Updated
		if a.OldRevision == "" { // words changed, not commits
			return c, false
		}
	case "merge", "close":
		c.Action = source.Closed
	default:
		return c, false
	}
	return c, a.SourceID == a.TargetID
}
