package ec2

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// ready makes the region's default VPC if the region has not had one.
func (s *Service) ready(ctx context.Context, region string) error {
	if _, ok := s.made.Load(region); ok {
		return nil
	}
	has := func(r store.Reader) (bool, error) {
		_, err := regions.Get(r, region)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		return err == nil, err
	}
	there := false
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		there, err = has(r)
		return err
	})
	if err == nil && !there {
		err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
			if there, err := has(tx); err != nil || there {
				return err
			}
			return s.makeDefault(tx, region)
		})
	}
	if err == nil {
		s.made.Store(region, true)
	}
	return err
}

// makeDefault writes a region's default VPC. Its ids are the same in every
// region and installation, so that examples may name them.
func (s *Service) makeDefault(tx *engine.Tx, region string) error {
	first := func(k kind) string { return k.prefix + "-00000000000000001" }
	v := &vpc{ID: first(vpcKind), CIDR: netip.MustParsePrefix("172.31.0.0/16"), Tenancy: "default", Default: true, DNSSupport: true, DNSHostnames: true}
	if err := s.putVPC(tx, region, v, first); err != nil {
		return err
	}
	g := &internetGateway{ID: first(gatewayKind), VPC: v.ID}
	if err := gateways.Put(tx, g, region, g.ID); err != nil {
		return err
	}
	t, err := tables.Get(tx, region, first(tableKind))
	if err != nil {
		return err
	}
	t.Routes = append(t.Routes, Route{DestinationCidrBlock: "0.0.0.0/0", GatewayId: g.ID, Origin: "CreateRoute", State: active})
	if err := tables.Put(tx, t, region, t.ID); err != nil {
		return err
	}
	for i, z := range zonesOf(region) {
		n := &subnet{ID: fmt.Sprintf("subnet-%017d", i+1), VPC: v.ID, Zone: z.ZoneName, DefaultForZone: true, PublicIP: true, HostnameType: "ip-name",
			CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 31, byte(16 * i), 0}), 20), ACLAssociation: fmt.Sprintf("aclassoc-%017d", i+1)}
		if err := subnets.Put(tx, n, region, n.ID); err != nil {
			return err
		}
	}
	return regions.Put(tx, &v.ID, region)
}

// defaultVPC is the region's, nil if it has none any more.
func defaultVPC(r store.Reader, region string) (*vpc, error) {
	for v, err := range vpcs.All(r, region) {
		if err != nil || v.Default {
			return v, err
		}
	}
	return nil, nil
}
