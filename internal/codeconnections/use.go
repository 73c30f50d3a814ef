package codeconnections

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/git"
	"github.com/slipway-dev/slipway/internal/id"
)

// Using a connection is not an operation of AWS's API: services do it for the
// roles they act in, under the permission UseConnection. Errors are *wire.Error
// of code AccessDenied for want of it, and with the API's codes for what will
// not get better by trying again; others may pass.

// use authorizes the owner of credentials and reaches the repository, whose
// name, spelled as the provider does, it returns.
func (s *Service) use(ctx context.Context, as aws.CredentialsProvider, at source.Place, action string) (*reached, string, error) {
	keys, err := as.Retrieve(ctx)
	if err != nil {
		return nil, "", err
	}
	credential, err := s.Keys.Lookup(ctx, keys.AccessKeyID, keys.SessionToken)
	if err != nil {
		return nil, "", err
	}
	if err := s.authorize(ctx, credential.Caller, at, action); err != nil {
		return nil, "", err
	}
	return s.repository(ctx, at.ConnectionARN, at.Repository)
}

// What is asked of a provider, as policies can tell it apart (condition key
// ProviderAction of AWS's service authorization reference).
const (
	getBranch  = "GetBranch"
	getArchive = "GetUploadArchiveToS3Status"
	gitPull    = "GitPull"
	gitPush    = "GitPush"
)

func (s *Service) authorize(ctx context.Context, caller *identity.Caller, at source.Place, action string) error {
	if !provider.ValidRepository(at.Repository) {
		return fail("Validation", "%.100q is not the full name of a repository: owner/name", at.Repository)
	}
	permissions := "read_only"
	if action == gitPush {
		permissions = "read_write"
	}
	slash := strings.LastIndexByte(at.Repository, '/')
	ctx = identity.WithCaller(ctx, caller)
	if region, _, ok := s.key(at.ConnectionARN, connectionKind); ok {
		ctx = identity.WithRegion(ctx, region)
	}
	return s.Authorizer.AuthorizeAny(ctx, either("UseConnection", at.ConnectionARN, map[string]string{
		"FullRepositoryId": at.Repository, "OwnerId": at.Repository[:slash], "RepositoryName": at.Repository[slash+1:], "BranchName": at.Branch,
		"ProviderAction": action, "ProviderPermissionsRequired": permissions,
	})...)
}

// repository reaches a repository for which somebody is authorized.
func (s *Service) repository(ctx context.Context, connectionARN, name string) (*reached, string, error) {
	_, r, err := s.open(ctx, connectionARN)
	if err != nil {
		return nil, "", err
	}
	canonical, err := r.client.Repository(ctx, name)
	if err != nil {
		return nil, "", s.told(ctx, connectionARN, "repository "+name, err)
	}
	return r, canonical, nil
}

// told turns what a provider answered into an error for whoever asked.
func (s *Service) told(ctx context.Context, connectionARN, what string, err error) error {
	var own *wire.Error
	switch {
	case errors.As(err, &own):
		return err
	case errors.Is(err, provider.ErrNotFound), errors.Is(err, git.ErrRemoteNotFound), errors.Is(err, git.ErrNotFound):
		return fail("ResourceNotFound", "The provider has no %s, or hides it from the token of the connection %s", what, connectionARN)
	case errors.Is(err, provider.ErrToken), errors.Is(err, provider.ErrDenied), errors.Is(err, git.ErrRemoteDenied):
		s.suspect(ctx, connectionARN)
		return fail("ResourceUnavailable", "The provider refuses the token of the connection %s for the %s", connectionARN, what)
	case errors.Is(err, provider.ErrMoved), errors.Is(err, git.ErrRemoteMoved):
		return fail("ResourceUnavailable", "The provider redirects to another host for the %s, where the token of the connection %s does not go", what, connectionARN)
	case errors.Is(err, provider.ErrAnswer):
		return fail("ResourceUnavailable", "What answers for the connection %s is not the API of its provider", connectionARN)
	}
	return err
}

