package codebuild

import (
	"context"
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
		var sealed string
		err := s.Engine.View(ctx, func(r store.Reader) (err error) {
			sealed, j.Sources[i].Secret, _, err = keeper(r, b.Region, &sources[i])
			return err
		})
		if err != nil {
			return err
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
