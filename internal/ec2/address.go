package ec2

import (
	"context"
	"fmt"
	"slices"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// address is an elastic IP address. Nothing answers at it: it is of the blocks
// that are set aside for documentation, so that nobody takes it for a real one.
type address struct {
	ID, IP string
	Tags   tag.Set `json:",omitempty"`
}

// blocks are those of RFC 5737, without what ends in 0 and 255.
var blocks = []string{"203.0.113.%d", "198.51.100.%d", "192.0.2.%d"}

// freeAddress is the first that nobody has.
func freeAddress(r store.Reader, region string) (string, error) {
	taken := map[string]bool{}
	if err := each(r, addresses, region, func(a *address) { taken[a.IP] = true }); err != nil {
		return "", err
	}
	for _, b := range blocks {
		for n := 1; n < 255; n++ {
			if ip := fmt.Sprintf(b, n); !taken[ip] {
				return ip, nil
			}
		}
	}
	return "", fail("AddressLimitExceeded", "The maximum number of addresses has been reached.")
}

// Address is an elastic IP address as answers have it.
type Address struct {
	AllocationId            string
	AssociationId           string
	Domain                  string
	NetworkBorderGroup      string
	NetworkInterfaceId      string
	NetworkInterfaceOwnerId string
	PrivateIpAddress        string
	PublicIp                string
	PublicIpv4Pool          string
	Tags                    []Tag
}

// AllocateAddressInput asks for an address.
type AllocateAddressInput struct {
	Domain             string
	DryRun             bool
	NetworkBorderGroup string
	PublicIpv4Pool     string
	TagSpecifications  []TagSpecification
}

// AllocateAddressOutput has the address.
type AllocateAddressOutput struct {
	AllocationId       string
	Domain             string
	NetworkBorderGroup string
	PublicIp           string
	PublicIpv4Pool     string
}

// AllocateAddress gives out an address that is free.
func (s *Service) AllocateAddress(ctx context.Context, in *AllocateAddressInput) (*AllocateAddressOutput, error) {
	if in.Domain == "standard" {
		return nil, fail("UnsupportedOperation", "Addresses of EC2-Classic are not implemented")
	}
	if in.PublicIpv4Pool != "" && in.PublicIpv4Pool != "amazon" {
		return nil, fail("UnsupportedOperation", "Address pools of one's own are not implemented")
	}
	tags, err := tagsFor(in.TagSpecifications, addressKind)
	if err != nil {
		return nil, err
	}
	out := &AllocateAddressOutput{Domain: "vpc", PublicIpv4Pool: "amazon"}
	return out, s.update(ctx, func(tx *engine.Tx, region string) error {
		if in.NetworkBorderGroup != "" && in.NetworkBorderGroup != region {
			return invalidValue("networkBorderGroup", in.NetworkBorderGroup, "The region is the only network border group.")
		}
		ip, err := freeAddress(tx, region)
		if err != nil {
			return err
		}
		a := &address{ID: s.newID(addressKind), IP: ip, Tags: tags}
		out.AllocationId, out.PublicIp, out.NetworkBorderGroup = a.ID, a.IP, region
		return addresses.Put(tx, a, region, a.ID)
	})
}

// ReleaseAddressInput names an address.
type ReleaseAddressInput struct {
	AllocationId       string
	DryRun             bool
	NetworkBorderGroup string
}

// ReleaseAddressOutput is empty.
type ReleaseAddressOutput struct{}

// ReleaseAddress gives back an address that nothing has.
func (s *Service) ReleaseAddress(ctx context.Context, in *ReleaseAddressInput) (*ReleaseAddressOutput, error) {
	if in.AllocationId == "" {
		return nil, fail("MissingParameter", "The request must contain the parameter allocationId")
	}
	return &ReleaseAddressOutput{}, s.update(ctx, func(tx *engine.Tx, region string) error {
		a, err := get(tx, addresses, addressKind, region, in.AllocationId)
		if err != nil {
			return err
		}
		by, err := holders(tx, region)
		if err != nil {
			return err
		}
		if by[a.ID] != nil {
			return fail("InvalidIPAddress.InUse", "Address %s is in use.", a.IP)
		}
		return addresses.Delete(tx, region, a.ID)
	})
}

// DisassociateAddressInput names an association.
type DisassociateAddressInput struct {
	AssociationId string
	DryRun        bool
}

// DisassociateAddressOutput is empty.
type DisassociateAddressOutput struct{}

// DisassociateAddress cannot take the address from a NAT gateway, which keeps it
// until its end, and nothing else has one.
func (s *Service) DisassociateAddress(ctx context.Context, in *DisassociateAddressInput) (*DisassociateAddressOutput, error) {
	return nil, s.view(ctx, func(r store.Reader, region string) error {
		by, err := holders(r, region)
		if err != nil {
			return err
		}
		for _, n := range by {
			if n.Association == in.AssociationId {
				return fail("OperationNotPermitted", "You are not allowed to disassociate the address of the NAT gateway %s.", n.ID)
			}
		}
		return fail("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", in.AssociationId)
	})
}

// holders are the NAT gateways by the addresses that they have.
func holders(r store.Reader, region string) (map[string]*natGateway, error) {
	by := map[string]*natGateway{}
	return by, each(r, nats, region, func(n *natGateway) {
		if n.Allocation != "" {
			by[n.Allocation] = n
		}
	})
}

// DescribeAddressesInput selects addresses.
type DescribeAddressesInput struct {
	AllocationIds []string
	DryRun        bool
	Filters       []Filter
	PublicIps     []string
}

// DescribeAddressesOutput lists addresses.
type DescribeAddressesOutput struct{ Addresses []Address }

// DescribeAddresses lists the region's addresses, all on one page.
func (s *Service) DescribeAddresses(ctx context.Context, in *DescribeAddressesInput) (*DescribeAddressesOutput, error) {
	out := &DescribeAddressesOutput{}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		by, err := holders(r, region)
		if err != nil {
			return err
		}
		make := func(a *address) Address { return s.address(region, a, by[a.ID]) }
		all, _, err := describe(r, addresses, listing{region: region, kind: addressKind, ids: in.AllocationIds, filters: in.Filters},
			func(a *address) string { return a.ID }, func(a *address) tag.Set { return a.Tags }, func(a *address) facts { return addressFacts(make(a)) }, make)
		if err != nil {
			return err
		}
		for _, ip := range in.PublicIps {
			if !slices.ContainsFunc(all, func(a Address) bool { return a.PublicIp == ip }) {
				return fail("InvalidAddress.NotFound", "Address '%s' not found.", ip)
			}
		}
		out.Addresses = []Address{}
		for _, a := range all {
			if len(in.PublicIps) == 0 || slices.Contains(in.PublicIps, a.PublicIp) {
				out.Addresses = append(out.Addresses, a)
			}
		}
		return nil
	})
}

