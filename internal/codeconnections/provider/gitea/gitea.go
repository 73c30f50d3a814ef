// Package gitea speaks with Gitea and Forgejo. Both took after GitHub.
package gitea

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider/github"
)

// Dialect is Gitea's and Forgejo's.
type Dialect struct{}

// Name implements provider.Dialect.
func (Dialect) Name() string { return "gitea" }

// Home implements provider.Dialect.
func (Dialect) Home() string { return "" }

// API implements provider.Dialect.
func (Dialect) API(base *url.URL) *url.URL { return base.JoinPath("api", "v1") }

// Authorize implements provider.Dialect.
func (Dialect) Authorize(r *http.Request, token string) {
	r.Header.Set("Authorization", "token "+token)
}

// Password implements provider.Dialect. Any name is taken.
func (Dialect) Password(token string) (user, password string) { return "slipway", token }

// Client implements provider.Dialect.
func (Dialect) Client(r *provider.REST) provider.Client {
	return github.Common{REST: r,
		Commits:     []string{"git", "commits"},
		CommitQuery: "?stat=false&verification=false&files=false",
		PageQuery:   "?limit=50",
		Hook: github.Hook{Type: "gitea", Active: true, Events: []string{"push", "delete", "pull_request", "pull_request_sync"},
			Config: github.HookConfig{ContentType: "json"}},
	}
}

// Signed implements provider.Dialect.
func (Dialect) Signed(h http.Header, body []byte, secret string) bool {
	return provider.HMAC(h.Get("X-Gitea-Signature"), body, secret)
}

// Delivery implements provider.Dialect.
func (Dialect) Delivery(h http.Header) string { return h.Get("X-Gitea-Delivery") }

// Read implements provider.Dialect. Branches that are deleted come as an event
// of their own, those made and tags also as a push.
func (Dialect) Read(h http.Header, body []byte) (*provider.Delivery, error) {
	switch h.Get("X-Gitea-Event") {
	case "push":
		return github.ReadPush(body)
	case "pull_request", "pull_request_sync":
		return github.ReadPullRequest(body)
	case "delete":
		return readDelete(body)
	}
	return &provider.Delivery{}, nil
}

func readDelete(body []byte) (*provider.Delivery, error) {
	var p struct {
		Ref        string
		RefType    string `json:"ref_type"`
		Repository struct {
			FullName string `json:"full_name"`
		}
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("the webhook is not JSON: %w", err)
	}
	d := &provider.Delivery{Repository: p.Repository.FullName}
	c := source.Change{Kind: source.Push, Deleted: true}
	switch p.RefType {
	case "branch":
		c.Branch = strings.TrimPrefix(p.Ref, "refs/heads/")
	case "tag":
		c.Tag = strings.TrimPrefix(p.Ref, "refs/tags/")
	default:
		return d, nil
	}
	d.Changes = []source.Change{c}
	return d, nil
}
