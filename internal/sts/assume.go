package sts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/iam/policy"
)

const (
	defaultRoleSession  = time.Hour
	maxChained          = time.Hour
	defaultTokenSession = 12 * time.Hour
	maxPolicies         = 2048 // characters of inline session policies
)

const assumeRole = "sts:AssumeRole"

// AssumeRole issues credentials of a role.
func (s *Service) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	switch {
	case len(in.Tags) > 0 || len(in.TransitiveTagKeys) > 0:
		return nil, invalid("Session tags are not implemented by Slipway.")
	case in.SourceIdentity != nil:
		return nil, invalid("SourceIdentity is not implemented by Slipway.")
	case in.SerialNumber != nil || in.TokenCode != nil:
		return nil, invalid("Multi-factor authentication is not implemented by Slipway.")
	case len(in.ProvidedContexts) > 0:
		return nil, invalid("ProvidedContexts is not implemented by Slipway.")
	}
	c := identity.From(ctx)
	facts := map[string][]string{"sts:RoleSessionName": {*in.RoleSessionName}}
	if in.ExternalId != nil {
		facts["sts:ExternalId"] = []string{*in.ExternalId}
	}
	role, err := s.assume(ctx, c, *in.RoleArn, facts)
	if err != nil {
		return nil, err
	}
	life := defaultRoleSession
	if in.DurationSeconds != nil {
		life = time.Duration(*in.DurationSeconds) * time.Second
	}
	switch {
	case c.Kind == identity.AssumedRole && life > maxChained:
		return nil, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	case life > time.Duration(aws.ToInt32(role.MaxSessionDuration))*time.Second:
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	policies, err := s.sessionPolicies(ctx, in.Policy, in.PolicyArns)
	if err != nil {
		return nil, err
	}
	creds, err := s.issue(token{RoleARN: *role.Arn, RoleID: *role.RoleId, Name: *in.RoleSessionName, Policies: policies}, life)
	if err != nil {
		return nil, err
	}
	out := &sts.AssumeRoleOutput{
		Credentials: creds,
		AssumedRoleUser: &types.AssumedRoleUser{
			Arn:           aws.String(s.sessionARN(*role.RoleName, *in.RoleSessionName)),
			AssumedRoleId: aws.String(*role.RoleId + ":" + *in.RoleSessionName),
		},
	}
	if in.Policy != nil {
		out.PackedPolicySize = aws.Int32(int32(max(1, len(*in.Policy)*100/maxPolicies)))
	}
	return out, nil
}

// assume finds the role and decides. A role that does not exist is a denial
// like any other, so that nobody learns which exist.
func (s *Service) assume(ctx context.Context, c *identity.Caller, roleARN string, facts map[string][]string) (*iamtypes.Role, error) {
	who := c.ARN
	refused := denied(fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s", who, assumeRole, roleARN))
	role, _, err := s.cfg.Principals.Role(ctx, roleARN)
	var gone *iamtypes.NoSuchEntityException
	if errors.As(err, &gone) {
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	check := wire.Access{Action: assumeRole, Resource: roleARN, Context: facts}
	if c.Kind == identity.Root {
		// On AWS root users cannot assume roles; under audit they may here,
		// since they are who most people are.
		if s.cfg.Principals.Deny(ctx, c, check, policy.Decision{Source: policy.FromTrust}) != nil {
			return nil, denied("Roles may not be assumed by root accounts.")
		}
		return role, nil
	}
	d, err := s.cfg.Principals.MayAssume(ctx, c, roleARN, facts)
	if err != nil {
		return nil, err
	}
	if !d.Allowed && s.cfg.Principals.Deny(ctx, c, check, d) != nil {
		return nil, refused // without the reason: it would tell of the role
	}
	return role, nil
}

// sessionPolicies checks and collects what narrows a session; nil is nothing.
func (s *Service) sessionPolicies(ctx context.Context, inline *string, arns []types.PolicyDescriptorType) ([]string, error) {
	var out []string
	if inline != nil {
		if len(*inline) > maxPolicies {
			return nil, &types.PackedPolicyTooLargeException{Message: aws.String("The session policy is larger than 2048 characters.")}
		}
		if _, err := policy.Parse(*inline, policy.Identity); err != nil {
			return nil, &types.MalformedPolicyDocumentException{Message: aws.String(err.Error())}
		}
		out = append(out, *inline)
	}
	for _, p := range arns {
		doc, err := s.cfg.Principals.ManagedPolicy(ctx, aws.ToString(p.Arn))
		var gone *iamtypes.NoSuchEntityException
		var bad *iamtypes.InvalidInputException
		if errors.As(err, &gone) || errors.As(err, &bad) {
			return nil, invalid("The policy " + aws.ToString(p.Arn) + " does not exist.")
		}
		if err != nil {
			return nil, err
		}
		out = append(out, doc)
	}
	return out, nil
}

// GetSessionToken issues credentials of the user, or root user, who calls.
func (s *Service) GetSessionToken(ctx context.Context, in *sts.GetSessionTokenInput, _ ...func(*sts.Options)) (*sts.GetSessionTokenOutput, error) {
	if in.SerialNumber != nil || in.TokenCode != nil {
		return nil, invalid("Multi-factor authentication is not implemented by Slipway.")
	}
	c := identity.From(ctx)
	if !c.ExpiresAt.IsZero() {
		return nil, denied("Cannot call GetSessionToken with session credentials")
	}
	life := defaultTokenSession
	if in.DurationSeconds != nil {
		life = time.Duration(*in.DurationSeconds) * time.Second
	}
	if c.Kind == identity.Root {
		life = min(life, time.Hour) // AWS's limit for root users
	}
	creds, err := s.issue(token{Base: c.AccessKeyID}, life)
	return &sts.GetSessionTokenOutput{Credentials: creds}, err
}
