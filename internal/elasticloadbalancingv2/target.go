package elbv2

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/health"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// target is what the store keeps of a registered target.
type target struct {
	types.TargetDescription
	Group  string // path
	Health health.Health
}

// key tells targets of a group apart: one address may have several ports.
func (t *target) key() string { return targetKey(t.TargetDescription) }

func targetKey(d types.TargetDescription) string {
	return *d.Id + "|" + strconv.Itoa(int(aws.ToInt32(d.Port)))
}

// mostTargets is AWS's limit for the targets of a group.
const mostTargets = 1000

// private are where targets may be that are not in the VPC, as for AWS, and
// this machine.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("127.0.0.0/8"),
}

// fits completes a target's description or says why it cannot be one of g's.
func (s *Service) fits(r store.Reader, region string, g *targetGroup, d types.TargetDescription) (types.TargetDescription, error) {
	id := aws.ToString(d.Id)
	if d.QuicServerId != nil {
		return d, missing("QUIC is")
	}
	switch g.TargetType {
	case types.TargetTypeEnumLambda:
		if !strings.HasPrefix(id, "arn:aws:lambda:") {
			return d, invalid("The target '%s' is not the ARN of a Lambda function", id)
		}
		if d.Port != nil {
			return d, invalid("A port cannot be specified for a Lambda function")
		}
		return d, nil
	case types.TargetTypeEnumIp:
		a, err := netip.ParseAddr(id)
		if err != nil || !a.Is4() {
			return d, invalid("The IP address '%s' is not a valid IPv4 address", id)
		}
		if !slices.ContainsFunc(private, func(p netip.Prefix) bool { return p.Contains(a) }) {
			return d, invalid("The IP address '%s' must be within the VPC, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10", id)
		}
	case types.TargetTypeEnumAlb:
		b, err := s.balancer(r, region, d.Id)
		if err != nil {
			return d, fail("InvalidTarget", "The application load balancer '%s' is not found", id)
		}
		there := false
		if err := each(r, listeners, func(l *listener) error {
			there = there || *l.Port == *g.Port
			return nil
		}, region, b.Path); err != nil {
			return d, err
		}
		if !b.application() || !there {
			return d, fail("InvalidTarget", "The load balancer '%s' must be an application load balancer with a listener on the port '%d'", id, *g.Port)
		}
	default:
		if !strings.HasPrefix(id, "i-") {
			return d, invalid("Instance ID '%s' is not valid", id)
		}
		if id != s.Site.Instance() {
			return d, fail("InvalidTarget", "The following targets are not in a running state and cannot be registered: '%s'", id)
		}
	}
	if z := aws.ToString(d.AvailabilityZone); z != "" && z != "all" && !strings.HasPrefix(z, region) {
		return d, invalid("The Availability Zone '%s' is not of the region '%s'", z, region)
	}
	if d.Port == nil {
		d.Port = g.Port
	}
	return d, nil
}

