package ec2

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// group is what the store keeps of a security group.
type group struct {
	ID, VPC, Name, Description string
	Rules                      []rule  `json:",omitempty"` // in the order they came
	Tags                       tag.Set `json:",omitempty"`
}

// defaultGroup is the name of the group that every VPC has.
const defaultGroup = "default"

// SecurityGroup is a security group as answers have it.
type SecurityGroup struct {
	Description         string
	GroupId             string
	GroupName           string
	IpPermissions       []IpPermission
	IpPermissionsEgress []IpPermission
	OwnerId             string
	SecurityGroupArn    string
	Tags                []Tag
	VpcId               string
}

func (s *Service) group(region string, g *group) SecurityGroup {
	return SecurityGroup{
		Description: g.Description, GroupId: g.ID, GroupName: g.Name, OwnerId: s.Site.Account, SecurityGroupArn: s.arn(region, groupKind, g.ID),
		IpPermissions: s.permissions(g.Rules, false), IpPermissionsEgress: s.permissions(g.Rules, true), Tags: wireTags(g.Tags), VpcId: g.VPC,
	}
}

// groupText is what names and descriptions of groups in a VPC may have.
var groupText = regexp.MustCompile(`^[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}$`)

// CreateSecurityGroupInput asks for a security group.
type CreateSecurityGroupInput struct {
	Description       string
	DryRun            bool
	GroupName         string
	TagSpecifications []TagSpecification
	VpcId             string
}

// CreateSecurityGroupOutput has its id.
type CreateSecurityGroupOutput struct {
	GroupId          string
	SecurityGroupArn string
	Tags             []Tag
}

// CreateSecurityGroup makes a group that lets everything out and nothing in, in
// the default VPC if the request names none.
func (s *Service) CreateSecurityGroup(ctx context.Context, in *CreateSecurityGroupInput) (*CreateSecurityGroupOutput, error) {
	for _, t := range [][2]string{{"GroupName", in.GroupName}, {"GroupDescription", in.Description}} {
		if !groupText.MatchString(t[1]) {
			return nil, invalidValue(t[0], t[1], "Character sets beyond ASCII are not supported, and the length is limited to 255: a-z, A-Z, 0-9, spaces, and ._-:/()#,@[]+=&;{}!$*")
		}
	}
	switch {
	case in.GroupName == defaultGroup:
		return nil, fail("InvalidGroup.Reserved", "Cannot use reserved security group name: default")
	case strings.HasPrefix(in.GroupName, "sg-"):
		return nil, invalidValue("groupName", in.GroupName, "Group names may not be in the format sg-*.")
	}
	tags, err := tagsFor(in.TagSpecifications, groupKind)
	if err != nil {
		return nil, err
	}
	g := &group{ID: s.newID(groupKind), VPC: in.VpcId, Name: in.GroupName, Description: in.Description, Rules: []rule{s.allowAll(true)}, Tags: tags}
	out := &CreateSecurityGroupOutput{GroupId: g.ID, Tags: wireTags(g.Tags)}
	return out, s.update(ctx, func(tx *engine.Tx, region string) error {
		if g.VPC == "" {
			def, err := defaultVPC(tx, region)
			if err != nil {
				return err
			}
			if def == nil {
				return fail("VPCIdNotSpecified", "No default VPC for this user")
			}
			g.VPC = def.ID
		}
		if _, err := get(tx, vpcs, vpcKind, region, g.VPC); err != nil {
			return err
		}
		for other, err := range groups.All(tx, region) {
			if err != nil {
				return err
			}
			if other.VPC == g.VPC && other.Name == g.Name {
				return fail("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", g.Name, g.VPC)
			}
		}
		out.SecurityGroupArn = s.arn(region, groupKind, g.ID)
		return groups.Put(tx, g, region, g.ID)
	})
}

// DeleteSecurityGroupInput names a group by id or, in the default VPC, by name.
type DeleteSecurityGroupInput struct {
	DryRun    bool
	GroupId   string
	GroupName string
}

// DeleteSecurityGroupOutput has its id.
type DeleteSecurityGroupOutput struct {
	GroupId string
	Return  bool
}

