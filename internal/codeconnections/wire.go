package codeconnections

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Wire is the tables of operations of both APIs. Repository links and sync
// configurations are not there.
func (s *Service) Wire() []wire.Service {
	return []wire.Service{
		front{s, newPrefix}.wire("codeconnections"),
		front{s, oldPrefix}.wire("codestarconnections"),
	}
}

func (f front) wire(model string) wire.Service {
	on := func(arn *string) []wire.Access { return wire.On(aws.ToString(arn)) }
	type c = context.Context
	p := f.prefix + ":"
	return wire.Service{Model: model, Operations: []wire.Operation{
		wire.Op(p+"CreateConnection", f.CreateConnection, func(_ c, in *codeconnections.CreateConnectionInput) []wire.Access {
			if in.HostArn != nil {
				return on(in.HostArn)
			}
			return wire.On("*")
		}),
		wire.Op(p+"GetConnection", f.GetConnection, func(_ c, in *codeconnections.GetConnectionInput) []wire.Access { return on(in.ConnectionArn) }),
		wire.Op(p+"ListConnections", f.ListConnections, nil),
		wire.Op(p+"DeleteConnection", f.DeleteConnection, func(_ c, in *codeconnections.DeleteConnectionInput) []wire.Access { return on(in.ConnectionArn) }),
		wire.Op(p+"CreateHost", f.CreateHost, nil),
		wire.Op(p+"GetHost", f.GetHost, func(_ c, in *codeconnections.GetHostInput) []wire.Access { return on(in.HostArn) }),
		wire.Op(p+"ListHosts", f.ListHosts, nil),
		wire.Op(p+"UpdateHost", f.UpdateHost, func(_ c, in *codeconnections.UpdateHostInput) []wire.Access { return on(in.HostArn) }),
		wire.Op(p+"DeleteHost", f.DeleteHost, func(_ c, in *codeconnections.DeleteHostInput) []wire.Access { return on(in.HostArn) }),
		wire.Op(p+"TagResource", f.TagResource, func(_ c, in *codeconnections.TagResourceInput) []wire.Access { return on(in.ResourceArn) }),
		wire.Op(p+"UntagResource", f.UntagResource, func(_ c, in *codeconnections.UntagResourceInput) []wire.Access { return on(in.ResourceArn) }),
		wire.Op(p+"ListTagsForResource", f.ListTagsForResource, func(_ c, in *codeconnections.ListTagsForResourceInput) []wire.Access { return on(in.ResourceArn) }),
	}}
}