// RegisterTargets adds targets to a group: all or none. One that is there
// stays as it is; one that is being drained begins again.
func (s *Service) RegisterTargets(ctx context.Context, in *elb.RegisterTargetsInput, _ ...func(*elb.Options)) (*elb.RegisterTargetsOutput, error) {
	return &elb.RegisterTargetsOutput{}, s.update(ctx, func(tx *engine.Tx, region string) error {
		g, err := s.group(tx, region, in.TargetGroupArn)
		if err != nil {
			return err
		}
		have := map[string]*target{}
		if err := each(tx, targets, func(t *target) error {
			have[t.key()] = t
			return nil
		}, region, g.Path); err != nil {
			return err
		}
		for _, d := range in.Targets {
			if d, err = s.fits(tx, region, g, d); err != nil {
				return err
			}
			t := &target{TargetDescription: d, Group: g.Path, Health: health.New(tx.Now())}
			if old := have[t.key()]; old != nil {
				if old.Health.State != health.Draining {
					continue
				}
				if err := tx.Cancel(jobDrained, drained{region, g.Path, t.key()}.id()); err != nil {
					return err
				}
			}
			key := t.key()
			tx.AfterCommit(func() { s.forget(*g.TargetGroupArn, key) })
			have[t.key()] = t
			if len(have) > mostTargets || g.lambda() && len(have) > 1 {
				return fail("TooManyTargets", "The maximum number of targets has been reached")
			}
			if err := targets.Put(tx, t, region, g.Path, t.key()); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeregisterTargets takes targets out of a group: they get no new requests, and
// go when the deregistration delay is over. One that is not there is no error.
func (s *Service) DeregisterTargets(ctx context.Context, in *elb.DeregisterTargetsInput, _ ...func(*elb.Options)) (*elb.DeregisterTargetsOutput, error) {
	return &elb.DeregisterTargetsOutput{}, s.update(ctx, func(tx *engine.Tx, region string) error {
		g, err := s.group(tx, region, in.TargetGroupArn)
		if err != nil {
			return err
		}
		users, err := s.users(tx, region)
		if err != nil {
			return err
		}
		delay, _ := strconv.Atoi(value(g.attributes(), g.Attributes, "deregistration_delay.timeout_seconds"))
		return each(tx, targets, func(t *target) error {
			if t.Health.State == health.Draining || !slices.ContainsFunc(in.Targets, func(d types.TargetDescription) bool { return t.is(d) }) {
				return nil
			}
			if delay == 0 || len(users[*g.TargetGroupArn]) == 0 && !s.Plane.Busy(*g.TargetGroupArn, t.key()) { // nothing is on its way
				if err := targets.Delete(tx, region, g.Path, t.key()); err != nil {
					return err
				}
				return s.announce(tx, region, t)
			}
			t.Health = health.Drain(tx.Now())
			d := drained{region, g.Path, t.key()}
			if err := tx.Enqueue(engine.NewJob{Kind: jobDrained, ID: d.id(), At: tx.Now().Add(time.Duration(delay) * time.Second), Payload: d}); err != nil {
				return err
			}
			if err := targets.Put(tx, t, region, g.Path, t.key()); err != nil {
				return err
			}
			return s.announce(tx, region, t)
		}, region, g.Path)
	})
}

// is tells whether a request means the target: without a port, every one of
// the same id.
func (t *target) is(d types.TargetDescription) bool {
	return *t.Id == aws.ToString(d.Id) && (d.Port == nil || aws.ToInt32(t.Port) == *d.Port)
}

// DescribeTargetHealth describes the targets of a group, or those that are
// named: one that is not registered is unused.
func (s *Service) DescribeTargetHealth(ctx context.Context, in *elb.DescribeTargetHealthInput, _ ...func(*elb.Options)) (*elb.DescribeTargetHealthOutput, error) {
	out := &elb.DescribeTargetHealthOutput{TargetHealthDescriptions: []types.TargetHealthDescription{}}
	err := s.view(ctx, func(r store.Reader, region string) error {
		g, err := s.group(r, region, in.TargetGroupArn)
		if err != nil {
			return err
		}
		users, err := s.users(r, region)
		if err != nil {
			return err
		}
		used := len(users[*g.TargetGroupArn]) > 0
		found := make([]bool, len(in.Targets))
		if err := each(r, targets, func(t *target) error {
			wanted := len(in.Targets) == 0
			for i, d := range in.Targets {
				if t.is(d) {
					found[i], wanted = true, true
				}
			}
			if wanted {
				out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, g.described(t, used))
			}
			return nil
		}, region, g.Path); err != nil {
			return err
		}
		for i, d := range in.Targets {
			if !found[i] {
				if d.Port == nil {
					d.Port = g.Port
				}
				out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, types.TargetHealthDescription{Target: &d,
					TargetHealth: shown(health.Health{State: "unused", Reason: "Target.NotRegistered", Why: "Target is not registered to the target group"})})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	// Who hears that a target is healthy sends requests at once.
	return out, s.settled(ctx)
}

// described is a target with its health.
func (g *targetGroup) described(t *target, used bool) types.TargetHealthDescription {
	out := types.TargetHealthDescription{Target: &t.TargetDescription, HealthCheckPort: g.HealthCheckPort}
	if aws.ToString(g.HealthCheckPort) == "traffic-port" {
		out.HealthCheckPort = aws.String(strconv.Itoa(int(aws.ToInt32(t.Port))))
	}
	h := t.Health
	switch {
	case h.State == health.Draining:
	case !used:
		h = health.Health{State: "unused", Reason: "Target.NotInUse", Why: "Target group is not configured to receive traffic from the load balancer"}
	case !*g.HealthCheckEnabled:
		h = health.Health{State: "unavailable", Reason: "Target.HealthCheckDisabled", Why: "Health checks are disabled"}
	}
	out.TargetHealth = shown(h)
	return out
}

func shown(h health.Health) *types.TargetHealth {
	out := &types.TargetHealth{State: types.TargetHealthStateEnum(h.State), Reason: types.TargetHealthReasonEnum(h.Reason)}
	if h.Why != "" {
		out.Description = &h.Why
	}
	return out
}
