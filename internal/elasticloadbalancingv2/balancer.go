package elbv2

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/accesslog"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// balancer is what the store keeps of a load balancer.
type balancer struct {
	types.LoadBalancer
	Path       string // app/NAME/ID
	Mapped     bool   `json:",omitempty"` // its subnets came with addresses
	Attributes map[string]string
	Tags       tag.Set `json:",omitempty"`
}

func (b *balancer) application() bool { return b.Type == types.LoadBalancerTypeEnumApplication }

func (b *balancer) attributes() []attribute {
	if b.application() {
		return applicationBalancer
	}
	return networkBalancer
}

// zoneIDs are the hosted zones that AWS's names are in, which clients want to
// make aliases of; they lead nowhere here.
var zoneIDs = map[types.LoadBalancerTypeEnum]string{
	types.LoadBalancerTypeEnumApplication: "Z35SXDOTRQ7X7K", types.LoadBalancerTypeEnumNetwork: "Z26RNL4JYFTOTI",
}

// CreateLoadBalancer makes an application or network load balancer, which is
// active at once. One of the same name and settings is returned as it is.
func (s *Service) CreateLoadBalancer(ctx context.Context, in *elb.CreateLoadBalancerInput, _ ...func(*elb.Options)) (*elb.CreateLoadBalancerOutput, error) {
	name := aws.ToString(in.Name)
	if err := checkName("The load balancer", name); err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(name, "internal-"):
		return nil, invalid("The load balancer name '%s' cannot begin with 'internal-'", name)
	case in.Type == types.LoadBalancerTypeEnumGateway:
		return nil, missing("Gateway load balancers are")
	case in.CustomerOwnedIpv4Pool != nil || in.IpamPools != nil || in.EnablePrefixForIpv6SourceNat == types.EnablePrefixForIpv6SourceNatEnumOn:
		return nil, missing("Address pools of load balancers are")
	}
	tags, err := tagSet(in.Tags)
	if err != nil {
		return nil, err
	}
	b := &balancer{Tags: tags, Attributes: map[string]string{}, LoadBalancer: types.LoadBalancer{
		LoadBalancerName: in.Name, Type: in.Type, Scheme: in.Scheme, IpAddressType: in.IpAddressType,
		State: &types.LoadBalancerState{Code: types.LoadBalancerStateEnumActive},
	}}
	if b.Type == "" {
		b.Type = types.LoadBalancerTypeEnumApplication
	}
	if b.Scheme == "" {
		b.Scheme = types.LoadBalancerSchemeEnumInternetFacing
	}
	if b.IpAddressType == "" {
		b.IpAddressType = types.IpAddressTypeIpv4
	}
	if b.IpAddressType != types.IpAddressTypeIpv4 {
		return nil, noIPv6
	}
	kind := "app"
	if !b.application() {
		kind = "net"
	}
	b.CanonicalHostedZoneId = aws.String(zoneIDs[b.Type])
	unique := id.Hex(s.IDs, 16)
	b.Path = kind + "/" + name + "/" + unique
	host := name + "-" + unique[:10] + ".elb.localhost"
	if b.Scheme == types.LoadBalancerSchemeEnumInternal {
		host = "internal-" + host
		b.Attributes["ipv6.deny_all_igw_traffic"] = "true"
	}
	b.DNSName = aws.String(host)
	err = s.update(ctx, func(tx *engine.Tx, region string) error {
		now := tx.Now()
		b.CreatedTime, b.LoadBalancerArn = &now, aws.String(s.arn(balancerARN, region, b.Path))
		if err := s.place(tx, region, b, in.Subnets, in.SubnetMappings); err != nil {
			return err
		}
		if err := s.guard(tx, region, b, in.SecurityGroups); err != nil {
			return err
		}
		old, err := named(tx, region, name)
		switch {
		case err != nil:
			return err
		case old != nil && !old.same(b):
			return fail("DuplicateLoadBalancerName", "A load balancer with the same name '%s' exists, but with different settings", name)
		case old != nil:
			b = old
			return nil
		}
		return balancers.Put(tx, b, region, b.Path)
	})
	return &elb.CreateLoadBalancerOutput{LoadBalancers: []types.LoadBalancer{b.LoadBalancer}}, err
}

// same tells whether two load balancers were asked for alike.
func (b *balancer) same(o *balancer) bool {
	subnets := func(b *balancer) []string {
		var out []string
		for _, z := range b.AvailabilityZones {
			out = append(out, *z.SubnetId)
		}
		return out
	}
	return b.Type == o.Type && b.Scheme == o.Scheme && b.IpAddressType == o.IpAddressType &&
		slices.Equal(subnets(b), subnets(o)) && slices.Equal(b.SecurityGroups, o.SecurityGroups)
}

