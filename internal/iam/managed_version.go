package iam

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// CreatePolicyVersion adds a version, and may make it the default.
func (s *Service) CreatePolicyVersion(ctx context.Context, in *iam.CreatePolicyVersionInput, _ ...func(*iam.Options)) (*iam.CreatePolicyVersionOutput, error) {
	if err := checkManaged(in.PolicyDocument); err != nil {
		return nil, err
	}
	out := &iam.CreatePolicyVersionOutput{}
	return out, s.changePolicy(ctx, in.PolicyArn, func(_ store.Tx, m *managed) error {
		if len(m.Versions) >= maxVersions {
			return &types.LimitExceededException{Message: aws.String(
				"A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")}
		}
		m.Last++
		now := s.now()
		v := types.PolicyVersion{VersionId: aws.String("v" + itoa(m.Last)), Document: in.PolicyDocument, CreateDate: now}
		m.Versions = append(m.Versions, v)
		m.UpdateDate = now
		if in.SetAsDefault {
			m.setDefault(*v.VersionId)
		}
		out.PolicyVersion = &types.PolicyVersion{VersionId: v.VersionId, IsDefaultVersion: in.SetAsDefault, CreateDate: now}
		return nil
	})
}

func (m *managed) setDefault(id string) {
	m.DefaultVersionId = &id
	for i := range m.Versions {
		m.Versions[i].IsDefaultVersion = *m.Versions[i].VersionId == id
	}
}

func noVersion(m *managed, id string) error {
	return noSuch("Policy %s version %s does not exist or is not attachable.", *m.Arn, id)
}

// GetPolicyVersion returns a version's document.
func (s *Service) GetPolicyVersion(ctx context.Context, in *iam.GetPolicyVersionInput, _ ...func(*iam.Options)) (*iam.GetPolicyVersionOutput, error) {
	out := &iam.GetPolicyVersionOutput{}
	return out, s.viewPolicy(ctx, in.PolicyArn, func(_ store.Reader, m *managed) error {
		v := m.version(*in.VersionId)
		if v == nil {
			return noVersion(m, *in.VersionId)
		}
		answer := *v
		answer.Document = encoded(v.Document)
		out.PolicyVersion = &answer
		return nil
	})
}

// ListPolicyVersions pages versions, newest first.
func (s *Service) ListPolicyVersions(ctx context.Context, in *iam.ListPolicyVersionsInput, _ ...func(*iam.Options)) (*iam.ListPolicyVersionsOutput, error) {
	out := &iam.ListPolicyVersionsOutput{}
	return out, s.viewPolicy(ctx, in.PolicyArn, func(_ store.Reader, m *managed) (err error) {
		var all []types.PolicyVersion
		for _, v := range slices.Backward(m.Versions) {
			v.Document = nil
			all = append(all, v)
		}
		// At most five, by age: the marker counts.
		out.Versions, out.Marker, out.IsTruncated, err = ofSlice(page{"ListPolicyVersions" + *m.Arn, in.Marker, in.MaxItems}, all,
			func(v types.PolicyVersion) string {
				return itoa(slices.IndexFunc(all, func(o types.PolicyVersion) bool { return *o.VersionId == *v.VersionId }))
			})
		return err
	})
}

// DeletePolicyVersion deletes a version that is not the default.
func (s *Service) DeletePolicyVersion(ctx context.Context, in *iam.DeletePolicyVersionInput, _ ...func(*iam.Options)) (*iam.DeletePolicyVersionOutput, error) {
	return &iam.DeletePolicyVersionOutput{}, s.changePolicy(ctx, in.PolicyArn, func(_ store.Tx, m *managed) error {
		v := m.version(*in.VersionId)
		if v == nil {
			return noVersion(m, *in.VersionId)
		}
		if v.IsDefaultVersion {
			return conflict("Cannot delete the default version of a policy.")
		}
		m.Versions = slices.DeleteFunc(m.Versions, func(o types.PolicyVersion) bool { return *o.VersionId == *in.VersionId })
		m.UpdateDate = s.now()
		return nil
	})
}

// SetDefaultPolicyVersion chooses the version that applies.
func (s *Service) SetDefaultPolicyVersion(ctx context.Context, in *iam.SetDefaultPolicyVersionInput, _ ...func(*iam.Options)) (*iam.SetDefaultPolicyVersionOutput, error) {
	return &iam.SetDefaultPolicyVersionOutput{}, s.changePolicy(ctx, in.PolicyArn, func(_ store.Tx, m *managed) error {
		if m.version(*in.VersionId) == nil {
			return noVersion(m, *in.VersionId)
		}
		m.setDefault(*in.VersionId)
		m.UpdateDate = s.now()
		return nil
	})
}
