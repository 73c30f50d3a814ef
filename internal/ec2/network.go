package ec2

import (
	"context"
	"errors"
	"net/netip"

	"github.com/slipway-dev/slipway/internal/store"
)

// What load balancers and others ask about networks, in transactions of their
// own.

// Place is where a subnet is.
type Place struct {
	VPC, Zone string
	CIDR      netip.Prefix
}

// Ready makes the region's default VPC if it is not there yet. It must be called
// outside of transactions, before the others are asked about the region.
func (s *Service) Ready(ctx context.Context, region string) error { return s.ready(ctx, region) }

// Place finds a subnet; ok is false if there is none.
func (s *Service) Place(r store.Reader, region, subnet string) (p Place, ok bool, err error) {
	d, err := subnets.Get(r, region, subnet)
	if err != nil {
		return p, false, lost(err)
	}
	return Place{d.VPC, d.Zone, d.CIDR}, true, nil
}

// Subnet finds the VPC and the zone of a subnet; ok is false if there is none.
func (s *Service) Subnet(r store.Reader, region, id string) (vpc, zone string, ok bool, err error) {
	p, ok, err := s.Place(r, region, id)
	return p.VPC, p.Zone, ok, err
}

// GroupVPC finds the VPC of a security group; ok is false if there is none.
func (s *Service) GroupVPC(r store.Reader, region, group string) (vpc string, ok bool, err error) {
	d, err := groups.Get(r, region, group)
	if err != nil {
		return "", false, lost(err)
	}
	return d.VPC, true, nil
}

// HasVPC tells whether there is a VPC.
func (s *Service) HasVPC(r store.Reader, region, vpc string) (bool, error) {
	_, err := vpcs.Get(r, region, vpc)
	return err == nil, lost(err)
}

// DefaultGroup is the id of a VPC's own security group.
func (s *Service) DefaultGroup(r store.Reader, region, vpc string) (string, error) {
	for g, err := range groups.All(r, region) {
		if err != nil {
			return "", err
		}
		if g.VPC == vpc && g.Name == defaultGroup {
			return g.ID, nil
		}
	}
	return "", fail("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", vpc)
}

// lost is err unless that says that there is nothing.
func lost(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
