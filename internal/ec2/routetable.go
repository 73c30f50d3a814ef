package ec2

import (
	"context"
	"slices"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// routeTable is a route table of a VPC.
type routeTable struct {
	ID, VPC     string
	Association string        `json:",omitempty"` // with the VPC, if it is the main one
	Subnets     []association `json:",omitempty"`
	Routes      []Route
	Tags        tag.Set `json:",omitempty"`
}

// association is a route table's with a subnet.
type association struct{ ID, Subnet string }

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

// RouteTableAssociation is with a subnet, or makes the table its VPC's main one.
type RouteTableAssociation struct {
	AssociationState        RouteTableAssociationState
	Main                    bool
	RouteTableAssociationId string
	RouteTableId            string
	SubnetId                string
}

// RouteTableAssociationState says that it is in effect.
type RouteTableAssociationState struct{ State string }

var associated = RouteTableAssociationState{"associated"}

func (s *Service) routeTable(t *routeTable) RouteTable {
	out := RouteTable{
		Associations: []RouteTableAssociation{}, OwnerId: s.Site.Account, PropagatingVgws: []struct{}{}, RouteTableId: t.ID, Routes: t.Routes,
		Tags: wireTags(t.Tags), VpcId: t.VPC,
	}
	if t.Association != "" {
		out.Associations = append(out.Associations, RouteTableAssociation{AssociationState: associated, Main: true, RouteTableAssociationId: t.Association, RouteTableId: t.ID})
	}
	for _, a := range t.Subnets {
		out.Associations = append(out.Associations, RouteTableAssociation{AssociationState: associated, RouteTableAssociationId: a.ID, RouteTableId: t.ID, SubnetId: a.Subnet})
	}
	return out
}

// newTable is a VPC's route table with the route that every one has.
func newTable(id string, v *vpc) *routeTable {
	return &routeTable{ID: id, VPC: v.ID, Routes: []Route{{DestinationCidrBlock: v.CIDR.String(), GatewayId: local, Origin: "CreateRouteTable", State: active}}}
}

// CreateRouteTableInput asks for a route table.
type CreateRouteTableInput struct {
	ClientToken       string
	DryRun            bool
	TagSpecifications []TagSpecification
	VpcId             string
}

// CreateRouteTableOutput has the table.
type CreateRouteTableOutput struct {
	ClientToken string
	RouteTable  RouteTable
}

// CreateRouteTable makes a route table that no subnet is associated with. A
// token that was used before gives the table that it made.
func (s *Service) CreateRouteTable(ctx context.Context, in *CreateRouteTableInput) (*CreateRouteTableOutput, error) {
	tags, err := tagsFor(in.TagSpecifications, tableKind)
	if err != nil {
		return nil, err
	}
	out := &CreateRouteTableOutput{ClientToken: in.ClientToken}
	return out, s.update(ctx, func(tx *engine.Tx, region string) error {
		v, err := get(tx, vpcs, vpcKind, region, in.VpcId)
		if err != nil {
			return err
		}
		if old, err := repeated(tx, tables, region, in.ClientToken); err != nil || old != nil {
			if old != nil {
				out.RouteTable = s.routeTable(old)
			}
			return err
		}
		t := newTable(s.newID(tableKind), v)
		t.Tags = tags
		out.RouteTable = s.routeTable(t)
		if err := remember(tx, tables, region, in.ClientToken, t.ID); err != nil {
			return err
		}
		return tables.Put(tx, t, region, t.ID)
	})
}

// DeleteRouteTableInput names a route table.
type DeleteRouteTableInput struct {
	DryRun       bool
	RouteTableId string
}

// DeleteRouteTableOutput is empty.
type DeleteRouteTableOutput struct{}

// DeleteRouteTable deletes a route table that is not the main one and has no
// subnets.
func (s *Service) DeleteRouteTable(ctx context.Context, in *DeleteRouteTableInput) (*DeleteRouteTableOutput, error) {
	return &DeleteRouteTableOutput{}, s.update(ctx, func(tx *engine.Tx, region string) error {
		t, err := get(tx, tables, tableKind, region, in.RouteTableId)
		if err != nil {
			return err
		}
		if t.Association != "" || len(t.Subnets) > 0 {
			return fail("DependencyViolation", "The routeTable '%s' has dependencies and cannot be deleted.", t.ID)
		}
		return tables.Delete(tx, region, t.ID)
	})
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

// DescribeRouteTables lists the route tables of the region's VPCs.
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
			if v := of(r); v != "" {
				out = append(out, v)
			}
		}
		return out, true
	}
	return func(name string) ([]string, bool) {
		switch name {
		case "route-table-id":
			return one(t.ID)
		case "vpc-id":
			return one(t.VPC)
		case "owner-id":
			return one(s.Site.Account)
		case "association.route-table-id":
			if t.Association == "" && len(t.Subnets) == 0 {
				return nil, true
			}
			return one(t.ID)
		case "association.main":
			return flag(t.Association != "")
		case "association.route-table-association-id":
			ids := []string{}
			if t.Association != "" {
				ids = append(ids, t.Association)
			}
			for _, a := range t.Subnets {
				ids = append(ids, a.ID)
			}
			return ids, true
		case "association.subnet-id":
			ids := []string{}
			for _, a := range t.Subnets {
				ids = append(ids, a.Subnet)
			}
			return ids, true
		case "route.destination-cidr-block":
			return routes(func(r Route) string { return r.DestinationCidrBlock })
		case "route.gateway-id":
			return routes(func(r Route) string { return r.GatewayId })
		case "route.nat-gateway-id":
			return routes(func(r Route) string { return r.NatGatewayId })
		case "route.origin":
			return routes(func(r Route) string { return r.Origin })
		case "route.state":
			return routes(func(r Route) string { return r.State })
		case "association.gateway-id", "route.destination-ipv6-cidr-block", "route.destination-prefix-list-id", "route.egress-only-internet-gateway-id",
			"route.instance-id", "route.transit-gateway-id", "route.vpc-peering-connection-id":
			return nil, true
		}
		return nil, false
	}
}

// tablesOf are the route tables of a VPC.
func tablesOf(r store.Reader, region, vpc string) (out []*routeTable, err error) {
	for t, err := range tables.All(r, region) {
		if err != nil {
			return nil, err
		}
		if t.VPC == vpc {
			out = append(out, t)
		}
	}
	return out, nil
}

// forgetSubnet ends a subnet's association.
func forgetSubnet(tx store.Tx, region string, n *subnet) error {
	all, err := tablesOf(tx, region, n.VPC)
	if err != nil {
		return err
	}
	for _, t := range all {
		if i := slices.IndexFunc(t.Subnets, func(a association) bool { return a.Subnet == n.ID }); i >= 0 {
			t.Subnets = slices.Delete(t.Subnets, i, i+1)
			return tables.Put(tx, t, region, t.ID)
		}
	}
	return nil
}
