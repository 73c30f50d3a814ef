package ec2

import (
	"context"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Wire is the table of operations.
func (s *Service) Wire() wire.Service {
	type c = context.Context
	on := func(x c, k kind, ids ...string) []wire.Access {
		region := identity.Region(x)
		arns := make([]string, len(ids))
		for i, id := range ids {
			arns[i] = s.arn(region, k, id)
		}
		return wire.On(arns...)
	}
	group := func(x c, id string) []wire.Access {
		if id == "" {
			id = "*" // named by its name
		}
		return on(x, groupKind, id)
	}
	return wire.Service{Model: "ec2", Invalid: invalid, Operations: []wire.Operation{
		op("CreateVpc", s.CreateVpc, func(x c, _ *CreateVpcInput) []wire.Access { return on(x, vpcKind, "*") }),
		op("CreateDefaultVpc", s.CreateDefaultVpc, nil),
		op("DeleteVpc", s.DeleteVpc, func(x c, in *DeleteVpcInput) []wire.Access { return on(x, vpcKind, in.VpcId) }),
		op("DescribeVpcs", s.DescribeVpcs, nil),
		op("DescribeVpcAttribute", s.DescribeVpcAttribute, func(x c, in *DescribeVpcAttributeInput) []wire.Access { return on(x, vpcKind, in.VpcId) }),
		op("ModifyVpcAttribute", s.ModifyVpcAttribute, func(x c, in *ModifyVpcAttributeInput) []wire.Access { return on(x, vpcKind, in.VpcId) }),

		op("CreateSubnet", s.CreateSubnet, func(x c, in *CreateSubnetInput) []wire.Access {
			return append(on(x, subnetKind, "*"), on(x, vpcKind, in.VpcId)...)
		}),
		op("DeleteSubnet", s.DeleteSubnet, func(x c, in *DeleteSubnetInput) []wire.Access { return on(x, subnetKind, in.SubnetId) }),
		op("DescribeSubnets", s.DescribeSubnets, nil),
		op("ModifySubnetAttribute", s.ModifySubnetAttribute, func(x c, in *ModifySubnetAttributeInput) []wire.Access { return on(x, subnetKind, in.SubnetId) }),

		op("CreateSecurityGroup", s.CreateSecurityGroup, func(x c, in *CreateSecurityGroupInput) []wire.Access {
			a := on(x, groupKind, "*")
			if in.VpcId != "" {
				a = append(a, on(x, vpcKind, in.VpcId)...)
			}
			return a
		}),
		op("DeleteSecurityGroup", s.DeleteSecurityGroup, func(x c, in *DeleteSecurityGroupInput) []wire.Access { return group(x, in.GroupId) }),
		op("DescribeSecurityGroups", s.DescribeSecurityGroups, nil),
		op("DescribeSecurityGroupRules", s.DescribeSecurityGroupRules, nil),
		op("AuthorizeSecurityGroupIngress", s.AuthorizeSecurityGroupIngress, func(x c, in *AuthorizeSecurityGroupIngressInput) []wire.Access { return group(x, in.GroupId) }),
		op("AuthorizeSecurityGroupEgress", s.AuthorizeSecurityGroupEgress, func(x c, in *AuthorizeSecurityGroupEgressInput) []wire.Access { return group(x, in.GroupId) }),
		op("RevokeSecurityGroupIngress", s.RevokeSecurityGroupIngress, func(x c, in *RevokeSecurityGroupIngressInput) []wire.Access { return group(x, in.GroupId) }),
		op("RevokeSecurityGroupEgress", s.RevokeSecurityGroupEgress, func(x c, in *RevokeSecurityGroupEgressInput) []wire.Access { return group(x, in.GroupId) }),
		op("UpdateSecurityGroupRuleDescriptionsIngress", s.UpdateSecurityGroupRuleDescriptionsIngress, func(x c, in *UpdateSecurityGroupRuleDescriptionsIngressInput) []wire.Access {
			return group(x, in.GroupId)
		}),
		op("UpdateSecurityGroupRuleDescriptionsEgress", s.UpdateSecurityGroupRuleDescriptionsEgress, func(x c, in *UpdateSecurityGroupRuleDescriptionsEgressInput) []wire.Access {
			return group(x, in.GroupId)
		}),
		op("ModifySecurityGroupRules", s.ModifySecurityGroupRules, func(x c, in *ModifySecurityGroupRulesInput) []wire.Access { return group(x, in.GroupId) }),

		op("CreateRouteTable", s.CreateRouteTable, func(x c, in *CreateRouteTableInput) []wire.Access {
			return append(on(x, tableKind, "*"), on(x, vpcKind, in.VpcId)...)
		}),
		op("DeleteRouteTable", s.DeleteRouteTable, func(x c, in *DeleteRouteTableInput) []wire.Access { return on(x, tableKind, in.RouteTableId) }),
		op("DescribeRouteTables", s.DescribeRouteTables, nil),
		op("CreateRoute", s.CreateRoute, func(x c, in *CreateRouteInput) []wire.Access { return on(x, tableKind, in.RouteTableId) }),
		op("ReplaceRoute", s.ReplaceRoute, func(x c, in *ReplaceRouteInput) []wire.Access { return on(x, tableKind, in.RouteTableId) }),
		op("DeleteRoute", s.DeleteRoute, func(x c, in *DeleteRouteInput) []wire.Access { return on(x, tableKind, in.RouteTableId) }),
		op("AssociateRouteTable", s.AssociateRouteTable, func(x c, in *AssociateRouteTableInput) []wire.Access {
			return append(on(x, tableKind, in.RouteTableId), on(x, subnetKind, in.SubnetId)...)
		}),
		// Whose association it is, is not known before it is found.
		op("DisassociateRouteTable", s.DisassociateRouteTable, func(x c, _ *DisassociateRouteTableInput) []wire.Access { return on(x, tableKind, "*") }),
		op("ReplaceRouteTableAssociation", s.ReplaceRouteTableAssociation, func(x c, in *ReplaceRouteTableAssociationInput) []wire.Access {
			return on(x, tableKind, in.RouteTableId)
		}),

		op("CreateInternetGateway", s.CreateInternetGateway, func(x c, _ *CreateInternetGatewayInput) []wire.Access { return on(x, gatewayKind, "*") }),
		op("DeleteInternetGateway", s.DeleteInternetGateway, func(x c, in *DeleteInternetGatewayInput) []wire.Access {
			return on(x, gatewayKind, in.InternetGatewayId)
		}),
		op("AttachInternetGateway", s.AttachInternetGateway, func(x c, in *AttachInternetGatewayInput) []wire.Access {
			return append(on(x, gatewayKind, in.InternetGatewayId), on(x, vpcKind, in.VpcId)...)
		}),
		op("DetachInternetGateway", s.DetachInternetGateway, func(x c, in *DetachInternetGatewayInput) []wire.Access {
			return append(on(x, gatewayKind, in.InternetGatewayId), on(x, vpcKind, in.VpcId)...)
		}),
		op("DescribeInternetGateways", s.DescribeInternetGateways, nil),

		op("AllocateAddress", s.AllocateAddress, func(x c, _ *AllocateAddressInput) []wire.Access { return on(x, addressKind, "*") }),
		op("ReleaseAddress", s.ReleaseAddress, func(x c, in *ReleaseAddressInput) []wire.Access { return on(x, addressKind, in.AllocationId) }),
		op("DisassociateAddress", s.DisassociateAddress, func(x c, _ *DisassociateAddressInput) []wire.Access { return on(x, addressKind, "*") }),
		op("DescribeAddresses", s.DescribeAddresses, nil),
		op("DescribeAddressesAttribute", s.DescribeAddressesAttribute, nil),
		op("CreateNatGateway", s.CreateNatGateway, func(x c, in *CreateNatGatewayInput) []wire.Access {
			a := append(on(x, natKind, "*"), on(x, subnetKind, in.SubnetId)...)
			if in.AllocationId != "" {
				a = append(a, on(x, addressKind, in.AllocationId)...)
			}
			return a
		}),
		op("DeleteNatGateway", s.DeleteNatGateway, func(x c, in *DeleteNatGatewayInput) []wire.Access { return on(x, natKind, in.NatGatewayId) }),
		op("DescribeNatGateways", s.DescribeNatGateways, nil),

		op("DescribeNetworkAcls", s.DescribeNetworkAcls, nil),
		op("CreateNetworkAclEntry", s.CreateNetworkAclEntry, func(x c, in *CreateNetworkAclEntryInput) []wire.Access { return on(x, aclKind, in.NetworkAclId) }),
		op("ReplaceNetworkAclEntry", s.ReplaceNetworkAclEntry, func(x c, in *ReplaceNetworkAclEntryInput) []wire.Access { return on(x, aclKind, in.NetworkAclId) }),
		op("DeleteNetworkAclEntry", s.DeleteNetworkAclEntry, func(x c, in *DeleteNetworkAclEntryInput) []wire.Access { return on(x, aclKind, in.NetworkAclId) }),
		op("DescribeNetworkInterfaces", s.DescribeNetworkInterfaces, nil),
		op("DescribeInstances", s.DescribeInstances, nil),

		op("DescribeAvailabilityZones", s.DescribeAvailabilityZones, nil),
		op("DescribeRegions", s.DescribeRegions, nil),
		op("DescribeAccountAttributes", s.DescribeAccountAttributes, nil),

		op("CreateTags", s.CreateTags, nil),
		op("DeleteTags", s.DeleteTags, nil),
		op("DescribeTags", s.DescribeTags, nil),
	}}
}
