package iam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/store"
)

// CreateUser makes a user.
func (s *Service) CreateUser(ctx context.Context, in *iam.CreateUserInput, _ ...func(*iam.Options)) (*iam.CreateUserOutput, error) {
	tags, err := merge(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	path := in.Path
	if path == nil {
		path = aws.String("/")
	}
	u := &user{User: types.User{
		UserName:   in.UserName,
		Path:       path,
		Arn:        aws.String(s.arn("user", path, *in.UserName)),
		UserId:     s.unique("AIDA"),
		CreateDate: s.now(),
		Tags:       tags,
	}}
	err = s.update(ctx, func(tx store.Tx) error {
		_, err := loadUser(tx, in.UserName)
		if err := absent(err, "User", *in.UserName); err != nil {
			return err
		}
		if u.PermissionsBoundary, err = putBoundary(tx, u, in.PermissionsBoundary); err != nil {
			return err
		}
		return u.save(tx)
	})
	return &iam.CreateUserOutput{User: &u.User}, err
}

// GetUser describes a user; without a name the one who calls.
func (s *Service) GetUser(ctx context.Context, in *iam.GetUserInput, _ ...func(*iam.Options)) (*iam.GetUserOutput, error) {
	name := in.UserName
	if name == nil {
		c := identity.From(ctx)
		switch c.Kind {
		case identity.User:
			name = aws.String(c.UserName)
		case identity.Root:
			return &iam.GetUserOutput{User: &types.User{
				Arn: aws.String(c.ARN), UserId: aws.String(c.UserID), CreateDate: s.now(), Path: aws.String("/"),
			}}, nil
		default:
			return nil, invalid("Must specify userName when calling with non-User credentials")
		}
	}
	out := &iam.GetUserOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		u, err := loadUser(r, name)
		if err != nil {
			return err
		}
		out.User = &u.User
		return nil
	})
}

// ListUsers pages users below a path. Like AWS it leaves out tags and boundary.
func (s *Service) ListUsers(ctx context.Context, in *iam.ListUsersInput, _ ...func(*iam.Options)) (*iam.ListUsersOutput, error) {
	out := &iam.ListUsersOutput{}
	return out, s.view(ctx, func(r store.Reader) (err error) {
		p := page{"ListUsers" + aws.ToString(in.PathPrefix), in.Marker, in.MaxItems}
		out.Users, out.Marker, out.IsTruncated, err = ofTable(p, r, users, func(u *user) (types.User, bool) {
			v := u.User
			v.Tags, v.PermissionsBoundary = nil, nil
			return v, under(u.Path, in.PathPrefix)
		})
		return err
	})
}

func (s *Service) changeUser(ctx context.Context, name *string, fn func(store.Tx, *user) error) error {
	return s.update(ctx, func(tx store.Tx) error {
		u, err := loadUser(tx, name)
		if err != nil {
			return err
		}
		if err := fn(tx, u); err != nil {
			return err
		}
		return u.save(tx)
	})
}

// DeleteUser deletes a user who has nothing left.
func (s *Service) DeleteUser(ctx context.Context, in *iam.DeleteUserInput, _ ...func(*iam.Options)) (*iam.DeleteUserOutput, error) {
	return &iam.DeleteUserOutput{}, s.update(ctx, func(tx store.Tx) error {
		u, err := loadUser(tx, in.UserName)
		if err != nil {
			return err
		}
		for key, err := range keysOf(tx, *u.UserName) {
			if err != nil {
				return err
			}
			_ = key
			return conflict("Cannot delete entity, must delete access keys first.")
		}
		for _, err := range gitCredentialsOf(tx, *u.UserName) {
			if err != nil {
				return err
			}
			return conflict("Cannot delete entity, must delete service specific credentials first.")
		}
		if len(u.Groups) > 0 {
			return conflict("Cannot delete entity, must remove users from group first.")
		}
		if err := bare(u); err != nil {
			return err
		}
		if err := dropBoundary(tx, u); err != nil {
			return err
		}
		return users.Delete(tx, strings.ToLower(*u.UserName))
	})
}

// TagUser sets tags.
func (s *Service) TagUser(ctx context.Context, in *iam.TagUserInput, _ ...func(*iam.Options)) (*iam.TagUserOutput, error) {
	return &iam.TagUserOutput{}, s.changeUser(ctx, in.UserName, func(_ store.Tx, u *user) (err error) {
		u.Tags, err = merge(u.Tags, in.Tags)
		return err
	})
}

// UntagUser removes tags.
func (s *Service) UntagUser(ctx context.Context, in *iam.UntagUserInput, _ ...func(*iam.Options)) (*iam.UntagUserOutput, error) {
	return &iam.UntagUserOutput{}, s.changeUser(ctx, in.UserName, func(_ store.Tx, u *user) error {
		u.Tags = without(u.Tags, in.TagKeys)
		return nil
	})
}

// ListUserTags pages tags.
func (s *Service) ListUserTags(ctx context.Context, in *iam.ListUserTagsInput, _ ...func(*iam.Options)) (*iam.ListUserTagsOutput, error) {
	out := &iam.ListUserTagsOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		u, err := loadUser(r, in.UserName)
		if err != nil {
			return err
		}
		out.Tags, out.Marker, out.IsTruncated, err = ofSlice(page{"ListUserTags" + *u.UserName, in.Marker, in.MaxItems}, u.Tags, tagKey)
		return err
	})
}

// PutUserPermissionsBoundary sets the boundary.
func (s *Service) PutUserPermissionsBoundary(ctx context.Context, in *iam.PutUserPermissionsBoundaryInput, _ ...func(*iam.Options)) (*iam.PutUserPermissionsBoundaryOutput, error) {
	return &iam.PutUserPermissionsBoundaryOutput{}, s.setBoundary(ctx, "User", in.UserName, in.PermissionsBoundary)
}

// DeleteUserPermissionsBoundary removes the boundary.
func (s *Service) DeleteUserPermissionsBoundary(ctx context.Context, in *iam.DeleteUserPermissionsBoundaryInput, _ ...func(*iam.Options)) (*iam.DeleteUserPermissionsBoundaryOutput, error) {
	return &iam.DeleteUserPermissionsBoundaryOutput{}, s.setBoundary(ctx, "User", in.UserName, nil)
}
