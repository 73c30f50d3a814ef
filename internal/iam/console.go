package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// Nobody here has a password, an MFA device, a signing certificate or an SSH
// key, and nobody can be given one. Tools that clean up a user ask for all of
// them, and are told so.

// exists makes sure that a user who is named is there.
func (s *Service) exists(ctx context.Context, name *string) error {
	if name == nil {
		return nil
	}
	return s.view(ctx, func(r store.Reader) error {
		_, err := loadUser(r, name)
		return err
	})
}

func (s *Service) noPassword(ctx context.Context, name *string) error {
	name, err := s.callerOr(ctx, name)
	if err != nil {
		return err
	}
	if err := s.exists(ctx, name); err != nil {
		return err
	}
	return noSuch("Login Profile for User %s cannot be found.", *name)
}

// GetLoginProfile finds no password.
func (s *Service) GetLoginProfile(ctx context.Context, in *iam.GetLoginProfileInput, _ ...func(*iam.Options)) (*iam.GetLoginProfileOutput, error) {
	return nil, s.noPassword(ctx, in.UserName)
}

// DeleteLoginProfile finds no password.
func (s *Service) DeleteLoginProfile(ctx context.Context, in *iam.DeleteLoginProfileInput, _ ...func(*iam.Options)) (*iam.DeleteLoginProfileOutput, error) {
	return nil, s.noPassword(ctx, in.UserName)
}

// ListMFADevices answers none.
func (s *Service) ListMFADevices(ctx context.Context, in *iam.ListMFADevicesInput, _ ...func(*iam.Options)) (*iam.ListMFADevicesOutput, error) {
	return &iam.ListMFADevicesOutput{MFADevices: []types.MFADevice{}}, s.exists(ctx, in.UserName)
}

// ListVirtualMFADevices answers none.
func (s *Service) ListVirtualMFADevices(context.Context, *iam.ListVirtualMFADevicesInput, ...func(*iam.Options)) (*iam.ListVirtualMFADevicesOutput, error) {
	return &iam.ListVirtualMFADevicesOutput{VirtualMFADevices: []types.VirtualMFADevice{}}, nil
}

// ListSigningCertificates answers none.
func (s *Service) ListSigningCertificates(ctx context.Context, in *iam.ListSigningCertificatesInput, _ ...func(*iam.Options)) (*iam.ListSigningCertificatesOutput, error) {
	return &iam.ListSigningCertificatesOutput{Certificates: []types.SigningCertificate{}}, s.exists(ctx, in.UserName)
}

// ListSSHPublicKeys answers none.
func (s *Service) ListSSHPublicKeys(ctx context.Context, in *iam.ListSSHPublicKeysInput, _ ...func(*iam.Options)) (*iam.ListSSHPublicKeysOutput, error) {
	return &iam.ListSSHPublicKeysOutput{SSHPublicKeys: []types.SSHPublicKeyMetadata{}}, s.exists(ctx, in.UserName)
}
