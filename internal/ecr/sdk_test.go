package ecr_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

var code = apptest.Code

func message(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return ""
}

// The calls of aws_ecr_repository and its data source, in their order.
func TestRepository(t *testing.T) {
	ctx := context.Background()
	c := ecr.NewFromConfig(apptest.Start(t).Config())
	name := aws.String("team/app")
	made, err := c.CreateRepository(ctx, &ecr.CreateRepositoryInput{
		RepositoryName: name, ImageTagMutability: types.ImageTagMutabilityImmutable,
		ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: true},
		EncryptionConfiguration:    &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeKms},
		Tags:                       []types.Tag{{Key: aws.String("team"), Value: aws.String("a b")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	describe := func() types.Repository {
		t.Helper()
		out, err := c.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{*name}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Repositories[0]
	}
	r := describe()
	if *r.RepositoryArn != "arn:aws:ecr:us-east-1:000000000000:repository/team/app" || *r.RegistryId != "000000000000" || !strings.HasSuffix(*r.RepositoryUri, "/team/app") ||
		r.ImageTagMutability != types.ImageTagMutabilityImmutable || !r.ImageScanningConfiguration.ScanOnPush || !r.CreatedAt.Equal(*made.Repository.CreatedAt) ||
		r.EncryptionConfiguration.EncryptionType != types.EncryptionTypeKms || !strings.HasPrefix(aws.ToString(r.EncryptionConfiguration.KmsKey), "arn:aws:kms:us-east-1:000000000000:key/") {
		t.Errorf("read %+v %+v", r, r.EncryptionConfiguration)
	}
	tags := func() string {
		t.Helper()
		out, err := c.ListTagsForResource(ctx, &ecr.ListTagsForResourceInput{ResourceArn: r.RepositoryArn})
		if err != nil {
			t.Fatal(err)
		}
		var l []string
		for _, tag := range out.Tags {
			l = append(l, *tag.Key+"="+*tag.Value)
		}
		return strings.Join(l, ",")
	}
	if got := tags(); got != "team=a b" {
		t.Errorf("tags %q", got)
	}
	// In place.
	if _, err := c.PutImageTagMutability(ctx, &ecr.PutImageTagMutabilityInput{RegistryId: r.RegistryId, RepositoryName: name, ImageTagMutability: types.ImageTagMutabilityImmutableWithExclusion,
		ImageTagMutabilityExclusionFilters: []types.ImageTagMutabilityExclusionFilter{{FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard, Filter: aws.String("dev-*")}}}); err != nil {
		t.Error(err)
	}
	if _, err := c.PutImageScanningConfiguration(ctx, &ecr.PutImageScanningConfigurationInput{RegistryId: r.RegistryId, RepositoryName: name, ImageScanningConfiguration: &types.ImageScanningConfiguration{}}); err != nil {
		t.Error(err)
	}
	if _, err := c.UntagResource(ctx, &ecr.UntagResourceInput{ResourceArn: r.RepositoryArn, TagKeys: []string{"team", "none"}}); err != nil {
		t.Error(err)
	}
	if _, err := c.TagResource(ctx, &ecr.TagResourceInput{ResourceArn: r.RepositoryArn, Tags: []types.Tag{{Key: aws.String("stage"), Value: aws.String("")}}}); err != nil {
		t.Error(err)
	}
	if r = describe(); r.ImageTagMutability != types.ImageTagMutabilityImmutableWithExclusion || *r.ImageTagMutabilityExclusionFilters[0].Filter != "dev-*" || r.ImageScanningConfiguration.ScanOnPush || tags() != "stage=" {
		t.Errorf("after the change: %+v, tags %q", r, tags())
	}
	// The data source looks for the newest image's tags, of which there are none.
	if out, err := c.DescribeImages(ctx, &ecr.DescribeImagesInput{RegistryId: r.RegistryId, RepositoryName: name}); err != nil || len(out.ImageDetails) != 0 {
		t.Errorf("images %v %v", out, err)
	}
	if _, err := c.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RegistryId: r.RegistryId, RepositoryName: name}); err != nil {
		t.Fatal(err)
	}
	_, err = c.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{*name}})
	if code(err) != "RepositoryNotFoundException" || message(err) != "The repository with name 'team/app' does not exist in the registry with id '000000000000'" {
		t.Errorf("after delete: %v", err)
	}
	if _, err := c.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RepositoryName: name}); code(err) != "RepositoryNotFoundException" {
		t.Errorf("deleted twice: %v", err)
	}
}

