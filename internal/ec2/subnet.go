package ec2

import (
	"context"
	"net/netip"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// subnet is what the store keeps of a subnet.
type subnet struct {
	ID, VPC, Zone  string
	CIDR           netip.Prefix
	DefaultForZone bool   `json:",omitempty"`
	PublicIP       bool   `json:",omitempty"` // for what is launched in it
	HostnameType   string // ip-name, resource-name
	ARecord        bool   `json:",omitempty"` // for resource names
	ACLAssociation string
	Tags           tag.Set `json:",omitempty"`
}

// Subnet is a subnet as answers have it.
type Subnet struct {
	AssignIpv6AddressOnCreation   bool
	AvailabilityZone              string
	AvailabilityZoneId            string
	AvailableIpAddressCount       int32
	CidrBlock                     string
	DefaultForAz                  bool
	EnableDns64                   bool
	Ipv6Native                    bool
	MapCustomerOwnedIpOnLaunch    bool
	MapPublicIpOnLaunch           bool
	OwnerId                       string
	PrivateDnsNameOptionsOnLaunch PrivateDnsNameOptionsOnLaunch
	State                         string
	SubnetArn                     string
	SubnetId                      string
	Tags                          []Tag
	VpcId                         string
}

// PrivateDnsNameOptionsOnLaunch says how what is launched in a subnet is named.
type PrivateDnsNameOptionsOnLaunch struct {
	EnableResourceNameDnsAAAARecord bool
	EnableResourceNameDnsARecord    bool
	HostnameType                    string
}

// reserved is how many addresses of a subnet AWS keeps for itself.
const reserved = 5

func (n *subnet) free(taken int) int32 { return int32(1<<(32-n.CIDR.Bits()) - reserved - taken) }

func (s *Service) subnet(region string, n *subnet, taken int) Subnet {
	z, _ := zone(region, n.Zone)
	return Subnet{
		AvailabilityZone: n.Zone, AvailabilityZoneId: z.ZoneId, AvailableIpAddressCount: n.free(taken), CidrBlock: n.CIDR.String(),
		DefaultForAz: n.DefaultForZone, MapPublicIpOnLaunch: n.PublicIP, OwnerId: s.Site.Account,
		PrivateDnsNameOptionsOnLaunch: PrivateDnsNameOptionsOnLaunch{EnableResourceNameDnsARecord: n.ARecord, HostnameType: n.HostnameType},
		State:                         "available", SubnetArn: s.arn(region, subnetKind, n.ID), SubnetId: n.ID, Tags: wireTags(n.Tags), VpcId: n.VPC,
	}
}

// CreateSubnetInput asks for a subnet. IPv6 blocks are not implemented.
type CreateSubnetInput struct {
	AvailabilityZone   string
	AvailabilityZoneId string
	CidrBlock          string
	DryRun             bool
	Ipv6Native         bool
	TagSpecifications  []TagSpecification
	VpcId              string
}

// CreateSubnetOutput has the subnet.
type CreateSubnetOutput struct{ Subnet Subnet }

// CreateSubnet makes a subnet in a free part of its VPC's block.
func (s *Service) CreateSubnet(ctx context.Context, in *CreateSubnetInput) (*CreateSubnetOutput, error) {
	if in.Ipv6Native {
		return nil, fail("UnsupportedOperation", "Subnets with IPv6 only are not implemented")
	}
	if in.CidrBlock == "" {
		return nil, fail("MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' must be provided.")
	}
	block, err := parseBlock("cidrBlock", in.CidrBlock)
	if err != nil {
		return nil, err
	}
	tags, err := tagsFor(in.TagSpecifications, subnetKind)
	if err != nil {
		return nil, err
	}
	n := &subnet{ID: s.newID(subnetKind), VPC: in.VpcId, CIDR: block, HostnameType: "ip-name", Tags: tags, ACLAssociation: s.newID(kind{prefix: "aclassoc"})}
	out := &CreateSubnetOutput{}
	return out, s.update(ctx, func(tx *engine.Tx, region string) error {
		v, err := get(tx, vpcs, vpcKind, region, in.VpcId)
		if err != nil {
			return err
		}
		if n.Zone, err = pickZone(region, in.AvailabilityZone, in.AvailabilityZoneId); err != nil {
			return err
		}
		if block.Bits() > 28 || block.Bits() < v.CIDR.Bits() || !v.CIDR.Contains(block.Addr()) {
			return fail("InvalidSubnet.Range", "The CIDR '%s' is invalid.", in.CidrBlock)
		}
		for other, err := range subnets.All(tx, region) {
			if err != nil {
				return err
			}
			if other.VPC == v.ID && other.CIDR.Overlaps(block) {
				return fail("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", in.CidrBlock)
			}
		}
		out.Subnet = s.subnet(region, n, 0)
		return subnets.Put(tx, n, region, n.ID)
	})
}

// pickZone is the zone that a request names; the first if it names none.
func pickZone(region, name, id string) (string, error) {
	if name == "" && id == "" {
		return zonesOf(region)[0].ZoneName, nil
	}
	parameter, given := "availabilityZone", name
	if name == "" {
		parameter, given = "availabilityZoneId", id
	}
	z, ok := zone(region, given)
	if !ok || id != "" && z.ZoneId != id {
		var names []string
		for _, z := range zonesOf(region) {
			names = append(names, z.ZoneName)
		}
		return "", invalidValue(parameter, given, "Subnets can currently only be created in the following availability zones: "+strings.Join(names, ", ")+".")
	}
	return z.ZoneName, nil
}

// DeleteSubnetInput names a subnet.
type DeleteSubnetInput struct {
	DryRun   bool
	SubnetId string
}

// DeleteSubnetOutput is empty.
type DeleteSubnetOutput struct{}

// DeleteSubnet deletes a subnet in which nothing has an interface.
func (s *Service) DeleteSubnet(ctx context.Context, in *DeleteSubnetInput) (*DeleteSubnetOutput, error) {
	return &DeleteSubnetOutput{}, s.update(ctx, func(tx *engine.Tx, region string) error {
		n, err := get(tx, subnets, subnetKind, region, in.SubnetId)
		if err != nil {
			return err
		}
		all, err := s.allInterfaces(tx, region)
		if err != nil {
			return err
		}
		if taken(all, n.ID) > 0 {
			return fail("DependencyViolation", "The subnet '%s' has dependencies and cannot be deleted.", n.ID)
		}
		if err := forgetSubnet(tx, region, n); err != nil {
			return err
		}
		return subnets.Delete(tx, region, n.ID)
	})
}

// ModifySubnetAttributeInput changes one attribute of a subnet.
type ModifySubnetAttributeInput struct {
	AssignIpv6AddressOnCreation             *AttributeBooleanValue
	EnableDns64                             *AttributeBooleanValue
	EnableResourceNameDnsAAAARecordOnLaunch *AttributeBooleanValue
	EnableResourceNameDnsARecordOnLaunch    *AttributeBooleanValue
	MapPublicIpOnLaunch                     *AttributeBooleanValue
	PrivateDnsHostnameTypeOnLaunch          string
	SubnetId                                string
}

// ModifySubnetAttributeOutput is empty.
type ModifySubnetAttributeOutput struct{}

// ModifySubnetAttribute changes one attribute of a subnet.
func (s *Service) ModifySubnetAttribute(ctx context.Context, in *ModifySubnetAttributeInput) (*ModifySubnetAttributeOutput, error) {
	return &ModifySubnetAttributeOutput{}, s.update(ctx, func(tx *engine.Tx, region string) error {
		n, err := get(tx, subnets, subnetKind, region, in.SubnetId)
		if err != nil {
			return err
		}
		changed := 0
		for name, a := range map[string]*AttributeBooleanValue{"AssignIpv6AddressOnCreation": in.AssignIpv6AddressOnCreation,
			"EnableDns64": in.EnableDns64, "EnableResourceNameDnsAAAARecordOnLaunch": in.EnableResourceNameDnsAAAARecordOnLaunch} {
			if a == nil || a.Value == nil {
				continue
			}
			if *a.Value {
				return fail("InvalidParameterValue", "The subnet '%s' has no IPv6 block, which %s needs", n.ID, name)
			}
			changed++
		}
		if a := in.EnableResourceNameDnsARecordOnLaunch; a != nil && a.Value != nil {
			n.ARecord = *a.Value
			changed++
		}
		if a := in.MapPublicIpOnLaunch; a != nil && a.Value != nil {
			n.PublicIP = *a.Value
			changed++
		}
		if in.PrivateDnsHostnameTypeOnLaunch != "" {
			n.HostnameType = in.PrivateDnsHostnameTypeOnLaunch
			changed++
		}
		switch changed {
		case 0:
			return fail("MissingParameter", "The request must contain an attribute to modify")
		case 1:
			return subnets.Put(tx, n, region, n.ID)
		}
		return fail("InvalidParameterCombination", "Fields for multiple attribute types specified")
	})
}

// DescribeSubnetsInput selects subnets.
type DescribeSubnetsInput struct {
	DryRun     bool
	Filters    []Filter
	MaxResults *int32
	NextToken  string
	SubnetIds  []string
}

// DescribeSubnetsOutput is a page of subnets.
type DescribeSubnetsOutput struct {
	NextToken string
	Subnets   []Subnet
}

// DescribeSubnets lists the region's subnets.
func (s *Service) DescribeSubnets(ctx context.Context, in *DescribeSubnetsInput) (*DescribeSubnetsOutput, error) {
	out := &DescribeSubnetsOutput{}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		all, err := s.allInterfaces(r, region)
		if err != nil {
			return err
		}
		out.Subnets, out.NextToken, err = describe(r, subnets, listing{region, subnetKind, in.SubnetIds, in.Filters, in.MaxResults, in.NextToken},
			func(n *subnet) string { return n.ID }, func(n *subnet) tag.Set { return n.Tags },
			func(n *subnet) facts { return s.subnetFacts(s.subnet(region, n, taken(all, n.ID))) },
			func(n *subnet) Subnet { return s.subnet(region, n, taken(all, n.ID)) })
		return err
	})
}

