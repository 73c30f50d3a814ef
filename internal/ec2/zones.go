package ec2

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/store"
)

// zonesOf are the availability zones of a region: three, everywhere.
func zonesOf(region string) []AvailabilityZone {
	out := make([]AvailabilityZone, 3)
	for i := range out {
		out[i] = AvailabilityZone{
			ZoneName: region + string(rune('a'+i)), ZoneId: zoneID(region) + "-az" + strconv.Itoa(i+1), RegionName: region,
			GroupName: region + "-zg-1", NetworkBorderGroup: region, State: "available", ZoneType: "availability-zone", OptInStatus: "opt-in-not-required",
		}
	}
	return out
}

// zoneID abbreviates a region as AWS does: us-east-1 is use1, ap-northeast-1
// is apne1.
func zoneID(region string) string {
	parts := strings.Split(region, "-")
	var b strings.Builder
	for i, p := range parts {
		switch {
		case p == "":
		case i == 0 || i == len(parts)-1:
			b.WriteString(p)
		case strings.HasPrefix(p, "north") || strings.HasPrefix(p, "south"):
			b.WriteByte(p[0])
			if len(p) > len("north") {
				b.WriteByte(p[len("north")])
			}
		default:
			b.WriteByte(p[0])
		}
	}
	return b.String()
}

// zone finds a zone of the region by name or id.
func zone(region, nameOrID string) (AvailabilityZone, bool) {
	zones := zonesOf(region)
	i := slices.IndexFunc(zones, func(z AvailabilityZone) bool { return z.ZoneName == nameOrID || z.ZoneId == nameOrID })
	if i < 0 {
		return AvailabilityZone{}, false
	}
	return zones[i], true
}

// AvailabilityZone is one of a region's zones.
type AvailabilityZone struct {
	ZoneName, ZoneId, RegionName, GroupName, NetworkBorderGroup, State, ZoneType, OptInStatus string
}

// DescribeAvailabilityZonesInput selects zones of the region.
type DescribeAvailabilityZonesInput struct {
	AllAvailabilityZones bool
	DryRun               bool
	Filters              []Filter
	ZoneIds              []string
	ZoneNames            []string
}

// DescribeAvailabilityZonesOutput lists zones.
type DescribeAvailabilityZonesOutput struct{ AvailabilityZones []AvailabilityZone }

// DescribeAvailabilityZones lists the zones of the region.
func (s *Service) DescribeAvailabilityZones(ctx context.Context, in *DescribeAvailabilityZonesInput) (*DescribeAvailabilityZonesOutput, error) {
	region := identity.Region(ctx)
	for _, name := range append(slices.Clone(in.ZoneNames), in.ZoneIds...) {
		if _, ok := zone(region, name); !ok {
			return nil, fail("InvalidParameterValue", "Invalid availability zone: [%s]", name)
		}
	}
	of := func(z AvailabilityZone) facts {
		return func(name string) ([]string, bool) {
			switch name {
			case "zone-name":
				return one(z.ZoneName)
			case "zone-id":
				return one(z.ZoneId)
			case "region-name":
				return one(z.RegionName)
			case "group-name":
				return one(z.GroupName)
			case "state":
				return one(z.State)
			case "zone-type":
				return one(z.ZoneType)
			case "opt-in-status":
				return one(z.OptInStatus)
			case "message", "parent-zone-id", "parent-zone-name", "group-long-name":
				return nil, true
			}
			return nil, false
		}
	}
	if err := checkFilters(in.Filters, of(AvailabilityZone{})); err != nil {
		return nil, err
	}
	out := &DescribeAvailabilityZonesOutput{AvailabilityZones: []AvailabilityZone{}}
	for _, z := range zonesOf(region) {
		if len(in.ZoneNames) > 0 && !slices.Contains(in.ZoneNames, z.ZoneName) || len(in.ZoneIds) > 0 && !slices.Contains(in.ZoneIds, z.ZoneId) {
			continue
		}
		if matches(in.Filters, nil, of(z)) {
			out.AvailabilityZones = append(out.AvailabilityZones, z)
		}
	}
	return out, nil
}

// regionNames are AWS's regions that need no opting in. Requests may be signed
// for any other region as well.
var regionNames = []string{
	"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
	"eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}

// Region is a region with its endpoint's host.
type Region struct{ RegionName, Endpoint, OptInStatus string }

// DescribeRegionsInput selects regions.
type DescribeRegionsInput struct {
	AllRegions  bool
	DryRun      bool
	Filters     []Filter
	RegionNames []string
}

// DescribeRegionsOutput lists regions.
type DescribeRegionsOutput struct{ Regions []Region }

// DescribeRegions lists AWS's regions that need no opting in, and the request's.
func (s *Service) DescribeRegions(ctx context.Context, in *DescribeRegionsInput) (*DescribeRegionsOutput, error) {
	names := slices.Clone(regionNames)
	if here := identity.Region(ctx); !slices.Contains(names, here) {
		names = append(names, here)
	}
	for _, n := range in.RegionNames {
		if !slices.Contains(names, n) {
			return nil, fail("InvalidParameterValue", "Invalid region names: [%s]", n)
		}
	}
	of := func(g Region) facts {
		return func(name string) ([]string, bool) {
			switch name {
			case "region-name":
				return one(g.RegionName)
			case "endpoint":
				return one(g.Endpoint)
			case "opt-in-status":
				return one(g.OptInStatus)
			}
			return nil, false
		}
	}
	if err := checkFilters(in.Filters, of(Region{})); err != nil {
		return nil, err
	}
	out := &DescribeRegionsOutput{Regions: []Region{}}
	for _, n := range names {
		g := Region{RegionName: n, Endpoint: "ec2." + n + ".amazonaws.com", OptInStatus: "opt-in-not-required"}
		if (len(in.RegionNames) == 0 || slices.Contains(in.RegionNames, n)) && matches(in.Filters, nil, of(g)) {
			out.Regions = append(out.Regions, g)
		}
	}
	return out, nil
}

// DescribeAccountAttributesInput names attributes; none means all.
type DescribeAccountAttributesInput struct {
	AttributeNames []string
	DryRun         bool
}

// DescribeAccountAttributesOutput lists attributes.
type DescribeAccountAttributesOutput struct{ AccountAttributes []AccountAttribute }

// AccountAttribute is one attribute with its values.
type AccountAttribute struct {
	AttributeName   string
	AttributeValues []AccountAttributeValue
}

// AccountAttributeValue is one value.
type AccountAttributeValue struct{ AttributeValue string }

// DescribeAccountAttributes tells the platform and the region's default VPC.
func (s *Service) DescribeAccountAttributes(ctx context.Context, in *DescribeAccountAttributesInput) (*DescribeAccountAttributesOutput, error) {
	out := &DescribeAccountAttributesOutput{AccountAttributes: []AccountAttribute{}}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		def, err := defaultVPC(r, region)
		if err != nil {
			return err
		}
		id := "none"
		if def != nil {
			id = def.ID
		}
		for _, a := range [][2]string{{"supported-platforms", "VPC"}, {"default-vpc", id}} {
			if len(in.AttributeNames) == 0 || slices.Contains(in.AttributeNames, a[0]) {
				out.AccountAttributes = append(out.AccountAttributes, AccountAttribute{a[0], []AccountAttributeValue{{a[1]}}})
			}
		}
		return nil
	})
}
