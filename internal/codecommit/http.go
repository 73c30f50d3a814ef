package codecommit

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/sigv4"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/git"
	"github.com/slipway-dev/slipway/internal/store"
)

// Prefix is where repositories are on the gateway.
const Prefix = "/v1/repos/"

// Handler serves clone, fetch and push below Prefix.
func (s *Service) Handler() http.Handler {
	return &git.Handler{Repositories: s.Repositories, Backend: s, Log: s.Log}
}

// regions that a credential helper may have signed for. On AWS it reads the
// region off the host name; here it takes that of the user's profile, which
// need not be the repository's.
var regions = []string{
	"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1", "sa-east-1", "mx-central-1",
	"eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2",
	"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3",
	"ap-southeast-4", "ap-southeast-5", "ap-southeast-7", "ap-south-1", "ap-south-2", "ap-east-1", "me-south-1",
	"me-central-1", "il-central-1", "af-south-1", "us-gov-west-1", "us-gov-east-1", "cn-north-1", "cn-northwest-1",
}

var (
	errCredentials = &git.Refusal{Status: http.StatusUnauthorized, Message: "credentials are needed: use the credential helper of the aws command, or git credentials made with iam create-service-specific-credential"}
	errForbidden   = &git.Refusal{Status: http.StatusForbidden, Message: "the credentials are not valid, or not for this repository"}
)

// Session lets a client of git in. path is the one that the client was given,
// as received: the credential helper signs it.
func (s *Service) Session(r *http.Request, path string, service git.Service) (*git.Session, error) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return nil, errCredentials
	}
	caller, region, err := s.authenticate(r, path, user, password)
	if err != nil {
		s.Log.Debug("git credentials refused", "user", strings.SplitN(user, "%", 2)[0], "error", err)
		return nil, errForbidden
	}
	name, err := url.PathUnescape(strings.TrimPrefix(path, Prefix))
	if err != nil {
		return nil, &git.Refusal{Status: http.StatusBadRequest, Message: "the path is not valid"}
	}
	name = strings.TrimSuffix(strings.Trim(name, "/"), ".git")
	ctx := identity.WithCaller(r.Context(), caller)
	repo, err := s.locate(ctx, name, region)
	if err != nil {
		return nil, err
	}
	ctx = identity.WithRegion(ctx, repo.Region)

	action := "codecommit:GitPull"
	if service == git.ReceivePack {
		action = "codecommit:GitPush"
	}
	access := wire.Access{Action: action, Resource: s.arn(repo.Region, repo.name())}
	if err := s.Authorizer.Authorize(ctx, access); err != nil {
		return nil, forbidden(err)
	}
	return &git.Session{
		ID:    repo.id(),
		Check: func(_ context.Context, updates []git.RefUpdate) map[string]string { return s.check(ctx, repo, updates) },
		Pushed: func(context.Context) error {
			defer s.lock(repo.id())()
			return s.reconcile(ctx, repo.Region, repo.name())
		},
	}, nil
}

func forbidden(err error) error {
	var denied *wire.Error
	if errors.As(err, &denied) {
		return &git.Refusal{Status: http.StatusForbidden, Message: denied.Message}
	}
	return err
}

// authenticate takes both kinds of credentials: the helper's signature, and the
// password that IAM generated for a user. region is "" if they do not tell it.
func (s *Service) authenticate(r *http.Request, path, user, password string) (*identity.Caller, string, error) {
	if !sigv4Password(password) {
		c, ok, err := s.Passwords.GitPassword(r.Context(), user, password)
		if err == nil && !ok {
			err = errForbidden
		}
		return c.Caller, "", err
	}
	key, token, _ := strings.Cut(user, "%")
	credential, err := s.Keys.Lookup(r.Context(), key, token)
	if err != nil {
		return nil, "", err
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	for _, region := range append([]string{s.Site.Region}, regions...) {
		err = sigv4.VerifyGit(credential.Secret, password, host, path, []string{region}, s.Engine.Now())
		if err == nil {
			return credential.Caller, region, nil
		}
	}
	return nil, "", err
}

// sigv4Password tells the helper's passwords (time, Z, 64 digits) from others.
func sigv4Password(p string) bool {
	return len(p) == 16+64 && p[15] == 'Z' && strings.Trim(p[16:], "0123456789abcdef") == ""
}

// locate finds a repository by name alone: the path has no region. The region
// of the credentials decides, then the default one, then there must be only one.
func (s *Service) locate(ctx context.Context, name, region string) (*repository, error) {
	var found []*repository
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for e, err := range r.Scan(store.Range{Prefix: store.Prefix(string(byName), name)}) {
			if err != nil {
				return err
			}
			repo, err := repositories.Get(r, e.Key[len(store.Prefix(string(byName), name)):], name)
			if err != nil {
				return err
			}
			found = append(found, repo)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, want := range []string{region, s.Site.Region} {
		if i := slices.IndexFunc(found, func(r *repository) bool { return r.Region == want }); i >= 0 {
			return found[i], nil
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return nil, &git.Refusal{Status: http.StatusNotFound, Message: "repository not found"}
}

// check judges a push: names that CodeCommit takes, and the policies of each
// reference (context key codecommit:References, §1.11 of the access rules).
func (s *Service) check(ctx context.Context, repo *repository, updates []git.RefUpdate) map[string]string {
	refused := map[string]string{}
	for _, u := range updates {
		branch, isBranch := strings.CutPrefix(u.Ref, heads)
		tag, isTag := strings.CutPrefix(u.Ref, "refs/tags/")
		switch {
		case u.To == git.Zero: // any name may go
		case len(branch) > 256 && isBranch, len(tag) > 256 && isTag:
			refused[u.Ref] = "a reference name has at most 256 characters"
			continue
		case !strings.HasPrefix(u.Ref, "refs/"), !utf8.ValidString(u.Ref), isBranch && (!git.ValidBranch(branch) || isCommitID(branch)), isTag && !git.ValidBranch(tag):
			refused[u.Ref] = "the reference name is not valid"
			continue
		}
		err := s.Authorizer.Authorize(ctx, wire.Access{
			Action: "codecommit:GitPush", Resource: s.arn(repo.Region, repo.name()),
			Context: map[string][]string{"codecommit:References": {u.Ref}},
		})
		if err != nil {
			refused[u.Ref] = "you are not permitted to update this reference"
		}
	}
	return refused
}
