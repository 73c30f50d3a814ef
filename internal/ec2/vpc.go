package ec2

import (
	"context"
	"net/netip"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// vpc is what the store keeps of a VPC.
type vpc struct {
	ID          string
	CIDR        netip.Prefix
	Association string // of the CIDR block
	Tenancy     string
	Default     bool `json:",omitempty"`

	DNSSupport, DNSHostnames, UsageMetrics bool

	Tags tag.Set `json:",omitempty"`
}

// Vpc is a VPC as answers have it.
type Vpc struct {
	CidrBlock               string
	CidrBlockAssociationSet []VpcCidrBlockAssociation
	DhcpOptionsId           string
	InstanceTenancy         string
	IsDefault               bool
	OwnerId                 string
	State                   string
	Tags                    []Tag
	VpcId                   string
}

// VpcCidrBlockAssociation is a block of addresses of a VPC.
type VpcCidrBlockAssociation struct {
	AssociationId  string
	CidrBlock      string
	CidrBlockState VpcCidrBlockState
}

// VpcCidrBlockState says that a block is associated.
type VpcCidrBlockState struct{ State string }

// dhcpOptions is the set that every region has; there are no others.
const dhcpOptions = "dopt-00000000000000001"

func (s *Service) vpc(v *vpc) Vpc {
	return Vpc{
		CidrBlock:               v.CIDR.String(),
		CidrBlockAssociationSet: []VpcCidrBlockAssociation{{v.Association, v.CIDR.String(), VpcCidrBlockState{"associated"}}},
		DhcpOptionsId:           dhcpOptions, InstanceTenancy: v.Tenancy, IsDefault: v.Default, OwnerId: s.Site.Account,
		State: "available", Tags: wireTags(v.Tags), VpcId: v.ID,
	}
}

// CreateVpcInput asks for a VPC. IPv6 blocks are not implemented.
type CreateVpcInput struct {
	AmazonProvidedIpv6CidrBlock bool
	CidrBlock                   string
	DryRun                      bool
	InstanceTenancy             string
	TagSpecifications           []TagSpecification
}

// CreateVpcOutput has the VPC.
type CreateVpcOutput struct{ Vpc Vpc }

// CreateVpc makes a VPC with its default security group, route table and
// network ACL.
func (s *Service) CreateVpc(ctx context.Context, in *CreateVpcInput) (*CreateVpcOutput, error) {
	if in.AmazonProvidedIpv6CidrBlock {
		return nil, fail("UnsupportedOperation", "IPv6 blocks of VPCs are not implemented")
	}
	if in.CidrBlock == "" {
		return nil, fail("MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' must be provided.")
	}
	if in.InstanceTenancy == "host" {
		return nil, invalidValue("instanceTenancy", "host", "A VPC's tenancy is default or dedicated.")
	}
	block, err := parseBlock("cidrBlock", in.CidrBlock)
	if err != nil {
		return nil, err
	}
	if block.Bits() < 16 || block.Bits() > 28 {
		return nil, fail("InvalidVpc.Range", "The CIDR '%s' is invalid.", in.CidrBlock)
	}
	tags, err := tagsFor(in.TagSpecifications, vpcKind)
	if err != nil {
		return nil, err
	}
	v := &vpc{ID: s.newID(vpcKind), CIDR: block, Tenancy: in.InstanceTenancy, DNSSupport: true, Tags: tags}
	if v.Tenancy == "" {
		v.Tenancy = "default"
	}
	err = s.update(ctx, func(tx *engine.Tx, region string) error { return s.putVPC(tx, region, v, s.newID) })
	return &CreateVpcOutput{Vpc: s.vpc(v)}, err
}

// putVPC writes a new VPC and what every VPC has.
func (s *Service) putVPC(tx store.Tx, region string, v *vpc, newID func(kind) string) error {
	v.Association = newID(kind{prefix: "vpc-cidr-assoc"})
	if err := vpcs.Put(tx, v, region, v.ID); err != nil {
		return err
	}
	g := &group{ID: newID(groupKind), VPC: v.ID, Name: defaultGroup, Description: "default VPC security group"}
	g.Rules = []rule{s.allowAll(true), s.allowAll(false)}
	g.Rules[1].CIDR4, g.Rules[1].Group = "", g.ID
	if err := groups.Put(tx, g, region, g.ID); err != nil {
		return err
	}
	t := newTable(newID(tableKind), v)
	t.Association = newID(associationKind)
	if err := tables.Put(tx, t, region, t.ID); err != nil {
		return err
	}
	a := &networkACL{ID: newID(aclKind), VPC: v.ID}
	return acls.Put(tx, a, region, a.ID)
}

// CreateDefaultVpcInput asks for a default VPC.
type CreateDefaultVpcInput struct{ DryRun bool }

// CreateDefaultVpcOutput has the VPC.
type CreateDefaultVpcOutput struct{ Vpc Vpc }

// CreateDefaultVpc makes the region's default VPC anew. It is there from the
// beginning, and cannot be deleted while its internet gateway is attached, so
// what there is to say is that it exists.
func (s *Service) CreateDefaultVpc(ctx context.Context, _ *CreateDefaultVpcInput) (*CreateDefaultVpcOutput, error) {
	return nil, s.view(ctx, func(r store.Reader, region string) error {
		def, err := defaultVPC(r, region)
		if err != nil {
			return err
		}
		if def == nil {
			return fail("UnsupportedOperation", "Making another default VPC is not implemented")
		}
		return fail("DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
	})
}

// DeleteVpcInput names a VPC.
type DeleteVpcInput struct {
	DryRun bool
	VpcId  string
}

// DeleteVpcOutput is empty.
type DeleteVpcOutput struct{}

// DeleteVpc deletes a VPC that has no subnets, no security groups but the
// default one, no route tables but the main one, and no internet gateway.
func (s *Service) DeleteVpc(ctx context.Context, in *DeleteVpcInput) (*DeleteVpcOutput, error) {
	return &DeleteVpcOutput{}, s.update(ctx, func(tx *engine.Tx, region string) error {
		v, err := get(tx, vpcs, vpcKind, region, in.VpcId)
		if err != nil {
			return err
		}
		busy := fail("DependencyViolation", "The vpc '%s' has dependencies and cannot be deleted.", v.ID)
		for n, err := range subnets.All(tx, region) {
			if err != nil {
				return err
			}
			if n.VPC == v.ID {
				return busy
			}
		}
		for g, err := range gateways.All(tx, region) {
			if err != nil {
				return err
			}
			if g.VPC == v.ID {
				return busy
			}
		}
		var drop []string
		for g, err := range groups.All(tx, region) {
			if err != nil {
				return err
			}
			if g.VPC != v.ID {
				continue
			}
			if g.Name != defaultGroup {
				return busy
			}
			drop = append(drop, groups.Key(region, g.ID))
		}
		for t, err := range tables.All(tx, region) {
			if err != nil {
				return err
			}
			switch {
			case t.VPC != v.ID:
			case t.Association == "":
				return busy
			default:
				drop = append(drop, tables.Key(region, t.ID))
			}
		}
		for a, err := range acls.All(tx, region) {
			if err != nil {
				return err
			}
			if a.VPC == v.ID {
				drop = append(drop, acls.Key(region, a.ID))
			}
		}
		for _, key := range append(drop, vpcs.Key(region, v.ID)) {
			if err := tx.Delete(key); err != nil {
				return err
			}
		}
		return nil
	})
}

// DescribeVpcsInput selects VPCs.
type DescribeVpcsInput struct {
	DryRun     bool
	Filters    []Filter
	MaxResults *int32
	NextToken  string
	VpcIds     []string
}

// DescribeVpcsOutput is a page of VPCs.
type DescribeVpcsOutput struct {
	NextToken string
	Vpcs      []Vpc
}

// DescribeVpcs lists the region's VPCs.
func (s *Service) DescribeVpcs(ctx context.Context, in *DescribeVpcsInput) (*DescribeVpcsOutput, error) {
	out := &DescribeVpcsOutput{}
	return out, s.view(ctx, func(r store.Reader, region string) (err error) {
		out.Vpcs, out.NextToken, err = describe(r, vpcs, listing{region, vpcKind, in.VpcIds, in.Filters, in.MaxResults, in.NextToken},
			func(v *vpc) string { return v.ID }, func(v *vpc) tag.Set { return v.Tags }, s.vpcFacts, s.vpc)
		return err
	})
}

func (s *Service) vpcFacts(v *vpc) facts {
	return func(name string) ([]string, bool) {
		switch name {
		case "vpc-id":
			return one(v.ID)
		case "is-default", "isDefault":
			return flag(v.Default)
		case "cidr", "cidr-block", "cidrBlock", "cidr-block-association.cidr-block":
			return one(v.CIDR.String())
		case "cidr-block-association.association-id":
			return one(v.Association)
		case "cidr-block-association.state":
			return one("associated")
		case "dhcp-options-id", "dhcpOptionsId":
			return one(dhcpOptions)
		case "owner-id":
			return one(s.Site.Account)
		case "state":
			return one("available")
		case "ipv6-cidr-block-association.ipv6-cidr-block", "ipv6-cidr-block-association.ipv6-pool",
			"ipv6-cidr-block-association.association-id", "ipv6-cidr-block-association.state":
			return nil, true
		}
		return nil, false
	}
}

// parseBlock reads a CIDR block and takes away host bits, as EC2 does.
func parseBlock(parameter, cidr string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(cidr)
	if err != nil || !p.Addr().Is4() {
		return netip.Prefix{}, invalidValue(parameter, cidr, "This is not a valid CIDR block.")
	}
	return p.Masked(), nil
}
