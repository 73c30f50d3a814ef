package ec2

import (
	"context"
	"slices"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// Route sends a destination's packets to a gateway. No packet goes by it: what
// it tells is kept and shown.
type Route struct{ DestinationCidrBlock, GatewayId, NatGatewayId, Origin, State string }

// States of a route, and the gateway of the VPC itself.
const (
	active    = "active"
	blackhole = "blackhole" // its gateway is gone
	local     = "local"
)

// CreateRouteInput adds a route. Destinations other than IPv4 blocks, and
// targets other than internet and NAT gateways, are not implemented.
type CreateRouteInput struct {
	DestinationCidrBlock string
	DryRun               bool
	GatewayId            string
	NatGatewayId         string
	RouteTableId         string
}

// CreateRouteOutput tells that it is there.
type CreateRouteOutput struct{ Return bool }

// CreateRoute adds a route for a destination that has none.
func (s *Service) CreateRoute(ctx context.Context, in *CreateRouteInput) (*CreateRouteOutput, error) {
	return &CreateRouteOutput{true}, s.changeRoute(ctx, in.RouteTableId, in.DestinationCidrBlock, func(tx *engine.Tx, region string, t *routeTable, destination string, i int) error {
		if i >= 0 {
			return fail("RouteAlreadyExists", "The route identified by %s already exists.", destination)
		}
		if err := checkTarget(tx, region, t, in.GatewayId, in.NatGatewayId); err != nil {
			return err
		}
		t.Routes = append(t.Routes, Route{destination, in.GatewayId, in.NatGatewayId, "CreateRoute", active})
		return nil
	})
}

// ReplaceRouteInput gives a destination another target.
type ReplaceRouteInput struct {
	DestinationCidrBlock string
	DryRun               bool
	GatewayId            string
	NatGatewayId         string
	RouteTableId         string
}

// ReplaceRouteOutput is empty.
type ReplaceRouteOutput struct{}

// ReplaceRoute gives the route of a destination another target.
func (s *Service) ReplaceRoute(ctx context.Context, in *ReplaceRouteInput) (*ReplaceRouteOutput, error) {
	return &ReplaceRouteOutput{}, s.changeRoute(ctx, in.RouteTableId, in.DestinationCidrBlock, func(tx *engine.Tx, region string, t *routeTable, destination string, i int) error {
		if i < 0 {
			return fail("InvalidParameterValue", "There is no route defined for '%s' in the route table. Use CreateRoute instead.", destination)
		}
		if t.Routes[i].GatewayId == local {
			return fail("UnsupportedOperation", "Other targets for the local route are not implemented")
		}
		if err := checkTarget(tx, region, t, in.GatewayId, in.NatGatewayId); err != nil {
			return err
		}
		r := &t.Routes[i]
		r.GatewayId, r.NatGatewayId, r.State = in.GatewayId, in.NatGatewayId, active
		return nil
	})
}

// DeleteRouteInput names a route by its destination.
type DeleteRouteInput struct {
	DestinationCidrBlock string
	DryRun               bool
	RouteTableId         string
}

// DeleteRouteOutput is empty.
type DeleteRouteOutput struct{}

// DeleteRoute removes a route; the local one stays.
func (s *Service) DeleteRoute(ctx context.Context, in *DeleteRouteInput) (*DeleteRouteOutput, error) {
	return &DeleteRouteOutput{}, s.changeRoute(ctx, in.RouteTableId, in.DestinationCidrBlock, func(_ *engine.Tx, _ string, t *routeTable, destination string, i int) error {
		switch {
		case i < 0:
			return fail("InvalidRoute.NotFound", "no route with destination-cidr-block %s in route table %s", destination, t.ID)
		case t.Routes[i].GatewayId == local:
			return fail("InvalidParameterValue", "cannot remove local route %s in route table %s", destination, t.ID)
		}
		t.Routes = slices.Delete(t.Routes, i, i+1)
		return nil
	})
}

// changeRoute changes a table; i is the place of the destination's route, -1 if
// it has none.
func (s *Service) changeRoute(ctx context.Context, table, cidr string, f func(tx *engine.Tx, region string, t *routeTable, destination string, i int) error) error {
	if cidr == "" {
		return fail("MissingParameter", "The request must contain the parameter destinationCidrBlock")
	}
	block, err := parseBlock("destinationCidrBlock", cidr)
	if err != nil {
		return err
	}
	return s.update(ctx, func(tx *engine.Tx, region string) error {
		t, err := get(tx, tables, tableKind, region, table)
		if err != nil {
			return err
		}
		destination := block.String()
		i := slices.IndexFunc(t.Routes, func(r Route) bool { return r.DestinationCidrBlock == destination })
		if err := f(tx, region, t, destination, i); err != nil {
			return err
		}
		return tables.Put(tx, t, region, t.ID)
	})
}

// checkTarget wants one gateway, and that of the table's VPC.
func checkTarget(r store.Reader, region string, t *routeTable, gateway, nat string) error {
	switch {
	case gateway == "" && nat == "":
		return fail("MissingParameter", "The request must contain exactly one of gatewayId, natGatewayId")
	case gateway != "" && nat != "":
		return fail("InvalidParameterCombination", "The request must contain exactly one of gatewayId, natGatewayId")
	case nat != "":
		n, err := get(r, nats, natKind, region, nat)
		if err != nil {
			return err
		}
		if n.VPC != t.VPC {
			return fail("InvalidParameterValue", "route table %s and network gateway %s belong to different networks", t.ID, nat)
		}
		return nil
	}
	g, err := get(r, gateways, gatewayKind, region, gateway)
	if err != nil {
		return err
	}
	if g.VPC != t.VPC {
		return fail("InvalidParameterValue", "route table %s and network gateway %s belong to different networks", t.ID, gateway)
	}
	return nil
}

// markRoutes gives the routes to a gateway another state.
func markRoutes(tx store.Tx, region, vpc, gateway, state string) error {
	all, err := tablesOf(tx, region, vpc)
	if err != nil {
		return err
	}
	for _, t := range all {
		changed := false
		for i := range t.Routes {
			if r := &t.Routes[i]; r.GatewayId == gateway || r.NatGatewayId == gateway {
				r.State, changed = state, true
			}
		}
		if changed {
			if err := tables.Put(tx, t, region, t.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
