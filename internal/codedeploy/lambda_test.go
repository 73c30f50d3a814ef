package codedeploy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
)

func lambdaSpec(alias, from, to, more string) *types.RevisionLocation {
	return inline(fmt.Sprintf(`{"version": 0.0, "Resources": [{"f": {"Type": "AWS::Lambda::Function", "Properties": {"Name": "f", "Alias": %q, "CurrentVersion": %q, "TargetVersion": %q}}}]%s}`, alias, from, to, more))
}

func TestAlias(t *testing.T) {
	b := newBench(t)
	b.group(types.ComputePlatformLambda)
	id := b.deploy(lambdaSpec("live", "1", "2", ""), config("LambdaCanary10Percent5Minutes"))
	state := func() string { return fmt.Sprint(b.world.alias, " ", b.world.extra) }
	if state() != "1 map[2:0.1]" {
		t.Error(state())
	}
	targets, err := b.ListDeploymentTargets(b.ctx, &codedeploy.ListDeploymentTargetsInput{DeploymentId: &id})
	if err != nil || len(targets.TargetIds) != 1 {
		t.Fatalf("%v, %v", targets, err)
	}
	target, err := b.GetDeploymentTarget(b.ctx, &codedeploy.GetDeploymentTargetInput{DeploymentId: &id, TargetId: aws.String("f")})
	b.must(err)
	if l := target.DeploymentTarget.LambdaTarget; l.LambdaFunctionInfo.TargetVersionWeight != 10 || !strings.HasPrefix(*l.TargetArn, "arn:aws:lambda:us-east-1:000000000000:function:") || len(l.LifecycleEvents) != 3 {
		t.Errorf("%+v", l)
	}
	b.pass(5 * time.Minute)
	b.want(id, types.DeploymentStatusSucceeded, "")
	if state() != "2 map[]" {
		t.Error(state())
	}
	id = b.deploy(lambdaSpec("live", "2", "1", ""), config("LambdaLinear10PercentEvery1Minute"))
	b.pass(2 * time.Minute)
	if state() != "2 map[1:0.3]" {
		t.Error(state())
	}
	_, err = b.StopDeployment(b.ctx, &codedeploy.StopDeploymentInput{DeploymentId: &id, AutoRollbackEnabled: aws.Bool(true)})
	b.must(err)
	b.settle()
	if b.rolledBack(id); state() != "2 map[]" {
		t.Error(state())
	}
	for _, c := range []struct {
		revision *types.RevisionLocation
		code     types.ErrorCode
	}{
		{lambdaSpec("nobody", "2", "1", ""), types.ErrorCodeInvalidLambdaFunction},
		{lambdaSpec("live", "1", "2", ""), types.ErrorCodeInvalidLambdaConfiguration},
		{lambdaSpec("live", "2", "2", ""), types.ErrorCodeInvalidLambdaConfiguration},
		{lambdaSpec("live", "2", "9", ""), types.ErrorCodeInvalidLambdaFunction},
		{ecsSpec(""), types.ErrorCodeInvalidRevision},
	} {
		b.want(b.deploy(c.revision, config("LambdaCanary10Percent5Minutes")), types.DeploymentStatusFailed, c.code)
	}
	b.world.extra = map[string]float64{"1": 0.5}
	b.want(b.deploy(lambdaSpec("live", "2", "1", "")), types.DeploymentStatusFailed, types.ErrorCodeInvalidLambdaConfiguration)
}
