package elbv2

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/store"
)

var noIPv6 = fail("InvalidSubnet", "You must specify subnets with an associated IPv6 CIDR block.")

// place puts a load balancer into subnets: of one VPC, one in each zone, and
// for an application load balancer at least two.
func (s *Service) place(r store.Reader, region string, b *balancer, ids []string, mappings []types.SubnetMapping) error {
	if len(ids) > 0 && len(mappings) > 0 {
		return invalid("Only one of subnets or subnet mappings can be specified")
	}
	b.Mapped = len(mappings) > 0
	for _, id := range ids {
		mappings = append(mappings, types.SubnetMapping{SubnetId: aws.String(id)})
	}
	b.AvailabilityZones, b.VpcId = []types.AvailabilityZone{}, nil
	for _, m := range mappings {
		switch {
		case m.AllocationId != nil:
			return fail("AllocationIdNotFound", "The allocation IDs '%s' are not available for use", *m.AllocationId)
		case m.IPv6Address != nil || m.SourceNatIpv6Prefix != nil:
			return noIPv6
		}
		sub, ok, err := s.Networks.Subnet(r, region, aws.ToString(m.SubnetId))
		if err != nil {
			return err
		}
		if !ok {
			return fail("SubnetNotFound", "The subnet ID '%s' does not exist", aws.ToString(m.SubnetId))
		}
		if b.VpcId != nil && *b.VpcId != sub.VPC {
			return fail("InvalidSubnet", "All subnets must belong to the same VPC: '%s'", *b.VpcId)
		}
		b.VpcId = &sub.VPC
		if slices.ContainsFunc(b.AvailabilityZones, func(z types.AvailabilityZone) bool { return *z.ZoneName == sub.Zone }) {
			return fail("InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in the same Availability Zone")
		}
		zone := types.AvailabilityZone{SubnetId: &sub.ID, ZoneName: &sub.Zone, LoadBalancerAddresses: []types.LoadBalancerAddress{}}
		if m.PrivateIPv4Address != nil {
			if b.application() || b.Scheme != types.LoadBalancerSchemeEnumInternal {
				return fail("InvalidConfigurationRequest", "Private IPv4 addresses can only be specified for internal network load balancers")
			}
			if !contains(sub.CIDR, *m.PrivateIPv4Address) {
				return invalid("The private IPv4 address '%s' is not within the subnet '%s'", *m.PrivateIPv4Address, sub.ID)
			}
			zone.LoadBalancerAddresses = append(zone.LoadBalancerAddresses, types.LoadBalancerAddress{PrivateIPv4Address: m.PrivateIPv4Address})
		}
		b.AvailabilityZones = append(b.AvailabilityZones, zone)
	}
	switch n := len(b.AvailabilityZones); {
	case b.application() && n < 2:
		return invalid("At least two subnets in two different Availability Zones must be specified")
	case n < 1:
		return invalid("At least one subnet must be specified")
	}
	slices.SortFunc(b.AvailabilityZones, func(x, y types.AvailabilityZone) int { return strings.Compare(*x.ZoneName, *y.ZoneName) })
	return nil
}

// guard gives a load balancer security groups: those, or for an application
// load balancer the VPC's own if there are none.
func (s *Service) guard(r store.Reader, region string, b *balancer, ids []string) error {
	if len(ids) == 0 && b.application() {
		def, err := s.Networks.DefaultGroup(r, region, *b.VpcId)
		if err != nil {
			return err
		}
		ids = []string{def}
	}
	for _, id := range ids {
		vpc, ok, err := s.Networks.Group(r, region, id)
		switch {
		case err != nil:
			return err
		case !ok:
			return fail("InvalidSecurityGroup", "The security group '%s' does not exist", id)
		case vpc != *b.VpcId:
			return fail("InvalidConfigurationRequest", "One or more security groups are invalid: '%s' is not in the VPC '%s'", id, *b.VpcId)
		}
	}
	b.SecurityGroups = slices.Sorted(slices.Values(ids))
	return nil
}