func (s *Service) address(region string, a *address, by *natGateway) Address {
	out := Address{AllocationId: a.ID, Domain: "vpc", NetworkBorderGroup: region, PublicIp: a.IP, PublicIpv4Pool: "amazon", Tags: wireTags(a.Tags)}
	if by != nil {
		out.AssociationId, out.NetworkInterfaceId, out.NetworkInterfaceOwnerId, out.PrivateIpAddress = by.Association, by.Interface, s.Site.Account, by.PrivateIP
	}
	return out
}

func addressFacts(a Address) facts {
	some := func(v string) ([]string, bool) {
		if v == "" {
			return nil, true
		}
		return one(v)
	}
	return func(name string) ([]string, bool) {
		switch name {
		case "allocation-id":
			return some(a.AllocationId)
		case "association-id":
			return some(a.AssociationId)
		case "domain":
			return some(a.Domain)
		case "network-border-group":
			return some(a.NetworkBorderGroup)
		case "network-interface-id":
			return some(a.NetworkInterfaceId)
		case "network-interface-owner-id":
			return some(a.NetworkInterfaceOwnerId)
		case "private-ip-address":
			return some(a.PrivateIpAddress)
		case "public-ip":
			return some(a.PublicIp)
		case "instance-id":
			return nil, true
		}
		return nil, false
	}
}

// DescribeAddressesAttributeInput selects addresses.
type DescribeAddressesAttributeInput struct {
	AllocationIds []string
	Attribute     string
	DryRun        bool
	MaxResults    *int32
	NextToken     string
}

// DescribeAddressesAttributeOutput lists attributes of addresses.
type DescribeAddressesAttributeOutput struct {
	Addresses []AddressAttribute
	NextToken string
}

// AddressAttribute would tell the name that an address has for those who ask
// from the other side.
type AddressAttribute struct{ AllocationId, PublicIp string }

// DescribeAddressesAttribute tells that no address has a name of its own.
func (s *Service) DescribeAddressesAttribute(ctx context.Context, in *DescribeAddressesAttributeInput) (*DescribeAddressesAttributeOutput, error) {
	out := &DescribeAddressesAttributeOutput{}
	return out, s.view(ctx, func(r store.Reader, region string) (err error) {
		out.Addresses, out.NextToken, err = describe(r, addresses, listing{region, addressKind, in.AllocationIds, nil, in.MaxResults, in.NextToken},
			func(a *address) string { return a.ID }, func(a *address) tag.Set { return a.Tags },
			func(a *address) facts { return addressFacts(s.address(region, a, nil)) }, func(a *address) AddressAttribute { return AddressAttribute{a.ID, a.IP} })
		return err
	})
}