// DeleteLoadBalancer deletes a load balancer with its listeners and rules. One
// that is not there is no error.
func (s *Service) DeleteLoadBalancer(ctx context.Context, in *elb.DeleteLoadBalancerInput, _ ...func(*elb.Options)) (*elb.DeleteLoadBalancerOutput, error) {
	return &elb.DeleteLoadBalancerOutput{}, s.route(ctx, func(tx *engine.Tx, region string) error {
		b, err := s.balancer(tx, region, in.LoadBalancerArn)
		if isCode(err, balancerARN.code) {
			return nil
		}
		if err != nil {
			return err
		}
		if value(b.attributes(), b.Attributes, "deletion_protection.enabled") == "true" {
			return fail("OperationNotPermitted", "Load balancer '%s' cannot be deleted because deletion protection is enabled", *b.LoadBalancerArn)
		}
		if err := each(tx, listeners, func(l *listener) error { return dropListener(tx, region, l) }, region, b.Path); err != nil {
			return err
		}
		return balancers.Delete(tx, region, b.Path)
	})
}

// DescribeLoadBalancers describes those that are named, or all of them, 400 a
// page.
func (s *Service) DescribeLoadBalancers(ctx context.Context, in *elb.DescribeLoadBalancersInput, _ ...func(*elb.Options)) (*elb.DescribeLoadBalancersOutput, error) {
	out := &elb.DescribeLoadBalancersOutput{LoadBalancers: []types.LoadBalancer{}}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		if len(in.LoadBalancerArns) > 0 && len(in.Names) > 0 {
			return invalid("Load balancer names and load balancer ARNs cannot be specified at the same time")
		}
		for _, a := range in.LoadBalancerArns {
			b, err := s.balancer(r, region, &a)
			if err != nil {
				return err
			}
			if err := s.state(r, region, b); err != nil {
				return err
			}
			out.LoadBalancers = append(out.LoadBalancers, b.LoadBalancer)
		}
		for _, name := range in.Names {
			b, err := named(r, region, name)
			if err != nil {
				return err
			}
			if b == nil {
				return fail(balancerARN.code, "Load balancers '[%s]' not found", name)
			}
			if err := s.state(r, region, b); err != nil {
				return err
			}
			out.LoadBalancers = append(out.LoadBalancers, b.LoadBalancer)
		}
		if len(in.LoadBalancerArns)+len(in.Names) > 0 {
			return nil
		}
		var err error
		out.LoadBalancers, out.NextMarker, err = page.Of(r, balancers, page.Request{Scope: "elb.balancers/" + region, Token: in.Marker, Max: page.Limit(in.PageSize, 400)},
			func(b *balancer) (types.LoadBalancer, bool, error) {
				err := s.state(r, region, b)
				return b.LoadBalancer, true, err
			}, region)
		return badMarker(err)
	})
}

// state notes a port of the load balancer that is not open, which another
// program may have taken while the server was down.
func (s *Service) state(r store.Reader, region string, b *balancer) error {
	return each(r, listeners, func(l *listener) error {
		if why := s.impaired(*l.Port); why != "" {
			b.State = &types.LoadBalancerState{Code: types.LoadBalancerStateEnumActiveImpaired, Reason: aws.String(why)}
		}
		return nil
	}, region, b.Path)
}

func badMarker(err error) error {
	if err == page.ErrToken {
		return invalid("The marker is not valid")
	}
	return err
}

// named finds a load balancer by name; nil if there is none.
func named(r store.Reader, region, name string) (*balancer, error) {
	for _, kind := range []string{"app", "net"} {
		for b, err := range balancers.Scan(r, store.Range{Prefix: balancers.Key(region, kind+"/"+name+"/")}) {
			return b, err
		}
	}
	return nil, nil
}

// Interfaces are the addresses that the load balancers of a region have in
// subnets: one in each.
func (s *Service) Interfaces(r store.Reader, region string, yield func(b types.LoadBalancer, path string, z types.AvailabilityZone)) error {
	return each(r, balancers, func(b *balancer) error {
		for _, z := range b.AvailabilityZones {
			yield(b.LoadBalancer, b.Path, z)
		}
		return nil
	}, region)
}

// change reads, changes and writes a load balancer.
func (s *Service) change(ctx context.Context, text *string, f func(tx *engine.Tx, region string, b *balancer) error) error {
	return s.update(ctx, func(tx *engine.Tx, region string) error {
		b, err := s.balancer(tx, region, text)
		if err != nil {
			return err
		}
		if err := f(tx, region, b); err != nil {
			return err
		}
		return balancers.Put(tx, b, region, b.Path)
	})
}

// SetSubnets moves a load balancer into other subnets of its VPC.
func (s *Service) SetSubnets(ctx context.Context, in *elb.SetSubnetsInput, _ ...func(*elb.Options)) (*elb.SetSubnetsOutput, error) {
	out := &elb.SetSubnetsOutput{}
	return out, s.change(ctx, in.LoadBalancerArn, func(tx *engine.Tx, region string, b *balancer) error {
		if in.IpAddressType != "" && in.IpAddressType != types.IpAddressTypeIpv4 {
			return noIPv6
		}
		vpc := *b.VpcId
		if err := s.place(tx, region, b, in.Subnets, in.SubnetMappings); err != nil {
			return err
		}
		if *b.VpcId != vpc {
			return fail("InvalidSubnet", "The subnets must belong to the VPC of the load balancer: '%s'", vpc)
		}
		out.AvailabilityZones, out.IpAddressType = b.AvailabilityZones, b.IpAddressType
		return nil
	})
}

