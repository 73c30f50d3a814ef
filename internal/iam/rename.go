package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/slipway-dev/slipway/internal/iam/policy"
	"github.com/slipway-dev/slipway/internal/store"
)

// UpdateUser changes a user's name or path. Whatever the user has, stays; trust
// policies that name the user follow.
func (s *Service) UpdateUser(ctx context.Context, in *iam.UpdateUserInput, _ ...func(*iam.Options)) (*iam.UpdateUserOutput, error) {
	return &iam.UpdateUserOutput{}, s.update(ctx, func(tx store.Tx) error {
		u, err := loadUser(tx, in.UserName)
		if err != nil {
			return err
		}
		old, oldARN := *u.UserName, *u.Arn
		if in.NewUserName != nil && !strings.EqualFold(*in.NewUserName, old) {
			_, err := loadUser(tx, in.NewUserName)
			if err := absent(err, "User", *in.NewUserName); err != nil {
				return err
			}
		}
		if in.NewPath != nil {
			u.Path = in.NewPath
		}
		if in.NewUserName != nil && *in.NewUserName != old {
			if err := users.Delete(tx, strings.ToLower(old)); err != nil {
				return err
			}
			u.UserName = in.NewUserName
			if err := moveUser(tx, u, old); err != nil {
				return err
			}
		}
		u.Arn = aws.String(s.arn("user", u.Path, *u.UserName))
		if err := u.save(tx); err != nil {
			return err
		}
		return followUser(tx, oldARN, *u.Arn)
	})
}

// moveUser puts what is kept under a user's old name under the new one.
func moveUser(tx store.Tx, u *user, old string) error {
	if err := moveAttachments(tx, u, old); err != nil {
		return err
	}
	for _, g := range u.Groups {
		if err := members.Delete(tx, g, old); err != nil {
			return err
		}
		if err := members.Put(tx, u.UserName, g, *u.UserName); err != nil {
			return err
		}
	}
	keys, err := moveIDs(tx, userKeys, old, *u.UserName)
	if err != nil {
		return err
	}
	for _, keyID := range keys {
		k, err := accessKeys.Get(tx, keyID)
		if err != nil {
			return err
		}
		k.UserName = u.UserName
		if err := accessKeys.Put(tx, k, keyID); err != nil {
			return err
		}
	}
	credentials, err := moveIDs(tx, userGitCredentials, old, *u.UserName)
	if err != nil {
		return err
	}
	for _, credentialID := range credentials {
		c, err := gitCredentials.Get(tx, credentialID)
		if err != nil {
			return err
		}
		c.UserName = u.UserName
		if err := gitCredentials.Put(tx, c, credentialID); err != nil {
			return err
		}
	}
	return nil
}

// moveIDs moves a user's entries of an index, and returns what they hold.
func moveIDs(tx store.Tx, index store.Table[string], old, now string) (ids []string, err error) {
	for v, err := range index.All(tx, old) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, *v)
	}
	for _, v := range ids {
		if err := index.Delete(tx, old, v); err != nil {
			return nil, err
		}
		if err := index.Put(tx, &v, now, v); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func moveAttachments(tx store.Tx, e entity, old string) error {
	move := func(policyARN, kind string, boundary bool) error {
		if err := attached.Delete(tx, policyARN, kind, old); err != nil {
			return err
		}
		return attached.Put(tx, &attachment{Kind: e.kind(), Name: e.name(), Boundary: boundary}, policyARN, kind, e.name())
	}
	for _, a := range e.policies().Attached {
		if err := move(a, e.kind(), false); err != nil {
			return err
		}
	}
	if b := e.boundary(); b != nil {
		return move(*b, e.kind()+"Boundary", true)
	}
	return nil
}

// followUser writes a user's new ARN into trust policies: AWS keeps the user's
// id in them and shows the ARN as it is now.
func followUser(tx store.Tx, old, now string) error {
	if old == now {
		return nil
	}
	var changed []*role
	for r, err := range roles.All(tx) {
		if err != nil {
			return err
		}
		trust, err := policy.Parse(*r.AssumeRolePolicyDocument, policy.Trust)
		if err != nil {
			return err
		}
		if slices.Contains(trust.Principals(), old) {
			r.AssumeRolePolicyDocument = aws.String(strings.ReplaceAll(*r.AssumeRolePolicyDocument, `"`+old+`"`, `"`+now+`"`))
			changed = append(changed, r)
		}
	}
	for _, r := range changed {
		if err := r.save(tx); err != nil {
			return err
		}
	}
	return nil
}

// UpdateGroup changes a group's name or path; its users and policies stay.
func (s *Service) UpdateGroup(ctx context.Context, in *iam.UpdateGroupInput, _ ...func(*iam.Options)) (*iam.UpdateGroupOutput, error) {
	return &iam.UpdateGroupOutput{}, s.update(ctx, func(tx store.Tx) error {
		g, err := loadGroup(tx, in.GroupName)
		if err != nil {
			return err
		}
		old := *g.GroupName
		if in.NewGroupName != nil && !strings.EqualFold(*in.NewGroupName, old) {
			_, err := loadGroup(tx, in.NewGroupName)
			if err := absent(err, "Group", *in.NewGroupName); err != nil {
				return err
			}
		}
		if in.NewPath != nil {
			g.Path = in.NewPath
		}
		if in.NewGroupName != nil && *in.NewGroupName != old {
			if err := groups.Delete(tx, strings.ToLower(old)); err != nil {
				return err
			}
			g.GroupName = in.NewGroupName
			if err := moveGroup(tx, g, old); err != nil {
				return err
			}
		}
		g.Arn = aws.String(s.arn("group", g.Path, *g.GroupName))
		return g.save(tx)
	})
}

func moveGroup(tx store.Tx, g *group, old string) error {
	if err := moveAttachments(tx, g, old); err != nil {
		return err
	}
	names, err := moveIDs(tx, members, old, *g.GroupName)
	if err != nil {
		return err
	}
	for _, name := range names {
		u, err := loadUser(tx, &name)
		if err != nil {
			return err
		}
		u.Groups, _ = remove(u.Groups, old)
		u.Groups = insert(u.Groups, *g.GroupName)
		if err := u.save(tx); err != nil {
			return err
		}
	}
	return nil
}
