package github

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
)

// Common is what the REST APIs of GitHub and Gitea, which took after it, have in
// common. It implements provider.Client.
type Common struct {
	REST *provider.REST
	// Commits is the path of commits below a repository's.
	Commits                []string
	CommitQuery, PageQuery string
	// Hook is a webhook to register but for its URL and secret.
	Hook Hook
}

// Hook is a webhook as the API has it.
type Hook struct {
	ID     int64      `json:"id,omitempty"`
	Name   string     `json:"name,omitempty"` // GitHub's
	Type   string     `json:"type,omitempty"` // Gitea's
	Active bool       `json:"active"`
	Events []string   `json:"events"`
	Config HookConfig `json:"config"`
}

// HookConfig is where a webhook goes.
type HookConfig struct {
	URL         string `json:"url"`
	ContentType string `json:"content_type"`
	Secret      string `json:"secret,omitempty"`
	InsecureSSL string `json:"insecure_ssl,omitempty"`
}

// path is that of a repository, whose name is owner/name.
func path(repository string, parts ...string) string {
	owner, name, _ := strings.Cut(repository, "/")
	return provider.Path(append([]string{"repos", owner, name}, parts...)...)
}

// Account implements provider.Client.
func (c Common) Account(ctx context.Context) (string, error) {
	var user struct{ Login string }
	err := c.REST.Get(ctx, "/user", &user)
	if err == nil && user.Login == "" {
		err = provider.ErrAnswer
	}
	return user.Login, err
}

// Repository implements provider.Client.
func (c Common) Repository(ctx context.Context, name string) (string, error) {
	var repo struct {
		FullName string `json:"full_name"`
	}
	err := c.REST.Get(ctx, path(name), &repo)
	if err == nil && !provider.ValidRepository(repo.FullName) {
		err = provider.ErrAnswer
	}
	return repo.FullName, err
}

// Commit implements provider.Client.
func (c Common) Commit(ctx context.Context, repository, id string) (*source.Commit, error) {
	var out struct {
		SHA     string
		HTMLURL string `json:"html_url"`
		Commit  struct {
			Message string
			Author  struct{ Name, Email, Date string }
		}
		Author *struct{ ID int64 }
	}
	at := path(repository, append(append([]string{}, c.Commits...), id)...)
	if err := c.REST.Get(ctx, at+c.CommitQuery, &out); err != nil {
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
func (c Common) PullRequestFiles(ctx context.Context, repository, id string) (paths []string, all bool, err error) {
	type file struct {
		Filename string
		Previous string `json:"previous_filename"`
	}
	err = provider.All(ctx, c.REST, path(repository, "pulls", id, "files")+c.PageQuery, func(page []file) bool {
		for _, f := range page {
			if paths = append(paths, f.Filename); f.Previous != "" {
				paths = append(paths, f.Previous)
			}
		}
		return len(paths) < provider.MaxFiles
	})
	return paths, err == nil && len(paths) < provider.MaxFiles, err
}

// CreateHook implements provider.Client.
func (c Common) CreateHook(ctx context.Context, repository string, h provider.Hook) (string, error) {
	at, id := path(repository, "hooks"), int64(0)
	err := provider.All(ctx, c.REST, at+c.PageQuery, func(page []Hook) bool {
		for _, have := range page {
			if have.Config.URL == h.URL {
				id = have.ID
			}
		}
		return id == 0
	})
	if err != nil {
		return "", err
	}
	if id == 0 {
		in, out := c.Hook, Hook{}
		in.Config.URL, in.Config.Secret = h.URL, h.Secret
		if err := c.REST.Post(ctx, at, in, &out); err != nil {
			return "", err
		}
		if id = out.ID; id == 0 {
			return "", fmt.Errorf("%w: a webhook without an id", provider.ErrAnswer)
		}
	}
	return strconv.FormatInt(id, 10), nil
}

// DeleteHook implements provider.Client.
func (c Common) DeleteHook(ctx context.Context, repository, id string) error {
	return c.REST.Delete(ctx, path(repository, "hooks", id))
}
