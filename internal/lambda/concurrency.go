package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// PutFunctionConcurrency reserves a part of the account's concurrency for a
// function, which has no more than that.
func (s *Service) PutFunctionConcurrency(ctx context.Context, in *lambda.PutFunctionConcurrencyInput, _ ...func(*lambda.Options)) (*lambda.PutFunctionConcurrencyOutput, error) {
	n, err := s.unversioned(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return &lambda.PutFunctionConcurrencyOutput{ReservedConcurrentExecutions: in.ReservedConcurrentExecutions},
		s.change(ctx, n, func(tx *engine.Tx, f *function) error {
			u, err := usageOf(tx, n.Region)
			if err != nil {
				return err
			}
			others := u.reserved - int64(aws.ToInt32(f.Reserved))
			if others+int64(*in.ReservedConcurrentExecutions) > accountConcurrency-unreservable {
				return invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", unreservable)
			}
			f.Reserved = in.ReservedConcurrentExecutions
			return nil
		})
}

// GetFunctionConcurrency answers the reservation, if there is one.
func (s *Service) GetFunctionConcurrency(ctx context.Context, in *lambda.GetFunctionConcurrencyInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionConcurrencyOutput, error) {
	n, err := s.unversioned(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	out := &lambda.GetFunctionConcurrencyOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		f, err := s.load(r, n)
		if err == nil {
			out.ReservedConcurrentExecutions = f.Reserved
		}
		return err
	})
}

// DeleteFunctionConcurrency takes the reservation away; none is no error.
func (s *Service) DeleteFunctionConcurrency(ctx context.Context, in *lambda.DeleteFunctionConcurrencyInput, _ ...func(*lambda.Options)) (*lambda.DeleteFunctionConcurrencyOutput, error) {
	n, err := s.unversioned(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return &lambda.DeleteFunctionConcurrencyOutput{}, s.change(ctx, n, func(_ *engine.Tx, f *function) error {
		f.Reserved = nil
		return nil
	})
}

// usage is what a region's functions use of the account's limits.
type usage struct{ functions, bytes, reserved int64 }

func usageOf(r store.Reader, region string) (u usage, err error) {
	for f, err := range functions.All(r, region) {
		if err != nil {
			return u, err
		}
		u.functions++
		u.bytes += f.Latest.CodeSize
		u.reserved += int64(aws.ToInt32(f.Reserved))
	}
	for v, err := range versions.All(r, region) {
		if err != nil {
			return u, err
		}
		u.bytes += v.CodeSize
	}
	return u, nil
}

// maxCode is the account's limit for all code, in bytes: AWS's default, which
// is told but not enforced.
const maxCode = 75 << 30

// GetAccountSettings answers limits and what is used of them.
func (s *Service) GetAccountSettings(ctx context.Context, _ *lambda.GetAccountSettingsInput, _ ...func(*lambda.Options)) (*lambda.GetAccountSettingsOutput, error) {
	var u usage
	err := s.view(ctx, func(r store.Reader) (err error) {
		u, err = usageOf(r, identity.Region(ctx))
		return err
	})
	if err != nil {
		return nil, err
	}
	return &lambda.GetAccountSettingsOutput{
		AccountLimit: &types.AccountLimit{CodeSizeUnzipped: maxUnzipped, CodeSizeZipped: 50 << 20, TotalCodeSize: maxCode,
			ConcurrentExecutions: accountConcurrency, UnreservedConcurrentExecutions: aws.Int32(int32(accountConcurrency - u.reserved))},
		AccountUsage: &types.AccountUsage{FunctionCount: u.functions, TotalCodeSize: u.bytes},
	}, nil
}
