// Package gitea speaks with Gitea and Forgejo. Both took after GitHub.
package gitea

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
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
func (Dialect) Client(r *provider.REST) provider.Client { return client{r} }

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

type client struct{ rest *provider.REST }

func path(repository string, parts ...string) string {
	owner, name, _ := strings.Cut(repository, "/")
	return provider.Path(append([]string{"repos", owner, name}, parts...)...)
}

// Account implements provider.Client.
func (c client) Account(ctx context.Context) (string, error) {
	var user struct{ Login string }
	err := c.rest.Get(ctx, "/user", &user)
	if err == nil && user.Login == "" {
		err = provider.ErrAnswer
	}
	return user.Login, err
}

// Repository implements provider.Client.
func (c client) Repository(ctx context.Context, name string) (string, error) {
	var repo struct {
		FullName string `json:"full_name"`
	}
	err := c.rest.Get(ctx, path(name), &repo)
	if err == nil && !provider.ValidRepository(repo.FullName) {
		err = provider.ErrAnswer
	}
	return repo.FullName, err
}

// Commit implements provider.Client.
func (c client) Commit(ctx context.Context, repository, id string) (*source.Commit, error) {
	var out struct {
		SHA     string
		HTMLURL string `json:"html_url"`
		Commit  struct {
			Message string
			Author  struct{ Name, Email, Date string }
		}
		Author *struct{ ID int64 }
	}
	if err := c.rest.Get(ctx, path(repository, "git", "commits", id)+"?stat=false&verification=false&files=false", &out); err != nil {
		return nil, err
	}
	if !provider.ValidCommit(out.SHA) {
		return nil, provider.ErrAnswer
	}
	a := out.Commit.Author
	commit := &source.Commit{ID: out.SHA, Message: out.Commit.Message, URL: out.HTMLURL,
		AuthorDate: provider.Date(a.Date), AuthorEmail: a.Email, AuthorDisplayName: a.Name}
	if out.Author != nil && out.Author.ID > 0 {
		commit.AuthorID = strconv.FormatInt(out.Author.ID, 10)
	}
	return commit, nil
}

// PullRequestFiles implements provider.Client.
func (c client) PullRequestFiles(ctx context.Context, repository, id string) ([]string, bool, error) {
	return github.Files(ctx, c.rest, path(repository, "pulls", id, "files")+"?limit=50")
}

type hook struct {
	ID     int64    `json:"id,omitempty"`
	Type   string   `json:"type"`
	Active bool     `json:"active"`
	Events []string `json:"events"`
	Config struct {
		URL         string `json:"url"`
		ContentType string `json:"content_type"`
		Secret      string `json:"secret,omitempty"`
	} `json:"config"`
}

// CreateHook implements provider.Client.
func (c client) CreateHook(ctx context.Context, repository string, h provider.Hook) (string, error) {
	at := path(repository, "hooks")
	for next := at + "?limit=50"; next != ""; {
		var there []hook
		var err error
		if next, err = c.rest.Page(ctx, next, &there); err != nil {
			return "", err
		}
		for _, have := range there {
			if have.Config.URL == h.URL {
				return strconv.FormatInt(have.ID, 10), nil
			}
		}
	}
	in, out := hook{Type: "gitea", Active: true, Events: []string{"push", "delete", "pull_request", "pull_request_sync"}}, hook{}
	in.Config.URL, in.Config.ContentType, in.Config.Secret = h.URL, "json", h.Secret
	if err := c.rest.Post(ctx, at, in, &out); err != nil {
		return "", err
	}
	if out.ID == 0 {
		return "", fmt.Errorf("%w: a webhook without an id", provider.ErrAnswer)
	}
	return strconv.FormatInt(out.ID, 10), nil
}

// DeleteHook implements provider.Client.
func (c client) DeleteHook(ctx context.Context, repository, id string) error {
	return c.rest.Delete(ctx, path(repository, "hooks", id))
}
