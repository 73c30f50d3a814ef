package ec2

import (
	"context"
	"slices"

	"github.com/slipway-dev/slipway/internal/engine"
)

// RevokeSecurityGroupIngressInput removes rules by id or by what they say.
type RevokeSecurityGroupIngressInput struct {
	CidrIp                  string
	DryRun                  bool
	FromPort                *int32
	GroupId                 string
	GroupName               string
	IpPermissions           []IpPermission
	IpProtocol              string
	SecurityGroupRuleIds    []string
	SourceSecurityGroupName string
	ToPort                  *int32
}

// RevokeSecurityGroupIngressOutput says what is gone and what was not there.
type RevokeSecurityGroupIngressOutput struct {
	Return                    bool
	RevokedSecurityGroupRules []RevokedSecurityGroupRule
	UnknownIpPermissions      []IpPermission
}

// RevokedSecurityGroupRule is a rule that is gone.
type RevokedSecurityGroupRule struct {
	CidrIpv4            string
	CidrIpv6            string
	Description         string
	FromPort            int32
	GroupId             string
	IpProtocol          string
	IsEgress            bool
	PrefixListId        string
	ReferencedGroupId   string
	SecurityGroupRuleId string
	ToPort              int32
}

// RevokeSecurityGroupIngress removes rules for what may come in: all or none.
func (s *Service) RevokeSecurityGroupIngress(ctx context.Context, in *RevokeSecurityGroupIngressInput) (*RevokeSecurityGroupIngressOutput, error) {
	p := withOlder(in.IpPermissions, in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp, in.SourceSecurityGroupName)
	gone, unknown, err := s.revoke(ctx, in.GroupId, in.GroupName, false, p, in.SecurityGroupRuleIds)
	return &RevokeSecurityGroupIngressOutput{true, gone, unknown}, err
}

// RevokeSecurityGroupEgressInput removes rules by id or by what they say.
type RevokeSecurityGroupEgressInput struct {
	DryRun               bool
	GroupId              string
	IpPermissions        []IpPermission
	SecurityGroupRuleIds []string
}

// RevokeSecurityGroupEgressOutput says what is gone and what was not there.
type RevokeSecurityGroupEgressOutput struct {
	Return                    bool
	RevokedSecurityGroupRules []RevokedSecurityGroupRule
	UnknownIpPermissions      []IpPermission
}

// RevokeSecurityGroupEgress removes rules for what may go out: all or none.
func (s *Service) RevokeSecurityGroupEgress(ctx context.Context, in *RevokeSecurityGroupEgressInput) (*RevokeSecurityGroupEgressOutput, error) {
	gone, unknown, err := s.revoke(ctx, in.GroupId, "", true, in.IpPermissions, in.SecurityGroupRuleIds)
	return &RevokeSecurityGroupEgressOutput{true, gone, unknown}, err
}

var noRule = fail("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")

// revoke removes rules. A permission that is not there fails the request, but
// in the default VPC, where the answer tells of it (AWS's API reference).
func (s *Service) revoke(ctx context.Context, groupID, groupName string, egress bool, list []IpPermission, ids []string) (gone []RevokedSecurityGroupRule, unknown []IpPermission, err error) {
	err = s.update(ctx, func(tx *engine.Tx, region string) error {
		gone, unknown = nil, nil
		g, err := s.named(tx, region, groupID, groupName)
		if err != nil {
			return err
		}
		def, err := defaultVPC(tx, region)
		if err != nil {
			return err
		}
		drop := func(is func(rule) bool) bool {
			i := slices.IndexFunc(g.Rules, is)
			if i < 0 {
				return false
			}
			r := g.Rules[i]
			gone = append(gone, RevokedSecurityGroupRule{CidrIpv4: r.CIDR4, CidrIpv6: r.CIDR6, Description: r.Description, FromPort: r.From, ToPort: r.To,
				GroupId: g.ID, IpProtocol: r.Protocol, IsEgress: r.Egress, PrefixListId: r.PrefixList, ReferencedGroupId: r.Group, SecurityGroupRuleId: r.ID})
			g.Rules = slices.Delete(g.Rules, i, i+1)
			return true
		}
		for _, id := range ids {
			if !drop(func(r rule) bool { return r.ID == id && r.Egress == egress }) {
				return ruleKind.absent(id)
			}
		}
		if len(ids) == 0 || len(list) > 0 {
			rules, err := s.takeApart(tx, region, g, egress, list)
			if err != nil {
				return err
			}
			var missed []rule
			for _, r := range rules {
				if !drop(r.same) {
					missed = append(missed, r)
				}
			}
			if len(missed) > 0 && (def == nil || g.VPC != def.ID) {
				return noRule
			}
			unknown = s.permissions(missed, egress)
		}
		return groups.Put(tx, g, region, g.ID)
	})
	return gone, unknown, err
}

