package iam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/store"
)

func loadProfile(r store.Reader, name *string) (*types.InstanceProfile, error) {
	p, err := profiles.Get(r, strings.ToLower(*name))
	return p, missing(err, "Instance Profile %s cannot be found.", *name)
}

// withRoles puts the roles as they are now in place of their names.
func withRoles(r store.Reader, p *types.InstanceProfile) (*types.InstanceProfile, error) {
	v := *p
	v.Roles = []types.Role{}
	for _, held := range p.Roles {
		role, err := loadRole(r, held.RoleName)
		if err != nil {
			return nil, err
		}
		v.Roles = append(v.Roles, *role.answer())
	}
	return &v, nil
}

func profilesOf(r store.Reader, role string) ([]*types.InstanceProfile, error) {
	var out []*types.InstanceProfile
	for p, err := range profiles.All(r) {
		if err != nil {
			return nil, err
		}
		for _, held := range p.Roles {
			if strings.EqualFold(*held.RoleName, role) {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// CreateInstanceProfile makes an instance profile.
func (s *Service) CreateInstanceProfile(ctx context.Context, in *iam.CreateInstanceProfileInput, _ ...func(*iam.Options)) (*iam.CreateInstanceProfileOutput, error) {
	tags, err := merge(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	path := in.Path
	if path == nil {
		path = aws.String("/")
	}
	p := &types.InstanceProfile{
		InstanceProfileName: in.InstanceProfileName,
		Path:                path,
		Arn:                 aws.String(s.arn("instance-profile", path, *in.InstanceProfileName)),
		InstanceProfileId:   s.unique("AIPA"),
		CreateDate:          s.now(),
		Roles:               []types.Role{},
		Tags:                tags,
	}
	return &iam.CreateInstanceProfileOutput{InstanceProfile: p}, s.update(ctx, func(tx store.Tx) error {
		_, err := loadProfile(tx, in.InstanceProfileName)
		if err := absent(err, "Instance Profile", *in.InstanceProfileName); err != nil {
			return err
		}
		return profiles.Put(tx, p, strings.ToLower(*p.InstanceProfileName))
	})
}

// GetInstanceProfile describes an instance profile.
func (s *Service) GetInstanceProfile(ctx context.Context, in *iam.GetInstanceProfileInput, _ ...func(*iam.Options)) (*iam.GetInstanceProfileOutput, error) {
	out := &iam.GetInstanceProfileOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		p, err := loadProfile(r, in.InstanceProfileName)
		if err != nil {
			return err
		}
		out.InstanceProfile, err = withRoles(r, p)
		return err
	})
}

// ListInstanceProfiles pages instance profiles below a path.
func (s *Service) ListInstanceProfiles(ctx context.Context, in *iam.ListInstanceProfilesInput, _ ...func(*iam.Options)) (*iam.ListInstanceProfilesOutput, error) {
	out := &iam.ListInstanceProfilesOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		var failed error
		p := page{"ListInstanceProfiles" + aws.ToString(in.PathPrefix), in.Marker, in.MaxItems}
		list, next, more, err := ofTable(p, r, profiles, func(p *types.InstanceProfile) (types.InstanceProfile, bool) {
			v, err := withRoles(r, p)
			if err != nil {
				failed = err
				return *p, false
			}
			v.Tags = nil
			return *v, under(p.Path, in.PathPrefix)
		})
		if err == nil {
			err = failed
		}
		out.InstanceProfiles, out.Marker, out.IsTruncated = list, next, more
		return err
	})
}

// ListInstanceProfilesForRole pages the instance profiles that have a role.
func (s *Service) ListInstanceProfilesForRole(ctx context.Context, in *iam.ListInstanceProfilesForRoleInput, _ ...func(*iam.Options)) (*iam.ListInstanceProfilesForRoleOutput, error) {
	out := &iam.ListInstanceProfilesForRoleOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		role, err := loadRole(r, in.RoleName)
		if err != nil {
			return err
		}
		used, err := profilesOf(r, *role.RoleName)
		if err != nil {
			return err
		}
		all := []types.InstanceProfile{}
		for _, p := range used {
			v, err := withRoles(r, p)
			if err != nil {
				return err
			}
			all = append(all, *v)
		}
		out.InstanceProfiles, out.Marker, out.IsTruncated, err = ofSlice(page{"ProfilesForRole" + *role.RoleName, in.Marker, in.MaxItems}, all,
			func(p types.InstanceProfile) string { return strings.ToLower(*p.InstanceProfileName) })
		return err
	})
}

