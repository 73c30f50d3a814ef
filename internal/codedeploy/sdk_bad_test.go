package codedeploy_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// fails checks the code and the message of a deployment that fails.
func (s *stage) fails(r *types.RevisionLocation, code types.ErrorCode, says string) {
	s.Helper()
	d := s.deploy(r)
	if e := d.ErrorInformation; d.Status != types.DeploymentStatusFailed || e == nil {
		s.Errorf("%s, want %s: %s", d.Status, code, says)
	} else if e.Code != code || !strings.Contains(*e.Message, says) {
		s.Errorf("%s: %s, want %s: %s", e.Code, *e.Message, code, says)
	}
}

// What ECS, Elastic Load Balancing and IAM themselves refuse.
func TestRefusals(t *testing.T) {
	s := newStage(t, 0)
	ctx := t.Context()
	with := func(old, now string) *types.RevisionLocation { return content(strings.Replace(stageSpec, old, now, 1)) }
	s.fails(with(`: 8080`, `: 8081`), types.ErrorCodeEcsUpdateError, "The container web did not have a container port 8081 defined.")
	s.fails(with(`"web"`, `"nobody"`), types.ErrorCodeEcsUpdateError, "The container nobody does not exist in the task definition.")
	s.fails(with("f:1", "f:9"), types.ErrorCodeEcsUpdateError, "The ECS service cannot be updated due to the following error: ")
	s.fails(&types.RevisionLocation{RevisionType: types.RevisionLocationTypeS3, S3Location: &types.S3Location{Bucket: aws.String("nobody"), Key: aws.String("k"), BundleType: types.BundleTypeYaml}},
		types.ErrorCodeRevisionMissing, "s3://nobody/k")
	s.fails(&types.RevisionLocation{RevisionType: types.RevisionLocationTypeS3, S3Location: &types.S3Location{Bucket: aws.String("arn:aws:s3:::b"), Key: aws.String("k"), BundleType: types.BundleTypeYaml}},
		types.ErrorCodeInvalidRevision, "cannot be used with ARN buckets")
	s.fails(with(`}}}}]`, `}}}}], "Hooks": [{"AfterInstall": "nobody"}]`), types.ErrorCodeHookExecutionFailure, "The function nobody of the hook AfterInstall could not be invoked: ")

	// Blue is alone, and has the traffic.
	if s.production() != s.blue {
		t.Error("blue has no traffic")
	}
	apptest.Must(s.users.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: aws.String("deploy"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AWSCodeDeployRoleForECS")}))(t)
	s.fails(content(stageSpec), types.ErrorCodeIamRolePermissions, "following AWS service: AmazonECS")
	apptest.Must(s.users.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("deploy"), PolicyName: aws.String("some"), PolicyDocument: aws.String(
		`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["ecs:DescribeServices", "elasticloadbalancing:Describe*"], "Resource": "*"}]}`)}))(t)
	s.fails(content(stageSpec), types.ErrorCodeIamRolePermissions, "ecs:DeleteTaskSet")
	apptest.Must(s.users.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String("deploy"), PolicyName: aws.String("some")}))(t)
	apptest.Must(s.users.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("deploy"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)}))(t)
	s.fails(content(stageSpec), types.ErrorCodeIamRolePermissions, "assume the role "+role)
	apptest.Must(s.users.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("deploy")}))(t)
	s.fails(content(stageSpec), types.ErrorCodeIamRoleMissing, role)
}

// A whole run of a service without tasks, there and back.
func TestRun(t *testing.T) {
	s := newStage(t, 0)
	for range 2 {
		if d := s.deploy(content(stageSpec)); d.Status != types.DeploymentStatusSucceeded {
			t.Fatalf("%s %+v", d.Status, d.ErrorInformation)
		}
	}
	if _, err := s.services.DeleteService(t.Context(), &ecs.DeleteServiceInput{Cluster: aws.String("c"), Service: aws.String("g"), Force: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	s.fails(content(stageSpec), types.ErrorCodeInvalidEcsService, "does not exist or is not ACTIVE")
}
