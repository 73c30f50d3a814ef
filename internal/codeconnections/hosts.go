package codeconnections

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// maxHosts is AWS's quota per account and region.
const maxHosts = 50

// The statuses of hosts that occur here. A host in a VPC has nothing to wait
// for: it is reached from this machine's own network.
const (
	hostPending   = "PENDING"
	hostAvailable = "AVAILABLE"
)

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_.-]`)

// CreateHost notes where a provider is installed. It is PENDING until a
// connection through it has been completed.
func (f front) CreateHost(ctx context.Context, in *codeconnections.CreateHostInput, _ ...func(*codeconnections.Options)) (*codeconnections.CreateHostOutput, error) {
	if !selfManaged(in.ProviderType) {
		return nil, fail("Validation", "A host can have the provider type %s or %s, not %s",
			types.ProviderTypeGithubEnterpriseServer, types.ProviderTypeGitlabSelfManaged, in.ProviderType)
	}
	if err := checkEndpoint(in.ProviderEndpoint); err != nil {
		return nil, err
	}
	if err := checkCertificate(in.VpcConfiguration); err != nil {
		return nil, err
	}
	tags, err := tagsFrom(in.Tags)
	if err != nil {
		return nil, err
	}
	region := identity.Region(ctx)
	resource := hostKind + notInNames.ReplaceAllString(aws.ToString(in.Name), "-") + "-" + id.Hex(f.IDs, 8)
	h := &host{Tags: tags, Host: types.Host{
		HostArn:          aws.String(arn.New(f.prefix, region, f.Site.Account, resource)),
		Name:             in.Name,
		ProviderEndpoint: in.ProviderEndpoint,
		ProviderType:     in.ProviderType,
		Status:           aws.String(hostPending),
		VpcConfiguration: in.VpcConfiguration,
	}}
	err = f.Engine.Update(ctx, func(tx *engine.Tx) error {
		if err := below(tx, hosts, region, maxHosts, "hosts"); err != nil {
			return err
		}
		return f.putHost(tx, h)
	})
	if err != nil {
		return nil, err
	}
	return &codeconnections.CreateHostOutput{HostArn: h.HostArn, Tags: tagList(tags)}, nil
}

func checkEndpoint(endpoint *string) error {
	u, err := url.Parse(aws.ToString(endpoint))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fail("Validation", "The provider endpoint must be a URL like https://git.example.com, without a user, query or fragment")
	}
	return nil
}

func checkCertificate(v *types.VpcConfiguration) error {
	if v == nil || v.TlsCertificate == nil {
		return nil
	}
	block, _ := pem.Decode([]byte(*v.TlsCertificate))
	if block == nil || block.Type != "CERTIFICATE" {
		return fail("Validation", "The TlsCertificate must be a certificate in PEM form")
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return fail("Validation", "The TlsCertificate cannot be read")
	}
	return nil
}

// GetHost describes a host.
func (f front) GetHost(ctx context.Context, in *codeconnections.GetHostInput, _ ...func(*codeconnections.Options)) (*codeconnections.GetHostOutput, error) {
	name := aws.ToString(in.HostArn)
	if err := here(ctx, name, noHost); err != nil {
		return nil, err
	}
	out := &codeconnections.GetHostOutput{}
	return out, f.Engine.View(ctx, func(r store.Reader) error {
		h, err := f.hostOf(r, name)
		if err == nil {
			*out = codeconnections.GetHostOutput{Name: h.Name, ProviderEndpoint: h.ProviderEndpoint,
				ProviderType: h.ProviderType, Status: h.Status, VpcConfiguration: h.VpcConfiguration}
		}
		return err
	})
}

// ListHosts lists up to 100 hosts a page.
func (f front) ListHosts(ctx context.Context, in *codeconnections.ListHostsInput, _ ...func(*codeconnections.Options)) (*codeconnections.ListHostsOutput, error) {
	region := identity.Region(ctx)
	out := &codeconnections.ListHostsOutput{}
	err := f.Engine.View(ctx, func(r store.Reader) (err error) {
		out.Hosts, out.NextToken, err = page.Of(r, hosts, page.Request{
			Scope: "codeconnections.ListHosts/" + region, Token: in.NextToken, Max: size(in.MaxResults),
		}, func(h *host) (types.Host, bool, error) { return h.Host, true, nil }, region)
		return err
	})
	return out, pageError(err)
}

// UpdateHost changes what is given. With another endpoint the tokens given for
// the old one are void, so host and connections wait for handshakes anew.
func (f front) UpdateHost(ctx context.Context, in *codeconnections.UpdateHostInput, _ ...func(*codeconnections.Options)) (*codeconnections.UpdateHostOutput, error) {
	name := aws.ToString(in.HostArn)
	if err := here(ctx, name, noHost); err != nil {
		return nil, err
	}
	if in.ProviderEndpoint != nil {
		if err := checkEndpoint(in.ProviderEndpoint); err != nil {
			return nil, err
		}
	}
	if err := checkCertificate(in.VpcConfiguration); err != nil {
		return nil, err
	}
	return &codeconnections.UpdateHostOutput{}, f.Engine.Update(ctx, func(tx *engine.Tx) error {
		h, err := f.hostOf(tx, name)
		if err != nil {
			return err
		}
		moved := in.ProviderEndpoint != nil && *in.ProviderEndpoint != aws.ToString(h.ProviderEndpoint)
		if moved {
			h.ProviderEndpoint, h.Status = in.ProviderEndpoint, aws.String(hostPending)
		}
		if in.VpcConfiguration != nil {
			h.VpcConfiguration = in.VpcConfiguration
		}
		if err := f.putHost(tx, h); err != nil || !moved {
			return err
		}
		return f.eachOf(tx, h, func(c *connection) error {
			if err := f.dropWatches(tx, c); err != nil {
				return err
			}
			c.ConnectionStatus, c.Access = types.ConnectionStatusPending, ""
			return f.putConnection(tx, c)
		})
	})
}

// eachOf calls do with the connections through a host.
func (s *Service) eachOf(r store.Reader, h *host, do func(*connection) error) error {
	region, _, _ := s.key(h.arn(), hostKind)
	for c, err := range connections.All(r, region) {
		if err != nil {
			return err
		}
		if aws.ToString(c.HostArn) != h.arn() {
			continue
		}
		if err := do(c); err != nil {
			return err
		}
	}
	return nil
}

// DeleteHost removes a host through which no connection goes.
func (f front) DeleteHost(ctx context.Context, in *codeconnections.DeleteHostInput, _ ...func(*codeconnections.Options)) (*codeconnections.DeleteHostOutput, error) {
	name := aws.ToString(in.HostArn)
	if err := here(ctx, name, noHost); err != nil {
		return nil, err
	}
	return &codeconnections.DeleteHostOutput{}, f.Engine.Update(ctx, func(tx *engine.Tx) error {
		h, err := f.hostOf(tx, name)
		if err != nil {
			return err
		}
		err = f.eachOf(tx, h, func(c *connection) error {
			return fail("ResourceUnavailable", "The host %s cannot be deleted while the connection %s uses it", name, c.arn())
		})
		if err != nil {
			return err
		}
		region, id, _ := f.key(name, hostKind)
		return hosts.Delete(tx, region, id)
	})
}
