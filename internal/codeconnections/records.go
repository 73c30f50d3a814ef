package codeconnections

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// connection is what the store keeps of one.
type connection struct {
	types.Connection
	Tags tag.Set `json:",omitempty"`
	// Access is sealed, see access; "" before the handshake.
	Access string `json:",omitempty"`
}

func (c *connection) arn() string { return aws.ToString(c.ConnectionArn) }

// host is what the store keeps of one.
type host struct {
	types.Host
	Tags tag.Set `json:",omitempty"`
}

func (h *host) arn() string { return aws.ToString(h.HostArn) }

const (
	connections store.Table[connection] = "codeconnections.connection" // region, id
	hosts       store.Table[host]       = "codeconnections.host"       // region, name and suffix
)

// The first parts of what ARNs call a resource.
const (
	connectionKind = "connection/"
	hostKind       = "host/"
)

// key takes the ARN of a connection or host of this account apart.
func (s *Service) key(resource, kind string) (region, id string, ok bool) {
	a, ok := arn.Parse(resource)
	id, isKind := strings.CutPrefix(a.Resource, kind)
	ok = ok && isKind && a.Account == s.Site.Account && (a.Service == newPrefix || a.Service == oldPrefix)
	return a.Region, id, ok
}

// connectionOf reads a connection of any region by its exact ARN: the same id
// under the other prefix names nothing, since policies tell them apart.
func (s *Service) connectionOf(r store.Reader, arn string) (*connection, error) {
	region, id, ok := s.key(arn, connectionKind)
	if !ok {
		return nil, noConnection(arn)
	}
	c, err := connections.Get(r, region, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && c.arn() != arn {
		return nil, noConnection(arn)
	}
	return c, err
}

func (s *Service) hostOf(r store.Reader, arn string) (*host, error) {
	region, id, ok := s.key(arn, hostKind)
	if !ok {
		return nil, noHost(arn)
	}
	h, err := hosts.Get(r, region, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && h.arn() != arn {
		return nil, noHost(arn)
	}
	return h, err
}

// here answers that a resource of another region than the request's does not
// exist, as that region's API would.
func here(ctx context.Context, resource string, none func(string) error) error {
	if a, ok := arn.Parse(resource); !ok || a.Region != identity.Region(ctx) {
		return none(resource)
	}
	return nil
}

func (s *Service) putConnection(tx *engine.Tx, c *connection) error {
	region, id, _ := s.key(c.arn(), connectionKind)
	return connections.Put(tx, c, region, id)
}

func (s *Service) putHost(tx *engine.Tx, h *host) error {
	region, id, _ := s.key(h.arn(), hostKind)
	return hosts.Put(tx, h, region, id)
}
