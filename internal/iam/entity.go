package iam

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// Tables. Names are unique without regard to case, so keys are in lower case.
var (
	roles    = store.Table[role]("iam.role")
	users    = store.Table[user]("iam.user")
	groups   = store.Table[group]("iam.group")
	profiles = store.Table[types.InstanceProfile]("iam.profile") // Roles hold names only
	policies = store.Table[managed]("iam.policy")                // by ARN, as written
	// attached has an entry for each attachment: policy ARN, kind, name.
	attached = store.Table[attachment]("iam.attached")
	// members has an entry for each user of a group: group, user.
	members = store.Table[string]("iam.member")
)

// grants are what a user, group or role may do.
type grants struct {
	Inline   map[string]string `json:",omitempty"` // documents by name
	Attached []string          `json:",omitempty"` // ARNs, sorted
}

type role struct {
	types.Role
	grants
	ServiceLinked bool `json:",omitempty"`
}

type user struct {
	types.User
	grants
	Groups []string `json:",omitempty"` // names, sorted
}

type group struct {
	types.Group
	grants
}

// attachment says who has a policy, and how.
type attachment struct {
	Kind     string
	Name     string
	Boundary bool `json:",omitempty"`
}

// entity is a user, group or role: what can have policies.
type entity interface {
	kind() string // Role, User, Group; as in messages
	name() string
	policies() *grants
	boundary() *string
	linked() bool // service-linked: not for users to change
	save(store.Tx) error
}

func (r *role) kind() string      { return "Role" }
func (r *role) name() string      { return *r.RoleName }
func (r *role) policies() *grants { return &r.grants }
func (r *role) linked() bool      { return r.ServiceLinked }
func (r *role) boundary() *string { return boundaryARN(r.PermissionsBoundary) }
func (r *role) save(tx store.Tx) error {
	return roles.Put(tx, r, strings.ToLower(*r.RoleName))
}

func (u *user) kind() string      { return "User" }
func (u *user) name() string      { return *u.UserName }
func (u *user) policies() *grants { return &u.grants }
func (u *user) linked() bool      { return false }
func (u *user) boundary() *string { return boundaryARN(u.PermissionsBoundary) }
func (u *user) save(tx store.Tx) error {
	return users.Put(tx, u, strings.ToLower(*u.UserName))
}

func (g *group) kind() string      { return "Group" }
func (g *group) name() string      { return *g.GroupName }
func (g *group) policies() *grants { return &g.grants }
func (g *group) linked() bool      { return false }
func (g *group) boundary() *string { return nil }
func (g *group) save(tx store.Tx) error {
	return groups.Put(tx, g, strings.ToLower(*g.GroupName))
}

func boundaryARN(b *types.AttachedPermissionsBoundary) *string {
	if b == nil {
		return nil
	}
	return b.PermissionsBoundaryArn
}

// load finds an entity by kind and name.
func load(r store.Reader, kind string, name *string) (entity, error) {
	switch kind {
	case "Role":
		return loadRole(r, name)
	case "User":
		return loadUser(r, name)
	default:
		return loadGroup(r, name)
	}
}

func loadRole(r store.Reader, name *string) (*role, error) {
	v, err := roles.Get(r, strings.ToLower(aws.ToString(name)))
	return v, missing(err, "The role with name %s cannot be found.", aws.ToString(name))
}

func loadUser(r store.Reader, name *string) (*user, error) {
	v, err := users.Get(r, strings.ToLower(aws.ToString(name)))
	return v, missing(err, "The user with name %s cannot be found.", aws.ToString(name))
}

func loadGroup(r store.Reader, name *string) (*group, error) {
	v, err := groups.Get(r, strings.ToLower(aws.ToString(name)))
	return v, missing(err, "The group with name %s cannot be found.", aws.ToString(name))
}

// missing turns store.ErrNotFound into IAM's error.
func missing(err error, format string, args ...any) error {
	if errors.Is(err, store.ErrNotFound) {
		return noSuch(format, args...)
	}
	return err
}

// absent makes sure that there is nothing yet: err is that of a load.
func absent(err error, what, name string) error {
	var gone *types.NoSuchEntityException
	switch {
	case err == nil:
		return &types.EntityAlreadyExistsException{Message: aws.String(what + " with name " + name + " already exists.")}
	case errors.As(err, &gone), errors.Is(err, store.ErrNotFound):
		return nil
	}
	return err
}

func noSuch(format string, args ...any) error {
	return &types.NoSuchEntityException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func conflict(message string) error {
	return &types.DeleteConflictException{Message: aws.String(message)}
}

func quota(name string, limit int) error {
	return &types.LimitExceededException{Message: aws.String(fmt.Sprintf("Cannot exceed quota for %s: %d", name, limit))}
}

// changeable refuses changes of service-linked roles.
func changeable(e entity) error {
	if e.linked() {
		return &types.UnmodifiableEntityException{Message: aws.String(
			"Cannot perform the operation on the protected role '" + e.name() + "' - this role is only modifiable by AWS")}
	}
	return nil
}

// insert and remove keep sorted lists of names.
func insert(list []string, v string) []string {
	i, found := slices.BinarySearch(list, v)
	if found {
		return list
	}
	return slices.Insert(list, i, v)
}

func remove(list []string, v string) ([]string, bool) {
	i, found := slices.BinarySearch(list, v)
	if !found {
		return list, false
	}
	return slices.Delete(list, i, i+1), true
}
