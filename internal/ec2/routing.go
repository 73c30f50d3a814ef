package ec2

import (
	"context"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/store"
)

// routeTable is a VPC's main route table; there are no others.
type routeTable struct {
	ID, VPC     string
	Association string // with the VPC
	Routes      []Route
	Tags        tag.Set `json:",omitempty"`
}

// internetGateway is what the default VPC reaches the world by.
type internetGateway struct {
	ID, VPC string
	Tags    tag.Set `json:",omitempty"`
}

// networkACL is a VPC's default network ACL; there are no others.
type networkACL struct {
	ID, VPC string
	Tags    tag.Set `json:",omitempty"`
}

// RouteTable is a route table as answers have it.
type RouteTable struct {
	Associations    []RouteTableAssociation
	OwnerId         string
	PropagatingVgws []struct{}
	RouteTableId    string
	Routes          []Route
	Tags            []Tag
	VpcId           string
}

// RouteTableAssociation makes a route table its VPC's main one.
type RouteTableAssociation struct {
	AssociationState        RouteTableAssociationState
	Main                    bool
	RouteTableAssociationId string
	RouteTableId            string
}

// RouteTableAssociationState says that it is in effect.
type RouteTableAssociationState struct{ State string }

// Route sends a destination's packets somewhere.
type Route struct{ DestinationCidrBlock, GatewayId, Origin, State string }

func (s *Service) routeTable(t *routeTable) RouteTable {
	return RouteTable{
		Associations: []RouteTableAssociation{{AssociationState: RouteTableAssociationState{"associated"}, Main: true, RouteTableAssociationId: t.Association, RouteTableId: t.ID}},
		OwnerId:      s.Site.Account, PropagatingVgws: []struct{}{}, RouteTableId: t.ID, Routes: t.Routes, Tags: wireTags(t.Tags), VpcId: t.VPC,
	}
}

// DescribeRouteTablesInput selects route tables.
type DescribeRouteTablesInput struct {
	DryRun        bool
	Filters       []Filter
	MaxResults    *int32
	NextToken     string
	RouteTableIds []string
}

// DescribeRouteTablesOutput is a page of route tables.
type DescribeRouteTablesOutput struct {
	NextToken   string
	RouteTables []RouteTable
}

// DescribeRouteTables lists the main route tables of the region's VPCs.
func (s *Service) DescribeRouteTables(ctx context.Context, in *DescribeRouteTablesInput) (*DescribeRouteTablesOutput, error) {
	out := &DescribeRouteTablesOutput{}
	return out, s.view(ctx, func(r store.Reader, region string) (err error) {
		out.RouteTables, out.NextToken, err = describe(r, tables, listing{region, tableKind, in.RouteTableIds, in.Filters, in.MaxResults, in.NextToken},
			func(t *routeTable) string { return t.ID }, func(t *routeTable) tag.Set { return t.Tags }, s.tableFacts, s.routeTable)
		return err
	})
}

func (s *Service) tableFacts(t *routeTable) facts {
	routes := func(of func(Route) string) ([]string, bool) {
		out := []string{}
		for _, r := range t.Routes {
			out = append(out, of(r))
		}
		return out, true
	}
	return func(name string) ([]string, bool) {
		switch name {
		case "route-table-id", "association.route-table-id":
			return one(t.ID)
		case "vpc-id":
			return one(t.VPC)
		case "owner-id":
			return one(s.Site.Account)
		case "association.main":
			return flag(true)
		case "association.route-table-association-id":
			return one(t.Association)
		case "route.destination-cidr-block":
			return routes(func(r Route) string { return r.DestinationCidrBlock })
		case "route.gateway-id":
			return routes(func(r Route) string { return r.GatewayId })
		case "route.origin":
			return routes(func(r Route) string { return r.Origin })
		case "route.state":
			return routes(func(r Route) string { return r.State })
		case "association.subnet-id", "association.gateway-id", "route.destination-ipv6-cidr-block", "route.destination-prefix-list-id",
			"route.egress-only-internet-gateway-id", "route.instance-id", "route.nat-gateway-id", "route.transit-gateway-id", "route.vpc-peering-connection-id":
			return nil, true
		}
		return nil, false
	}
}

// InternetGateway is an internet gateway as answers have it.
type InternetGateway struct {
	Attachments       []InternetGatewayAttachment
	InternetGatewayId string
	OwnerId           string
	Tags              []Tag
}

// InternetGatewayAttachment is to a VPC.
type InternetGatewayAttachment struct{ State, VpcId string }

// DescribeInternetGatewaysInput selects internet gateways.
type DescribeInternetGatewaysInput struct {
	DryRun             bool
	Filters            []Filter
	InternetGatewayIds []string
	MaxResults         *int32
	NextToken          string
}

// DescribeInternetGatewaysOutput is a page of internet gateways.
type DescribeInternetGatewaysOutput struct {
	InternetGateways []InternetGateway
	NextToken        string
}

// DescribeInternetGateways lists the gateway of the region's default VPC.
func (s *Service) DescribeInternetGateways(ctx context.Context, in *DescribeInternetGatewaysInput) (*DescribeInternetGatewaysOutput, error) {
	out := &DescribeInternetGatewaysOutput{}
	return out, s.view(ctx, func(r store.Reader, region string) (err error) {
		out.InternetGateways, out.NextToken, err = describe(r, gateways, listing{region, gatewayKind, in.InternetGatewayIds, in.Filters, in.MaxResults, in.NextToken},
			func(g *internetGateway) string { return g.ID }, func(g *internetGateway) tag.Set { return g.Tags }, s.gatewayFacts,
			func(g *internetGateway) InternetGateway {
				return InternetGateway{[]InternetGatewayAttachment{{"available", g.VPC}}, g.ID, s.Site.Account, wireTags(g.Tags)}
			})
		return err
	})
}

func (s *Service) gatewayFacts(g *internetGateway) facts {
	return func(name string) ([]string, bool) {
		switch name {
		case "internet-gateway-id":
			return one(g.ID)
		case "attachment.vpc-id":
			return one(g.VPC)
		case "attachment.state":
			return one("available")
		case "owner-id":
			return one(s.Site.Account)
		}
		return nil, false
	}
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
	CidrBlock  string
	Egress     bool
	Protocol   string
	RuleAction string
	RuleNumber int32
}

// defaultEntries let everything through, as those of every default ACL.
var defaultEntries = []NetworkAclEntry{
	{"0.0.0.0/0", true, "-1", "allow", 100}, {"0.0.0.0/0", true, "-1", "deny", 32767},
	{"0.0.0.0/0", false, "-1", "allow", 100}, {"0.0.0.0/0", false, "-1", "deny", 32767},
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
				return NetworkAcl{with[a.VPC], defaultEntries, true, a.ID, s.Site.Account, wireTags(a.Tags), a.VPC}
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
