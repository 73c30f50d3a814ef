package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// surroundings makes, once, the role and the bucket of pipelines and builds.
func surroundings(ctx context.Context, cfg aws.Config) (roleARN, bucket string, err error) {
	name, bucket := aws.String("bench"), "bench-artifacts"
	roles := iam.NewFromConfig(cfg)
	if have, err := roles.GetRole(ctx, &iam.GetRoleInput{RoleName: name}); err == nil {
		return *have.Role.Arn, bucket, nil
	} else if api := smithy.APIError(nil); !errors.As(err, &api) || api.ErrorCode() != "NoSuchEntity" {
		return "", "", err
	}
	role, err := roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["codepipeline.amazonaws.com","codebuild.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`)})
	if err != nil {
		return "", "", err
	}
	_, err = roles.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("all"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","codecommit:*","codebuild:*","logs:*"],"Resource":"*"}]}`)})
	if err != nil {
		return "", "", err
	}
	_, err = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket})
	return *role.Role.Arn, bucket, err
}