func (s *Service) subnetFacts(n Subnet) facts {
	return func(name string) ([]string, bool) {
		switch name {
		case "subnet-id":
			return one(n.SubnetId)
		case "subnet-arn":
			return one(n.SubnetArn)
		case "vpc-id":
			return one(n.VpcId)
		case "availability-zone", "availabilityZone":
			return one(n.AvailabilityZone)
		case "availability-zone-id", "availabilityZoneId":
			return one(n.AvailabilityZoneId)
		case "available-ip-address-count":
			return one(strconv.Itoa(int(n.AvailableIpAddressCount)))
		case "cidr-block", "cidr", "cidrBlock":
			return one(n.CidrBlock)
		case "default-for-az", "defaultForAz":
			return flag(n.DefaultForAz)
		case "map-public-ip-on-launch":
			return flag(n.MapPublicIpOnLaunch)
		case "enable-dns64", "ipv6-native", "map-customer-owned-ip-on-launch", "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record":
			return flag(false)
		case "private-dns-name-options-on-launch.enable-resource-name-dns-a-record":
			return flag(n.PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsARecord)
		case "private-dns-name-options-on-launch.hostname-type":
			return one(n.PrivateDnsNameOptionsOnLaunch.HostnameType)
		case "owner-id":
			return one(s.Site.Account)
		case "state":
			return one(n.State)
		case "customer-owned-ipv4-pool", "enable-lni-at-device-index", "outpost-arn", "ipv6-cidr-block-association.ipv6-cidr-block",
			"ipv6-cidr-block-association.association-id", "ipv6-cidr-block-association.state":
			return nil, true
		}
		return nil, false
	}
}
