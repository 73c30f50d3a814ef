package codeconnections

import (
	"context"
	"errors"

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

// maxConnections is AWS's quota per account and region.
const maxConnections = 250

// selfManaged are the providers that run in a place of their owner's, which a
// host names.
func selfManaged(t types.ProviderType) bool {
	return t == types.ProviderTypeGithubEnterpriseServer || t == types.ProviderTypeGitlabSelfManaged
}

// CreateConnection makes a connection that waits for its handshake. Names need
// not differ: the API has no error for one that is taken.
func (f front) CreateConnection(ctx context.Context, in *codeconnections.CreateConnectionInput, _ ...func(*codeconnections.Options)) (*codeconnections.CreateConnectionOutput, error) {
	switch {
	case in.HostArn == nil && in.ProviderType == "":
		return nil, fail("Validation", "Specify a ProviderType or a HostArn")
	case in.HostArn != nil && in.ProviderType != "":
		return nil, fail("Validation", "Specify either a ProviderType or a HostArn, not both")
	case selfManaged(in.ProviderType):
		return nil, fail("Validation", "A connection to the provider type %s needs a HostArn instead of the ProviderType", in.ProviderType)
	}
	tags, err := tagsFrom(in.Tags)
	if err != nil {
		return nil, err
	}
	region := identity.Region(ctx)
	c := &connection{Tags: tags, Connection: types.Connection{
		ConnectionArn:    aws.String(arn.New(f.prefix, region, f.Site.Account, connectionKind+id.UUID(f.IDs))),
		ConnectionName:   in.ConnectionName,
		ConnectionStatus: types.ConnectionStatusPending,
		HostArn:          in.HostArn,
		OwnerAccountId:   aws.String(f.Site.Account),
		ProviderType:     in.ProviderType,
	}}
	err = f.Engine.Update(ctx, func(tx *engine.Tx) error {
		if in.HostArn != nil {
			if err := here(ctx, *in.HostArn, noHost); err != nil {
				return err
			}
			h, err := f.hostOf(tx, *in.HostArn)
			if err != nil {
				return err
			}
			c.ProviderType = h.ProviderType
		}
		if err := below(tx, connections, region, maxConnections, "connections"); err != nil {
			return err
		}
		return f.putConnection(tx, c)
	})
	if err != nil {
		return nil, err
	}
	return &codeconnections.CreateConnectionOutput{ConnectionArn: c.ConnectionArn, Tags: tagList(tags)}, nil
}

// below refuses one more document where a region has as many as it may.
func below[T any](r store.Reader, t store.Table[T], region string, most int, what string) error {
	n := 0
	for _, err := range t.All(r, region) {
		if err != nil {
			return err
		}
		n++
	}
	if n >= most {
		return fail("LimitExceeded", "An account can have at most %d %s in a region", most, what)
	}
	return nil
}

// GetConnection describes a connection.
func (f front) GetConnection(ctx context.Context, in *codeconnections.GetConnectionInput, _ ...func(*codeconnections.Options)) (*codeconnections.GetConnectionOutput, error) {
	name := aws.ToString(in.ConnectionArn)
	if err := here(ctx, name, noConnection); err != nil {
		return nil, err
	}
	out := &codeconnections.GetConnectionOutput{}
	return out, f.Engine.View(ctx, func(r store.Reader) error {
		c, err := f.connectionOf(r, name)
		if err == nil {
			out.Connection = &c.Connection
		}
		return err
	})
}

// ListConnections lists the connections that both APIs made, up to 100 a page.
func (f front) ListConnections(ctx context.Context, in *codeconnections.ListConnectionsInput, _ ...func(*codeconnections.Options)) (*codeconnections.ListConnectionsOutput, error) {
	region := identity.Region(ctx)
	out := &codeconnections.ListConnectionsOutput{}
	err := f.Engine.View(ctx, func(r store.Reader) (err error) {
		out.Connections, out.NextToken, err = page.Of(r, connections, page.Request{
			Scope: "codeconnections.ListConnections/" + region + "/" + string(in.ProviderTypeFilter) + "/" + aws.ToString(in.HostArnFilter),
			Token: in.NextToken, Max: size(in.MaxResults),
		}, func(c *connection) (types.Connection, bool, error) {
			return c.Connection, (in.ProviderTypeFilter == "" || c.ProviderType == in.ProviderTypeFilter) &&
				(in.HostArnFilter == nil || aws.ToString(c.HostArn) == *in.HostArnFilter), nil
		}, region)
		return err
	})
	return out, pageError(err)
}

// size is that of a page: MaxResults is from 0 to 100 by the model, and 0 is
// as good as none.
func size(max int32) int {
	if max == 0 {
		return 100
	}
	return int(max)
}

func pageError(err error) error {
	if errors.Is(err, page.ErrToken) {
		return fail("Validation", "The next token is not valid")
	}
	return err
}

// DeleteConnection removes a connection and its token. Pipelines that name it
// then fail at their source.
func (f front) DeleteConnection(ctx context.Context, in *codeconnections.DeleteConnectionInput, _ ...func(*codeconnections.Options)) (*codeconnections.DeleteConnectionOutput, error) {
	name := aws.ToString(in.ConnectionArn)
	if err := here(ctx, name, noConnection); err != nil {
		return nil, err
	}
	return &codeconnections.DeleteConnectionOutput{}, f.Engine.Update(ctx, func(tx *engine.Tx) error {
		c, err := f.connectionOf(tx, name)
		if err != nil {
			return err
		}
		if err := f.dropWatches(tx, c); err != nil {
			return err
		}
		region, id, _ := f.key(name, connectionKind)
		return connections.Delete(tx, region, id)
	})
}
