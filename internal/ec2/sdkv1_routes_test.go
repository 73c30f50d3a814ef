package ec2_test

import (
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/ec2"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// The calls of aws_internet_gateway, aws_eip, aws_nat_gateway, aws_route_table,
// aws_route and the associations, with the client of the provider of 2024.
func TestRoutesStory(t *testing.T) {
	c := ec2.New(apptest.Start(t).Older())
	vpc := apptest.Must(c.CreateVpc(&ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")}))(t).Vpc.VpcId
	subnet := apptest.Must(c.CreateSubnet(&ec2.CreateSubnetInput{VpcId: vpc, CidrBlock: aws.String("10.0.1.0/24")}))(t).Subnet.SubnetId
	gateway := apptest.Must(c.CreateInternetGateway(&ec2.CreateInternetGatewayInput{TagSpecifications: []*ec2.TagSpecification{
		{ResourceType: aws.String("internet-gateway"), Tags: []*ec2.Tag{{Key: aws.String("Name"), Value: aws.String("igw")}}}}}))(t).InternetGateway
	igw := gateway.InternetGatewayId
	if len(gateway.Attachments) != 0 || *gateway.Tags[0].Value != "igw" {
		t.Errorf("made %v", gateway)
	}
	address := apptest.Must(c.AllocateAddress(&ec2.AllocateAddressInput{Domain: aws.String("vpc")}))(t)
	natInput := &ec2.CreateNatGatewayInput{AllocationId: address.AllocationId, SubnetId: subnet, ClientToken: aws.String("once")}
	_, err := c.CreateNatGateway(natInput)
	apptest.WantCode(t, err, "Gateway.NotAttached")
	apptest.Must(c.AttachInternetGateway(&ec2.AttachInternetGatewayInput{InternetGatewayId: igw, VpcId: vpc}))(t)
	_, err = c.AttachInternetGateway(&ec2.AttachInternetGatewayInput{InternetGatewayId: igw, VpcId: vpc})
	apptest.WantCode(t, err, "Resource.AlreadyAssociated")
	nat := apptest.Must(c.CreateNatGateway(natInput))(t).NatGateway
	if again := apptest.Must(c.CreateNatGateway(natInput))(t).NatGateway; *again.NatGatewayId != *nat.NatGatewayId {
		t.Errorf("a token made two gateways: %v", again)
	}
	if a := nat.NatGatewayAddresses[0]; *a.PublicIp != *address.PublicIp || *a.PrivateIp != "10.0.1.4" || *nat.State != "available" || *nat.ConnectivityType != "public" {
		t.Errorf("gateway %v", nat)
	}
	held := apptest.Must(c.DescribeAddresses(&ec2.DescribeAddressesInput{AllocationIds: []*string{address.AllocationId}}))(t).Addresses[0]
	if *held.NetworkInterfaceId != *nat.NatGatewayAddresses[0].NetworkInterfaceId || *held.PrivateIpAddress != "10.0.1.4" {
		t.Errorf("address %v", held)
	}
	_, err = c.ReleaseAddress(&ec2.ReleaseAddressInput{AllocationId: address.AllocationId})
	apptest.WantCode(t, err, "InvalidIPAddress.InUse")
	_, err = c.DetachInternetGateway(&ec2.DetachInternetGatewayInput{InternetGatewayId: igw, VpcId: vpc})
	apptest.WantCode(t, err, "DependencyViolation")
	_, err = c.DeleteSubnet(&ec2.DeleteSubnetInput{SubnetId: subnet})
	apptest.WantCode(t, err, "DependencyViolation")

	table := apptest.Must(c.CreateRouteTable(&ec2.CreateRouteTableInput{VpcId: vpc}))(t).RouteTable
	rtb := table.RouteTableId
	if len(table.Associations) != 0 || len(table.Routes) != 1 || *table.Routes[0].GatewayId != "local" {
		t.Errorf("table %v", table)
	}
	all := aws.String("0.0.0.0/0")
	_, err = c.ReplaceRoute(&ec2.ReplaceRouteInput{RouteTableId: rtb, DestinationCidrBlock: all, GatewayId: igw})
	apptest.WantCode(t, err, "InvalidParameterValue")
	apptest.Must(c.CreateRoute(&ec2.CreateRouteInput{RouteTableId: rtb, DestinationCidrBlock: all, GatewayId: igw}))(t)
	_, err = c.CreateRoute(&ec2.CreateRouteInput{RouteTableId: rtb, DestinationCidrBlock: all, GatewayId: igw})
	apptest.WantCode(t, err, "RouteAlreadyExists")
	apptest.Must(c.ReplaceRoute(&ec2.ReplaceRouteInput{RouteTableId: rtb, DestinationCidrBlock: all, NatGatewayId: nat.NatGatewayId}))(t)
	link := apptest.Must(c.AssociateRouteTable(&ec2.AssociateRouteTableInput{RouteTableId: rtb, SubnetId: subnet}))(t).AssociationId
	_, err = c.AssociateRouteTable(&ec2.AssociateRouteTableInput{RouteTableId: rtb, SubnetId: subnet})
	apptest.WantCode(t, err, "Resource.AlreadyAssociated")
	find := func(name, value string) *ec2.RouteTable {
		t.Helper()
		found := apptest.Must(c.DescribeRouteTables(&ec2.DescribeRouteTablesInput{Filters: []*ec2.Filter{
			{Name: aws.String("vpc-id"), Values: []*string{vpc}}, {Name: &name, Values: []*string{&value}}}}))(t).RouteTables
		if len(found) != 1 {
			t.Fatalf("%s %s: %v", name, value, found)
		}
		return found[0]
	}
	if found := find("association.subnet-id", *subnet); *found.RouteTableId != *rtb || *found.Associations[0].RouteTableAssociationId != *link || *found.Routes[1].NatGatewayId != *nat.NatGatewayId {
		t.Errorf("table %v", found)
	}
	// The other one becomes the main one, and the first again.
	first := find("association.main", "true")
	moved := apptest.Must(c.ReplaceRouteTableAssociation(&ec2.ReplaceRouteTableAssociationInput{AssociationId: first.Associations[0].RouteTableAssociationId, RouteTableId: rtb}))(t).NewAssociationId
	if main := find("association.main", "true"); *main.RouteTableId != *rtb || len(main.Associations) != 2 {
		t.Errorf("main %v", main)
	}
	_, err = c.DisassociateRouteTable(&ec2.DisassociateRouteTableInput{AssociationId: moved})
	apptest.WantCode(t, err, "InvalidParameterValue")
	apptest.Must(c.ReplaceRouteTableAssociation(&ec2.ReplaceRouteTableAssociationInput{AssociationId: moved, RouteTableId: first.RouteTableId}))(t)

	// Everything goes, in the order that it must.
	_, err = c.DeleteRouteTable(&ec2.DeleteRouteTableInput{RouteTableId: rtb})
	apptest.WantCode(t, err, "DependencyViolation")
	apptest.Must(c.DeleteNatGateway(&ec2.DeleteNatGatewayInput{NatGatewayId: nat.NatGatewayId}))(t)
	if found := find("route.state", "blackhole"); *found.RouteTableId != *rtb {
		t.Errorf("table %v", found)
	}
	_, err = c.DescribeNatGateways(&ec2.DescribeNatGatewaysInput{NatGatewayIds: []*string{nat.NatGatewayId}})
	apptest.WantCode(t, err, "NatGatewayNotFound")
	_, err = c.DisassociateAddress(&ec2.DisassociateAddressInput{AssociationId: held.AssociationId})
	apptest.WantCode(t, err, "InvalidAssociationID.NotFound")
	apptest.Must(c.ReleaseAddress(&ec2.ReleaseAddressInput{AllocationId: address.AllocationId}))(t)
	_, err = c.DescribeAddresses(&ec2.DescribeAddressesInput{AllocationIds: []*string{address.AllocationId}})
	apptest.WantCode(t, err, "InvalidAllocationID.NotFound")
	apptest.Must(c.DeleteRoute(&ec2.DeleteRouteInput{RouteTableId: rtb, DestinationCidrBlock: all}))(t)
	_, err = c.DeleteRoute(&ec2.DeleteRouteInput{RouteTableId: rtb, DestinationCidrBlock: all})
	apptest.WantCode(t, err, "InvalidRoute.NotFound")
	_, err = c.DeleteRoute(&ec2.DeleteRouteInput{RouteTableId: rtb, DestinationCidrBlock: aws.String("10.0.0.0/16")})
	apptest.WantCode(t, err, "InvalidParameterValue")
	apptest.Must(c.DisassociateRouteTable(&ec2.DisassociateRouteTableInput{AssociationId: link}))(t)
	_, err = c.DisassociateRouteTable(&ec2.DisassociateRouteTableInput{AssociationId: link})
	apptest.WantCode(t, err, "InvalidAssociationID.NotFound")
	_, err = c.DeleteVpc(&ec2.DeleteVpcInput{VpcId: vpc})
	apptest.WantCode(t, err, "DependencyViolation")
	apptest.Must(c.DeleteRouteTable(&ec2.DeleteRouteTableInput{RouteTableId: rtb}))(t)
	_, err = c.DescribeRouteTables(&ec2.DescribeRouteTablesInput{RouteTableIds: []*string{rtb}})
	apptest.WantCode(t, err, "InvalidRouteTableID.NotFound")
	_, err = c.DeleteInternetGateway(&ec2.DeleteInternetGatewayInput{InternetGatewayId: igw})
	apptest.WantCode(t, err, "DependencyViolation")
	apptest.Must(c.DetachInternetGateway(&ec2.DetachInternetGatewayInput{InternetGatewayId: igw, VpcId: vpc}))(t)
	_, err = c.DetachInternetGateway(&ec2.DetachInternetGatewayInput{InternetGatewayId: igw, VpcId: vpc})
	apptest.WantCode(t, err, "Gateway.NotAttached")
	apptest.Must(c.DeleteInternetGateway(&ec2.DeleteInternetGatewayInput{InternetGatewayId: igw}))(t)
	_, err = c.DescribeInternetGateways(&ec2.DescribeInternetGatewaysInput{InternetGatewayIds: []*string{igw}})
	apptest.WantCode(t, err, "InvalidInternetGatewayID.NotFound")
	apptest.Must(c.DeleteSubnet(&ec2.DeleteSubnetInput{SubnetId: subnet}))(t)
	apptest.Must(c.DeleteVpc(&ec2.DeleteVpcInput{VpcId: vpc}))(t)
	for code, call := range map[string]func() error{
		"InvalidRouteTableID.Malformed": func() error {
			_, err := c.DeleteRouteTable(&ec2.DeleteRouteTableInput{RouteTableId: aws.String("x")})
			return err
		},
		"InvalidInternetGatewayID.Malformed": func() error {
			_, err := c.DeleteInternetGateway(&ec2.DeleteInternetGatewayInput{InternetGatewayId: aws.String("rtb-1")})
			return err
		},
		"InvalidAllocationID.Malformed": func() error {
			_, err := c.ReleaseAddress(&ec2.ReleaseAddressInput{AllocationId: aws.String("x")})
			return err
		},
		"InvalidAssociationID.Malformed": func() error {
			_, err := c.DisassociateRouteTable(&ec2.DisassociateRouteTableInput{AssociationId: aws.String("x")})
			return err
		},
		"NatGatewayMalformed": func() error {
			_, err := c.DeleteNatGateway(&ec2.DeleteNatGatewayInput{NatGatewayId: aws.String("x")})
			return err
		},
	} {
		apptest.WantCode(t, call(), code)
	}
}

// Entries of the default network ACL, as aws_default_network_acl changes them.
func TestNetworkACLStory(t *testing.T) {
	c := ec2.New(apptest.Start(t).Older())
	vpc := apptest.Must(c.CreateVpc(&ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")}))(t).Vpc.VpcId
	read := func() *ec2.NetworkAcl {
		t.Helper()
		return apptest.Must(c.DescribeNetworkAcls(&ec2.DescribeNetworkAclsInput{Filters: []*ec2.Filter{{Name: aws.String("vpc-id"), Values: []*string{vpc}}}}))(t).NetworkAcls[0]
	}
	acl := read().NetworkAclId
	if n := len(read().Entries); n != 4 {
		t.Errorf("%d entries at first", n)
	}
	in := &ec2.CreateNetworkAclEntryInput{NetworkAclId: acl, RuleNumber: aws.Int64(100), Egress: aws.Bool(false), Protocol: aws.String("tcp"), RuleAction: aws.String("deny"),
		CidrBlock: aws.String("10.1.2.3/16"), PortRange: &ec2.PortRange{From: aws.Int64(22), To: aws.Int64(22)}}
	_, err := c.CreateNetworkAclEntry(in)
	apptest.WantCode(t, err, "NetworkAclEntryAlreadyExists")
	apptest.Must(c.DeleteNetworkAclEntry(&ec2.DeleteNetworkAclEntryInput{NetworkAclId: acl, RuleNumber: in.RuleNumber, Egress: in.Egress}))(t)
	apptest.Must(c.CreateNetworkAclEntry(in))(t)
	entries := read().Entries
	if e := entries[2]; len(entries) != 4 || *e.Protocol != "6" || *e.CidrBlock != "10.1.0.0/16" || *e.PortRange.To != 22 || *e.RuleAction != "deny" {
		t.Errorf("entries %v", entries)
	}
	_, err = c.DeleteNetworkAclEntry(&ec2.DeleteNetworkAclEntryInput{NetworkAclId: acl, RuleNumber: aws.Int64(7), Egress: aws.Bool(true)})
	apptest.WantCode(t, err, "InvalidNetworkAclEntry.NotFound")
	in.PortRange = nil
	_, err = c.CreateNetworkAclEntry(in)
	apptest.WantCode(t, err, "MissingParameter")
}