// SetSecurityGroups gives a load balancer other security groups.
func (s *Service) SetSecurityGroups(ctx context.Context, in *elb.SetSecurityGroupsInput, _ ...func(*elb.Options)) (*elb.SetSecurityGroupsOutput, error) {
	out := &elb.SetSecurityGroupsOutput{}
	return out, s.change(ctx, in.LoadBalancerArn, func(tx *engine.Tx, region string, b *balancer) error {
		if !b.application() && len(b.SecurityGroups) == 0 && len(in.SecurityGroups) > 0 {
			return fail("InvalidConfigurationRequest", "Security groups cannot be set on a network load balancer that was created without any")
		}
		if len(in.SecurityGroups) == 0 && (b.application() || len(b.SecurityGroups) > 0) {
			return invalid("At least one security group must be specified")
		}
		if err := s.guard(tx, region, b, in.SecurityGroups); err != nil {
			return err
		}
		if e := in.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic; e != "" {
			if b.application() {
				return fail("InvalidConfigurationRequest", "PrivateLink traffic is of network load balancers only")
			}
			b.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic = aws.String(string(e))
			out.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic = e
		}
		out.SecurityGroupIds = b.SecurityGroups
		return nil
	})
}

// SetIpAddressType can only leave it at IPv4: no subnet has IPv6 addresses.
func (s *Service) SetIpAddressType(ctx context.Context, in *elb.SetIpAddressTypeInput, _ ...func(*elb.Options)) (*elb.SetIpAddressTypeOutput, error) {
	return &elb.SetIpAddressTypeOutput{IpAddressType: in.IpAddressType}, s.change(ctx, in.LoadBalancerArn, func(*engine.Tx, string, *balancer) error {
		if in.IpAddressType != types.IpAddressTypeIpv4 {
			return noIPv6
		}
		return nil
	})
}

// DescribeLoadBalancerAttributes lists all attributes of a load balancer.
func (s *Service) DescribeLoadBalancerAttributes(ctx context.Context, in *elb.DescribeLoadBalancerAttributesInput, _ ...func(*elb.Options)) (*elb.DescribeLoadBalancerAttributesOutput, error) {
	out := &elb.DescribeLoadBalancerAttributesOutput{}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		b, err := s.balancer(r, region, in.LoadBalancerArn)
		if err != nil {
			return err
		}
		out.Attributes = b.list()
		return nil
	})
}

func (b *balancer) list() []types.LoadBalancerAttribute {
	var out []types.LoadBalancerAttribute
	for _, a := range all(b.attributes(), b.Attributes) {
		out = append(out, types.LoadBalancerAttribute{Key: aws.String(a[0]), Value: aws.String(a[1])})
	}
	return out
}

// ModifyLoadBalancerAttributes changes attributes and returns all of them. The
// bucket of a log that is turned on gets a file first, so that what would keep
// logs from it is known at once.
func (s *Service) ModifyLoadBalancerAttributes(ctx context.Context, in *elb.ModifyLoadBalancerAttributesInput, _ ...func(*elb.Options)) (*elb.ModifyLoadBalancerAttributesOutput, error) {
	out := &elb.ModifyLoadBalancerAttributesOutput{}
	modify := func(b *balancer) (err error) {
		var news [][2]string
		for _, a := range in.Attributes {
			news = append(news, [2]string{aws.ToString(a.Key), aws.ToString(a.Value)})
		}
		b.Attributes, err = change("Load balancer", b.attributes(), [][]attribute{applicationBalancer, networkBalancer}, b.Attributes, news)
		if err != nil {
			return err
		}
		return b.checkLogs()
	}
	var wanted []accesslog.Place
	if err := s.view(ctx, func(r store.Reader, region string) error {
		b, err := s.balancer(r, region, in.LoadBalancerArn)
		if err != nil {
			return err
		}
		before := b.logs()
		if err := modify(b); err != nil {
			return err
		}
		for _, p := range b.logs() {
			if !slices.Contains(before, p) {
				wanted = append(wanted, p)
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	for _, p := range wanted {
		if err := s.WriteLog(ctx, p, p.Trial(s.Site.Account), trial); err != nil {
			return nil, err
		}
	}
	return out, s.change(ctx, in.LoadBalancerArn, func(_ *engine.Tx, _ string, b *balancer) (err error) {
		err = modify(b)
		out.Attributes = b.list()
		return err
	})
}

// DescribeCapacityReservation answers that nothing is reserved: capacity is the
// machine's.
func (s *Service) DescribeCapacityReservation(ctx context.Context, in *elb.DescribeCapacityReservationInput, _ ...func(*elb.Options)) (*elb.DescribeCapacityReservationOutput, error) {
	return &elb.DescribeCapacityReservationOutput{}, s.view(ctx, func(r store.Reader, _ string) error {
		_, err := s.balancer(r, identity.Region(ctx), in.LoadBalancerArn)
		return err
	})
}
