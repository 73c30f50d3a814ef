package codeconnections

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"

	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider/bitbucket"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider/gitea"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider/github"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider/gitlab"
	"github.com/slipway-dev/slipway/internal/git"
	"github.com/slipway-dev/slipway/internal/store"
)

// dialects are all providers' ways of speaking.
var dialects = []provider.Dialect{github.Dialect{}, gitlab.Dialect{}, bitbucket.Dialect{}, gitea.Dialect{}}

func dialectNamed(name string) provider.Dialect {
	for _, d := range dialects {
		if d.Name() == name {
			return d
		}
	}
	return nil
}

// ownDialect is that of a provider type, nil for those that are not there yet.
func ownDialect(t types.ProviderType) provider.Dialect {
	switch t {
	case types.ProviderTypeGithub, types.ProviderTypeGithubEnterpriseServer:
		return github.Dialect{}
	case types.ProviderTypeGitlab, types.ProviderTypeGitlabSelfManaged:
		return gitlab.Dialect{}
	case types.ProviderTypeBitbucket:
		return bitbucket.Dialect{}
	}
	return nil
}

// access is how a connection gets at its provider. It is sealed as a whole, so
// a token cannot come apart from where it was given for.
type access struct {
	Connection  string // ARN; what is sealed for one connection opens no other
	Dialect     string
	Base        string // URL
	Token       string
	Certificate string // PEM, of the host; "" for the system's
}

func (s *Service) seal(a *access) (string, error) {
	b, err := json.Marshal(a)
	return s.Secrets.Seal(b), err
}

func (s *Service) unseal(sealed, connectionARN string) (*access, error) {
	b, err := s.Secrets.Open(sealed)
	if err != nil {
		return nil, err
	}
	a := &access{}
	if err := json.Unmarshal(b, a); err != nil {
		return nil, err
	}
	if a.Connection != connectionARN {
		return nil, errors.New("codeconnections: a token of another connection")
	}
	return a, nil
}

// reached is a provider as one connection reaches it.
type reached struct {
	access
	dialect provider.Dialect
	base    *url.URL
	client  provider.Client
	carrier *http.Transport // without the token
	certs   string          // file
	// providerType is the connection's, as CreateConnection spells it; set by
	// open.
	providerType string
}

func (s *Service) reach(a access) (*reached, error) {
	r := &reached{access: a, dialect: dialectNamed(a.Dialect)}
	if r.dialect == nil {
		return nil, fmt.Errorf("codeconnections: no dialect %q", a.Dialect)
	}
	var err error
	if r.base, err = url.Parse(a.Base); err != nil {
		return nil, err
	}
	if r.base.Path == "" { // JoinPath keeps a path without a slash relative
		r.base.Path = "/"
	}
	if r.carrier, err = provider.Transport(a.Certificate); err != nil {
		return nil, err
	}
	if a.Certificate != "" {
		if r.certs, err = s.certificateFile(a.Certificate); err != nil {
			return nil, err
		}
	}
	api := r.dialect.API(r.base)
	r.client = r.dialect.Client(provider.NewREST(api, r.bound(api)))
	return r, nil
}

// bound carries requests with the token to the origin of u and nowhere else.
func (r *reached) bound(u *url.URL) *provider.Bound {
	return &provider.Bound{Origin: provider.Origin(u), Next: r.carrier,
		Authorize: func(req *http.Request) { r.dialect.Authorize(req, r.Token) }}
}

// cloneURL is a repository's for git.
func (r *reached) cloneURL(repository string) *url.URL {
	return r.base.JoinPath(strings.Split(repository+".git", "/")...)
}

func (r *reached) remote(repository string) git.Remote {
	user, password := r.dialect.Password(r.Token)
	return git.Remote{URL: r.cloneURL(repository).String(), User: user, Password: password, Certificates: r.certs}
}

// certificateFile keeps a certificate where git can read it.
func (s *Service) certificateFile(pem string) (string, error) {
	sum := sha256.Sum256([]byte(pem))
	path := filepath.Join(s.Dir, hex.EncodeToString(sum[:8])+".pem")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, os.WriteFile(path, []byte(pem), 0o600)
}

// open reaches the provider of a connection that is AVAILABLE.
func (s *Service) open(ctx context.Context, connectionARN string) (*connection, *reached, error) {
	var c *connection
	var h *host
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		if c, err = s.connectionOf(r, connectionARN); err == nil && c.HostArn != nil {
			h, err = s.hostOf(r, *c.HostArn)
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if c.ConnectionStatus != types.ConnectionStatusAvailable || c.Access == "" {
		return c, nil, fail("ResourceUnavailable", "Connection %s is not available: its status is %s", connectionARN, c.ConnectionStatus)
	}
	a, err := s.unseal(c.Access, connectionARN)
	if err != nil {
		return c, nil, err
	}
	if h != nil {
		a.Certificate = certificate(h)
	}
	r, err := s.reach(*a)
	if err != nil {
		return c, nil, err
	}
	r.providerType = string(c.ProviderType)
	return c, r, nil
}

func certificate(h *host) string {
	if h.VpcConfiguration == nil {
		return ""
	}
	return aws.ToString(h.VpcConfiguration.TlsCertificate)
}