// DeleteSecurityGroup deletes a group that no interface and no rule of another
// group uses.
func (s *Service) DeleteSecurityGroup(ctx context.Context, in *DeleteSecurityGroupInput) (*DeleteSecurityGroupOutput, error) {
	out := &DeleteSecurityGroupOutput{Return: true}
	return out, s.update(ctx, func(tx *engine.Tx, region string) error {
		g, err := s.named(tx, region, in.GroupId, in.GroupName)
		if err != nil {
			return err
		}
		if g.Name == defaultGroup {
			return fail("CannotDelete", "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", g.ID)
		}
		busy := fail("DependencyViolation", "resource %s has a dependent object", g.ID)
		for other, err := range groups.All(tx, region) {
			if err != nil {
				return err
			}
			if other.ID != g.ID && slices.ContainsFunc(other.Rules, func(r rule) bool { return r.Group == g.ID }) {
				return busy
			}
		}
		all, err := s.allInterfaces(tx, region)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(i Interface) bool { return slices.Contains(i.Groups, g.ID) }) {
			return busy
		}
		out.GroupId = g.ID
		return groups.Delete(tx, region, g.ID)
	})
}

// named finds a group by id, or in the default VPC by name.
func (s *Service) named(r store.Reader, region, id, name string) (*group, error) {
	switch {
	case id != "":
		return get(r, groups, groupKind, region, id)
	case name == "":
		return nil, fail("MissingParameter", "The request must contain the parameter groupName or groupId")
	}
	def, err := defaultVPC(r, region)
	if err != nil {
		return nil, err
	}
	for g, err := range groups.All(r, region) {
		if err != nil {
			return nil, err
		}
		if def != nil && g.VPC == def.ID && g.Name == name {
			return g, nil
		}
	}
	if def == nil {
		return nil, fail("VPCIdNotSpecified", "No default VPC for this user")
	}
	return nil, fail("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC '%s'", name, def.ID)
}

// DescribeSecurityGroupsInput selects security groups.
type DescribeSecurityGroupsInput struct {
	DryRun     bool
	Filters    []Filter
	GroupIds   []string
	GroupNames []string
	MaxResults *int32
	NextToken  string
}

// DescribeSecurityGroupsOutput is a page of security groups.
type DescribeSecurityGroupsOutput struct {
	NextToken      string
	SecurityGroups []SecurityGroup
}

// DescribeSecurityGroups lists the region's security groups.
func (s *Service) DescribeSecurityGroups(ctx context.Context, in *DescribeSecurityGroupsInput) (*DescribeSecurityGroupsOutput, error) {
	out := &DescribeSecurityGroupsOutput{}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		ids := slices.Clone(in.GroupIds)
		for _, name := range in.GroupNames {
			g, err := s.named(r, region, "", name)
			if err != nil {
				return err
			}
			ids = append(ids, g.ID)
		}
		var err error
		out.SecurityGroups, out.NextToken, err = describe(r, groups, listing{region, groupKind, ids, in.Filters, in.MaxResults, in.NextToken},
			func(g *group) string { return g.ID }, func(g *group) tag.Set { return g.Tags }, s.groupFacts,
			func(g *group) SecurityGroup { return s.group(region, g) })
		return err
	})
}

func (s *Service) groupFacts(g *group) facts {
	return func(name string) ([]string, bool) {
		switch name {
		case "group-id":
			return one(g.ID)
		case "group-name":
			return one(g.Name)
		case "vpc-id":
			return one(g.VPC)
		case "description":
			return one(g.Description)
		case "owner-id":
			return one(s.Site.Account)
		}
		name, egress := strings.CutPrefix(name, "egress.")
		of, ok := ruleFacts[strings.TrimPrefix(name, "ip-permission.")]
		if !ok || !strings.HasPrefix(name, "ip-permission.") {
			return nil, false
		}
		out := []string{}
		for _, r := range g.Rules {
			if v := of(s, r); r.Egress == egress && v != "" {
				out = append(out, v)
			}
		}
		return out, true
	}
}

// ruleFacts are what groups can be filtered by of their rules.
var ruleFacts = map[string]func(*Service, rule) string{
	"cidr":           func(_ *Service, r rule) string { return r.CIDR4 },
	"ipv6-cidr":      func(_ *Service, r rule) string { return r.CIDR6 },
	"from-port":      func(_ *Service, r rule) string { return strconv.Itoa(int(r.From)) },
	"to-port":        func(_ *Service, r rule) string { return strconv.Itoa(int(r.To)) },
	"protocol":       func(_ *Service, r rule) string { return r.Protocol },
	"group-id":       func(_ *Service, r rule) string { return r.Group },
	"group-name":     func(*Service, rule) string { return "" },
	"prefix-list-id": func(_ *Service, r rule) string { return r.PrefixList },
	"user-id": func(s *Service, r rule) string {
		if r.Group == "" {
			return ""
		}
		return s.Site.Account
	},
}
