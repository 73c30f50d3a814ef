package codebuild

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
)

// UpdateProjectVisibility says whether anybody may read a project's builds and
// in which role. It is kept and returned; there is no page yet that would show
// builds to somebody without credentials, so nothing becomes readable by it.
func (s *Service) UpdateProjectVisibility(ctx context.Context, in *codebuild.UpdateProjectVisibilityInput, _ ...func(*codebuild.Options)) (*codebuild.UpdateProjectVisibilityOutput, error) {
	region, name := identity.Region(ctx), nameOf(in.ProjectArn)
	public := in.ProjectVisibility == types.ProjectVisibilityTypePublicRead
	if in.ResourceAccessRole != nil {
		if err := s.checkRoleARN(*in.ResourceAccessRole); err != nil {
			return nil, err
		}
	}
	var p *project
	err := s.Engine.Update(ctx, func(tx *engine.Tx) (err error) {
		if p, err = s.project(tx, region, name); err != nil {
			return err
		}
		set(&p.ResourceAccessRole, in.ResourceAccessRole)
		p.ProjectVisibility = in.ProjectVisibility
		if p.PublicProjectAlias = nil; public {
			if p.PublicAlias == "" {
				p.PublicAlias = id.Hex(s.IDs, 32)
			}
			p.PublicProjectAlias = aws.String(p.PublicAlias)
		}
		return projects.Put(tx, p, region, name)
	})
	if err != nil {
		return nil, err
	}
	return &codebuild.UpdateProjectVisibilityOutput{ProjectArn: p.Arn, ProjectVisibility: p.ProjectVisibility, PublicProjectAlias: p.PublicProjectAlias}, nil
}
