package codedeploy

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/appspec"
)

// aliasShift moves the traffic of a function's alias from one version to
// another.
type aliasShift struct {
	*clients
	d *deployment
}

// look checks that the alias is where the revision says, and whole: after a
// deployment that was stopped without rollback, a person must repair it. Whether
// the target version is there, the first change of the alias tells: the managed
// policy of the role does not allow to look.
func (x aliasShift) look(ctx context.Context, f *appspec.Function) error {
	alias, err := x.functions.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &f.Name, Name: &f.Alias})
	if err != nil {
		return refused(err, x.d, awsLambda, types.ErrorCodeInvalidLambdaFunction, "The alias "+f.Alias+" of the Lambda function "+f.Name+" cannot be read: ")
	}
	bad := func(format string, args ...any) error {
		return failed(types.ErrorCodeInvalidLambdaConfiguration, "The deployment failed because the AppSpec file that specifies the AWS Lambda deployment configuration is missing or has an invalid configuration. "+format, args...)
	}
	switch {
	case alias.RoutingConfig != nil && len(alias.RoutingConfig.AdditionalVersionWeights) > 0:
		return bad("The alias %s of the function %s sends its traffic to more than one version. Before a deployment it must send all of it to the current version.", f.Alias, f.Name)
	case aws.ToString(alias.FunctionVersion) != f.CurrentVersion:
		return bad("The Lambda function alias version does not match the current version in AppSpec file. The alias %s of the function %s is at the version %s, not at %s.", f.Alias, f.Name, aws.ToString(alias.FunctionVersion), f.CurrentVersion)
	case f.CurrentVersion == f.TargetVersion:
		return bad("The current and the target version of the function %s are both %s.", f.Name, f.TargetVersion)
	}
	return nil
}

func (x aliasShift) perform(ctx context.Context, a action) error {
	f := x.d.Run.Lambda
	switch a.do {
	case shiftTo:
		if a.percent == 100 {
			return x.set(ctx, f.TargetVersion, nil)
		}
		return x.set(ctx, f.CurrentVersion, map[string]float64{f.TargetVersion: float64(a.percent) / 100})
	case restore:
		return x.set(ctx, f.CurrentVersion, nil)
	}
	return nil // the alias has no primary version to name
}

func (x aliasShift) set(ctx context.Context, version string, more map[string]float64) error {
	if more == nil {
		more = map[string]float64{} // clears
	}
	f := x.d.Run.Lambda
	_, err := x.functions.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: &f.Name, Name: &f.Alias, FunctionVersion: &version,
		RoutingConfig: &lambdatypes.AliasRoutingConfiguration{AdditionalVersionWeights: more}})
	return refused(err, x.d, awsLambda, types.ErrorCodeInvalidLambdaFunction, "The alias "+f.Alias+" of the Lambda function "+f.Name+" could not be changed: ")
}