func (s *Service) changeProfile(ctx context.Context, name *string, fn func(store.Tx, *types.InstanceProfile) error) error {
	return s.update(ctx, func(tx store.Tx) error {
		p, err := loadProfile(tx, name)
		if err != nil {
			return err
		}
		if err := fn(tx, p); err != nil {
			return err
		}
		return profiles.Put(tx, p, strings.ToLower(*p.InstanceProfileName))
	})
}

// AddRoleToInstanceProfile gives a profile its only role.
func (s *Service) AddRoleToInstanceProfile(ctx context.Context, in *iam.AddRoleToInstanceProfileInput, _ ...func(*iam.Options)) (*iam.AddRoleToInstanceProfileOutput, error) {
	return &iam.AddRoleToInstanceProfileOutput{}, s.changeProfile(ctx, in.InstanceProfileName, func(tx store.Tx, p *types.InstanceProfile) error {
		r, err := loadRole(tx, in.RoleName)
		if err != nil {
			return err
		}
		if len(p.Roles) > 0 {
			return quota("InstanceSessionsPerInstanceProfile", 1)
		}
		p.Roles = []types.Role{{RoleName: r.RoleName}}
		return nil
	})
}

// RemoveRoleFromInstanceProfile takes the role away.
func (s *Service) RemoveRoleFromInstanceProfile(ctx context.Context, in *iam.RemoveRoleFromInstanceProfileInput, _ ...func(*iam.Options)) (*iam.RemoveRoleFromInstanceProfileOutput, error) {
	return &iam.RemoveRoleFromInstanceProfileOutput{}, s.changeProfile(ctx, in.InstanceProfileName, func(_ store.Tx, p *types.InstanceProfile) error {
		if len(p.Roles) == 0 || !strings.EqualFold(*p.Roles[0].RoleName, *in.RoleName) {
			return noSuch("Role %s in Instance Profile %s cannot be found.", *in.RoleName, *in.InstanceProfileName)
		}
		p.Roles = []types.Role{}
		return nil
	})
}

// DeleteInstanceProfile deletes a profile without a role.
func (s *Service) DeleteInstanceProfile(ctx context.Context, in *iam.DeleteInstanceProfileInput, _ ...func(*iam.Options)) (*iam.DeleteInstanceProfileOutput, error) {
	return &iam.DeleteInstanceProfileOutput{}, s.update(ctx, func(tx store.Tx) error {
		p, err := loadProfile(tx, in.InstanceProfileName)
		if err != nil {
			return err
		}
		if len(p.Roles) > 0 {
			return conflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		return profiles.Delete(tx, strings.ToLower(*p.InstanceProfileName))
	})
}

// TagInstanceProfile sets tags.
func (s *Service) TagInstanceProfile(ctx context.Context, in *iam.TagInstanceProfileInput, _ ...func(*iam.Options)) (*iam.TagInstanceProfileOutput, error) {
	return &iam.TagInstanceProfileOutput{}, s.changeProfile(ctx, in.InstanceProfileName, func(_ store.Tx, p *types.InstanceProfile) (err error) {
		p.Tags, err = merge(p.Tags, in.Tags)
		return err
	})
}

// UntagInstanceProfile removes tags.
func (s *Service) UntagInstanceProfile(ctx context.Context, in *iam.UntagInstanceProfileInput, _ ...func(*iam.Options)) (*iam.UntagInstanceProfileOutput, error) {
	return &iam.UntagInstanceProfileOutput{}, s.changeProfile(ctx, in.InstanceProfileName, func(_ store.Tx, p *types.InstanceProfile) error {
		p.Tags = without(p.Tags, in.TagKeys)
		return nil
	})
}

// ListInstanceProfileTags pages tags.
func (s *Service) ListInstanceProfileTags(ctx context.Context, in *iam.ListInstanceProfileTagsInput, _ ...func(*iam.Options)) (*iam.ListInstanceProfileTagsOutput, error) {
	out := &iam.ListInstanceProfileTagsOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		p, err := loadProfile(r, in.InstanceProfileName)
		if err != nil {
			return err
		}
		out.Tags, out.Marker, out.IsTruncated, err = ofSlice(page{"ListInstanceProfileTags" + *p.InstanceProfileName, in.Marker, in.MaxItems}, p.Tags, tagKey)
		return err
	})
}
