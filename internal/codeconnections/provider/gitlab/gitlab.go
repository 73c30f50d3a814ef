// Package gitlab speaks with GitLab, its own and self-managed.
package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
)

// Dialect is GitLab's.
type Dialect struct{}

// Name implements provider.Dialect.
func (Dialect) Name() string { return "gitlab" }

// Home implements provider.Dialect.
func (Dialect) Home() string { return "https://gitlab.com" }

// API implements provider.Dialect.
func (Dialect) API(base *url.URL) *url.URL { return base.JoinPath("api", "v4") }

// Authorize implements provider.Dialect. GitLab takes personal, group and
// project tokens as it takes those of OAuth.
func (Dialect) Authorize(r *http.Request, token string) {
	r.Header.Set("Authorization", "Bearer "+token)
}

// Password implements provider.Dialect.
func (Dialect) Password(token string) (user, password string) { return "oauth2", token }

// Client implements provider.Dialect.
func (Dialect) Client(r *provider.REST) provider.Client { return client{r} }

type client struct{ rest *provider.REST }

// path is that of a project, whose name with all groups is one segment.
func path(repository string, parts ...string) string {
	return provider.Path(append([]string{"projects", repository}, parts...)...)
}

// Account implements provider.Client.
func (c client) Account(ctx context.Context) (string, error) {
	var user struct{ Username string }
	err := c.rest.Get(ctx, "/user", &user)
	if err == nil && user.Username == "" {
		err = provider.ErrAnswer
	}
	return user.Username, err
}

// Repository implements provider.Client.
func (c client) Repository(ctx context.Context, name string) (string, error) {
	var project struct {
		Path string `json:"path_with_namespace"`
	}
	err := c.rest.Get(ctx, path(name), &project)
	if err == nil && !provider.ValidRepository(project.Path) {
		err = provider.ErrAnswer
	}
	return project.Path, err
}

// Commit implements provider.Client. GitLab does not say whose account an
// author has.
func (c client) Commit(ctx context.Context, repository, id string) (*source.Commit, error) {
	var out struct {
		ID, Message string
		AuthorName  string `json:"author_name"`
		AuthorEmail string `json:"author_email"`
		AuthorDate  string `json:"authored_date"`
		WebURL      string `json:"web_url"`
	}
	if err := c.rest.Get(ctx, path(repository, "repository", "commits", id)+"?stats=false", &out); err != nil {
		return nil, err
	}
	if !provider.ValidCommit(out.ID) {
		return nil, provider.ErrAnswer
	}
	return &source.Commit{ID: out.ID, Message: out.Message, URL: out.WebURL,
		AuthorDate: provider.Date(out.AuthorDate), AuthorEmail: out.AuthorEmail, AuthorDisplayName: out.AuthorName}, nil
}

// PullRequestFiles implements provider.Client.
func (c client) PullRequestFiles(ctx context.Context, repository, id string) (paths []string, all bool, err error) {
	type diff struct {
		Old string `json:"old_path"`
		New string `json:"new_path"`
	}
	err = provider.All(ctx, c.rest, path(repository, "merge_requests", id, "diffs")+"?per_page=100", func(page []diff) bool {
		for _, d := range page {
			if paths = append(paths, d.New); d.Old != d.New {
				paths = append(paths, d.Old)
			}
		}
		return len(paths) < provider.MaxFiles
	})
	return paths, err == nil && len(paths) < provider.MaxFiles, err
}

type hook struct {
	ID            int64  `json:"id,omitempty"`
	URL           string `json:"url"`
	Token         string `json:"token,omitempty"`
	Pushes        bool   `json:"push_events"`
	TagPushes     bool   `json:"tag_push_events"`
	MergeRequests bool   `json:"merge_requests_events"`
	Verify        bool   `json:"enable_ssl_verification"`
}

// CreateHook implements provider.Client.
func (c client) CreateHook(ctx context.Context, repository string, h provider.Hook) (string, error) {
	at, out := path(repository, "hooks"), hook{}
	err := provider.All(ctx, c.rest, at+"?per_page=100", func(page []hook) bool {
		for _, have := range page {
			if have.URL == h.URL {
				out = have
			}
		}
		return out.ID == 0
	})
	if err == nil && out.ID == 0 {
		err = c.rest.Post(ctx, at, hook{URL: h.URL, Token: h.Secret, Pushes: true, TagPushes: true, MergeRequests: true, Verify: true}, &out)
	}
	if err != nil {
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
