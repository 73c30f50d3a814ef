package ec2

import (
	"context"
	"slices"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// mostRules is AWS's limit for the rules of a group in each direction.
const mostRules = 60

// AuthorizeSecurityGroupIngressInput adds rules, as permissions or, for one
// rule, in the older parameters beside them.
type AuthorizeSecurityGroupIngressInput struct {
	CidrIp                  string
	DryRun                  bool
	FromPort                *int32
	GroupId                 string
	GroupName               string
	IpPermissions           []IpPermission
	IpProtocol              string
	SourceSecurityGroupName string
	TagSpecifications       []TagSpecification
	ToPort                  *int32
}

// AuthorizeSecurityGroupIngressOutput has the new rules.
type AuthorizeSecurityGroupIngressOutput struct {
	Return             bool
	SecurityGroupRules []SecurityGroupRule
}

// AuthorizeSecurityGroupIngress adds rules for what may come in: all or none.
func (s *Service) AuthorizeSecurityGroupIngress(ctx context.Context, in *AuthorizeSecurityGroupIngressInput) (*AuthorizeSecurityGroupIngressOutput, error) {
	p := withOlder(in.IpPermissions, in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp, in.SourceSecurityGroupName)
	made, err := s.authorize(ctx, in.GroupId, in.GroupName, false, p, in.TagSpecifications)
	return &AuthorizeSecurityGroupIngressOutput{true, made}, err
}

// AuthorizeSecurityGroupEgressInput adds rules.
type AuthorizeSecurityGroupEgressInput struct {
	DryRun            bool
	GroupId           string
	IpPermissions     []IpPermission
	TagSpecifications []TagSpecification
}

// AuthorizeSecurityGroupEgressOutput has the new rules.
type AuthorizeSecurityGroupEgressOutput struct {
	Return             bool
	SecurityGroupRules []SecurityGroupRule
}

// AuthorizeSecurityGroupEgress adds rules for what may go out: all or none.
func (s *Service) AuthorizeSecurityGroupEgress(ctx context.Context, in *AuthorizeSecurityGroupEgressInput) (*AuthorizeSecurityGroupEgressOutput, error) {
	made, err := s.authorize(ctx, in.GroupId, "", true, in.IpPermissions, in.TagSpecifications)
	return &AuthorizeSecurityGroupEgressOutput{true, made}, err
}

// withOlder adds the permission that a request gives in the older parameters.
func withOlder(list []IpPermission, protocol string, from, to *int32, cidr, groupName string) []IpPermission {
	if protocol == "" && cidr == "" && groupName == "" {
		return list
	}
	p := IpPermission{IpProtocol: protocol, FromPort: from, ToPort: to}
	if cidr != "" {
		p.IpRanges = []IpRange{{CidrIp: cidr}}
	}
	if groupName != "" {
		p.UserIdGroupPairs = []UserIdGroupPair{{GroupName: groupName}}
		if protocol == "" {
			p.IpProtocol = "-1"
		}
	}
	return append(slices.Clone(list), p)
}

func (s *Service) authorize(ctx context.Context, groupID, groupName string, egress bool, list []IpPermission, specs []TagSpecification) ([]SecurityGroupRule, error) {
	tags, err := tagsFor(specs, ruleKind)
	if err != nil {
		return nil, err
	}
	var made []SecurityGroupRule
	return made, s.update(ctx, func(tx *engine.Tx, region string) error {
		g, err := s.named(tx, region, groupID, groupName)
		if err != nil {
			return err
		}
		rules, err := s.takeApart(tx, region, g, egress, list)
		if err != nil {
			return err
		}
		made = nil
		n := 0
		for _, r := range g.Rules {
			if r.Egress == egress {
				n++
			}
		}
		if n+len(rules) > mostRules {
			return fail("RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.")
		}
		for i, r := range rules {
			if slices.ContainsFunc(rules[:i], r.same) {
				return fail("InvalidParameterValue", "The same permission must not appear multiple times")
			}
			if slices.ContainsFunc(g.Rules, r.same) {
				return fail("InvalidPermission.Duplicate", "the specified rule \"%s\" already exists", r)
			}
		}
		for _, r := range rules {
			r.ID, r.Tags = s.newID(ruleKind), tags
			g.Rules = append(g.Rules, r)
			made = append(made, s.rule(region, g, r))
		}
		return groups.Put(tx, g, region, g.ID)
	})
}

// takeApart makes rules of a request's permissions.
func (s *Service) takeApart(r store.Reader, region string, g *group, egress bool, list []IpPermission) ([]rule, error) {
	if len(list) == 0 {
		return nil, fail("MissingParameter", "The request must contain the parameter ipPermissions")
	}
	var out []rule
	for _, p := range list {
		rules, err := p.rules(egress, func(x UserIdGroupPair) (string, error) { return s.peer(r, region, g, x) })
		if err != nil {
			return nil, err
		}
		out = append(out, rules...)
	}
	return out, nil
}

// peer finds the group that a pair names; it must be in the VPC of g.
func (s *Service) peer(r store.Reader, region string, g *group, x UserIdGroupPair) (string, error) {
	if x.UserId != "" && x.UserId != s.Site.Account {
		return "", fail("InvalidGroup.NotFound", "The security group '%s' does not exist", x.GroupId+x.GroupName)
	}
	if x.GroupId == "" && x.GroupName != "" {
		for o, err := range groups.All(r, region) {
			if err != nil || o.VPC == g.VPC && o.Name == x.GroupName {
				if err != nil {
					return "", err
				}
				return o.ID, nil
			}
		}
		return "", fail("InvalidGroup.NotFound", "The security group '%s' does not exist", x.GroupName)
	}
	o, err := get(r, groups, groupKind, region, x.GroupId)
	if err != nil {
		return "", err
	}
	if o.VPC != g.VPC {
		return "", fail("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")
	}
	return o.ID, nil
}

// SecurityGroupRule is a rule as answers have it.
type SecurityGroupRule struct {
	CidrIpv4             string
	CidrIpv6             string
	Description          string
	FromPort             int32
	GroupId              string
	GroupOwnerId         string
	IpProtocol           string
	IsEgress             bool
	PrefixListId         string
	ReferencedGroupInfo  *ReferencedSecurityGroup
	SecurityGroupRuleArn string
	SecurityGroupRuleId  string
	Tags                 []Tag
	ToPort               int32
}

// ReferencedSecurityGroup is a rule's peer that is a group.
type ReferencedSecurityGroup struct{ GroupId, UserId string }

func (s *Service) rule(region string, g *group, r rule) SecurityGroupRule {
	out := SecurityGroupRule{
		CidrIpv4: r.CIDR4, CidrIpv6: r.CIDR6, Description: r.Description, FromPort: r.From, ToPort: r.To, GroupId: g.ID, GroupOwnerId: s.Site.Account,
		IpProtocol: r.Protocol, IsEgress: r.Egress, PrefixListId: r.PrefixList, SecurityGroupRuleArn: s.arn(region, ruleKind, r.ID),
		SecurityGroupRuleId: r.ID, Tags: wireTags(r.Tags),
	}
	if r.Group != "" {
		out.ReferencedGroupInfo = &ReferencedSecurityGroup{r.Group, s.Site.Account}
	}
	return out
}

// DescribeSecurityGroupRulesInput selects rules.
type DescribeSecurityGroupRulesInput struct {
	DryRun               bool
	Filters              []Filter
	MaxResults           *int32
	NextToken            string
	SecurityGroupRuleIds []string
}

// DescribeSecurityGroupRulesOutput lists rules.
type DescribeSecurityGroupRulesOutput struct {
	NextToken          string
	SecurityGroupRules []SecurityGroupRule
}

// DescribeSecurityGroupRules lists the rules of the region's groups, all on one
// page.
func (s *Service) DescribeSecurityGroupRules(ctx context.Context, in *DescribeSecurityGroupRulesInput) (*DescribeSecurityGroupRulesOutput, error) {
	if in.NextToken != "" {
		return nil, fail("InvalidNextToken", "The token '%s' is invalid", in.NextToken)
	}
	of := func(g *group, r rule) facts {
		return func(name string) ([]string, bool) {
			switch name {
			case "group-id":
				return one(g.ID)
			case "security-group-rule-id":
				return one(r.ID)
			}
			return nil, false
		}
	}
	if err := checkFilters(in.Filters, of(&group{}, rule{})); err != nil {
		return nil, err
	}
	out := &DescribeSecurityGroupRulesOutput{SecurityGroupRules: []SecurityGroupRule{}}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		found := map[string]bool{}
		for g, err := range groups.All(r, region) {
			if err != nil {
				return err
			}
			for _, x := range g.Rules {
				found[x.ID] = true
				if len(in.SecurityGroupRuleIds) > 0 && !slices.Contains(in.SecurityGroupRuleIds, x.ID) || !matches(in.Filters, x.Tags, of(g, x)) {
					continue
				}
				out.SecurityGroupRules = append(out.SecurityGroupRules, s.rule(region, g, x))
			}
		}
		for _, id := range in.SecurityGroupRuleIds {
			if !found[id] {
				return ruleKind.absent(id)
			}
		}
		return nil
	})
}

// taggedRule changes the tags of a rule that is known by its id alone.
func taggedRule(tx store.Tx, region, id string, change func(tag.Set) (tag.Set, error)) error {
	for g, err := range groups.All(tx, region) {
		if err != nil {
			return err
		}
		i := slices.IndexFunc(g.Rules, func(r rule) bool { return r.ID == id })
		if i < 0 {
			continue
		}
		if g.Rules[i].Tags, err = change(g.Rules[i].Tags); err != nil {
			return err
		}
		return groups.Put(tx, g, region, g.ID)
	}
	return ruleKind.absent(id)
}