// suspect looks whether the provider has revoked a token, and then notes it.
func (s *Service) suspect(ctx context.Context, connectionARN string) {
	c, r, err := s.open(ctx, connectionARN)
	if err != nil {
		return
	}
	if _, err := r.client.Account(ctx); !errors.Is(err, provider.ErrToken) {
		return
	}
	sealed := c.Access
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		c, err := s.connectionOf(tx, connectionARN)
		if err != nil || c.Access != sealed {
			return err
		}
		c.ConnectionStatus = types.ConnectionStatusError
		return s.putConnection(tx, c)
	})
	if err != nil {
		s.Log.Error("cannot note that a token is refused", "connection", connectionARN, "error", err)
		return
	}
	s.Log.Warn("the provider refuses a connection's token: the connection needs a new one", "connection", connectionARN, "provider", r.Base)
}

// Commit describes the newest commit of a branch, or the one with the id
// commit, if that is not "".
func (s *Service) Commit(ctx context.Context, as aws.CredentialsProvider, at source.Place, commit string) (*source.Commit, error) {
	// A repository that is used for the first time is watched from here on, so
	// that nothing is lost between this look and the first of the watch.
	s.syncNow(ctx, at.ConnectionARN)
	r, canonical, err := s.use(ctx, as, at, getBranch)
	if err != nil {
		return nil, err
	}
	if commit == "" {
		if commit, err = s.tip(ctx, r, canonical, at); err != nil {
			return nil, err
		}
	}
	if !provider.ValidCommit(commit) {
		return nil, fail("Validation", "%.100q is not a whole commit id", commit)
	}
	c, err := r.client.Commit(ctx, canonical, commit)
	if err != nil {
		return nil, s.told(ctx, at.ConnectionARN, "commit "+commit+" in the repository "+at.Repository, err)
	}
	c.ProviderType = r.providerType
	return c, nil
}

const heads, tags = "refs/heads/", "refs/tags/"

// tip is the newest commit of a branch.
func (s *Service) tip(ctx context.Context, r *reached, canonical string, at source.Place) (string, error) {
	if !git.ValidBranch(at.Branch) {
		return "", fail("Validation", "%.100q is not the name of a branch", at.Branch)
	}
	refs, err := s.Scratch.RemoteRefs(ctx, r.remote(canonical), heads+at.Branch)
	if err != nil {
		return "", s.told(ctx, at.ConnectionARN, "repository "+at.Repository, err)
	}
	commit := refs[heads+at.Branch]
	if commit == "" {
		return "", fail("ResourceNotFound", "No Branch [%s] found for FullRepositoryName [%s]", at.Branch, at.Repository)
	}
	return commit, s.firstSight(ctx, at, heads+at.Branch, commit)
}

// Archive writes the files of a commit as a zip, without .git, with symbolic
// links and executable modes kept.
func (s *Service) Archive(ctx context.Context, as aws.CredentialsProvider, at source.Place, commit string, w io.Writer) error {
	r, canonical, err := s.use(ctx, as, at, getArchive)
	if err != nil {
		return err
	}
	if !provider.ValidCommit(commit) {
		return fail("Validation", "%.100q is not a whole commit id", commit)
	}
	err = s.fetched(ctx, r.remote(canonical), false, []string{commit}, func(id string) error {
		return s.Scratch.Archive(ctx, id, commit, w)
	})
	if err != nil {
		return s.told(ctx, at.ConnectionARN, "commit "+commit+" in the repository "+at.Repository, err)
	}
	return nil
}

// fetched calls use with the id of a repository that has commits, without
// their history, and is gone afterwards.
func (s *Service) fetched(ctx context.Context, from git.Remote, treesOnly bool, commits []string, use func(id string) error) error {
	scratch := id.Hex(s.IDs, 32)
	if err := s.Scratch.Create(ctx, scratch); err != nil {
		return err
	}
	defer func() {
		if err := s.Scratch.Remove(scratch); err != nil {
			s.Log.Warn("a fetched repository is left", "error", err)
		}
	}()
	if err := s.Scratch.Fetch(ctx, scratch, from, 1, treesOnly, commits...); err != nil {
		return err
	}
	return use(scratch)
}

// cloneStatus is the HTTP status for an error told to a client of git.
func cloneStatus(err error) (int, string) {
	var e *wire.Error
	if !errors.As(err, &e) {
		return http.StatusBadGateway, "the provider does not answer"
	}
	switch e.Code {
	case "AccessDenied", "InvalidClientTokenId", "ExpiredToken":
		return http.StatusForbidden, e.Message
	case "ResourceNotFoundException":
		return http.StatusNotFound, e.Message
	}
	return http.StatusBadGateway, e.Message
}
