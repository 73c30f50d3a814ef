package codecommit

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Wire is the table of operations that exist.
func (s *Service) Wire() wire.Service {
	on := func(ctx context.Context, names ...*string) []wire.Access {
		list := make([]wire.Access, len(names))
		for i, n := range names {
			list[i].Resource = s.arn(identity.Region(ctx), aws.ToString(n))
		}
		return list
	}
	// References is set where branch protection policies look for it (§1.11).
	onBranch := func(ctx context.Context, name, branch *string) []wire.Access {
		list := on(ctx, name)
		list[0].Context = map[string][]string{"codecommit:References": {"refs/heads/" + aws.ToString(branch)}}
		return list
	}
	type c = context.Context
	return wire.Service{Model: "codecommit", Invalid: invalid, Operations: []wire.Operation{
		wire.Op("codecommit:CreateRepository", s.CreateRepository, func(x c, in *codecommit.CreateRepositoryInput) []wire.Access {
			list := on(x, in.RepositoryName)
			if len(in.Tags) > 0 {
				list = append(list, wire.Access{Action: "codecommit:TagResource", Resource: list[0].Resource})
			}
			return list
		}),
		wire.Op("codecommit:GetRepository", s.GetRepository, func(x c, in *codecommit.GetRepositoryInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("codecommit:BatchGetRepositories", s.BatchGetRepositories, func(x c, in *codecommit.BatchGetRepositoriesInput) []wire.Access {
			return on(x, aws.StringSlice(in.RepositoryNames)...)
		}),
		wire.Op("codecommit:ListRepositories", s.ListRepositories, nil),
		wire.Op("codecommit:UpdateRepositoryName", s.UpdateRepositoryName, func(x c, in *codecommit.UpdateRepositoryNameInput) []wire.Access {
			return on(x, in.OldName, in.NewName)
		}),
		wire.Op("codecommit:UpdateRepositoryDescription", s.UpdateRepositoryDescription, func(x c, in *codecommit.UpdateRepositoryDescriptionInput) []wire.Access {
			return on(x, in.RepositoryName)
		}),
		wire.Op("codecommit:UpdateDefaultBranch", s.UpdateDefaultBranch, func(x c, in *codecommit.UpdateDefaultBranchInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("codecommit:DeleteRepository", s.DeleteRepository, func(x c, in *codecommit.DeleteRepositoryInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("codecommit:CreateBranch", s.CreateBranch, func(x c, in *codecommit.CreateBranchInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("codecommit:GetBranch", s.GetBranch, func(x c, in *codecommit.GetBranchInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("codecommit:ListBranches", s.ListBranches, func(x c, in *codecommit.ListBranchesInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("codecommit:DeleteBranch", s.DeleteBranch, func(x c, in *codecommit.DeleteBranchInput) []wire.Access {
			return onBranch(x, in.RepositoryName, in.BranchName)
		}),
		wire.Op("codecommit:GetFile", s.GetFile, func(x c, in *codecommit.GetFileInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("codecommit:GetFolder", s.GetFolder, func(x c, in *codecommit.GetFolderInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("codecommit:GetCommit", s.GetCommit, func(x c, in *codecommit.GetCommitInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("codecommit:BatchGetCommits", s.BatchGetCommits, func(x c, in *codecommit.BatchGetCommitsInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("codecommit:GetBlob", s.GetBlob, func(x c, in *codecommit.GetBlobInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("codecommit:GetDifferences", s.GetDifferences, func(x c, in *codecommit.GetDifferencesInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("codecommit:PutFile", s.PutFile, func(x c, in *codecommit.PutFileInput) []wire.Access {
			return onBranch(x, in.RepositoryName, in.BranchName)
		}),
		wire.Op("codecommit:DeleteFile", s.DeleteFile, func(x c, in *codecommit.DeleteFileInput) []wire.Access {
			return onBranch(x, in.RepositoryName, in.BranchName)
		}),
		wire.Op("codecommit:CreateCommit", s.CreateCommit, func(x c, in *codecommit.CreateCommitInput) []wire.Access {
			return onBranch(x, in.RepositoryName, in.BranchName)
		}),
		wire.Op("codecommit:UpdateRepositoryEncryptionKey", s.UpdateRepositoryEncryptionKey, func(x c, in *codecommit.UpdateRepositoryEncryptionKeyInput) []wire.Access {
			return on(x, in.RepositoryName)
		}),
		wire.Op("codecommit:PutRepositoryTriggers", s.PutRepositoryTriggers, func(x c, in *codecommit.PutRepositoryTriggersInput) []wire.Access {
			return on(x, in.RepositoryName)
		}),
		wire.Op("codecommit:GetRepositoryTriggers", s.GetRepositoryTriggers, func(x c, in *codecommit.GetRepositoryTriggersInput) []wire.Access {
			return on(x, in.RepositoryName)
		}),
		// Templates have no ARN.
		wire.Op("codecommit:CreateApprovalRuleTemplate", s.CreateApprovalRuleTemplate, nil),
		wire.Op("codecommit:GetApprovalRuleTemplate", s.GetApprovalRuleTemplate, nil),
		wire.Op("codecommit:ListApprovalRuleTemplates", s.ListApprovalRuleTemplates, nil),
		wire.Op("codecommit:UpdateApprovalRuleTemplateContent", s.UpdateApprovalRuleTemplateContent, nil),
		wire.Op("codecommit:UpdateApprovalRuleTemplateDescription", s.UpdateApprovalRuleTemplateDescription, nil),
		wire.Op("codecommit:UpdateApprovalRuleTemplateName", s.UpdateApprovalRuleTemplateName, nil),
		wire.Op("codecommit:DeleteApprovalRuleTemplate", s.DeleteApprovalRuleTemplate, nil),
		wire.Op("codecommit:AssociateApprovalRuleTemplateWithRepository", s.AssociateApprovalRuleTemplateWithRepository,
			func(x c, in *codecommit.AssociateApprovalRuleTemplateWithRepositoryInput) []wire.Access {
				return on(x, in.RepositoryName)
			}),
		wire.Op("codecommit:DisassociateApprovalRuleTemplateFromRepository", s.DisassociateApprovalRuleTemplateFromRepository,
			func(x c, in *codecommit.DisassociateApprovalRuleTemplateFromRepositoryInput) []wire.Access {
				return on(x, in.RepositoryName)
			}),
		wire.Op("codecommit:BatchAssociateApprovalRuleTemplateWithRepositories", s.BatchAssociateApprovalRuleTemplateWithRepositories,
			func(x c, in *codecommit.BatchAssociateApprovalRuleTemplateWithRepositoriesInput) []wire.Access {
				return on(x, aws.StringSlice(in.RepositoryNames)...)
			}),
		wire.Op("codecommit:BatchDisassociateApprovalRuleTemplateFromRepositories", s.BatchDisassociateApprovalRuleTemplateFromRepositories,
			func(x c, in *codecommit.BatchDisassociateApprovalRuleTemplateFromRepositoriesInput) []wire.Access {
				return on(x, aws.StringSlice(in.RepositoryNames)...)
			}),
		wire.Op("codecommit:ListRepositoriesForApprovalRuleTemplate", s.ListRepositoriesForApprovalRuleTemplate, nil),
		wire.Op("codecommit:ListAssociatedApprovalRuleTemplatesForRepository", s.ListAssociatedApprovalRuleTemplatesForRepository,
			func(x c, in *codecommit.ListAssociatedApprovalRuleTemplatesForRepositoryInput) []wire.Access {
				return on(x, in.RepositoryName)
			}),
		wire.Op("codecommit:TagResource", s.TagResource, func(_ c, in *codecommit.TagResourceInput) []wire.Access { return wire.On(aws.ToString(in.ResourceArn)) }),
		wire.Op("codecommit:UntagResource", s.UntagResource, func(_ c, in *codecommit.UntagResourceInput) []wire.Access {
			return wire.On(aws.ToString(in.ResourceArn))
		}),
		wire.Op("codecommit:ListTagsForResource", s.ListTagsForResource, func(_ c, in *codecommit.ListTagsForResourceInput) []wire.Access {
			return wire.On(aws.ToString(in.ResourceArn))
		}),
	}}
}
