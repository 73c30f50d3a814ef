package ec2

import (
	"context"
	"slices"
	"strconv"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// networkACL is a VPC's default network ACL; there are no others.
type networkACL struct {
	ID, VPC string
	// Entries are the rules, but for the last of each direction, which denies and
	// is always there. Set tells that they were ever changed: the first ones let
	// everything through.
	Entries []NetworkAclEntry `json:",omitempty"`
	Set     bool              `json:",omitempty"`
	Tags    tag.Set           `json:",omitempty"`
}

// NetworkAcl is a network ACL as answers have it.
type NetworkAcl struct {
	Associations []NetworkAclAssociation
	Entries      []NetworkAclEntry
	IsDefault    bool
	NetworkAclId string
	OwnerId      string
	Tags         []Tag
	VpcId        string
}

// NetworkAclAssociation is with a subnet.
type NetworkAclAssociation struct{ NetworkAclAssociationId, NetworkAclId, SubnetId string }

// NetworkAclEntry is a rule of an ACL.
type NetworkAclEntry struct {
	CidrBlock     string
	Egress        bool
	IcmpTypeCode  *IcmpTypeCode
	Ipv6CidrBlock string
	PortRange     *PortRange
	Protocol      string
	RuleAction    string
	RuleNumber    int32
}

// IcmpTypeCode is a kind of ICMP message; -1 is any.
type IcmpTypeCode struct{ Code, Type int32 }

// PortRange is a range of ports.
type PortRange struct{ From, To int32 }

// lastEntry is the number of the rule that denies what no other lets through.
const lastEntry = 32767

// entries are an ACL's rules, of each direction in their order.
func (a *networkACL) entries() []NetworkAclEntry {
	list := slices.Clone(a.Entries)
	if !a.Set {
		list = []NetworkAclEntry{everything(true, "allow", 100), everything(false, "allow", 100)}
	}
	list = append(list, everything(true, "deny", lastEntry), everything(false, "deny", lastEntry))
	slices.SortStableFunc(list, func(x, y NetworkAclEntry) int {
		if x.Egress != y.Egress {
			if x.Egress {
				return -1
			}
			return 1
		}
		return int(x.RuleNumber - y.RuleNumber)
	})
	return list
}

func everything(egress bool, action string, number int32) NetworkAclEntry {
	return NetworkAclEntry{CidrBlock: "0.0.0.0/0", Egress: egress, Protocol: "-1", RuleAction: action, RuleNumber: number}
}

// CreateNetworkAclEntryInput adds a rule.
type CreateNetworkAclEntryInput struct {
	CidrBlock     string
	DryRun        bool
	Egress        bool
	IcmpTypeCode  *IcmpTypeCode
	Ipv6CidrBlock string
	NetworkAclId  string
	PortRange     *PortRange
	Protocol      string
	RuleAction    string
	RuleNumber    int32
}

// CreateNetworkAclEntryOutput is empty.
type CreateNetworkAclEntryOutput struct{}

// CreateNetworkAclEntry adds a rule under a number that is free.
func (s *Service) CreateNetworkAclEntry(ctx context.Context, in *CreateNetworkAclEntryInput) (*CreateNetworkAclEntryOutput, error) {
	return &CreateNetworkAclEntryOutput{}, s.putEntry(ctx, in, false)
}

// ReplaceNetworkAclEntryInput replaces a rule.
type ReplaceNetworkAclEntryInput CreateNetworkAclEntryInput

// ReplaceNetworkAclEntryOutput is empty.
type ReplaceNetworkAclEntryOutput struct{}

// ReplaceNetworkAclEntry replaces the rule of a number.
func (s *Service) ReplaceNetworkAclEntry(ctx context.Context, in *ReplaceNetworkAclEntryInput) (*ReplaceNetworkAclEntryOutput, error) {
	return &ReplaceNetworkAclEntryOutput{}, s.putEntry(ctx, (*CreateNetworkAclEntryInput)(in), true)
}

func (s *Service) putEntry(ctx context.Context, in *CreateNetworkAclEntryInput, replace bool) error {
	e := NetworkAclEntry{CidrBlock: in.CidrBlock, Egress: in.Egress, IcmpTypeCode: in.IcmpTypeCode, Ipv6CidrBlock: in.Ipv6CidrBlock, PortRange: in.PortRange,
		Protocol: in.Protocol, RuleAction: in.RuleAction, RuleNumber: in.RuleNumber}
	if err := e.check(); err != nil {
		return err
	}
	return s.changeACL(ctx, in.NetworkAclId, func(a *networkACL) error {
		i := a.index(e.Egress, e.RuleNumber)
		switch {
		case replace && i < 0:
			return noEntry(e.Egress, e.RuleNumber, a.ID)
		case replace:
			a.Entries[i] = e
		case i >= 0:
			return fail("NetworkAclEntryAlreadyExists", "The network acl entry identified by %d already exists.", e.RuleNumber)
		default:
			a.Entries = append(a.Entries, e)
		}
		return nil
	})
}

// check refuses what is no rule, and gives its protocol the number that answers
// have.
func (e *NetworkAclEntry) check() error {
	if e.RuleNumber < 1 || e.RuleNumber >= lastEntry {
		return invalidValue("ruleNumber", strconv.Itoa(int(e.RuleNumber)), "The number of a rule is from 1 to 32766.")
	}
	if (e.CidrBlock == "") == (e.Ipv6CidrBlock == "") {
		return fail("MissingParameter", "The request must contain exactly one of cidrBlock or ipv6CidrBlock")
	}
	if e.CidrBlock != "" {
		block, err := parseBlock("cidrBlock", e.CidrBlock)
		if err != nil {
			return err
		}
		e.CidrBlock = block.String()
	}
	if number, ok := map[string]string{"tcp": "6", "udp": "17", "icmp": "1", "all": "-1"}[e.Protocol]; ok {
		e.Protocol = number
	}
	if n, err := strconv.Atoi(e.Protocol); err != nil || n < -1 || n > 255 {
		return invalidValue("protocol", e.Protocol, "Protocols are tcp, udp, icmp, a number or -1.")
	}
	if (e.Protocol == "6" || e.Protocol == "17") && e.PortRange == nil {
		return fail("MissingParameter", "The request must contain the parameter portRange")
	}
	return nil
}

// DeleteNetworkAclEntryInput names a rule.
type DeleteNetworkAclEntryInput struct {
	DryRun       bool
	Egress       bool
	NetworkAclId string
	RuleNumber   int32
}

// DeleteNetworkAclEntryOutput is empty.
type DeleteNetworkAclEntryOutput struct{}

// DeleteNetworkAclEntry removes a rule.
func (s *Service) DeleteNetworkAclEntry(ctx context.Context, in *DeleteNetworkAclEntryInput) (*DeleteNetworkAclEntryOutput, error) {
	return &DeleteNetworkAclEntryOutput{}, s.changeACL(ctx, in.NetworkAclId, func(a *networkACL) error {
		i := a.index(in.Egress, in.RuleNumber)
		if i < 0 {
			return noEntry(in.Egress, in.RuleNumber, a.ID)
		}
		a.Entries = slices.Delete(a.Entries, i, i+1)
		return nil
	})
}

func noEntry(egress bool, number int32, acl string) error {
	direction := "ingress"
	if egress {
		direction = "egress"
	}
	return fail("InvalidNetworkAclEntry.NotFound", "no such network acl entry: %s rule %d of %s", direction, number, acl)
}

func (a *networkACL) index(egress bool, number int32) int {
	return slices.IndexFunc(a.Entries, func(e NetworkAclEntry) bool { return e.Egress == egress && e.RuleNumber == number })
}

func (s *Service) changeACL(ctx context.Context, id string, f func(*networkACL) error) error {
	return s.update(ctx, func(tx *engine.Tx, region string) error {
		a, err := get(tx, acls, aclKind, region, id)
		if err != nil {
			return err
		}
		if !a.Set {
			a.Entries, a.Set = []NetworkAclEntry{everything(true, "allow", 100), everything(false, "allow", 100)}, true
		}
		if err := f(a); err != nil {
			return err
		}
		return acls.Put(tx, a, region, a.ID)
	})
}

// DescribeNetworkAclsInput selects network ACLs.
type DescribeNetworkAclsInput struct {
	DryRun        bool
	Filters       []Filter
	MaxResults    *int32
	NetworkAclIds []string
	NextToken     string
}

// DescribeNetworkAclsOutput is a page of network ACLs.
type DescribeNetworkAclsOutput struct {
	NetworkAcls []NetworkAcl
	NextToken   string
}

// DescribeNetworkAcls lists the default network ACLs of the region's VPCs.
func (s *Service) DescribeNetworkAcls(ctx context.Context, in *DescribeNetworkAclsInput) (*DescribeNetworkAclsOutput, error) {
	out := &DescribeNetworkAclsOutput{}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		with := map[string][]NetworkAclAssociation{} // by VPC
		for n, err := range subnets.All(r, region) {
			if err != nil {
				return err
			}
			with[n.VPC] = append(with[n.VPC], NetworkAclAssociation{n.ACLAssociation, "", n.ID})
		}
		var err error
		out.NetworkAcls, out.NextToken, err = describe(r, acls, listing{region, aclKind, in.NetworkAclIds, in.Filters, in.MaxResults, in.NextToken},
			func(a *networkACL) string { return a.ID }, func(a *networkACL) tag.Set { return a.Tags },
			func(a *networkACL) facts { return s.aclFacts(a, with[a.VPC]) },
			func(a *networkACL) NetworkAcl {
				for i := range with[a.VPC] {
					with[a.VPC][i].NetworkAclId = a.ID
				}
				return NetworkAcl{with[a.VPC], a.entries(), true, a.ID, s.Site.Account, wireTags(a.Tags), a.VPC}
			})
		return err
	})
}

func (s *Service) aclFacts(a *networkACL, with []NetworkAclAssociation) facts {
	return func(name string) ([]string, bool) {
		out := []string{}
		switch name {
		case "network-acl-id", "association.network-acl-id":
			return one(a.ID)
		case "vpc-id":
			return one(a.VPC)
		case "owner-id":
			return one(s.Site.Account)
		case "default":
			return flag(true)
		case "association.subnet-id":
			for _, w := range with {
				out = append(out, w.SubnetId)
			}
			return out, true
		case "association.association-id":
			for _, w := range with {
				out = append(out, w.NetworkAclAssociationId)
			}
			return out, true
		}
		return nil, false
	}
}
