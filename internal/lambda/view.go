package lambda

import (
	"context"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// configuration is what the API tells of a version, by the name it was asked for.
func (s *Service) configuration(v *version, arn string) (*types.FunctionConfiguration, error) {
	c := v.FunctionConfiguration
	c.FunctionArn = aws.String(arn)
	variables, err := s.environment(v)
	if err != nil {
		return nil, err
	}
	if variables != nil {
		c.Environment = &types.EnvironmentResponse{Variables: variables}
	}
	return &c, nil
}

// fill copies a version's configuration to an operation's output, whose members
// have the same names.
func (s *Service) fill(out any, v *version, arn string) error {
	c, err := s.configuration(v, arn)
	if err != nil {
		return err
	}
	copyMembers(out, c)
	return nil
}

// copyMembers copies the exported members that two of the SDK's structs have in
// common: outputs repeat what types hold.
func copyMembers(to, from any) {
	dst, src := reflect.ValueOf(to).Elem(), reflect.ValueOf(from).Elem()
	for i := range src.NumField() {
		f := src.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		if d := dst.FieldByName(f.Name); d.IsValid() && d.Type() == f.Type {
			d.Set(src.Field(i))
		}
	}
}

// findIn reads what a request names.
func (s *Service) findIn(ctx context.Context, text, qualifier *string) (at found, n name, err error) {
	if n, err = s.named(ctx, text, qualifier); err != nil {
		return at, n, err
	}
	err = s.view(ctx, func(r store.Reader) error {
		at, err = s.find(r, n)
		return err
	})
	return at, n, err
}

// GetFunction tells everything of a function, with an address of its code.
func (s *Service) GetFunction(ctx context.Context, in *lambda.GetFunctionInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionOutput, error) {
	at, n, err := s.findIn(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &lambda.GetFunctionOutput{Tags: at.Tags}
	if out.Configuration, err = s.configuration(at.version, s.arnOf(n)); err != nil {
		return nil, err
	}
	if at.Reserved != nil {
		out.Concurrency = &types.Concurrency{ReservedConcurrentExecutions: at.Reserved}
	}
	c := at.version.Code
	if c.Image != "" {
		out.Code = &types.FunctionCodeLocation{RepositoryType: aws.String("ECR"), ImageUri: aws.String(c.Image)}
		if c.Resolved != "" {
			out.Code.ResolvedImageUri = aws.String(c.Resolved)
		}
		return out, nil
	}
	out.Code = &types.FunctionCodeLocation{RepositoryType: aws.String("S3")}
	out.Code.Location, err = s.codeURL(c.SHA)
	return out, err
}

// GetFunctionConfiguration tells a version's configuration.
func (s *Service) GetFunctionConfiguration(ctx context.Context, in *lambda.GetFunctionConfigurationInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error) {
	at, n, err := s.findIn(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &lambda.GetFunctionConfigurationOutput{}
	return out, s.fill(out, at.version, s.arnOf(n))
}
