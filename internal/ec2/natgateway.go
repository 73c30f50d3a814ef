package ec2

import (
	"context"
	"net/netip"
	"time"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// natGateway is a NAT gateway. It carries nothing: containers reach the world by
// the engine's network, whichever subnet they are said to be in.
type natGateway struct {
	ID, VPC, Subnet string
	Allocation      string // of its address, "" if it is private
	PublicIP        string `json:",omitempty"`
	PrivateIP       string
	Interface       string
	Association     string `json:",omitempty"` // of its address
	Created         time.Time
	Tags            tag.Set `json:",omitempty"`
}

// NatGateway is a NAT gateway as answers have it.
type NatGateway struct {
	ConnectivityType    string
	CreateTime          time.Time
	NatGatewayAddresses []NatGatewayAddress
	NatGatewayId        string
	State               string
	SubnetId            string
	Tags                []Tag
	VpcId               string
}

// NatGatewayAddress is a gateway's address on both sides.
type NatGatewayAddress struct {
	AllocationId       string
	AssociationId      string
	IsPrimary          bool
	NetworkInterfaceId string
	PrivateIp          string
	PublicIp           string
	Status             string
}

// Kinds of NAT gateways.
const (
	public  = "public"
	private = "private"
)

func (n *natGateway) connectivity() string {
	if n.Allocation == "" {
		return private
	}
	return public
}

func natOf(n *natGateway) NatGateway {
	return NatGateway{
		ConnectivityType: n.connectivity(), CreateTime: n.Created, NatGatewayId: n.ID, State: "available", SubnetId: n.Subnet, Tags: wireTags(n.Tags), VpcId: n.VPC,
		NatGatewayAddresses: []NatGatewayAddress{{AllocationId: n.Allocation, AssociationId: n.Association, IsPrimary: true, NetworkInterfaceId: n.Interface,
			PrivateIp: n.PrivateIP, PublicIp: n.PublicIP, Status: "succeeded"}},
	}
}

// CreateNatGatewayInput asks for a NAT gateway in a subnet. Those of a VPC's
// zones, and secondary addresses, are not implemented.
type CreateNatGatewayInput struct {
	AllocationId      string
	ClientToken       string
	ConnectivityType  string
	DryRun            bool
	PrivateIpAddress  string
	SubnetId          string
	TagSpecifications []TagSpecification
}

// CreateNatGatewayOutput has the gateway.
type CreateNatGatewayOutput struct {
	ClientToken string
	NatGateway  NatGateway
}

// CreateNatGateway makes a NAT gateway, at once available. A public one needs an
// address that is free and a VPC with an internet gateway. A token that was used
// before gives the gateway that it made.
func (s *Service) CreateNatGateway(ctx context.Context, in *CreateNatGatewayInput) (*CreateNatGatewayOutput, error) {
	isPublic := in.ConnectivityType != private
	switch {
	case in.SubnetId == "":
		return nil, fail("MissingParameter", "The request must contain the parameter SubnetId")
	case isPublic && in.AllocationId == "":
		return nil, fail("MissingParameter", "The request must contain the parameter AllocationId")
	case !isPublic && in.AllocationId != "":
		return nil, fail("InvalidParameterCombination", "AllocationId cannot be used with the connectivity type private")
	}
	tags, err := tagsFor(in.TagSpecifications, natKind)
	if err != nil {
		return nil, err
	}
	out := &CreateNatGatewayOutput{ClientToken: in.ClientToken}
	return out, s.update(ctx, func(tx *engine.Tx, region string) error {
		if old, err := repeated(tx, nats, region, in.ClientToken); err != nil || old != nil {
			if old != nil {
				out.NatGateway = natOf(old)
			}
			return err
		}
		sub, err := get(tx, subnets, subnetKind, region, in.SubnetId)
		if err != nil {
			return err
		}
		n := &natGateway{ID: s.newID(natKind), VPC: sub.VPC, Subnet: sub.ID, Interface: s.newID(interfaceKind), Created: tx.Now(), Tags: tags}
		if isPublic {
			if err := s.giveAddress(tx, region, n, in.AllocationId); err != nil {
				return err
			}
		}
		if n.PrivateIP, err = s.privateIP(tx, region, sub, in.PrivateIpAddress); err != nil {
			return err
		}
		out.NatGateway = natOf(n)
		if err := remember(tx, nats, region, in.ClientToken, n.ID); err != nil {
			return err
		}
		return nats.Put(tx, n, region, n.ID)
	})
}

// giveAddress gives a public gateway its address.
func (s *Service) giveAddress(r store.Reader, region string, n *natGateway, allocation string) error {
	a, err := get(r, addresses, addressKind, region, allocation)
	if err != nil {
		return err
	}
	by, err := holders(r, region)
	if err != nil {
		return err
	}
	if by[a.ID] != nil {
		return fail("Resource.AlreadyAssociated", "Elastic IP address [%s] is already associated", a.ID)
	}
	for g, err := range gateways.All(r, region) {
		if err != nil {
			return err
		}
		if g.VPC == n.VPC {
			n.Allocation, n.PublicIP, n.Association = a.ID, a.IP, s.newID(kind{prefix: "eipassoc"})
			return nil
		}
	}
	// AWS makes the gateway and lets it fail; here it is told at once.
	return fail("Gateway.NotAttached", "Network %s has no Internet gateway attached", n.VPC)
}

// privateIP is the address in the subnet that was asked for, or a free one.
func (s *Service) privateIP(r store.Reader, region string, sub *subnet, asked string) (string, error) {
	all, err := s.allInterfaces(r, region)
	if err != nil {
		return "", err
	}
	used := map[string]bool{}
	for _, i := range all {
		if i.SubnetID == sub.ID {
			used[i.PrivateIP] = true
		}
	}
	if asked != "" {
		ip, err := netip.ParseAddr(asked)
		if err != nil || !sub.CIDR.Contains(ip) {
			return "", invalidValue("PrivateIpAddress", asked, "Address does not fall within the subnet's address range")
		}
		if used[asked] {
			return "", fail("InvalidIPAddress.InUse", "Address %s is in use.", asked)
		}
		return asked, nil
	}
	ip := sub.CIDR.Addr()
	for range 4 { // the first four addresses of a subnet are AWS's
		ip = ip.Next()
	}
	for range sub.free(0) {
		if !used[ip.String()] {
			return ip.String(), nil
		}
		ip = ip.Next()
	}
	return "", fail("InsufficientFreeAddressesInSubnet", "The specified subnet does not have enough free addresses to satisfy the request.")
}

// natInterfaces are those that NAT gateways have in subnets.
func natInterfaces(r store.Reader, region string) (all []Interface, err error) {
	return all, each(r, nats, region, func(n *natGateway) {
		all = append(all, Interface{ID: n.Interface, Description: "Interface for NAT Gateway " + n.ID, Type: "nat_gateway", SubnetID: n.Subnet, PrivateIP: n.PrivateIP, Requester: "amazon-vpc"})
	})
}

// DeleteNatGatewayInput names a NAT gateway.
type DeleteNatGatewayInput struct {
	DryRun       bool
	NatGatewayId string
}

// DeleteNatGatewayOutput names it, too.
type DeleteNatGatewayOutput struct{ NatGatewayId string }

// DeleteNatGateway deletes a NAT gateway, at once; AWS shows it as deleted for
// an hour. Its address is free then, and routes to it lead nowhere.
func (s *Service) DeleteNatGateway(ctx context.Context, in *DeleteNatGatewayInput) (*DeleteNatGatewayOutput, error) {
	return &DeleteNatGatewayOutput{in.NatGatewayId}, s.update(ctx, func(tx *engine.Tx, region string) error {
		n, err := get(tx, nats, natKind, region, in.NatGatewayId)
		if err != nil {
			return err
		}
		if err := markRoutes(tx, region, n.VPC, n.ID, blackhole); err != nil {
			return err
		}
		return nats.Delete(tx, region, n.ID)
	})
}

// DescribeNatGatewaysInput selects NAT gateways.
type DescribeNatGatewaysInput struct {
	DryRun        bool
	Filter        []Filter
	MaxResults    *int32
	NatGatewayIds []string
	NextToken     string
}

// DescribeNatGatewaysOutput is a page of NAT gateways.
type DescribeNatGatewaysOutput struct {
	NatGateways []NatGateway
	NextToken   string
}

// DescribeNatGateways lists the region's NAT gateways.
func (s *Service) DescribeNatGateways(ctx context.Context, in *DescribeNatGatewaysInput) (*DescribeNatGatewaysOutput, error) {
	out := &DescribeNatGatewaysOutput{}
	return out, s.view(ctx, func(r store.Reader, region string) (err error) {
		out.NatGateways, out.NextToken, err = describe(r, nats, listing{region, natKind, in.NatGatewayIds, in.Filter, in.MaxResults, in.NextToken},
			func(n *natGateway) string { return n.ID }, func(n *natGateway) tag.Set { return n.Tags }, natFacts, natOf)
		return err
	})
}

func natFacts(n *natGateway) facts {
	return func(name string) ([]string, bool) {
		switch name {
		case "nat-gateway-id":
			return one(n.ID)
		case "state":
			return one("available")
		case "subnet-id":
			return one(n.Subnet)
		case "vpc-id":
			return one(n.VPC)
		}
		return nil, false
	}
}
