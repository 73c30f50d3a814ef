package codebuild

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Wire is the table of operations.
func (s *Service) Wire() wire.Service {
	return wire.Service{
		Model: "codebuild",
		Operations: []wire.Operation{
			wire.Op("codebuild:CreateProject", s.CreateProject, func(ctx context.Context, in *codebuild.CreateProjectInput) []wire.Access {
				access := []wire.Access{s.onProject(ctx, in.Name), wire.PassRole(s.roleARN(aws.ToString(in.ServiceRole)), principal)}
				return append(access, passBatchRole(in.BuildBatchConfig)...)
			}),
			wire.Op("codebuild:UpdateProject", s.UpdateProject, func(ctx context.Context, in *codebuild.UpdateProjectInput) []wire.Access {
				access := []wire.Access{s.onProject(ctx, in.Name)}
				if in.ServiceRole != nil {
					access = append(access, wire.PassRole(s.roleARN(*in.ServiceRole), principal))
				}
				return append(access, passBatchRole(in.BuildBatchConfig)...)
			}),
			wire.Op("codebuild:DeleteProject", s.DeleteProject, func(ctx context.Context, in *codebuild.DeleteProjectInput) []wire.Access {
				return []wire.Access{s.onProject(ctx, in.Name)}
			}),
			wire.Op("codebuild:BatchGetProjects", s.BatchGetProjects, func(ctx context.Context, in *codebuild.BatchGetProjectsInput) []wire.Access {
				return s.onProjects(ctx, in.Names)
			}),
			wire.Op("codebuild:ListProjects", s.ListProjects, nil),
			wire.Op("codebuild:UpdateProjectVisibility", s.UpdateProjectVisibility, func(ctx context.Context, in *codebuild.UpdateProjectVisibilityInput) []wire.Access {
				access := []wire.Access{s.onProject(ctx, in.ProjectArn)}
				if in.ResourceAccessRole != nil {
					access = append(access, wire.PassRole(*in.ResourceAccessRole, principal))
				}
				return access
			}),
			wire.Op("codebuild:InvalidateProjectCache", s.InvalidateProjectCache, func(ctx context.Context, in *codebuild.InvalidateProjectCacheInput) []wire.Access {
				return []wire.Access{s.onProject(ctx, in.ProjectName)}
			}),
			wire.Op("codebuild:StartBuild", s.StartBuild, func(ctx context.Context, in *codebuild.StartBuildInput) []wire.Access {
				access := []wire.Access{s.onProject(ctx, in.ProjectName)}
				if in.ServiceRoleOverride != nil {
					access = append(access, wire.PassRole(s.roleARN(*in.ServiceRoleOverride), principal))
				}
				return access
			}),
			wire.Op("codebuild:RetryBuild", s.RetryBuild, func(ctx context.Context, in *codebuild.RetryBuildInput) []wire.Access {
				return []wire.Access{s.onBuild(ctx, aws.ToString(in.Id))}
			}),
			wire.Op("codebuild:StopBuild", s.StopBuild, func(ctx context.Context, in *codebuild.StopBuildInput) []wire.Access {
				return []wire.Access{s.onBuild(ctx, aws.ToString(in.Id))}
			}),
			wire.Op("codebuild:BatchGetBuilds", s.BatchGetBuilds, func(ctx context.Context, in *codebuild.BatchGetBuildsInput) []wire.Access {
				return s.onBuilds(ctx, in.Ids)
			}),
			wire.Op("codebuild:BatchDeleteBuilds", s.BatchDeleteBuilds, func(ctx context.Context, in *codebuild.BatchDeleteBuildsInput) []wire.Access {
				return s.onBuilds(ctx, in.Ids)
			}),
			wire.Op("codebuild:ListBuilds", s.ListBuilds, nil),
			wire.Op("codebuild:ListBuildsForProject", s.ListBuildsForProject, func(ctx context.Context, in *codebuild.ListBuildsForProjectInput) []wire.Access {
				return []wire.Access{s.onProject(ctx, in.ProjectName)}
			}),
			wire.Op("codebuild:ListCuratedEnvironmentImages", s.ListCuratedEnvironmentImages, nil),

			wire.Op("codebuild:ImportSourceCredentials", s.ImportSourceCredentials, nil),
			wire.Op("codebuild:ListSourceCredentials", s.ListSourceCredentials, nil),
			wire.Op("codebuild:DeleteSourceCredentials", s.DeleteSourceCredentials, nil),

			wire.Op("codebuild:CreateWebhook", s.CreateWebhook, func(ctx context.Context, in *codebuild.CreateWebhookInput) []wire.Access {
				return []wire.Access{s.onProject(ctx, in.ProjectName)}
			}),
			wire.Op("codebuild:UpdateWebhook", s.UpdateWebhook, func(ctx context.Context, in *codebuild.UpdateWebhookInput) []wire.Access {
				return []wire.Access{s.onProject(ctx, in.ProjectName)}
			}),
			wire.Op("codebuild:DeleteWebhook", s.DeleteWebhook, func(ctx context.Context, in *codebuild.DeleteWebhookInput) []wire.Access {
				return []wire.Access{s.onProject(ctx, in.ProjectName)}
			}),

			wire.Op("codebuild:CreateReportGroup", s.CreateReportGroup, func(ctx context.Context, in *codebuild.CreateReportGroupInput) []wire.Access {
				return wire.On(s.reportGroupARN(identity.Region(ctx), aws.ToString(in.Name)))
			}),
			wire.Op("codebuild:UpdateReportGroup", s.UpdateReportGroup, func(_ context.Context, in *codebuild.UpdateReportGroupInput) []wire.Access {
				return wire.On(aws.ToString(in.Arn))
			}),
			wire.Op("codebuild:DeleteReportGroup", s.DeleteReportGroup, func(_ context.Context, in *codebuild.DeleteReportGroupInput) []wire.Access {
				return wire.On(aws.ToString(in.Arn))
			}),
			wire.Op("codebuild:BatchGetReportGroups", s.BatchGetReportGroups, func(_ context.Context, in *codebuild.BatchGetReportGroupsInput) []wire.Access {
				return wire.On(in.ReportGroupArns...)
			}),
			wire.Op("codebuild:ListReportGroups", s.ListReportGroups, nil),

			wire.Op("codebuild:PutResourcePolicy", s.PutResourcePolicy, func(_ context.Context, in *codebuild.PutResourcePolicyInput) []wire.Access {
				return wire.On(aws.ToString(in.ResourceArn))
			}),
			wire.Op("codebuild:GetResourcePolicy", s.GetResourcePolicy, func(_ context.Context, in *codebuild.GetResourcePolicyInput) []wire.Access {
				return wire.On(aws.ToString(in.ResourceArn))
			}),
			wire.Op("codebuild:DeleteResourcePolicy", s.DeleteResourcePolicy, func(_ context.Context, in *codebuild.DeleteResourcePolicyInput) []wire.Access {
				return wire.On(aws.ToString(in.ResourceArn))
			}),
		},
		Invalid: func(v wire.Violation) error {
			return &types.InvalidInputException{Message: aws.String(v.Message)}
		},
	}
}

func passBatchRole(b *types.ProjectBuildBatchConfig) []wire.Access {
	if b == nil || aws.ToString(b.ServiceRole) == "" {
		return nil
	}
	return []wire.Access{wire.PassRole(*b.ServiceRole, principal)}
}
