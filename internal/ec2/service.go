package ec2

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"unicode"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Config is what the service needs; every member is required.
type Config struct {
	Engine *engine.Engine
	Site   site.Site
	IDs    id.Source
}

// Service implements EC2's API.
type Service struct {
	Config
	interfaces []func(r store.Reader, region string) ([]Interface, error)
	made       sync.Map // regions whose default VPC is there
}

// New returns the service.
func New(c Config) *Service { return &Service{Config: c} }

// Interface is a network interface that another service has in a subnet. While
// it is there, its subnet and its security groups cannot be deleted.
type Interface struct {
	ID          string // eni-…
	Description string // "ELB app/web/50dc6c495c0c9188"
	Type        string // load_balancer, network_load_balancer, interface
	SubnetID    string
	Groups      []string
	PrivateIP   string
	// Requester manages the interface: amazon-elb.
	Requester string
}

// AddInterfaces tells the service where others keep network interfaces. It must
// not be called after the first request.
func (s *Service) AddInterfaces(of func(r store.Reader, region string) ([]Interface, error)) {
	s.interfaces = append(s.interfaces, of)
}

// The documents. Keys are region and id.
const (
	vpcs      store.Table[vpc]             = "ec2.vpc"
	subnets   store.Table[subnet]          = "ec2.subnet"
	groups    store.Table[group]           = "ec2.group"
	tables    store.Table[routeTable]      = "ec2.routetable"
	acls      store.Table[networkACL]      = "ec2.acl"
	gateways  store.Table[internetGateway] = "ec2.gateway"
	addresses store.Table[address]         = "ec2.address"
	nats      store.Table[natGateway]      = "ec2.nat"
	regions   store.Table[string]          = "ec2.region" // made
)

// fail is an error of EC2's, which has no modelled ones.
func fail(code, format string, args ...any) error {
	return &wire.Error{Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}

// invalidValue is EC2's answer for a value that a parameter can not have.
func invalidValue(parameter, value, why string) error {
	return fail("InvalidParameterValue", "Value (%s) for parameter %s is invalid. %s", value, parameter, why)
}

// invalid names broken constraints of the model as EC2 does.
func invalid(v wire.Violation) error {
	name := v.Path
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	if v.Rule == "required" {
		return fail("MissingParameter", "The request must contain the parameter %s", name)
	}
	return invalidValue(name, v.Value, v.Message)
}

// view reads, with the region's default VPC made.
func (s *Service) view(ctx context.Context, f func(r store.Reader, region string) error) error {
	region := identity.Region(ctx)
	if err := s.ready(ctx, region); err != nil {
		return err
	}
	return s.Engine.View(ctx, func(r store.Reader) error { return f(r, region) })
}

// update changes, with the region's default VPC made.
func (s *Service) update(ctx context.Context, f func(tx *engine.Tx, region string) error) error {
	region := identity.Region(ctx)
	if err := s.ready(ctx, region); err != nil {
		return err
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error { return f(tx, region) })
}

// kind is a sort of resource: its ids' prefix, its name in ARNs and tags, and
// how the error for one that is not there says so.
type kind struct{ prefix, name, code, noun string }

var (
	vpcKind         = kind{"vpc", "vpc", "InvalidVpcID", "vpc ID"}
	subnetKind      = kind{"subnet", "subnet", "InvalidSubnetID", "subnet ID"}
	groupKind       = kind{"sg", "security-group", "InvalidGroup", "security group"}
	ruleKind        = kind{"sgr", "security-group-rule", "InvalidSecurityGroupRuleId", "security group rule ID"}
	tableKind       = kind{"rtb", "route-table", "InvalidRouteTableID", "routeTable ID"}
	aclKind         = kind{"acl", "network-acl", "InvalidNetworkAclID", "networkAcl ID"}
	gatewayKind     = kind{"igw", "internet-gateway", "InvalidInternetGatewayID", "internetGateway ID"}
	addressKind     = kind{"eipalloc", "elastic-ip", "InvalidAllocationID", "allocation ID"}
	natKind         = kind{"nat", "natgateway", "NatGateway", "NAT gateway"}
	associationKind = kind{"rtbassoc", "", "InvalidAssociationID", "association ID"}
	interfaceKind   = kind{"eni", "network-interface", "InvalidNetworkInterfaceID", "networkInterface ID"}
	instanceKind    = kind{"i", "instance", "InvalidInstanceID", "instance ID"}
)

// absent is the error for an id without a resource: malformed or not found.
func (k kind) absent(id string) error {
	rest, ok := strings.CutPrefix(id, k.prefix+"-")
	if !ok || rest == "" || strings.ContainsFunc(rest, func(r rune) bool { return !unicode.Is(unicode.ASCII_Hex_Digit, r) }) {
		code := k.code + ".Malformed"
		switch k {
		case groupKind:
			code = "InvalidGroupId.Malformed"
		case natKind:
			code = "NatGatewayMalformed"
		}
		return fail(code, "Invalid id: \"%s\" (expecting \"%s-...\")", id, k.prefix)
	}
	if k == natKind { // whose codes have no dots
		return fail("NatGatewayNotFound", "The Nat Gateway %s was not found", id)
	}
	return fail(k.code+".NotFound", "The %s '%s' does not exist", k.noun, id)
}

// get reads a document or answers that there is none.
func get[D any](r store.Reader, t store.Table[D], k kind, region, id string) (*D, error) {
	d, err := t.Get(r, region, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, k.absent(id)
	}
	return d, err
}

func (s *Service) newID(k kind) string { return k.prefix + "-0" + id.Hex(s.IDs, 16) }

func (s *Service) arn(region string, k kind, id string) string {
	return arn.New("ec2", region, s.Site.Account, k.name+"/"+id)
}

// op binds a method. Every request of EC2's may be a dry run: permissions and
// parameters are checked, and nothing is done.
func op[I, O any](action string, call func(context.Context, *I) (*O, error), access func(context.Context, *I) []wire.Access) wire.Operation {
	o := wire.Op("ec2:"+action, func(ctx context.Context, in *I, _ ...func(*struct{})) (*O, error) {
		if f := reflect.ValueOf(in).Elem().FieldByName("DryRun"); f.IsValid() && f.Bool() {
			return nil, &wire.Error{Code: "DryRunOperation", Status: http.StatusPreconditionFailed,
				Message: "Request would have succeeded, but DryRun flag is set."}
		}
		return call(ctx, in)
	}, access)
	o.Name = action
	return o
}

// Tag is a tag as requests and answers have it.
type Tag struct {
	Key   string
	Value *string
}

// TagSpecification gives tags to what a request creates.
type TagSpecification struct {
	ResourceType string
	Tags         []Tag
}

func wireTags(s tag.Set) []Tag {
	return tag.List(s, func(k, v *string) Tag { return Tag{Key: *k, Value: v} })
}
