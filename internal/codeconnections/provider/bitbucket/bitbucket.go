// Package bitbucket speaks with Bitbucket Cloud.
package bitbucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
)

// Dialect is Bitbucket Cloud's.
type Dialect struct{}

// Name implements provider.Dialect.
func (Dialect) Name() string { return "bitbucket" }

// Home implements provider.Dialect.
func (Dialect) Home() string { return "https://bitbucket.org" }

// API implements provider.Dialect.
func (Dialect) API(base *url.URL) *url.URL {
	if strings.EqualFold(base.Host, "bitbucket.org") {
		return &url.URL{Scheme: base.Scheme, Host: "api.bitbucket.org", Path: "/2.0"}
	}
	return base.JoinPath("2.0")
}

// Authorize implements provider.Dialect. A token with a colon is a user's name
// or address and their password for apps or API token.
func (Dialect) Authorize(r *http.Request, token string) {
	if user, password, ok := strings.Cut(token, ":"); ok {
		r.SetBasicAuth(user, password)
		return
	}
	r.Header.Set("Authorization", "Bearer "+token)
}

// Password implements provider.Dialect. API tokens, which belong to an address,
// have a user of their own for git.
func (Dialect) Password(token string) (user, password string) {
	user, password, ok := strings.Cut(token, ":")
	switch {
	case !ok:
		return "x-token-auth", token
	case strings.Contains(user, "@"):
		return "x-bitbucket-api-token-auth", password
	}
	return user, password
}

// Client implements provider.Dialect.
func (Dialect) Client(r *provider.REST) provider.Client { return client{r} }

type client struct{ rest *provider.REST }

func path(repository string, parts ...string) string {
	workspace, name, _ := strings.Cut(repository, "/")
	return provider.Path(append([]string{"repositories", workspace, name}, parts...)...)
}

// Account implements provider.Client. An access token of a repository or
// workspace has no user; Bitbucket then lists the scopes that it lacks, which
// it does for no token that it does not know.
func (c client) Account(ctx context.Context) (string, error) {
	var user struct {
		Type, Nickname string
		DisplayName    string `json:"display_name"`
		AccountID      string `json:"account_id"`
	}
	err := c.rest.Get(ctx, "/user", &user)
	var refused *provider.Refusal
	switch {
	case errors.As(err, &refused) && errors.Is(err, provider.ErrDenied) && strings.Contains(refused.Text, "scopes"):
		return "an access token", nil
	case err != nil:
		return "", err
	case user.Type != "user" && user.AccountID == "":
		return "", provider.ErrAnswer
	case user.Nickname != "":
		return user.Nickname, nil
	}
	return user.DisplayName, nil
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

// commit has the same form in answers and webhooks.
type commit struct {
	Hash, Date, Message string
	Author              struct {
		Raw  string // Name <address>
		User struct {
			AccountID   string `json:"account_id"`
			DisplayName string `json:"display_name"`
		}
	}
	Links struct{ HTML struct{ Href string } }
}

func (c *commit) describe() *source.Commit {
	name, rest, _ := strings.Cut(c.Author.Raw, "<")
	email, _, _ := strings.Cut(rest, ">")
	return &source.Commit{ID: c.Hash, Message: c.Message, URL: c.Links.HTML.Href, AuthorDate: provider.Date(c.Date),
		AuthorEmail: email, AuthorDisplayName: strings.TrimSpace(name), AuthorID: c.Author.User.AccountID}
}

// Commit implements provider.Client. It takes shortened ids too, which are all
// that webhooks of pull requests have.
func (c client) Commit(ctx context.Context, repository, id string) (*source.Commit, error) {
	var out commit
	if err := c.rest.Get(ctx, path(repository, "commit", id), &out); err != nil {
		return nil, err
	}
	if !provider.ValidCommit(out.Hash) {
		return nil, provider.ErrAnswer
	}
	return out.describe(), nil
}

// pages reads the pages of a list, which Bitbucket has in an object, until more
// answers false.
func pages[T any](ctx context.Context, rest *provider.REST, path string, more func([]T) bool) error {
	var page struct {
		Values []T
		Next   string
	}
	err := rest.Get(ctx, path, &page)
	for n := 1; err == nil && more(page.Values) && page.Next != ""; n++ {
		if n == provider.MaxPages {
			return fmt.Errorf("%w: a list without an end", provider.ErrAnswer)
		}
		at := page.Next
		page.Values, page.Next = nil, ""
		err = rest.GetURL(ctx, at, &page)
	}
	return err
}

// PullRequestFiles implements provider.Client.
func (c client) PullRequestFiles(ctx context.Context, repository, id string) (paths []string, all bool, err error) {
	type file struct{ Path string }
	type stat struct{ Old, New *file }
	err = pages(ctx, c.rest, path(repository, "pullrequests", id, "diffstat")+"?pagelen=100", func(page []stat) bool {
		for _, v := range page {
			if v.New != nil {
				paths = append(paths, v.New.Path)
			}
			if v.Old != nil && (v.New == nil || v.New.Path != v.Old.Path) {
				paths = append(paths, v.Old.Path)
			}
		}
		return len(paths) < provider.MaxFiles
	})
	return paths, err == nil && len(paths) < provider.MaxFiles, err
}

type hook struct {
	UUID        string   `json:"uuid,omitempty"`
	Description string   `json:"description"`
	URL         string   `json:"url"`
	Active      bool     `json:"active"`
	Secret      string   `json:"secret,omitempty"`
	Events      []string `json:"events"`
}

// CreateHook implements provider.Client.
func (c client) CreateHook(ctx context.Context, repository string, h provider.Hook) (string, error) {
	at, out := path(repository, "hooks"), hook{}
	err := pages(ctx, c.rest, at+"?pagelen=100", func(page []hook) bool {
		for _, have := range page {
			if have.URL == h.URL {
				out = have
			}
		}
		return out.UUID == ""
	})
	if err == nil && out.UUID == "" {
		err = c.rest.Post(ctx, at, hook{Description: "Slipway", URL: h.URL, Active: true, Secret: h.Secret,
			Events: []string{"repo:push", "pullrequest:created", "pullrequest:updated", "pullrequest:fulfilled", "pullrequest:rejected"}}, &out)
	}
	if err != nil {
		return "", err
	}
	if out.UUID == "" {
		return "", fmt.Errorf("%w: a webhook without an id", provider.ErrAnswer)
	}
	return out.UUID, nil
}

// DeleteHook implements provider.Client.
func (c client) DeleteHook(ctx context.Context, repository, id string) error {
	return c.rest.Delete(ctx, path(repository, "hooks", id))
}
