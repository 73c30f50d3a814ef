package ec2

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/store"
)

// allInterfaces are the region's, of all other services and of NAT gateways.
func (s *Service) allInterfaces(r store.Reader, region string) ([]Interface, error) {
	all, err := natInterfaces(r, region)
	if err != nil {
		return nil, err
	}
	for _, of := range s.interfaces {
		more, err := of(r, region)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// taken is how many interfaces a subnet has.
func taken(all []Interface, subnet string) int {
	n := 0
	for _, i := range all {
		if i.SubnetID == subnet {
			n++
		}
	}
	return n
}

// NetworkInterface is an interface as answers have it.
type NetworkInterface struct {
	Attachment         NetworkInterfaceAttachment
	AvailabilityZone   string
	Description        string
	Groups             []GroupIdentifier
	InterfaceType      string
	MacAddress         string
	NetworkInterfaceId string
	OwnerId            string
	PrivateIpAddress   string
	RequesterId        string
	RequesterManaged   bool
	SourceDestCheck    bool
	Status             string
	SubnetId           string
	TagSet             []Tag
	VpcId              string
}

// NetworkInterfaceAttachment says who has the interface.
type NetworkInterfaceAttachment struct {
	AttachmentId        string
	DeleteOnTermination bool
	InstanceOwnerId     string
	Status              string
}

// GroupIdentifier is a security group by id and name.
type GroupIdentifier struct{ GroupId, GroupName string }

// DescribeNetworkInterfacesInput selects interfaces.
type DescribeNetworkInterfacesInput struct {
	DryRun              bool
	Filters             []Filter
	MaxResults          *int32
	NetworkInterfaceIds []string
	NextToken           string
}

// DescribeNetworkInterfacesOutput lists interfaces.
type DescribeNetworkInterfacesOutput struct {
	NetworkInterfaces []NetworkInterface
	NextToken         string
}

// DescribeNetworkInterfaces lists the interfaces that load balancers and others
// have in the region's subnets, all on one page.
func (s *Service) DescribeNetworkInterfaces(ctx context.Context, in *DescribeNetworkInterfacesInput) (*DescribeNetworkInterfacesOutput, error) {
	if in.NextToken != "" {
		return nil, fail("InvalidNextToken", "The token '%s' is invalid", in.NextToken)
	}
	if err := checkFilters(in.Filters, s.interfaceFacts(NetworkInterface{})); err != nil {
		return nil, err
	}
	out := &DescribeNetworkInterfacesOutput{NetworkInterfaces: []NetworkInterface{}}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		all, err := s.allInterfaces(r, region)
		if err != nil {
			return err
		}
		slices.SortFunc(all, func(a, b Interface) int { return strings.Compare(a.ID, b.ID) })
		for _, id := range in.NetworkInterfaceIds {
			if !slices.ContainsFunc(all, func(i Interface) bool { return i.ID == id }) {
				return interfaceKind.absent(id)
			}
		}
		for _, i := range all {
			if len(in.NetworkInterfaceIds) > 0 && !slices.Contains(in.NetworkInterfaceIds, i.ID) {
				continue
			}
			n, err := s.networkInterface(r, region, i)
			if err != nil {
				return err
			}
			if matches(in.Filters, nil, s.interfaceFacts(n)) {
				out.NetworkInterfaces = append(out.NetworkInterfaces, n)
			}
		}
		return nil
	})
}

func (s *Service) networkInterface(r store.Reader, region string, i Interface) (NetworkInterface, error) {
	n := NetworkInterface{
		Attachment:  NetworkInterfaceAttachment{AttachmentId: "eni-attach-" + strings.TrimPrefix(i.ID, "eni-"), InstanceOwnerId: i.Requester, Status: "attached"},
		Description: i.Description, InterfaceType: i.Type, NetworkInterfaceId: i.ID, OwnerId: s.Site.Account, PrivateIpAddress: i.PrivateIP,
		RequesterId: i.Requester, RequesterManaged: true, Status: "in-use", SubnetId: i.SubnetID, MacAddress: macOf(i.ID),
		Groups: []GroupIdentifier{}, TagSet: []Tag{},
	}
	if sub, err := get(r, subnets, subnetKind, region, i.SubnetID); err != nil {
		return n, err
	} else {
		n.AvailabilityZone, n.VpcId = sub.Zone, sub.VPC
	}
	for _, id := range i.Groups {
		g, err := get(r, groups, groupKind, region, id)
		if err != nil {
			return n, err
		}
		n.Groups = append(n.Groups, GroupIdentifier{g.ID, g.Name})
	}
	return n, nil
}

// macOf makes an address for an interface; nothing on a wire has it.
func macOf(id string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	v := h.Sum32()
	return fmt.Sprintf("02:00:%02x:%02x:%02x:%02x", byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

func (s *Service) interfaceFacts(n NetworkInterface) facts {
	return func(name string) ([]string, bool) {
		switch name {
		case "network-interface-id":
			return one(n.NetworkInterfaceId)
		case "description":
			return one(n.Description)
		case "subnet-id":
			return one(n.SubnetId)
		case "vpc-id":
			return one(n.VpcId)
		case "availability-zone":
			return one(n.AvailabilityZone)
		case "interface-type":
			return one(n.InterfaceType)
		case "private-ip-address", "addresses.private-ip-address":
			return one(n.PrivateIpAddress)
		case "requester-id":
			return one(n.RequesterId)
		case "requester-managed":
			return flag(n.RequesterManaged)
		case "owner-id":
			return one(s.Site.Account)
		case "status":
			return one(n.Status)
		case "mac-address":
			return one(n.MacAddress)
		case "attachment.attachment-id":
			return one(n.Attachment.AttachmentId)
		case "attachment.instance-owner-id":
			return one(n.Attachment.InstanceOwnerId)
		case "attachment.status":
			return one(n.Attachment.Status)
		case "addresses.primary":
			return flag(true)
		case "group-id":
			ids := []string{}
			for _, g := range n.Groups {
				ids = append(ids, g.GroupId)
			}
			return ids, true
		case "source-dest-check", "operator.managed":
			return flag(false)
		case "attachment.instance-id", "attachment.device-index", "association.public-ip", "association.public-dns-name", "association.ip-owner-id",
			"association.allocation-id", "association.association-id", "addresses.association.public-ip", "ipv6-addresses.ipv6-address", "private-dns-name":
			return nil, true
		}
		return nil, false
	}
}

// DescribeInstancesInput selects instances, of which there are none.
type DescribeInstancesInput struct {
	DryRun      bool
	Filters     []Filter
	InstanceIds []string
	MaxResults  *int32
	NextToken   string
}

// DescribeInstancesOutput is an empty list.
type DescribeInstancesOutput struct{ Reservations []struct{} }

// DescribeInstances finds no instance: there are no virtual machines here.
func (s *Service) DescribeInstances(_ context.Context, in *DescribeInstancesInput) (*DescribeInstancesOutput, error) {
	for _, id := range in.InstanceIds {
		return nil, instanceKind.absent(id)
	}
	return &DescribeInstancesOutput{Reservations: []struct{}{}}, nil
}
