package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// What clients read of every function, and what is the same for all of them
// here.

// GetFunctionCodeSigningConfig answers that the function has none.
func (s *Service) GetFunctionCodeSigningConfig(ctx context.Context, in *lambda.GetFunctionCodeSigningConfigInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionCodeSigningConfigOutput, error) {
	_, n, err := s.findIn(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	return &lambda.GetFunctionCodeSigningConfigOutput{FunctionName: aws.String(n.Function)}, nil
}

// GetFunctionRecursionConfig answers that a function that invokes itself is let
// go on: nothing here looks for it.
func (s *Service) GetFunctionRecursionConfig(ctx context.Context, in *lambda.GetFunctionRecursionConfigInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionRecursionConfigOutput, error) {
	if _, _, err := s.findIn(ctx, in.FunctionName, nil); err != nil {
		return nil, err
	}
	return &lambda.GetFunctionRecursionConfigOutput{RecursiveLoop: types.RecursiveLoopAllow}, nil
}

// GetRuntimeManagementConfig answers AWS's default: the runtime is the image's.
func (s *Service) GetRuntimeManagementConfig(ctx context.Context, in *lambda.GetRuntimeManagementConfigInput, _ ...func(*lambda.Options)) (*lambda.GetRuntimeManagementConfigOutput, error) {
	_, n, err := s.findIn(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return &lambda.GetRuntimeManagementConfigOutput{FunctionArn: aws.String(s.arnOf(n)), UpdateRuntimeOn: types.UpdateRuntimeOnAuto}, nil
}

// GetProvisionedConcurrencyConfig answers that there is none: no instance runs
// before its first event.
func (s *Service) GetProvisionedConcurrencyConfig(ctx context.Context, in *lambda.GetProvisionedConcurrencyConfigInput, _ ...func(*lambda.Options)) (*lambda.GetProvisionedConcurrencyConfigOutput, error) {
	if _, _, err := s.findIn(ctx, in.FunctionName, in.Qualifier); err != nil {
		return nil, err
	}
	return nil, fail("ProvisionedConcurrencyConfigNotFound", "No Provisioned Concurrency Config found for this function")
}

// ListProvisionedConcurrencyConfigs answers that there are none.
func (s *Service) ListProvisionedConcurrencyConfigs(ctx context.Context, in *lambda.ListProvisionedConcurrencyConfigsInput, _ ...func(*lambda.Options)) (*lambda.ListProvisionedConcurrencyConfigsOutput, error) {
	n, err := s.unversioned(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return &lambda.ListProvisionedConcurrencyConfigsOutput{ProvisionedConcurrencyConfigs: []types.ProvisionedConcurrencyConfigListItem{}},
		s.view(ctx, func(r store.Reader) error {
			_, err := s.load(r, n)
			return err
		})
}

// ListEventSourceMappings answers that there are none: nothing here reads queues
// or streams, and no operation makes a mapping. Deploying tools ask before they
// change a function.
func (s *Service) ListEventSourceMappings(ctx context.Context, in *lambda.ListEventSourceMappingsInput, _ ...func(*lambda.Options)) (*lambda.ListEventSourceMappingsOutput, error) {
	if in.FunctionName != nil {
		if _, err := s.named(ctx, in.FunctionName, nil); err != nil {
			return nil, err
		}
	}
	return &lambda.ListEventSourceMappingsOutput{EventSourceMappings: []types.EventSourceMappingConfiguration{}}, nil
}
