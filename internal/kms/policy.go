package kms

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/iam/policy"
)

const (
	policyName = "default" // the only one that a key has
	maxPolicy  = 32 << 10  // bytes
)

// GetKeyPolicy answers the key policy.
func (s *Service) GetKeyPolicy(ctx context.Context, in *kms.GetKeyPolicyInput, _ ...func(*kms.Options)) (*kms.GetKeyPolicyOutput, error) {
	if in.PolicyName != nil && *in.PolicyName != policyName {
		return nil, fail("NotFound", "No such policy exists")
	}
	k, err := s.findID(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	return &kms.GetKeyPolicyOutput{Policy: &k.Policy, PolicyName: aws.String(policyName)}, nil
}

// PutKeyPolicy replaces the key policy. One that would not let its author
// replace it again needs BypassPolicyLockoutSafetyCheck.
func (s *Service) PutKeyPolicy(ctx context.Context, in *kms.PutKeyPolicyInput, _ ...func(*kms.Options)) (*kms.PutKeyPolicyOutput, error) {
	if in.PolicyName != nil && *in.PolicyName != policyName {
		return nil, fail("NotFound", "No such policy exists")
	}
	if err := checkPolicy(ctx, *in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	return &kms.PutKeyPolicyOutput{}, s.change(ctx, in.KeyId, func(_ *engine.Tx, k *key) error {
		k.Policy = *in.Policy
		return nil
	})
}

// ListKeyPolicies answers the one name there is.
func (s *Service) ListKeyPolicies(ctx context.Context, in *kms.ListKeyPoliciesInput, _ ...func(*kms.Options)) (*kms.ListKeyPoliciesOutput, error) {
	if _, err := s.findID(ctx, in.KeyId); err != nil {
		return nil, err
	}
	return &kms.ListKeyPoliciesOutput{PolicyNames: []string{policyName}}, nil
}

// checkPolicy refuses what is no key policy, and what locks its author out.
func checkPolicy(ctx context.Context, text string, bypass bool) error {
	if len(text) > maxPolicy {
		return fail("LimitExceeded", "The key policy is larger than %d bytes.", maxPolicy)
	}
	p, err := policy.Parse(text, policy.Resource)
	if err != nil {
		return fail("MalformedPolicyDocument", "%s", err)
	}
	if bypass {
		return nil
	}
	c := identity.From(ctx)
	effect, _ := p.Evaluate(&policy.Request{Action: "kms:PutKeyPolicy", Resource: "*",
		Principal: policy.Principal{Account: c.Account, ARN: c.ARN, RoleARN: c.RoleARN}})
	if effect != policy.Allow {
		return fail("MalformedPolicyDocument", "The new key policy will not allow you to update the key policy in the future.")
	}
	return nil
}

// statement is one of a policy that this package writes.
type statement struct {
	Sid       string
	Effect    string
	Principal map[string]string
	Action    any
	Resource  string
	Condition any `json:",omitempty"`
}

func policyText(id string, statements ...statement) string {
	b, err := json.MarshalIndent(struct {
		Version   string
		Id        string //nolint:revive,staticcheck // the element's name
		Statement []statement
	}{"2012-10-17", id, statements}, "", "  ")
	if err != nil {
		panic(err) // of strings only
	}
	return string(b)
}

// defaultPolicy leaves the decision to the account's IAM policies.
func (s *Service) defaultPolicy() string {
	return policyText("key-default-1", statement{Sid: "Enable IAM User Permissions", Effect: "Allow",
		Principal: map[string]string{"AWS": "arn:aws:iam::" + s.cfg.Site.Account + ":root"}, Action: "kms:*", Resource: "*"})
}

// managedPolicy lets everyone of the account use the key by way of its service,
// and look at it.
func (s *Service) managedPolicy(service, region string) string {
	return policyText("auto-"+service+"-1",
		statement{Sid: "Allow access through the service for all principals in the account that are authorized to use it", Effect: "Allow",
			Principal: map[string]string{"AWS": "*"}, Resource: "*",
			Action: []string{"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"},
			Condition: map[string]any{"StringEquals": map[string]string{
				"kms:CallerAccount": s.cfg.Site.Account, "kms:ViaService": service + "." + region + ".amazonaws.com"}}},
		statement{Sid: "Allow direct access to key metadata to the account", Effect: "Allow",
			Principal: map[string]string{"AWS": "arn:aws:iam::" + s.cfg.Site.Account + ":root"}, Resource: "*",
			Action: []string{"kms:Describe*", "kms:Get*", "kms:List*"}})
}
