package codebuild

import (
	"context"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/agent/job"
	"github.com/slipway-dev/slipway/internal/store"
)

// keeper tells where the login of a source is: sealed here, in a secret, or
// behind a connection. All three are "" for a source that needs none.
func keeper(r store.Reader, region string, src *types.ProjectSource) (sealed, secret, connection string, err error) {
	if !hosted(src.Type) {
		return "", "", "", nil
	}
	if a := src.Auth; a != nil {
		switch a.Type {
		case types.SourceAuthTypeSecretsManager:
			return "", aws.ToString(a.Resource), "", nil
		case types.SourceAuthTypeCodeconnections:
			return "", "", aws.ToString(a.Resource), nil
		}
	}
	c, err := credentialFor(r, region, src)
	if err != nil || c == nil {
		return "", "", "", err
	}
	switch c.AuthType {
	case types.AuthTypeSecretsManager:
		return "", aws.ToString(c.Resource), "", nil
	case types.AuthTypeCodeconnections:
		return "", "", aws.ToString(c.Resource), nil
	}
	return c.Sealed, "", "", nil
}

// logins adds to a job what its sources' providers want to see. It goes to the
// agent only, and is kept nowhere.
func (s *Service) logins(ctx context.Context, b *build, j *job.Job) error {
	sources := append([]types.ProjectSource{*b.Source}, b.SecondarySources...)
	for i := range sources {
		if !hosted(sources[i].Type) {
			continue
		}
		var sealed, connection string
		err := s.Engine.View(ctx, func(r store.Reader) (err error) {
			sealed, j.Sources[i].Secret, connection, err = keeper(r, b.Region, &sources[i])
			return err
		})
		if err != nil {
			return err
		}
		if connection != "" {
			if j.Sources[i].CloneURL, err = s.Connections.CloneURL(connection, repositoryOf(aws.ToString(sources[i].Location))); err != nil {
				return err
			}
		}
		if sealed != "" {
			l, err := s.unseal(sealed)
			if err != nil {
				return err
			}
			j.Sources[i].Login = job.Login(l)
		}
	}
	return nil
}

// checkConnections asks that what sources say are connections are ones.
func (s *Service) checkConnections(r store.Reader, region string, p *project) error {
	for _, src := range append([]types.ProjectSource{*p.Source}, p.SecondarySources...) {
		_, _, connection, err := keeper(r, region, &src)
		if err != nil {
			return err
		}
		if connection != "" {
			if _, err := s.Connections.CloneURL(connection, repositoryOf(aws.ToString(src.Location))); err != nil {
				return invalid("Invalid source auth: %s is not a connection", connection)
			}
		}
	}
	return nil
}

// repositoryOf is owner/name of a clone URL, with all groups of GitLab's.
func repositoryOf(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")
}

// pinned is the version of a source that a build had, for a build that must have
// the same: its commit, by way of the reference that led there.
func pinned(version, resolved string) string {
	ref, _, _ := strings.Cut(version, "^{")
	if n, ok := strings.CutPrefix(ref, "pr/"); ok {
		ref = "refs/pull/" + n + "/head"
	}
	if strings.HasPrefix(ref, "refs/") {
		return ref + "^{" + resolved + "}"
	}
	return resolved
}
