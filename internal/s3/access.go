package s3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/engine"
)

// GetBucketPolicy answers the policy's text.
func (s *Service) GetBucketPolicy(ctx context.Context, in *s3.GetBucketPolicyInput, _ ...func(*s3.Options)) (*s3.GetBucketPolicyOutput, error) {
	b, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if b.Policy == "" {
		return nil, fail("NoSuchBucketPolicy", "BucketName", b.Name)
	}
	return &s3.GetBucketPolicyOutput{Policy: &b.Policy}, nil
}

// GetBucketPolicyStatus tells whether the policy lets everyone in.
func (s *Service) GetBucketPolicyStatus(ctx context.Context, in *s3.GetBucketPolicyStatusInput, _ ...func(*s3.Options)) (*s3.GetBucketPolicyStatusOutput, error) {
	b, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if b.Policy == "" {
		return nil, fail("NoSuchBucketPolicy", "BucketName", b.Name)
	}
	p, err := parsePolicy(b.Policy, b.Name)
	if err != nil {
		return nil, err
	}
	return &s3.GetBucketPolicyStatusOutput{PolicyStatus: &types.PolicyStatus{IsPublic: aws.Bool(p.public())}}, nil
}

// PutBucketPolicy stores a policy that is well-formed and about this bucket.
func (s *Service) PutBucketPolicy(ctx context.Context, in *s3.PutBucketPolicyInput, _ ...func(*s3.Options)) (*s3.PutBucketPolicyOutput, error) {
	p, perr := parsePolicy(aws.ToString(in.Policy), aws.ToString(in.Bucket))
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(_ *engine.Tx, b *bucket) error {
		if perr != nil {
			return perr
		}
		if block := b.PublicAccessBlock; block != nil && aws.ToBool(block.BlockPublicPolicy) && p.public() {
			return say("AccessDenied", "User: "+caller(ctx)+" is not authorized to perform: s3:PutBucketPolicy on resource: \""+bucketARN(b.Name)+"\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.")
		}
		b.Policy = *in.Policy
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.PutBucketPolicyOutput{}, nil
}

// DeleteBucketPolicy removes the policy; none is no error.
func (s *Service) DeleteBucketPolicy(ctx context.Context, in *s3.DeleteBucketPolicyInput, _ ...func(*s3.Options)) (*s3.DeleteBucketPolicyOutput, error) {
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(_ *engine.Tx, b *bucket) error {
		b.Policy = ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.DeleteBucketPolicyOutput{}, nil
}

// GetPublicAccessBlock answers all true for new buckets.
func (s *Service) GetPublicAccessBlock(ctx context.Context, in *s3.GetPublicAccessBlockInput, _ ...func(*s3.Options)) (*s3.GetPublicAccessBlockOutput, error) {
	b, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if b.PublicAccessBlock == nil {
		return nil, fail("NoSuchPublicAccessBlockConfiguration", "BucketName", b.Name)
	}
	return &s3.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: b.PublicAccessBlock}, nil
}

// PutPublicAccessBlock sets all four; what is left out is false.
func (s *Service) PutPublicAccessBlock(ctx context.Context, in *s3.PutPublicAccessBlockInput, _ ...func(*s3.Options)) (*s3.PutPublicAccessBlockOutput, error) {
	c := in.PublicAccessBlockConfiguration
	for _, p := range []**bool{&c.BlockPublicAcls, &c.BlockPublicPolicy, &c.IgnorePublicAcls, &c.RestrictPublicBuckets} {
		*p = aws.Bool(aws.ToBool(*p))
	}
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(_ *engine.Tx, b *bucket) error {
		b.PublicAccessBlock = c
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.PutPublicAccessBlockOutput{}, nil
}

// DeletePublicAccessBlock removes the configuration.
func (s *Service) DeletePublicAccessBlock(ctx context.Context, in *s3.DeletePublicAccessBlockInput, _ ...func(*s3.Options)) (*s3.DeletePublicAccessBlockOutput, error) {
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(_ *engine.Tx, b *bucket) error {
		b.PublicAccessBlock = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.DeletePublicAccessBlockOutput{}, nil
}

func ownership(o types.ObjectOwnership) *types.OwnershipControls {
	if o == "" {
		o = types.ObjectOwnershipBucketOwnerEnforced
	}
	return &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: o}}}
}

// GetBucketOwnershipControls answers BucketOwnerEnforced for new buckets.
func (s *Service) GetBucketOwnershipControls(ctx context.Context, in *s3.GetBucketOwnershipControlsInput, _ ...func(*s3.Options)) (*s3.GetBucketOwnershipControlsOutput, error) {
	b, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if b.Ownership == nil {
		return nil, fail("OwnershipControlsNotFoundError", "BucketName", b.Name)
	}
	return &s3.GetBucketOwnershipControlsOutput{OwnershipControls: b.Ownership}, nil
}

// PutBucketOwnershipControls sets who owns objects; there is one account.
func (s *Service) PutBucketOwnershipControls(ctx context.Context, in *s3.PutBucketOwnershipControlsInput, _ ...func(*s3.Options)) (*s3.PutBucketOwnershipControlsOutput, error) {
	if len(in.OwnershipControls.Rules) != 1 {
		return nil, fail("MalformedXML")
	}
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(_ *engine.Tx, b *bucket) error {
		b.Ownership = in.OwnershipControls
		if b.enforced() && b.Grants != nil {
			return fail("InvalidBucketAclWithObjectOwnership")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.PutBucketOwnershipControlsOutput{}, nil
}

// DeleteBucketOwnershipControls removes the configuration.
func (s *Service) DeleteBucketOwnershipControls(ctx context.Context, in *s3.DeleteBucketOwnershipControlsInput, _ ...func(*s3.Options)) (*s3.DeleteBucketOwnershipControlsOutput, error) {
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(_ *engine.Tx, b *bucket) error {
		b.Ownership = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.DeleteBucketOwnershipControlsOutput{}, nil
}
