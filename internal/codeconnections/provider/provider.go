// Package provider is what connections need of a git provider: its REST API,
// as far as repositories, commits and webhooks go, and the form of its
// webhooks. Contents of repositories come by git, which all of them speak.
//
// Each dialect is a package below: github, gitlab, bitbucket, gitea.
package provider

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/slipway-dev/slipway/internal/bus/source"
)

// Dialect is how one provider speaks.
type Dialect interface {
	// Name is the dialect's, e.g. github.
	Name() string
	// Home is where the provider itself runs its public service, "" if nowhere.
	Home() string
	// API is the URL of the REST API of an installation with this base URL.
	API(base *url.URL) *url.URL
	// Authorize adds a token to a request.
	Authorize(r *http.Request, token string)
	// Password is the user and password for git.
	Password(token string) (user, password string)

	// Client speaks with the REST API through a REST that sends the token.
	Client(r *REST) Client

	// Signed tells, in constant time, whether a webhook was made by someone who
	// knows the secret.
	Signed(h http.Header, body []byte, secret string) bool
	// Delivery is the id that a webhook's delivery keeps when it is repeated,
	// "" if it has none.
	Delivery(h http.Header) string
	// Read reads a webhook. One that is about nothing of interest has no
	// changes.
	Read(h http.Header, body []byte) (*Delivery, error)
}

// Delivery is what one webhook tells. ConnectionARN and ProviderType are left
// for the reader to fill in.
type Delivery struct {
	Repository string // owner/name
	Changes    []source.Change
}

// Client is the REST API of one installation, used with one token. Repository
// names are owner/name, with all groups. Errors are those below, wrapped.
type Client interface {
	// Account checks the token and names who it belongs to.
	Account(ctx context.Context) (string, error)
	// Repository is how the provider itself spells a repository's name, which
	// may have been renamed.
	Repository(ctx context.Context, name string) (string, error)
	// Commit describes a commit by its id.
	Commit(ctx context.Context, repository, id string) (*source.Commit, error)
	// PullRequestFiles lists the paths that a pull request changes. all is false
	// if there are more.
	PullRequestFiles(ctx context.Context, repository, id string) (paths []string, all bool, err error)
	// CreateHook registers a webhook for pushes and pull requests, and returns
	// the id it can be deleted by. One with this URL that is there is taken.
	CreateHook(ctx context.Context, repository string, h Hook) (id string, err error)
	// DeleteHook removes a webhook; one that is gone is no error.
	DeleteHook(ctx context.Context, repository, id string) error
}

// Hook is a webhook to register.
type Hook struct{ URL, Secret string }

// What a provider may answer.
var (
	ErrToken    = errors.New("the provider refuses the token")
	ErrDenied   = errors.New("the token does not permit it")
	ErrNotFound = errors.New("the provider has no such thing, or hides it from this token")
	// ErrMoved is a redirect to another host, which was asked without the token.
	ErrMoved = errors.New("the provider redirects to another host, to which the token does not go")
	// ErrAnswer is an answer that is not one of the provider's API.
	ErrAnswer = errors.New("this is not the API of such a provider")
	// ErrAway is for everything that may pass: no answer, an internal error, too
	// many requests.
	ErrAway = errors.New("the provider does not answer")
)

// MaxFiles is how many changed paths are kept of a change.
const MaxFiles = 3000
