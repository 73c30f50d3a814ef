package ecr

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Wire is the table of operations that exist.
func (s *Service) Wire() wire.Service {
	on := func(ctx context.Context, name *string) []wire.Access {
		return wire.On(s.arn(identity.Region(ctx), aws.ToString(name)))
	}
	type c = context.Context
	return wire.Service{Model: "ecr", Invalid: invalid, Operations: []wire.Operation{
		wire.Op("ecr:CreateRepository", s.CreateRepository, func(x c, in *ecr.CreateRepositoryInput) []wire.Access {
			list := on(x, in.RepositoryName)
			if len(in.Tags) > 0 {
				list = append(list, wire.Access{Action: "ecr:TagResource", Resource: list[0].Resource})
			}
			return list
		}),
		wire.Op("ecr:DescribeRepositories", s.DescribeRepositories, func(x c, in *ecr.DescribeRepositoriesInput) []wire.Access {
			if len(in.RepositoryNames) == 0 {
				return wire.On("*")
			}
			var list []wire.Access
			for _, n := range in.RepositoryNames {
				list = append(list, on(x, &n)...)
			}
			return list
		}),
		wire.Op("ecr:DeleteRepository", s.DeleteRepository, func(x c, in *ecr.DeleteRepositoryInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:PutImageTagMutability", s.PutImageTagMutability, func(x c, in *ecr.PutImageTagMutabilityInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:PutImageScanningConfiguration", s.PutImageScanningConfiguration, func(x c, in *ecr.PutImageScanningConfigurationInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:SetRepositoryPolicy", s.SetRepositoryPolicy, func(x c, in *ecr.SetRepositoryPolicyInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:GetRepositoryPolicy", s.GetRepositoryPolicy, func(x c, in *ecr.GetRepositoryPolicyInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:DeleteRepositoryPolicy", s.DeleteRepositoryPolicy, func(x c, in *ecr.DeleteRepositoryPolicyInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:TagResource", s.TagResource, func(_ c, in *ecr.TagResourceInput) []wire.Access { return wire.On(aws.ToString(in.ResourceArn)) }),
		wire.Op("ecr:UntagResource", s.UntagResource, func(_ c, in *ecr.UntagResourceInput) []wire.Access { return wire.On(aws.ToString(in.ResourceArn)) }),
		wire.Op("ecr:ListTagsForResource", s.ListTagsForResource, func(_ c, in *ecr.ListTagsForResourceInput) []wire.Access {
			return wire.On(aws.ToString(in.ResourceArn))
		}),
		wire.Op("ecr:PutImage", s.PutImage, func(x c, in *ecr.PutImageInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:ListImages", s.ListImages, func(x c, in *ecr.ListImagesInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:DescribeImages", s.DescribeImages, func(x c, in *ecr.DescribeImagesInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:BatchGetImage", s.BatchGetImage, func(x c, in *ecr.BatchGetImageInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:BatchDeleteImage", s.BatchDeleteImage, func(x c, in *ecr.BatchDeleteImageInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:BatchCheckLayerAvailability", s.BatchCheckLayerAvailability, func(x c, in *ecr.BatchCheckLayerAvailabilityInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:GetAuthorizationToken", s.GetAuthorizationToken, nil),
		wire.Op("ecr:PutLifecyclePolicy", s.PutLifecyclePolicy, func(x c, in *ecr.PutLifecyclePolicyInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:GetLifecyclePolicy", s.GetLifecyclePolicy, func(x c, in *ecr.GetLifecyclePolicyInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:DeleteLifecyclePolicy", s.DeleteLifecyclePolicy, func(x c, in *ecr.DeleteLifecyclePolicyInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:StartLifecyclePolicyPreview", s.StartLifecyclePolicyPreview, func(x c, in *ecr.StartLifecyclePolicyPreviewInput) []wire.Access { return on(x, in.RepositoryName) }),
		wire.Op("ecr:GetLifecyclePolicyPreview", s.GetLifecyclePolicyPreview, func(x c, in *ecr.GetLifecyclePolicyPreviewInput) []wire.Access { return on(x, in.RepositoryName) }),
	}}
}
