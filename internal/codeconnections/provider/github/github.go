// Package github speaks with GitHub and GitHub Enterprise Server.
package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/bus/source"
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
	return client{r}
}

type client struct{ rest *provider.REST }

// path is that of a repository, whose name is owner/name.
func path(repository string, parts ...string) string {
	owner, name, _ := strings.Cut(repository, "/")
	return provider.Path(append([]string{"repos", owner, name}, parts...)...)
}

// Account implements provider.Client. The token of an app's installation has no
// user: it can only list its repositories.
func (c client) Account(ctx context.Context) (string, error) {
	var user struct{ Login string }
	err := c.rest.Get(ctx, "/user", &user)
	if err == nil && user.Login == "" {
		err = provider.ErrAnswer
	}
	if err == nil {
		return user.Login, nil
	}
	var app struct {
		Total *int `json:"total_count"`
	}
	if aerr := c.rest.Get(ctx, "/installation/repositories?per_page=1", &app); aerr != nil || app.Total == nil {
		return "", err
	}
	return "an app's installation", nil
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
		Author *struct {
			ID    int64
			Login string
		}
	}
	// One entry a page keeps the list of changed files, which comes along, short.
	if err := c.rest.Get(ctx, path(repository, "commits", id)+"?per_page=1", &out); err != nil {
		return nil, err
	}
	if !provider.ValidCommit(out.SHA) {
		return nil, provider.ErrAnswer
	}
	a := out.Commit.Author
	commit := &source.Commit{ID: out.SHA, Message: out.Commit.Message, URL: out.HTMLURL,
		AuthorDate: provider.Date(a.Date), AuthorEmail: a.Email, AuthorDisplayName: a.Name}
	if out.Author != nil && out.Author.ID != 0 {
		commit.AuthorID = strconv.FormatInt(out.Author.ID, 10)
	}
	return commit, nil
}

// PullRequestFiles implements provider.Client.
func (c client) PullRequestFiles(ctx context.Context, repository, id string) ([]string, bool, error) {
	return Files(ctx, c.rest, path(repository, "pulls", id, "files")+"?per_page=100")
}

// Files reads pages of changed files. Gitea's look the same.
func Files(ctx context.Context, rest *provider.REST, at string) (paths []string, all bool, err error) {
	for at != "" {
		var files []struct {
			Filename string
			Previous string `json:"previous_filename"`
		}
		if at, err = rest.Page(ctx, at, &files); err != nil {
			return paths, false, err
		}
		for _, f := range files {
			if paths = append(paths, f.Filename); f.Previous != "" {
				paths = append(paths, f.Previous)
			}
		}
		if len(paths) >= provider.MaxFiles {
			return paths[:provider.MaxFiles], false, nil
		}
	}
	return paths, true, nil
}

type hook struct {
	ID     int64    `json:"id,omitempty"`
	Name   string   `json:"name"`
	Active bool     `json:"active"`
	Events []string `json:"events"`
	Config struct {
		URL         string `json:"url"`
		ContentType string `json:"content_type"`
		Secret      string `json:"secret"`
		InsecureSSL string `json:"insecure_ssl"`
	} `json:"config"`
}

// CreateHook implements provider.Client.
func (c client) CreateHook(ctx context.Context, repository string, h provider.Hook) (string, error) {
	at := path(repository, "hooks")
	for next := at + "?per_page=100"; next != ""; {
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
	in, out := hook{Name: "web", Active: true, Events: []string{"push", "pull_request"}}, hook{}
	in.Config.URL, in.Config.ContentType, in.Config.Secret, in.Config.InsecureSSL = h.URL, "json", h.Secret, "0"
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