// The calls of aws_ecr_lifecycle_policy and aws_ecr_repository_policy.
func TestPolicies(t *testing.T) {
	ctx := context.Background()
	c := ecr.NewFromConfig(apptest.Start(t).Config())
	name := aws.String("app")
	if _, err := c.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: name}); code(err) != "LifecyclePolicyNotFoundException" {
		t.Errorf("before: %v", err)
	}
	lifecycle := `{"rules":[{"action":{"type":"expire"},"description":"keep 30","rulePriority":1,"selection":{"countNumber":30,"countType":"imageCountMoreThan","tagStatus":"any"}}]}`
	put, err := c.PutLifecyclePolicy(ctx, &ecr.PutLifecyclePolicyInput{RepositoryName: name, LifecyclePolicyText: &lifecycle})
	if err != nil || *put.RepositoryName != "app" || *put.RegistryId != "000000000000" {
		t.Fatal(put, err)
	}
	if read, err := c.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: name}); err != nil || *read.LifecyclePolicyText != lifecycle {
		t.Errorf("read %v, %v", read, err)
	}
	if _, err := c.PutLifecyclePolicy(ctx, &ecr.PutLifecyclePolicyInput{RepositoryName: name, LifecyclePolicyText: aws.String(strings.Replace(lifecycle, "any", "some", 1) + strings.Repeat(" ", 100))}); code(err) != "InvalidParameterException" {
		t.Errorf("a bad policy: %v", err)
	}
	for range 2 {
		_, err = c.DeleteLifecyclePolicy(ctx, &ecr.DeleteLifecyclePolicyInput{RepositoryName: name})
	}
	if code(err) != "LifecyclePolicyNotFoundException" {
		t.Errorf("deleted twice: %v", err)
	}

	if _, err := c.GetRepositoryPolicy(ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: name}); code(err) != "RepositoryPolicyNotFoundException" {
		t.Errorf("before: %v", err)
	}
	policy := `{"Version":"2012-10-17","Statement":[{"Sid":"pull","Effect":"Allow","Principal":{"Service":"codebuild.amazonaws.com"},"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}]}`
	for range 2 { // create and update are one call
		if _, err := c.SetRepositoryPolicy(ctx, &ecr.SetRepositoryPolicyInput{RepositoryName: name, PolicyText: &policy}); err != nil {
			t.Fatal(err)
		}
	}
	if read, err := c.GetRepositoryPolicy(ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: name}); err != nil || *read.PolicyText != policy {
		t.Errorf("read %v, %v", read, err)
	}
	for _, bad := range []string{"{", `{"Statement":[]}`, strings.Replace(policy, "ecr:BatchGetImage", "s3:GetObject", 1), strings.Replace(policy, "Principal", "Nobody", 1), strings.Replace(policy, "Allow", "Maybe", 1)} {
		if _, err := c.SetRepositoryPolicy(ctx, &ecr.SetRepositoryPolicyInput{RepositoryName: name, PolicyText: &bad}); code(err) != "InvalidParameterException" || !strings.Contains(message(err), "Invalid repository policy provided") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for range 2 {
		_, err = c.DeleteRepositoryPolicy(ctx, &ecr.DeleteRepositoryPolicyInput{RepositoryName: name})
	}
	if code(err) != "RepositoryPolicyNotFoundException" {
		t.Errorf("deleted twice: %v", err)
	}
	for _, err := range []error{
		second(c.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: aws.String("none")})),
		second(c.GetRepositoryPolicy(ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: aws.String("none")})),
	} {
		if code(err) != "RepositoryNotFoundException" {
			t.Errorf("of no repository: %v", err)
		}
	}
	// Named as not there, rather than pretended.
	if _, err := c.StartImageScan(ctx, &ecr.StartImageScanInput{RepositoryName: name, ImageId: &types.ImageIdentifier{ImageTag: aws.String("v1")}}); code(err) != "UnknownOperationException" || !strings.Contains(message(err), "StartImageScan") {
		t.Errorf("a scan: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestBadRepositories(t *testing.T) {
	ctx := context.Background()
	c := ecr.NewFromConfig(apptest.Start(t).Config())
	for _, name := range []string{"App", "a", "../etc", "app/", "/app", "a//b", "app$(id)", "app..x", strings.Repeat("x", 257), "000000000000.eu-west-1/app"} {
		if _, err := c.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &name}); code(err) != "InvalidParameterException" {
			t.Errorf("%q: %v", name, err)
		}
	}
	in := ecr.CreateRepositoryInput{RepositoryName: aws.String("app")}
	for want, change := range map[string]func(*ecr.CreateRepositoryInput){
		"InvalidTagParameterException": func(in *ecr.CreateRepositoryInput) {
			in.Tags = []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}
		},
		"TooManyTagsException": func(in *ecr.CreateRepositoryInput) {
			for i := range 51 {
				in.Tags = append(in.Tags, types.Tag{Key: aws.String(fmt.Sprint(i)), Value: aws.String("")})
			}
		},
		"KmsException": func(in *ecr.CreateRepositoryInput) {
			in.EncryptionConfiguration = &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeKms, KmsKey: aws.String("alias/none")}
		},
		"InvalidParameterException": func(in *ecr.CreateRepositoryInput) {
			in.EncryptionConfiguration = &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeAes256, KmsKey: aws.String("alias/x")}
		},
	} {
		bad := in
		change(&bad)
		if _, err := c.CreateRepository(ctx, &bad); code(err) != want {
			t.Errorf("want %s, got %v", want, err)
		}
	}
	if _, err := c.CreateRepository(ctx, &in); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateRepository(ctx, &in); code(err) != "RepositoryAlreadyExistsException" {
		t.Errorf("twice: %v", err)
	}
	out, err := c.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{})
	if err != nil || len(out.Repositories) != 1 {
		t.Errorf("left %v %v", out, err)
	}
	if _, err := c.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RegistryId: aws.String("111122223333")}); code(err) != "InvalidParameterException" {
		t.Errorf("another registry: %v", err)
	}
}

// aws_ecr_authorization_token splits the token at its only colon.
func TestAuthorizationToken(t *testing.T) {
	srv := apptest.Start(t)
	out, err := ecr.NewFromConfig(srv.Config()).GetAuthorizationToken(context.Background(), &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := base64.StdEncoding.DecodeString(*out.AuthorizationData[0].AuthorizationToken)
	if parts := strings.Split(string(pair), ":"); err != nil || len(parts) != 2 || parts[0] != "AWS" {
		t.Errorf("token %q, %v", pair, err)
	}
	if *out.AuthorizationData[0].ProxyEndpoint != srv.URL || out.AuthorizationData[0].ExpiresAt == nil {
		t.Errorf("data %+v", out.AuthorizationData[0])
	}
}
