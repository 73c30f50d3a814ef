package ec2

import (
	"context"
	"slices"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// AssociateRouteTableInput names a route table and a subnet.
type AssociateRouteTableInput struct {
	DryRun       bool
	RouteTableId string
	SubnetId     string
}

// AssociateRouteTableOutput has the association.
type AssociateRouteTableOutput struct {
	AssociationId    string
	AssociationState RouteTableAssociationState
}

// AssociateRouteTable associates a subnet that is associated with no route table
// yet, so that the main one does not hold for it any more.
func (s *Service) AssociateRouteTable(ctx context.Context, in *AssociateRouteTableInput) (*AssociateRouteTableOutput, error) {
	if in.SubnetId == "" {
		return nil, fail("MissingParameter", "The request must contain the parameter subnetId")
	}
	out := &AssociateRouteTableOutput{AssociationState: associated}
	return out, s.update(ctx, func(tx *engine.Tx, region string) error {
		t, err := get(tx, tables, tableKind, region, in.RouteTableId)
		if err != nil {
			return err
		}
		n, err := get(tx, subnets, subnetKind, region, in.SubnetId)
		if err != nil {
			return err
		}
		if n.VPC != t.VPC {
			return fail("InvalidParameterValue", "Route table %s and subnet %s belong to different networks", t.ID, n.ID)
		}
		all, err := tablesOf(tx, region, t.VPC)
		if err != nil {
			return err
		}
		for _, other := range all {
			if slices.ContainsFunc(other.Subnets, func(a association) bool { return a.Subnet == n.ID }) {
				return fail("Resource.AlreadyAssociated", "the specified association for route table %s conflicts with an existing association", t.ID)
			}
		}
		a := association{s.newID(associationKind), n.ID}
		out.AssociationId, t.Subnets = a.ID, append(t.Subnets, a)
		return tables.Put(tx, t, region, t.ID)
	})
}

// DisassociateRouteTableInput names an association.
type DisassociateRouteTableInput struct {
	AssociationId string
	DryRun        bool
}

// DisassociateRouteTableOutput is empty.
type DisassociateRouteTableOutput struct{}

// DisassociateRouteTable gives a subnet back to the main route table.
func (s *Service) DisassociateRouteTable(ctx context.Context, in *DisassociateRouteTableInput) (*DisassociateRouteTableOutput, error) {
	return &DisassociateRouteTableOutput{}, s.update(ctx, func(tx *engine.Tx, region string) error {
		t, i, err := findAssociation(tx, region, in.AssociationId)
		if err != nil {
			return err
		}
		if i < 0 {
			return fail("InvalidParameterValue", "cannot disassociate the main route table association %s", in.AssociationId)
		}
		t.Subnets = slices.Delete(t.Subnets, i, i+1)
		return tables.Put(tx, t, region, t.ID)
	})
}

// ReplaceRouteTableAssociationInput names an association and another table.
type ReplaceRouteTableAssociationInput struct {
	AssociationId string
	DryRun        bool
	RouteTableId  string
}

// ReplaceRouteTableAssociationOutput has the new association.
type ReplaceRouteTableAssociationOutput struct {
	AssociationState RouteTableAssociationState
	NewAssociationId string
}

// ReplaceRouteTableAssociation moves a subnet to another table, or makes that
// the main one. The association gets a new id.
func (s *Service) ReplaceRouteTableAssociation(ctx context.Context, in *ReplaceRouteTableAssociationInput) (*ReplaceRouteTableAssociationOutput, error) {
	out := &ReplaceRouteTableAssociationOutput{AssociationState: associated}
	return out, s.update(ctx, func(tx *engine.Tx, region string) error {
		from, i, err := findAssociation(tx, region, in.AssociationId)
		if err != nil {
			return err
		}
		to, err := get(tx, tables, tableKind, region, in.RouteTableId)
		if err != nil {
			return err
		}
		if to.ID == from.ID { // they are the same document
			to = from
		}
		if to.VPC != from.VPC {
			return fail("InvalidParameterValue", "Route table %s and network %s belong to different networks", to.ID, from.VPC)
		}
		id := s.newID(associationKind)
		out.NewAssociationId = id
		if i < 0 {
			from.Association = ""
			to.Association = id
		} else {
			subnet := from.Subnets[i].Subnet
			from.Subnets = slices.Delete(from.Subnets, i, i+1)
			to.Subnets = append(to.Subnets, association{id, subnet})
		}
		if err := tables.Put(tx, from, region, from.ID); err != nil {
			return err
		}
		return tables.Put(tx, to, region, to.ID)
	})
}

// findAssociation finds the table of an association and its place there, -1 for
// the one that makes the table the main one.
func findAssociation(r store.Reader, region, id string) (*routeTable, int, error) {
	for t, err := range tables.All(r, region) {
		if err != nil {
			return nil, 0, err
		}
		if t.Association == id && id != "" {
			return t, -1, nil
		}
		if i := slices.IndexFunc(t.Subnets, func(a association) bool { return a.ID == id }); i >= 0 {
			return t, i, nil
		}
	}
	return nil, 0, associationKind.absent(id)
}
