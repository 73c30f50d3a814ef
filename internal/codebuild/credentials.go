package codebuild

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// credential is what the store keeps of a source credential; there is at most
// one for each kind of server in a region.
type credential struct {
	types.SourceCredentialsInfo
	// Sealed is a login, encrypted; "" where Resource says who keeps it.
	Sealed string `json:",omitempty"`
}

// login is what a git provider wants to see. User is "" for tokens.
type login struct{ User, Token string }

const credentials store.Table[credential] = "codebuild.credential" // region, server type

func (s *Service) credentialARN(region string, server types.ServerType) string {
	return arn.New("codebuild", region, s.Site.Account, "token/"+strings.ToLower(string(server)))
}

// ImportSourceCredentials keeps the credential that builds use for a kind of
// server, instead of the one before unless shouldOverwrite is false. Errors:
// InvalidInputException, ResourceAlreadyExistsException.
func (s *Service) ImportSourceCredentials(ctx context.Context, in *codebuild.ImportSourceCredentialsInput, _ ...func(*codebuild.Options)) (*codebuild.ImportSourceCredentialsOutput, error) {
	region := identity.Region(ctx)
	c := &credential{SourceCredentialsInfo: types.SourceCredentialsInfo{
		Arn: aws.String(s.credentialARN(region, in.ServerType)), AuthType: in.AuthType, ServerType: in.ServerType}}
	token := aws.ToString(in.Token)
	switch in.AuthType {
	case types.AuthTypeOauth:
		return nil, invalid("Invalid input: credentials of auth type OAUTH cannot be imported")
	case types.AuthTypeBasicAuth:
		if in.ServerType != types.ServerTypeBitbucket {
			return nil, invalid("Invalid input: auth type BASIC_AUTH is supported for server type BITBUCKET only")
		}
		if aws.ToString(in.Username) == "" {
			return nil, invalid("Invalid input: username is required for auth type BASIC_AUTH")
		}
		c.Sealed = s.seal(login{aws.ToString(in.Username), token})
	case types.AuthTypePersonalAccessToken:
		c.Sealed = s.seal(login{"", token})
	case types.AuthTypeCodeconnections, types.AuthTypeSecretsManager:
		if a, ok := arn.Parse(token); !ok || !keepers[in.AuthType][a.Service] {
			return nil, invalid("Invalid input: token must be an ARN for auth type %s", in.AuthType)
		}
		c.Resource = in.Token
	}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if in.ShouldOverwrite != nil && !*in.ShouldOverwrite {
			if old, err := get(credentials, tx, region, string(in.ServerType)); err != nil {
				return err
			} else if old != nil {
				return &types.ResourceAlreadyExistsException{Message: aws.String("Access token with server type " + string(in.ServerType) + " already exists. Delete its source credential and try again.")}
			}
		}
		return credentials.Put(tx, c, region, string(in.ServerType))
	})
	if err != nil {
		return nil, err
	}
	return &codebuild.ImportSourceCredentialsOutput{Arn: c.Arn}, nil
}

// keepers are the services whose resources hold credentials.
var keepers = map[types.AuthType]map[string]bool{
	types.AuthTypeCodeconnections: {"codeconnections": true, "codestar-connections": true},
	types.AuthTypeSecretsManager:  {"secretsmanager": true},
}

func (s *Service) seal(l login) string {
	b, _ := json.Marshal(l) // two strings
	return s.Secrets.Seal(b)
}

// unseal is the reverse of seal.
func (s *Service) unseal(sealed string) (l login, err error) {
	b, err := s.Secrets.Open(sealed)
	if err != nil {
		return login{}, err
	}
	return l, json.Unmarshal(b, &l)
}

// ListSourceCredentials lists what was imported, never the tokens.
func (s *Service) ListSourceCredentials(ctx context.Context, _ *codebuild.ListSourceCredentialsInput, _ ...func(*codebuild.Options)) (*codebuild.ListSourceCredentialsOutput, error) {
	out := &codebuild.ListSourceCredentialsOutput{SourceCredentialsInfos: []types.SourceCredentialsInfo{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for c, err := range credentials.All(r, identity.Region(ctx)) {
			if err != nil {
				return err
			}
			out.SourceCredentialsInfos = append(out.SourceCredentialsInfos, c.SourceCredentialsInfo)
		}
		return nil
	})
	return out, err
}

// DeleteSourceCredentials forgets a credential. Errors: InvalidInputException,
// ResourceNotFoundException.
func (s *Service) DeleteSourceCredentials(ctx context.Context, in *codebuild.DeleteSourceCredentialsInput, _ ...func(*codebuild.Options)) (*codebuild.DeleteSourceCredentialsOutput, error) {
	region := identity.Region(ctx)
	server, ok := strings.CutPrefix(resourceOf(aws.ToString(in.Arn)), "token/")
	if !ok {
		return nil, invalid("Invalid ARN: %s", aws.ToString(in.Arn))
	}
	server = strings.ToUpper(server)
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if c, err := get(credentials, tx, region, server); err != nil {
			return err
		} else if c == nil || *c.Arn != *in.Arn {
			return notFound("Could not find source credentials: %s", *in.Arn)
		}
		return credentials.Delete(tx, region, server)
	})
	if err != nil {
		return nil, err
	}
	return &codebuild.DeleteSourceCredentialsOutput{Arn: in.Arn}, nil
}

// credentialFor is the credential of a source, nil if none was imported.
func credentialFor(r store.Reader, region string, src *types.ProjectSource) (*credential, error) {
	return get(credentials, r, region, string(src.Type))
}

// checkAuth asks that a source that says OAUTH has a token to use.
func checkAuth(r store.Reader, region string, p *project) error {
	for _, src := range append([]types.ProjectSource{*p.Source}, p.SecondarySources...) {
		if src.Auth == nil || src.Auth.Type != types.SourceAuthTypeOauth {
			continue
		}
		if c, err := credentialFor(r, region, &src); err != nil {
			return err
		} else if c == nil {
			return invalid("No Access token found, please visit AWS CodeBuild console to connect to %s", providerNames[src.Type])
		}
	}
	return nil
}

// providerNames are the git providers as people write them.
var providerNames = map[types.SourceType]string{
	types.SourceTypeGithub: "GitHub", types.SourceTypeGithubEnterprise: "GitHub Enterprise", types.SourceTypeBitbucket: "Bitbucket",
	types.SourceTypeGitlab: "GitLab", types.SourceTypeGitlabSelfManaged: "GitLab Self Managed",
}
