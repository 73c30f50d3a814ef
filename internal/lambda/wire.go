package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/store"
)

// Wire is the table of operations.
func (s *Service) Wire() wire.Service {
	return wire.Service{
		Model: "lambda",
		// Code comes in requests, up to 50 MB of it in Base64.
		MaxBody: 70167211,
		Invalid: func(v wire.Violation) error {
			if v.Path == "runtime" && v.Rule == "enum" {
				return invalid("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN", v.Value, offered())
			}
			return nil
		},
		Operations: []wire.Operation{
			wire.Op("lambda:CreateFunction", s.CreateFunction, func(ctx context.Context, in *lambda.CreateFunctionInput) []wire.Access {
				return []wire.Access{{Resource: s.access(ctx, in.FunctionName, nil)}, wire.PassRole(aws.ToString(in.Role), principal)}
			}),
			wire.Op("lambda:UpdateFunctionConfiguration", s.UpdateFunctionConfiguration, func(ctx context.Context, in *lambda.UpdateFunctionConfigurationInput) []wire.Access {
				a := wire.On(s.access(ctx, in.FunctionName, nil))
				if in.Role != nil {
					a = append(a, wire.PassRole(*in.Role, principal))
				}
				return a
			}),
			wire.Op("lambda:UpdateFunctionCode", s.UpdateFunctionCode, func(ctx context.Context, in *lambda.UpdateFunctionCodeInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, nil))
			}),
			wire.Op("lambda:DeleteFunction", s.DeleteFunction, func(ctx context.Context, in *lambda.DeleteFunctionInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, in.Qualifier))
			}),
			wire.Op("lambda:GetFunction", s.GetFunction, func(ctx context.Context, in *lambda.GetFunctionInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, in.Qualifier))
			}),
			wire.Op("lambda:GetFunctionConfiguration", s.GetFunctionConfiguration, func(ctx context.Context, in *lambda.GetFunctionConfigurationInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, in.Qualifier))
			}),
			wire.Op("lambda:ListFunctions", s.ListFunctions, nil),
			wire.Op("lambda:ListVersionsByFunction", s.ListVersionsByFunction, func(ctx context.Context, in *lambda.ListVersionsByFunctionInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, nil))
			}),
			wire.Op("lambda:PublishVersion", s.PublishVersion, func(ctx context.Context, in *lambda.PublishVersionInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, nil))
			}),
			wire.Op("lambda:CreateAlias", s.CreateAlias, func(ctx context.Context, in *lambda.CreateAliasInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, nil))
			}),
			wire.Op("lambda:GetAlias", s.GetAlias, func(ctx context.Context, in *lambda.GetAliasInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, nil))
			}),
			wire.Op("lambda:UpdateAlias", s.UpdateAlias, func(ctx context.Context, in *lambda.UpdateAliasInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, nil))
			}),
			wire.Op("lambda:DeleteAlias", s.DeleteAlias, func(ctx context.Context, in *lambda.DeleteAliasInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, nil))
			}),
			wire.Op("lambda:ListAliases", s.ListAliases, func(ctx context.Context, in *lambda.ListAliasesInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, nil))
			}),
			wire.Op("lambda:AddPermission", s.AddPermission, func(ctx context.Context, in *lambda.AddPermissionInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, in.Qualifier))
			}),
			wire.Op("lambda:RemovePermission", s.RemovePermission, func(ctx context.Context, in *lambda.RemovePermissionInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, in.Qualifier))
			}),
			wire.Op("lambda:GetPolicy", s.GetPolicy, func(ctx context.Context, in *lambda.GetPolicyInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, in.Qualifier))
			}),
			wire.Op("lambda:PutFunctionConcurrency", s.PutFunctionConcurrency, func(ctx context.Context, in *lambda.PutFunctionConcurrencyInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, nil))
			}),
			wire.Op("lambda:GetFunctionConcurrency", s.GetFunctionConcurrency, func(ctx context.Context, in *lambda.GetFunctionConcurrencyInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, nil))
			}),
			wire.Op("lambda:DeleteFunctionConcurrency", s.DeleteFunctionConcurrency, func(ctx context.Context, in *lambda.DeleteFunctionConcurrencyInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, nil))
			}),
			wire.Op("lambda:PutFunctionEventInvokeConfig", s.PutFunctionEventInvokeConfig, func(ctx context.Context, in *lambda.PutFunctionEventInvokeConfigInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, in.Qualifier))
			}),
			wire.Op("lambda:UpdateFunctionEventInvokeConfig", s.UpdateFunctionEventInvokeConfig, func(ctx context.Context, in *lambda.UpdateFunctionEventInvokeConfigInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, in.Qualifier))
			}),
			wire.Op("lambda:GetFunctionEventInvokeConfig", s.GetFunctionEventInvokeConfig, func(ctx context.Context, in *lambda.GetFunctionEventInvokeConfigInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, in.Qualifier))
			}),
			wire.Op("lambda:DeleteFunctionEventInvokeConfig", s.DeleteFunctionEventInvokeConfig, func(ctx context.Context, in *lambda.DeleteFunctionEventInvokeConfigInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, in.Qualifier))
			}),
			wire.Op("lambda:ListFunctionEventInvokeConfigs", s.ListFunctionEventInvokeConfigs, func(ctx context.Context, in *lambda.ListFunctionEventInvokeConfigsInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, nil))
			}),
			wire.Op("lambda:GetFunctionCodeSigningConfig", s.GetFunctionCodeSigningConfig, func(ctx context.Context, in *lambda.GetFunctionCodeSigningConfigInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, nil))
			}),
			wire.Op("lambda:GetFunctionRecursionConfig", s.GetFunctionRecursionConfig, func(ctx context.Context, in *lambda.GetFunctionRecursionConfigInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, nil))
			}),
			wire.Op("lambda:GetRuntimeManagementConfig", s.GetRuntimeManagementConfig, func(ctx context.Context, in *lambda.GetRuntimeManagementConfigInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, in.Qualifier))
			}),
			wire.Op("lambda:GetProvisionedConcurrencyConfig", s.GetProvisionedConcurrencyConfig, func(ctx context.Context, in *lambda.GetProvisionedConcurrencyConfigInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, in.Qualifier))
			}),
			wire.Op("lambda:ListProvisionedConcurrencyConfigs", s.ListProvisionedConcurrencyConfigs, func(ctx context.Context, in *lambda.ListProvisionedConcurrencyConfigsInput) []wire.Access {
				return wire.On(s.access(ctx, in.FunctionName, nil))
			}),
			wire.Op("lambda:ListEventSourceMappings", s.ListEventSourceMappings, nil),
			wire.Op("lambda:PublishLayerVersion", s.PublishLayerVersion, func(ctx context.Context, in *lambda.PublishLayerVersionInput) []wire.Access {
				return wire.On(s.accessLayer(ctx, in.LayerName, nil))
			}),
			wire.Op("lambda:GetLayerVersion", s.GetLayerVersion, func(ctx context.Context, in *lambda.GetLayerVersionInput) []wire.Access {
				return wire.On(s.accessLayer(ctx, in.LayerName, in.VersionNumber))
			}),
			wire.Op("lambda:GetLayerVersion", s.GetLayerVersionByArn, func(_ context.Context, in *lambda.GetLayerVersionByArnInput) []wire.Access {
				return wire.On(aws.ToString(in.Arn))
			}),
			wire.Op("lambda:ListLayers", s.ListLayers, nil),
			wire.Op("lambda:ListLayerVersions", s.ListLayerVersions, nil),
			wire.Op("lambda:DeleteLayerVersion", s.DeleteLayerVersion, func(ctx context.Context, in *lambda.DeleteLayerVersionInput) []wire.Access {
				return wire.On(s.accessLayer(ctx, in.LayerName, in.VersionNumber))
			}),
			wire.Op("lambda:AddLayerVersionPermission", s.AddLayerVersionPermission, func(ctx context.Context, in *lambda.AddLayerVersionPermissionInput) []wire.Access {
				return wire.On(s.accessLayer(ctx, in.LayerName, in.VersionNumber))
			}),
			wire.Op("lambda:RemoveLayerVersionPermission", s.RemoveLayerVersionPermission, func(ctx context.Context, in *lambda.RemoveLayerVersionPermissionInput) []wire.Access {
				return wire.On(s.accessLayer(ctx, in.LayerName, in.VersionNumber))
			}),
			wire.Op("lambda:GetLayerVersionPolicy", s.GetLayerVersionPolicy, func(ctx context.Context, in *lambda.GetLayerVersionPolicyInput) []wire.Access {
				return wire.On(s.accessLayer(ctx, in.LayerName, in.VersionNumber))
			}),
			wire.Op("lambda:TagResource", s.TagResource, func(_ context.Context, in *lambda.TagResourceInput) []wire.Access {
				return wire.On(aws.ToString(in.Resource))
			}),
			wire.Op("lambda:UntagResource", s.UntagResource, func(_ context.Context, in *lambda.UntagResourceInput) []wire.Access {
				return wire.On(aws.ToString(in.Resource))
			}),
			wire.Op("lambda:ListTags", s.ListTags, func(_ context.Context, in *lambda.ListTagsInput) []wire.Access {
				return wire.On(aws.ToString(in.Resource))
			}),
			wire.Op("lambda:GetAccountSettings", s.GetAccountSettings, nil),
			wire.Op("lambda:InvokeFunction", s.Invoke, func(ctx context.Context, in *lambda.InvokeInput) []wire.Access {
				return s.invoking(ctx, in.FunctionName, in.Qualifier)
			}),
			wire.Op("lambda:InvokeFunction", s.InvokeAsync, func(ctx context.Context, in *lambda.InvokeAsyncInput) []wire.Access {
				return s.invoking(ctx, in.FunctionName, nil)
			}),
		},
	}
}

// invoking is the access to a function, whose own policy may grant it too.
func (s *Service) invoking(ctx context.Context, function, qualifier *string) []wire.Access {
	n, err := s.named(ctx, function, qualifier)
	if err != nil {
		return wire.On(aws.ToString(function))
	}
	a := wire.Access{Resource: s.arnOf(n)}
	// What cannot be read grants nothing; the operation meets the error again.
	_ = s.view(ctx, func(r store.Reader) (err error) {
		a.Policy, err = policyText(r, n)
		return err
	})
	return []wire.Access{a}
}
