package codebuild

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// policies share a project or a report group with other accounts. An
// installation has one account: they are kept and returned, and let nobody in.
const policies store.Table[string] = "codebuild.policy" // region, project/NAME or report-group/NAME → document

// PutResourcePolicy keeps the policy of a project or report group. Errors:
// InvalidInputException, ResourceNotFoundException.
func (s *Service) PutResourcePolicy(ctx context.Context, in *codebuild.PutResourcePolicyInput, _ ...func(*codebuild.Options)) (*codebuild.PutResourcePolicyOutput, error) {
	var document struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(aws.ToString(in.Policy)), &document); err != nil || len(document.Statement) == 0 {
		return nil, invalid("Invalid policy: expected a JSON policy document with a Statement")
	}
	region, resource := identity.Region(ctx), resourceOf(aws.ToString(in.ResourceArn))
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if err := s.shareable(tx, region, resource, in.ResourceArn); err != nil {
			return err
		}
		return policies.Put(tx, in.Policy, region, resource)
	})
	if err != nil {
		return nil, err
	}
	return &codebuild.PutResourcePolicyOutput{ResourceArn: in.ResourceArn}, nil
}

// shareable asks that a resource exists.
func (s *Service) shareable(r store.Reader, region, resource string, arn *string) error {
	kind, name, _ := strings.Cut(resource, "/")
	switch kind {
	case "project":
		_, err := s.project(r, region, name)
		return err
	case "report-group":
		_, err := s.reportGroup(r, region, name)
		return err
	}
	return invalid("Invalid resource ARN: %s", aws.ToString(arn))
}

// GetResourcePolicy returns a policy or ResourceNotFoundException.
func (s *Service) GetResourcePolicy(ctx context.Context, in *codebuild.GetResourcePolicyInput, _ ...func(*codebuild.Options)) (*codebuild.GetResourcePolicyOutput, error) {
	var policy *string
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		policy, err = get(policies, r, identity.Region(ctx), resourceOf(aws.ToString(in.ResourceArn)))
		if err == nil && policy == nil {
			err = notFound("Resource policy does not exist for %s", aws.ToString(in.ResourceArn))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &codebuild.GetResourcePolicyOutput{Policy: policy}, nil
}

// DeleteResourcePolicy removes a policy, which need not be there.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *codebuild.DeleteResourcePolicyInput, _ ...func(*codebuild.Options)) (*codebuild.DeleteResourcePolicyOutput, error) {
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		return policies.Delete(tx, identity.Region(ctx), resourceOf(aws.ToString(in.ResourceArn)))
	})
	if err != nil {
		return nil, err
	}
	return &codebuild.DeleteResourcePolicyOutput{}, nil
}
