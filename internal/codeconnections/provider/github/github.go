// Package github speaks with GitHub and GitHub Enterprise Server.
package github

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
)

// Dialect is GitHub's.
type Dialect struct{}

// Name implements provider.Dialect.
func (Dialect) Name() string { return "github" }

// Home implements provider.Dialect.
func (Dialect) Home() string { return "https://github.com" }

// API implements provider.Dialect.
func (Dialect) API(base *url.URL) *url.URL {
	if strings.EqualFold(base.Host, "github.com") {
		return &url.URL{Scheme: base.Scheme, Host: "api.github.com"}
	}
	return base.JoinPath("api", "v3")
}

// Authorize implements provider.Dialect.
func (Dialect) Authorize(r *http.Request, token string) {
	r.Header.Set("Authorization", "Bearer "+token)
}

// Password implements provider.Dialect. The name is for tokens of any kind.
func (Dialect) Password(token string) (user, password string) { return "x-access-token", token }

// Client implements provider.Dialect.
func (Dialect) Client(r *provider.REST) provider.Client {
	r.Header.Set("Accept", "application/vnd.github+json")
	return client{Common{REST: r,
		Commits: []string{"commits"},
		// One entry a page keeps the list of changed files, which comes along, short.
		CommitQuery: "?per_page=1",
		PageQuery:   "?per_page=100",
		Hook: Hook{Name: "web", Active: true, Events: []string{"push", "pull_request"},
			Config: HookConfig{ContentType: "json", InsecureSSL: "0"}},
	}}
}

type client struct{ Common }

// Account implements provider.Client. The token of an app's installation has no
// user: it can only list its repositories.
func (c client) Account(ctx context.Context) (string, error) {
	user, err := c.Common.Account(ctx)
	if err == nil {
		return user, nil
	}
	var app struct {
		Total *int `json:"total_count"`
	}
	if aerr := c.REST.Get(ctx, "/installation/repositories?per_page=1", &app); aerr != nil || app.Total == nil {
		return "", err
	}
	return "an app's installation", nil
}
