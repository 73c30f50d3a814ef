package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
)

// Signed implements provider.Dialect.
func (Dialect) Signed(h http.Header, body []byte, secret string) bool {
	signature, ok := strings.CutPrefix(h.Get("X-Hub-Signature-256"), "sha256=")
	return ok && provider.HMAC(signature, body, secret)
}

// Delivery implements provider.Dialect.
func (Dialect) Delivery(h http.Header) string { return h.Get("X-GitHub-Delivery") }

// Read implements provider.Dialect.
func (Dialect) Read(h http.Header, body []byte) (*provider.Delivery, error) {
	switch h.Get("X-GitHub-Event") {
	case "push":
		return ReadPush(body)
	case "pull_request":
		return ReadPullRequest(body)
	}
	return &provider.Delivery{}, nil
}

// payload is what Gitea's webhooks have in common with GitHub's.
type payload struct {
	Ref        string
	Before     string
	After      string
	Forced     bool
	Commits    []commit
	Total      *int    `json:"total_commits"` // Gitea's
	HeadCommit *commit `json:"head_commit"`
	Repository struct {
		FullName string `json:"full_name"`
	}

	Action      string
	Number      int64
	PullRequest struct {
		Title      string
		Head, Base struct {
			Ref, SHA string
			Repo     *struct {
				FullName string `json:"full_name"`
			}
		}
	} `json:"pull_request"`
}

type commit struct {
	ID, Message, Timestamp   string
	Author                   struct{ Name, Email string }
	Added, Removed, Modified []string
}

// maxCommits is how many commits a push's webhook lists at most.
const maxCommits = 2048

// ReadPush reads a push of a branch or tag, or its removal.
func ReadPush(body []byte) (*provider.Delivery, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("the webhook is not JSON: %w", err)
	}
	branch, tag, err := provider.Ref(p.Ref)
	if err != nil {
		return &provider.Delivery{Repository: p.Repository.FullName}, nil
	}
	c := source.Change{Kind: source.Push, Branch: branch, Tag: tag,
		BeforeCommitID: provider.Given(p.Before), CommitID: provider.Given(p.After), Deleted: provider.Zero(p.After)}
	if head := p.HeadCommit; head != nil && !c.Deleted {
		c.CommitID = head.ID // of an annotated tag, "after" is the tag's own
		c.CommitMessage, c.AuthorDate = head.Message, provider.Date(head.Timestamp)
		c.AuthorEmail, c.AuthorDisplayName = head.Author.Email, head.Author.Name
	}
	whole := len(p.Commits) < maxCommits && !p.Forced && (p.Total == nil || *p.Total == len(p.Commits))
	c.Files, c.FilesTruncated = files(p.Commits), !c.Deleted && (!whole || len(p.Commits) == 0)
	return &provider.Delivery{Repository: p.Repository.FullName, Changes: []source.Change{c}}, nil
}

func files(commits []commit) (paths []string) {
	for _, c := range commits {
		paths = append(append(append(paths, c.Added...), c.Removed...), c.Modified...)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// actions are what happens to pull requests, GitHub's words and Gitea's.
var actions = map[string]source.Action{
	"opened": source.Open, "reopened": source.Open, "synchronize": source.Updated, "synchronized": source.Updated, "closed": source.Closed,
}

// ReadPullRequest reads what happened to a pull request. One from a fork is of
// no interest: its code is that of a stranger.
func ReadPullRequest(body []byte) (*provider.Delivery, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("the webhook is not JSON: %w", err)
	}
	d := &provider.Delivery{Repository: p.Repository.FullName}
	action, known := actions[p.Action]
	head, base := p.PullRequest.Head, p.PullRequest.Base
	if !known || head.Repo == nil || !strings.EqualFold(head.Repo.FullName, p.Repository.FullName) {
		return d, nil
	}
	d.Changes = []source.Change{{Kind: source.PullRequest, Action: action, Branch: head.Ref, BaseBranch: base.Ref, CommitID: head.SHA,
		PullRequestID: strconv.FormatInt(p.Number, 10), PullRequestTitle: p.PullRequest.Title, FilesTruncated: true}}
	return d, nil
}
