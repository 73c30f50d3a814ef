// Package source is the contract between those who learn that a repository of
// a git provider has changed and those who act on it: one event of the bus for
// pushes and pull requests of every provider.
package source

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/bus"
)

// The envelope of the event. Resources holds the connection's ARN alone, so
// changes of one connection arrive in their order. It is of our own making:
// AWS keeps its own to itself.
const (
	Source     = "aws.codeconnections"
	DetailType = "CodeConnections Source Change"
)

// Kind is what happened.
type Kind string

// The kinds of a Change.
const (
	Push        Kind = "push"
	PullRequest Kind = "pullRequest"
)

// Action is what happened to a pull request, spelled as in the filters of a
// pipeline's triggers.
type Action string

// The actions of a pull request. A merge closes it.
const (
	Open    Action = "OPEN"
	Updated Action = "UPDATED"
	Closed  Action = "CLOSED"
)

// Change is the detail of the event: one branch or tag that moved, or one pull
// request. Every text in it was written by strangers.
type Change struct {
	ConnectionARN string `json:"connectionArn"`
	ProviderType  string `json:"providerType"` // as CreateConnection spells it: GitHub
	// Repository is owner/name, with all groups of GitLab's: group/sub/name.
	Repository string `json:"repository"`
	Kind       Kind   `json:"event"`
	Action     Action `json:"action,omitempty"` // of a pull request

	// Branch is the branch that was pushed, or the head of the pull request;
	// "" for a tag. BaseBranch is where a pull request wants to go.
	Branch     string `json:"branch,omitempty"`
	BaseBranch string `json:"baseBranch,omitempty"`
	Tag        string `json:"tag,omitempty"`
	// Deleted says that the branch or tag is gone; CommitID is empty then.
	Deleted bool `json:"deleted,omitempty"`

	CommitID       string `json:"commitId,omitempty"`
	BeforeCommitID string `json:"beforeCommitId,omitempty"` // "" if the branch or tag is new
	CommitMessage  string `json:"commitMessage,omitempty"`

	AuthorDate        string `json:"authorDate,omitempty"` // RFC 3339
	AuthorEmail       string `json:"authorEmail,omitempty"`
	AuthorDisplayName string `json:"authorDisplayName,omitempty"`
	AuthorID          string `json:"authorId,omitempty"` // the provider's

	// Files are the paths that changed, sorted. FilesTruncated says that more
	// did than are listed, or that the provider did not tell (then there may be
	// none): a filter on paths cannot rule the change out.
	Files          []string `json:"files,omitempty"`
	FilesTruncated bool     `json:"filesTruncated,omitempty"`

	PullRequestID    string `json:"pullRequestId,omitempty"`
	PullRequestTitle string `json:"pullRequestTitle,omitempty"`
}

// Is tells whether ev carries a Change. It only looks, as matches of
// subscribers must.
func Is(ev *bus.Event) bool { return ev.Source == Source && ev.DetailType == DetailType }

// Of reads the Change that an event carries.
func Of(ev *bus.Event) (*Change, error) {
	c := &Change{}
	if err := json.Unmarshal(ev.Detail, c); err != nil {
		return nil, fmt.Errorf("source: decode change: %w", err)
	}
	return c, nil
}

// Event makes the event that carries c. It is in the connection's account and
// region, which its ARN tells.
func (c *Change) Event(at time.Time) (bus.Event, error) {
	detail, err := json.Marshal(c)
	if err != nil {
		return bus.Event{}, fmt.Errorf("source: encode change: %w", err)
	}
	ev := bus.Event{Source: Source, DetailType: DetailType, Time: at, Resources: []string{c.ConnectionARN}, Detail: detail}
	if p := strings.SplitN(c.ConnectionARN, ":", 6); len(p) == 6 {
		ev.Region, ev.Account = p[3], p[4]
	}
	return ev, nil
}
