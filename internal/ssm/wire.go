package ssm

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Wire is the table of operations that exist.
func (s *Service) Wire() wire.Service {
	type c = context.Context
	return wire.Service{Model: "ssm", Operations: []wire.Operation{
		wire.Op("ssm:PutParameter", s.PutParameter, func(x c, in *ssm.PutParameterInput) []wire.Access { return s.on(x, *in.Name) }),
		wire.Op("ssm:GetParameter", s.GetParameter, func(x c, in *ssm.GetParameterInput) []wire.Access { return s.on(x, *in.Name) }),
		wire.Op("ssm:GetParameters", s.GetParameters, func(x c, in *ssm.GetParametersInput) []wire.Access { return s.on(x, in.Names...) }),
		wire.Op("ssm:GetParametersByPath", s.GetParametersByPath, func(x c, in *ssm.GetParametersByPathInput) []wire.Access { return s.on(x, *in.Path) }),
		wire.Op("ssm:GetParameterHistory", s.GetParameterHistory, func(x c, in *ssm.GetParameterHistoryInput) []wire.Access { return s.on(x, *in.Name) }),
		wire.Op("ssm:DescribeParameters", s.DescribeParameters, nil),
		wire.Op("ssm:DeleteParameter", s.DeleteParameter, func(x c, in *ssm.DeleteParameterInput) []wire.Access { return s.on(x, *in.Name) }),
		wire.Op("ssm:DeleteParameters", s.DeleteParameters, func(x c, in *ssm.DeleteParametersInput) []wire.Access { return s.on(x, in.Names...) }),
		wire.Op("ssm:LabelParameterVersion", s.LabelParameterVersion, func(x c, in *ssm.LabelParameterVersionInput) []wire.Access { return s.on(x, *in.Name) }),
		wire.Op("ssm:UnlabelParameterVersion", s.UnlabelParameterVersion, func(x c, in *ssm.UnlabelParameterVersionInput) []wire.Access { return s.on(x, *in.Name) }),
		wire.Op("ssm:AddTagsToResource", s.AddTagsToResource, func(x c, in *ssm.AddTagsToResourceInput) []wire.Access { return s.on(x, *in.ResourceId) }),
		wire.Op("ssm:RemoveTagsFromResource", s.RemoveTagsFromResource, func(x c, in *ssm.RemoveTagsFromResourceInput) []wire.Access { return s.on(x, *in.ResourceId) }),
		wire.Op("ssm:ListTagsForResource", s.ListTagsForResource, func(x c, in *ssm.ListTagsForResourceInput) []wire.Access { return s.on(x, *in.ResourceId) }),
	}}
}

// on is the access to parameters, whose ARNs have no version or label.
func (s *Service) on(ctx context.Context, names ...string) []wire.Access {
	arns := make([]string, len(names))
	for i, n := range names {
		if w, err := s.parse(ctx, n); err == nil {
			n = w.name
		}
		arns[i] = s.arn(identity.Region(ctx), n)
	}
	return wire.On(arns...)
}