// SecurityGroupRuleDescription is a new description of a rule.
type SecurityGroupRuleDescription struct{ Description, SecurityGroupRuleId string }

// UpdateSecurityGroupRuleDescriptionsIngressInput describes rules anew.
type UpdateSecurityGroupRuleDescriptionsIngressInput struct {
	DryRun                        bool
	GroupId                       string
	GroupName                     string
	IpPermissions                 []IpPermission
	SecurityGroupRuleDescriptions []SecurityGroupRuleDescription
}

// UpdateSecurityGroupRuleDescriptionsIngressOutput is a success.
type UpdateSecurityGroupRuleDescriptionsIngressOutput struct{ Return bool }

// UpdateSecurityGroupRuleDescriptionsIngress describes rules anew.
func (s *Service) UpdateSecurityGroupRuleDescriptionsIngress(ctx context.Context, in *UpdateSecurityGroupRuleDescriptionsIngressInput) (*UpdateSecurityGroupRuleDescriptionsIngressOutput, error) {
	return &UpdateSecurityGroupRuleDescriptionsIngressOutput{true}, s.describeRules(ctx, in.GroupId, in.GroupName, false, in.IpPermissions, in.SecurityGroupRuleDescriptions)
}

// UpdateSecurityGroupRuleDescriptionsEgressInput describes rules anew.
type UpdateSecurityGroupRuleDescriptionsEgressInput struct {
	DryRun                        bool
	GroupId                       string
	GroupName                     string
	IpPermissions                 []IpPermission
	SecurityGroupRuleDescriptions []SecurityGroupRuleDescription
}

// UpdateSecurityGroupRuleDescriptionsEgressOutput is a success.
type UpdateSecurityGroupRuleDescriptionsEgressOutput struct{ Return bool }

// UpdateSecurityGroupRuleDescriptionsEgress describes rules anew.
func (s *Service) UpdateSecurityGroupRuleDescriptionsEgress(ctx context.Context, in *UpdateSecurityGroupRuleDescriptionsEgressInput) (*UpdateSecurityGroupRuleDescriptionsEgressOutput, error) {
	return &UpdateSecurityGroupRuleDescriptionsEgressOutput{true}, s.describeRules(ctx, in.GroupId, in.GroupName, true, in.IpPermissions, in.SecurityGroupRuleDescriptions)
}

func (s *Service) describeRules(ctx context.Context, groupID, groupName string, egress bool, list []IpPermission, byID []SecurityGroupRuleDescription) error {
	return s.update(ctx, func(tx *engine.Tx, region string) error {
		g, err := s.named(tx, region, groupID, groupName)
		if err != nil {
			return err
		}
		for _, d := range byID {
			i := slices.IndexFunc(g.Rules, func(r rule) bool { return r.ID == d.SecurityGroupRuleId && r.Egress == egress })
			if i < 0 {
				return ruleKind.absent(d.SecurityGroupRuleId)
			}
			if err := describes(d.Description); err != nil {
				return err
			}
			g.Rules[i].Description = d.Description
		}
		if len(byID) == 0 || len(list) > 0 {
			rules, err := s.takeApart(tx, region, g, egress, list)
			if err != nil {
				return err
			}
			for _, r := range rules {
				i := slices.IndexFunc(g.Rules, r.same)
				if i < 0 {
					return noRule
				}
				g.Rules[i].Description = r.Description
			}
		}
		return groups.Put(tx, g, region, g.ID)
	})
}

