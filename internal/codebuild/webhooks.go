package codebuild

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// notRegistered is the status message of a webhook that AWS would have
// registered at the git provider.
const notRegistered = "Slipway does not register webhooks with the git provider yet: add payloadUrl with the secret to the repository's webhooks"

// CreateWebhook makes the webhook of a project; its secret is returned now and
// never again. Nothing is registered with the git provider: unless that is what
// manualCreation asks for, the webhook's status is CREATE_FAILED and its status
// message says what to do. Errors: InvalidInputException,
// ResourceAlreadyExistsException, ResourceNotFoundException.
func (s *Service) CreateWebhook(ctx context.Context, in *codebuild.CreateWebhookInput, _ ...func(*codebuild.Options)) (*codebuild.CreateWebhookOutput, error) {
	region, name := identity.Region(ctx), nameOf(in.ProjectName)
	hook := &types.Webhook{BuildType: in.BuildType, ManualCreation: in.ManualCreation, ScopeConfiguration: in.ScopeConfiguration,
		PullRequestBuildPolicy: in.PullRequestBuildPolicy, BranchFilter: given(in.BranchFilter), FilterGroups: in.FilterGroups, Status: types.WebhookStatusActive}
	if !aws.ToBool(in.ManualCreation) {
		hook.Status, hook.StatusMessage = types.WebhookStatusCreateFailed, aws.String(notRegistered)
	}
	if err := checkWebhook(hook); err != nil {
		return nil, err
	}
	var secret *string
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := s.project(tx, region, name)
		if err != nil {
			return err
		}
		if p.Webhook != nil {
			return &types.ResourceAlreadyExistsException{Message: aws.String("Webhook already exists for project: " + name)}
		}
		if err := webhookAllowed(tx, region, p, hook); err != nil {
			return err
		}
		p.Hook = id.Hex(s.IDs, 24)
		hook.PayloadUrl = aws.String(s.PublicURL + PathWebhooks + "?t=" + s.URLs.Seal([]byte(strings.Join([]string{region, name, p.Hook}, "/"))) + "&v=1")
		p.Webhook = hook
		secret = s.newSecret(tx, p)
		return projects.Put(tx, p, region, name)
	})
	if err != nil {
		return nil, err
	}
	out := *hook
	out.Secret = secret
	return &codebuild.CreateWebhookOutput{Webhook: &out}, nil
}

// newSecret gives a project's webhook another secret; Bitbucket has none.
func (s *Service) newSecret(tx *engine.Tx, p *project) *string {
	if p.Source.Type == types.SourceTypeBitbucket {
		return nil
	}
	secret := id.Hex(s.IDs, 40)
	p.HookSecret = s.Secrets.Seal([]byte(secret))
	p.Webhook.LastModifiedSecret = aws.Time(tx.Now())
	return &secret
}

// webhookAllowed asks that a project has a repository that can have one, and,
// as AWS does, that there is a credential to register it with.
func webhookAllowed(r store.Reader, region string, p *project, hook *types.Webhook) error {
	src := p.Source
	switch {
	case hook.BuildType == types.WebhookBuildTypeRunnerBuildkiteBuild:
		if src.Type != types.SourceTypeNoSource {
			return invalid("Invalid webhook: buildType RUNNER_BUILDKITE_BUILD requires source type NO_SOURCE")
		}
		return nil
	case !hosted(src.Type):
		return invalid("Invalid webhook: source type %s does not support webhooks", src.Type)
	case aws.ToBool(hook.ManualCreation) && src.Type != types.SourceTypeGithub && src.Type != types.SourceTypeGithubEnterprise:
		return invalid("Invalid webhook: manualCreation is supported for GitHub only")
	case aws.ToBool(hook.ManualCreation) || src.Auth != nil && src.Auth.Type != types.SourceAuthTypeOauth:
		return nil
	}
	c, err := credentialFor(r, region, src)
	if err == nil && c == nil {
		err = notFound("Could not find access token for server type %s", strings.ToLower(string(src.Type)))
	}
	return err
}

// UpdateWebhook replaces the filters, and the secret if rotateSecret says so.
func (s *Service) UpdateWebhook(ctx context.Context, in *codebuild.UpdateWebhookInput, _ ...func(*codebuild.Options)) (*codebuild.UpdateWebhookOutput, error) {
	region, name := identity.Region(ctx), nameOf(in.ProjectName)
	var out types.Webhook
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := s.projectWithWebhook(tx, region, name)
		if err != nil {
			return err
		}
		hook := p.Webhook
		// One takes the place of the other; an empty branchFilter takes both away.
		if in.BranchFilter != nil || len(in.FilterGroups) > 0 {
			hook.BranchFilter, hook.FilterGroups = given(in.BranchFilter), in.FilterGroups
		}
		if in.BuildType != "" {
			hook.BuildType = in.BuildType
		}
		set(&hook.PullRequestBuildPolicy, in.PullRequestBuildPolicy)
		if err := checkWebhook(hook); err != nil {
			return err
		}
		var secret *string
		if in.RotateSecret {
			secret = s.newSecret(tx, p)
		}
		out = *hook
		out.Secret = secret
		return projects.Put(tx, p, region, name)
	})
	if err != nil {
		return nil, err
	}
	return &codebuild.UpdateWebhookOutput{Webhook: &out}, nil
}

// DeleteWebhook takes a project's webhook away or answers
// ResourceNotFoundException.
func (s *Service) DeleteWebhook(ctx context.Context, in *codebuild.DeleteWebhookInput, _ ...func(*codebuild.Options)) (*codebuild.DeleteWebhookOutput, error) {
	region, name := identity.Region(ctx), nameOf(in.ProjectName)
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := s.projectWithWebhook(tx, region, name)
		if err != nil {
			return err
		}
		p.Webhook, p.Hook, p.HookSecret = nil, "", ""
		return projects.Put(tx, p, region, name)
	})
	if err != nil {
		return nil, err
	}
	return &codebuild.DeleteWebhookOutput{}, nil
}

func (s *Service) projectWithWebhook(r store.Reader, region, name string) (*project, error) {
	p, err := s.project(r, region, name)
	if err == nil && p.Webhook == nil {
		err = notFound("Could not find webhook for project: %s", name)
	}
	return p, err
}
