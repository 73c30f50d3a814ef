package codepipeline

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Wire is the table of operations with their permissions: what resource each
// is checked on is from AWS's "Actions, resources, and condition keys for AWS
// CodePipeline".
func (s *Service) Wire() wire.Service {
	on := func(ctx context.Context, parts ...*string) []wire.Access {
		return s.scope(identity.Region(ctx), parts...)
	}
	declared := func(ctx context.Context, p *types.PipelineDeclaration) []wire.Access {
		access := append(on(ctx, p.Name), wire.PassRole(aws.ToString(p.RoleArn), Principal))
		for _, st := range p.Stages {
			for _, a := range st.Actions {
				if a.RoleArn != nil {
					access = append(access, wire.PassRole(*a.RoleArn, Principal))
				}
			}
		}
		return access
	}
	onType := func(ctx context.Context, c types.ActionCategory, provider, version *string) []wire.Access {
		return wire.On(s.typeARN(identity.Region(ctx), &types.ActionTypeId{Owner: types.ActionOwnerCustom, Category: c, Provider: provider, Version: version}))
	}
	onWebhook := func(ctx context.Context, name *string) []wire.Access {
		return on(ctx, aws.String("webhook:"+aws.ToString(name)))
	}
	return wire.Service{Model: "codepipeline", Operations: []wire.Operation{
		wire.Op("codepipeline:CreatePipeline", s.CreatePipeline, func(ctx context.Context, in *codepipeline.CreatePipelineInput) []wire.Access {
			access := declared(ctx, in.Pipeline)
			if len(in.Tags) > 0 {
				access = append(access, wire.Access{Action: "codepipeline:TagResource", Resource: access[0].Resource})
			}
			return access
		}),
		wire.Op("codepipeline:GetPipeline", s.GetPipeline, func(ctx context.Context, in *codepipeline.GetPipelineInput) []wire.Access {
			return on(ctx, in.Name)
		}),
		wire.Op("codepipeline:UpdatePipeline", s.UpdatePipeline, func(ctx context.Context, in *codepipeline.UpdatePipelineInput) []wire.Access {
			return declared(ctx, in.Pipeline)
		}),
		wire.Op("codepipeline:DeletePipeline", s.DeletePipeline, func(ctx context.Context, in *codepipeline.DeletePipelineInput) []wire.Access {
			return on(ctx, in.Name)
		}),
		wire.Op("codepipeline:ListPipelines", s.ListPipelines, func(ctx context.Context, _ *codepipeline.ListPipelinesInput) []wire.Access {
			return on(ctx, aws.String("*"))
		}),
		wire.Op("codepipeline:GetPipelineState", s.GetPipelineState, func(ctx context.Context, in *codepipeline.GetPipelineStateInput) []wire.Access {
			return on(ctx, in.Name)
		}),
		wire.Op("codepipeline:StartPipelineExecution", s.StartPipelineExecution, func(ctx context.Context, in *codepipeline.StartPipelineExecutionInput) []wire.Access {
			return on(ctx, in.Name)
		}),
		wire.Op("codepipeline:StopPipelineExecution", s.StopPipelineExecution, func(ctx context.Context, in *codepipeline.StopPipelineExecutionInput) []wire.Access {
			return on(ctx, in.PipelineName)
		}),
		wire.Op("codepipeline:GetPipelineExecution", s.GetPipelineExecution, func(ctx context.Context, in *codepipeline.GetPipelineExecutionInput) []wire.Access {
			return on(ctx, in.PipelineName)
		}),
		wire.Op("codepipeline:ListPipelineExecutions", s.ListPipelineExecutions, func(ctx context.Context, in *codepipeline.ListPipelineExecutionsInput) []wire.Access {
			return on(ctx, in.PipelineName)
		}),
		wire.Op("codepipeline:ListActionExecutions", s.ListActionExecutions, func(ctx context.Context, in *codepipeline.ListActionExecutionsInput) []wire.Access {
			return on(ctx, in.PipelineName)
		}),
		wire.Op("codepipeline:EnableStageTransition", s.EnableStageTransition, func(ctx context.Context, in *codepipeline.EnableStageTransitionInput) []wire.Access {
			return on(ctx, in.PipelineName, in.StageName)
		}),
		wire.Op("codepipeline:DisableStageTransition", s.DisableStageTransition, func(ctx context.Context, in *codepipeline.DisableStageTransitionInput) []wire.Access {
			return on(ctx, in.PipelineName, in.StageName)
		}),
		wire.Op("codepipeline:PutApprovalResult", s.PutApprovalResult, func(ctx context.Context, in *codepipeline.PutApprovalResultInput) []wire.Access {
			return on(ctx, in.PipelineName, in.StageName, in.ActionName)
		}),
		wire.Op("codepipeline:RetryStageExecution", s.RetryStageExecution, func(ctx context.Context, in *codepipeline.RetryStageExecutionInput) []wire.Access {
			return on(ctx, in.PipelineName, in.StageName)
		}),
		wire.Op("codepipeline:RollbackStage", s.RollbackStage, func(ctx context.Context, in *codepipeline.RollbackStageInput) []wire.Access {
			return on(ctx, in.PipelineName, in.StageName)
		}),
		wire.Op("codepipeline:OverrideStageCondition", s.OverrideStageCondition, func(ctx context.Context, in *codepipeline.OverrideStageConditionInput) []wire.Access {
			return on(ctx, in.PipelineName, in.StageName)
		}),
		wire.Op("codepipeline:ListRuleExecutions", s.ListRuleExecutions, func(ctx context.Context, in *codepipeline.ListRuleExecutionsInput) []wire.Access {
			return on(ctx, in.PipelineName)
		}),
		wire.Op("codepipeline:ListRuleTypes", s.ListRuleTypes, nil),
		wire.Op("codepipeline:ListActionTypes", s.ListActionTypes, func(ctx context.Context, _ *codepipeline.ListActionTypesInput) []wire.Access {
			return wire.On(arn.New("codepipeline", identity.Region(ctx), s.cfg.Site.Account, "actiontype:*"))
		}),
		wire.Op("codepipeline:CreateCustomActionType", s.CreateCustomActionType, func(ctx context.Context, in *codepipeline.CreateCustomActionTypeInput) []wire.Access {
			access := onType(ctx, in.Category, in.Provider, in.Version)
			if len(in.Tags) > 0 {
				access = append(access, wire.Access{Action: "codepipeline:TagResource", Resource: access[0].Resource})
			}
			return access
		}),
		wire.Op("codepipeline:DeleteCustomActionType", s.DeleteCustomActionType, func(ctx context.Context, in *codepipeline.DeleteCustomActionTypeInput) []wire.Access {
			return onType(ctx, in.Category, in.Provider, in.Version)
		}),
		wire.Op("codepipeline:GetActionType", s.GetActionType, nil),
		wire.Op("codepipeline:UpdateActionType", s.UpdateActionType, nil),
		wire.Op("codepipeline:PutActionRevision", s.PutActionRevision, func(ctx context.Context, in *codepipeline.PutActionRevisionInput) []wire.Access {
			return on(ctx, in.PipelineName, in.StageName, in.ActionName)
		}),
		wire.Op("codepipeline:PollForJobs", s.PollForJobs, func(ctx context.Context, in *codepipeline.PollForJobsInput) []wire.Access {
			return wire.On(s.typeARN(identity.Region(ctx), in.ActionTypeId))
		}),
		wire.Op("codepipeline:AcknowledgeJob", s.AcknowledgeJob, nil),
		wire.Op("codepipeline:GetJobDetails", s.GetJobDetails, nil),
		wire.Op("codepipeline:PutJobSuccessResult", s.PutJobSuccessResult, nil),
		wire.Op("codepipeline:PutJobFailureResult", s.PutJobFailureResult, nil),
		wire.Op("codepipeline:PutWebhook", s.PutWebhook, func(ctx context.Context, in *codepipeline.PutWebhookInput) []wire.Access {
			access := append(onWebhook(ctx, in.Webhook.Name), on(ctx, in.Webhook.TargetPipeline)...)
			if len(in.Tags) > 0 {
				access = append(access, wire.Access{Action: "codepipeline:TagResource", Resource: access[0].Resource})
			}
			return access
		}),
		wire.Op("codepipeline:ListWebhooks", s.ListWebhooks, func(ctx context.Context, _ *codepipeline.ListWebhooksInput) []wire.Access {
			return onWebhook(ctx, aws.String("*"))
		}),
		wire.Op("codepipeline:DeleteWebhook", s.DeleteWebhook, func(ctx context.Context, in *codepipeline.DeleteWebhookInput) []wire.Access {
			return onWebhook(ctx, in.Name)
		}),
		wire.Op("codepipeline:RegisterWebhookWithThirdParty", s.RegisterWebhookWithThirdParty, func(ctx context.Context, in *codepipeline.RegisterWebhookWithThirdPartyInput) []wire.Access {
			return onWebhook(ctx, in.WebhookName)
		}),
		wire.Op("codepipeline:DeregisterWebhookWithThirdParty", s.DeregisterWebhookWithThirdParty, func(ctx context.Context, in *codepipeline.DeregisterWebhookWithThirdPartyInput) []wire.Access {
			return onWebhook(ctx, in.WebhookName)
		}),
		wire.Op("codepipeline:TagResource", s.TagResource, func(_ context.Context, in *codepipeline.TagResourceInput) []wire.Access {
			return wire.On(aws.ToString(in.ResourceArn))
		}),
		wire.Op("codepipeline:UntagResource", s.UntagResource, func(_ context.Context, in *codepipeline.UntagResourceInput) []wire.Access {
			return wire.On(aws.ToString(in.ResourceArn))
		}),
		wire.Op("codepipeline:ListTagsForResource", s.ListTagsForResource, func(_ context.Context, in *codepipeline.ListTagsForResourceInput) []wire.Access {
			return wire.On(aws.ToString(in.ResourceArn))
		}),
	}}
}
