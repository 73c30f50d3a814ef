package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/ec2"
	elbv2 "github.com/slipway-dev/slipway/internal/elasticloadbalancingv2"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/accesslog"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/health"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/proxy"
	"github.com/slipway-dev/slipway/internal/store"
)

// addELB makes load balancers, and their interfaces EC2's.
func addELB(a *App) error {
	var service *elbv2.Service
	dir, err := a.dir("balancer-logs")
	if err != nil {
		return err
	}
	journal, err := accesslog.Open(accesslog.Config{Dir: dir, Clock: a.Clock, Log: a.Log.With("part", "elb"),
		Deliver: func(ctx context.Context, p accesslog.Place, end time.Time, body []byte) error {
			return service.WriteLog(ctx, p, p.Key(a.site.Account, end, id.Hex(a.IDs, 8)), body)
		}})
	if err != nil {
		return err
	}
	a.onStop(journal.Close)
	carrier := proxy.New(proxy.Config{Clock: a.Clock, IDs: a.IDs, Log: a.Log.With("part", "proxy"), Metrics: a.cloudwatch, Journal: journal, Functions: functions{a}, Address: a.bridge.Address,
		Probed: func(ctx context.Context, group, target string, r health.Result) {
			service.Probed(ctx, group, target, r)
		}})
	a.onStop(carrier.Close)
	service = elbv2.New(elbv2.Config{Engine: a.engine, Bus: a.bus, Site: a.site, IDs: a.IDs, Log: a.Log.With("part", "elb"), Networks: networks{a.ec2}, Buckets: a.objects, Certificates: a.iam, Plane: carrier})
	a.balancers = service
	a.iam.CertificateUsers(service.CertificateUser)
	a.onStart(service.Carry)
	a.ec2.AddInterfaces(func(r store.Reader, region string) (all []ec2.Interface, err error) {
		err = service.Interfaces(r, region, func(b types.LoadBalancer, path string, z types.AvailabilityZone) {
			sum := sha256.Sum256([]byte(path + *z.SubnetId))
			i := ec2.Interface{ID: "eni-0" + hex.EncodeToString(sum[:8]), Description: "ELB " + path, Type: "interface",
				SubnetID: *z.SubnetId, Groups: b.SecurityGroups, Requester: "amazon-elb"}
			if b.Type == types.LoadBalancerTypeEnumNetwork {
				i.Type = "network_load_balancer"
			}
			for _, address := range z.LoadBalancerAddresses {
				i.PrivateIP = aws.ToString(address.PrivateIPv4Address)
			}
			all = append(all, i)
		})
		return all, err
	})
	return a.serve(service.Wire())
}

// networks are EC2's for load balancers: neither package knows the other's
// types.
type networks struct{ ec2 *ec2.Service }

func (n networks) Ready(ctx context.Context, region string) error { return n.ec2.Ready(ctx, region) }

func (n networks) Subnet(r store.Reader, region, id string) (elbv2.Subnet, bool, error) {
	p, ok, err := n.ec2.Place(r, region, id)
	return elbv2.Subnet{ID: id, VPC: p.VPC, Zone: p.Zone, CIDR: p.CIDR}, ok, err
}

func (n networks) Group(r store.Reader, region, id string) (string, bool, error) {
	return n.ec2.GroupVPC(r, region, id)
}

func (n networks) DefaultGroup(r store.Reader, region, vpc string) (string, error) {
	return n.ec2.DefaultGroup(r, region, vpc)
}

func (n networks) VPC(r store.Reader, region, id string) (bool, error) {
	return n.ec2.HasVPC(r, region, id)
}