// ModifySecurityGroupRulesInput replaces rules under their ids.
type ModifySecurityGroupRulesInput struct {
	DryRun             bool
	GroupId            string
	SecurityGroupRules []SecurityGroupRuleUpdate
}

// SecurityGroupRuleUpdate is a rule's new content.
type SecurityGroupRuleUpdate struct {
	SecurityGroupRule   *SecurityGroupRuleRequest
	SecurityGroupRuleId string
}

// SecurityGroupRuleRequest is what a rule is to say.
type SecurityGroupRuleRequest struct {
	CidrIpv4          string
	CidrIpv6          string
	Description       string
	FromPort          *int32
	IpProtocol        string
	PrefixListId      string
	ReferencedGroupId string
	ToPort            *int32
}

// ModifySecurityGroupRulesOutput is a success.
type ModifySecurityGroupRulesOutput struct{ Return bool }

// ModifySecurityGroupRules replaces rules under their ids: all or none. A rule
// stays in its direction, and its peer of the kind it was.
func (s *Service) ModifySecurityGroupRules(ctx context.Context, in *ModifySecurityGroupRulesInput) (*ModifySecurityGroupRulesOutput, error) {
	return &ModifySecurityGroupRulesOutput{true}, s.update(ctx, func(tx *engine.Tx, region string) error {
		g, err := get(tx, groups, groupKind, region, in.GroupId)
		if err != nil {
			return err
		}
		for _, u := range in.SecurityGroupRules {
			i := slices.IndexFunc(g.Rules, func(r rule) bool { return r.ID == u.SecurityGroupRuleId })
			if i < 0 {
				return ruleKind.absent(u.SecurityGroupRuleId)
			}
			if u.SecurityGroupRule == nil {
				return fail("MissingParameter", "The request must contain the parameter SecurityGroupRule")
			}
			old := g.Rules[i]
			made, err := s.takeApart(tx, region, g, old.Egress, []IpPermission{u.SecurityGroupRule.permission()})
			if err != nil {
				return err
			}
			if len(made) != 1 {
				return fail("InvalidParameterCombination", "A rule has one source or destination")
			}
			r := made[0]
			if (r.CIDR4 == "") != (old.CIDR4 == "") || (r.CIDR6 == "") != (old.CIDR6 == "") || (r.Group == "") != (old.Group == "") {
				return fail("InvalidParameterValue", "The type of the source or destination of the rule '%s' cannot be changed", old.ID)
			}
			r.ID, r.Tags = old.ID, old.Tags
			g.Rules[i] = r
			if slices.ContainsFunc(g.Rules, func(o rule) bool { return o.ID != r.ID && o.same(r) }) {
				return fail("InvalidPermission.Duplicate", "the specified rule \"%s\" already exists", r)
			}
		}
		return groups.Put(tx, g, region, g.ID)
	})
}

func (q *SecurityGroupRuleRequest) permission() IpPermission {
	p := IpPermission{IpProtocol: q.IpProtocol, FromPort: q.FromPort, ToPort: q.ToPort}
	if q.CidrIpv4 != "" {
		p.IpRanges = []IpRange{{q.CidrIpv4, q.Description}}
	}
	if q.CidrIpv6 != "" {
		p.Ipv6Ranges = []Ipv6Range{{q.CidrIpv6, q.Description}}
	}
	if q.PrefixListId != "" {
		p.PrefixListIds = []PrefixListId{{q.Description, q.PrefixListId}}
	}
	if q.ReferencedGroupId != "" {
		p.UserIdGroupPairs = []UserIdGroupPair{{Description: q.Description, GroupId: q.ReferencedGroupId}}
	}
	return p
}
