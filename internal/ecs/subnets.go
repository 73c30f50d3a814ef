package ecs

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// Networks is EC2 as far as tasks name its subnets and security groups.
type Networks interface {
	// Ready makes sure that a region has its default VPC. It comes before the
	// transaction that asks the rest.
	Ready(ctx context.Context, region string) error
	// Subnet finds the VPC and the zone of a subnet, GroupVPC the VPC of a security
	// group; ok is false if there is no such.
	Subnet(r store.Reader, region, id string) (vpc, zone string, ok bool, err error)
	GroupVPC(r store.Reader, region, group string) (vpc string, ok bool, err error)
}

// checkNetwork makes sure that the subnets and security groups of a request
// exist and belong together.
//
// Errors: InvalidParameterException, in the words that ECS has for what EC2
// answers it. Its words for subnets of two VPCs are not known.
func (s *Service) checkNetwork(r store.Reader, region string, n *types.NetworkConfiguration) error {
	if n == nil || n.AwsvpcConfiguration == nil {
		return nil
	}
	c, home := n.AwsvpcConfiguration, ""
	for _, id := range c.Subnets {
		vpc, _, ok, err := s.Networks.Subnet(r, region, id)
		switch {
		case err != nil:
			return err
		case !ok:
			return invalidParameter("Error retrieving subnet information for [%s]: The subnet ID '%s' does not exist (ErrorCode: InvalidSubnetID.NotFound)", strings.Join(c.Subnets, ", "), id)
		case home != "" && vpc != home:
			return invalidParameter("The subnet %s does not belong to the same VPC as the other subnets.", id)
		}
		home = vpc
	}
	for _, id := range c.SecurityGroups {
		vpc, ok, err := s.Networks.GroupVPC(r, region, id)
		switch {
		case err != nil:
			return err
		case !ok:
			return invalidParameter("Error retrieving security group information for [%s]: The security group '%s' does not exist (ErrorCode: InvalidGroup.NotFound)", strings.Join(c.SecurityGroups, ", "), id)
		case vpc != home:
			return invalidParameter("Security group %s does not appear to belong to the same VPC as the input subnets.", id)
		}
	}
	return nil
}

// settleIn is the subnet that the n-th task of several is in, and its zone. The
// tasks take the subnets in turn; the traffic goes its way in any.
func (s *Service) settleIn(r store.Reader, region string, subnets []string, n int) (subnet, zone string, err error) {
	subnet = subnets[n%len(subnets)]
	_, zone, ok, err := s.Networks.Subnet(r, region, subnet)
	if !ok { // it has gone since
		zone = region + "a"
	}
	return subnet, zone, err
}
