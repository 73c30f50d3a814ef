package iam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/store"
)

const maxGroups = 10 // of a user

// CreateGroup makes a group.
func (s *Service) CreateGroup(ctx context.Context, in *iam.CreateGroupInput, _ ...func(*iam.Options)) (*iam.CreateGroupOutput, error) {
	path := in.Path
	if path == nil {
		path = aws.String("/")
	}
	g := &group{Group: types.Group{
		GroupName:  in.GroupName,
		Path:       path,
		Arn:        aws.String(s.arn("group", path, *in.GroupName)),
		GroupId:    s.unique("AGPA"),
		CreateDate: s.now(),
	}}
	err := s.update(ctx, func(tx store.Tx) error {
		_, err := loadGroup(tx, in.GroupName)
		if err := absent(err, "Group", *in.GroupName); err != nil {
			return err
		}
		return g.save(tx)
	})
	return &iam.CreateGroupOutput{Group: &g.Group}, err
}

// GetGroup describes a group and pages its users.
func (s *Service) GetGroup(ctx context.Context, in *iam.GetGroupInput, _ ...func(*iam.Options)) (*iam.GetGroupOutput, error) {
	out := &iam.GetGroupOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		g, err := loadGroup(r, in.GroupName)
		if err != nil {
			return err
		}
		out.Group = &g.Group
		all := []types.User{}
		for name, err := range members.All(r, *g.GroupName) {
			if err != nil {
				return err
			}
			u, err := loadUser(r, name)
			if err != nil {
				return err
			}
			v := u.User
			v.Tags, v.PermissionsBoundary = nil, nil
			all = append(all, v)
		}
		out.Users, out.Marker, out.IsTruncated, err = ofSlice(page{"GetGroup" + *g.GroupName, in.Marker, in.MaxItems}, all,
			func(u types.User) string { return *u.UserName })
		return err
	})
}

// ListGroups pages groups below a path.
func (s *Service) ListGroups(ctx context.Context, in *iam.ListGroupsInput, _ ...func(*iam.Options)) (*iam.ListGroupsOutput, error) {
	out := &iam.ListGroupsOutput{}
	return out, s.view(ctx, func(r store.Reader) (err error) {
		p := page{"ListGroups" + aws.ToString(in.PathPrefix), in.Marker, in.MaxItems}
		out.Groups, out.Marker, out.IsTruncated, err = ofTable(p, r, groups, func(g *group) (types.Group, bool) {
			return g.Group, under(g.Path, in.PathPrefix)
		})
		return err
	})
}

// DeleteGroup deletes a group without users and policies.
func (s *Service) DeleteGroup(ctx context.Context, in *iam.DeleteGroupInput, _ ...func(*iam.Options)) (*iam.DeleteGroupOutput, error) {
	return &iam.DeleteGroupOutput{}, s.update(ctx, func(tx store.Tx) error {
		g, err := loadGroup(tx, in.GroupName)
		if err != nil {
			return err
		}
		for _, err := range members.All(tx, *g.GroupName) {
			if err != nil {
				return err
			}
			return conflict("Cannot delete entity, must remove users from group first.")
		}
		if err := bare(g); err != nil {
			return err
		}
		return groups.Delete(tx, strings.ToLower(*g.GroupName))
	})
}

// AddUserToGroup puts a user into a group; again is no error.
func (s *Service) AddUserToGroup(ctx context.Context, in *iam.AddUserToGroupInput, _ ...func(*iam.Options)) (*iam.AddUserToGroupOutput, error) {
	return &iam.AddUserToGroupOutput{}, s.changeUser(ctx, in.UserName, func(tx store.Tx, u *user) error {
		g, err := loadGroup(tx, in.GroupName)
		if err != nil {
			return err
		}
		u.Groups = insert(u.Groups, *g.GroupName)
		if len(u.Groups) > maxGroups {
			return quota("GroupsPerUser", maxGroups)
		}
		return members.Put(tx, u.UserName, *g.GroupName, *u.UserName)
	})
}

// RemoveUserFromGroup takes a user out of a group.
func (s *Service) RemoveUserFromGroup(ctx context.Context, in *iam.RemoveUserFromGroupInput, _ ...func(*iam.Options)) (*iam.RemoveUserFromGroupOutput, error) {
	return &iam.RemoveUserFromGroupOutput{}, s.changeUser(ctx, in.UserName, func(tx store.Tx, u *user) error {
		g, err := loadGroup(tx, in.GroupName)
		if err != nil {
			return err
		}
		ok := false
		if u.Groups, ok = remove(u.Groups, *g.GroupName); !ok {
			return noSuch("The user with name %s is not in the group %s.", *u.UserName, *g.GroupName)
		}
		return members.Delete(tx, *g.GroupName, *u.UserName)
	})
}

// ListGroupsForUser pages a user's groups.
func (s *Service) ListGroupsForUser(ctx context.Context, in *iam.ListGroupsForUserInput, _ ...func(*iam.Options)) (*iam.ListGroupsForUserOutput, error) {
	out := &iam.ListGroupsForUserOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		u, err := loadUser(r, in.UserName)
		if err != nil {
			return err
		}
		var all []types.Group
		for _, name := range u.Groups {
			g, err := loadGroup(r, &name)
			if err != nil {
				return err
			}
			all = append(all, g.Group)
		}
		out.Groups, out.Marker, out.IsTruncated, err = ofSlice(page{"ListGroupsForUser" + *u.UserName, in.Marker, in.MaxItems}, all,
			func(g types.Group) string { return *g.GroupName })
		return err
	})
}
