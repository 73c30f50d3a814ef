package ec2

import (
	"context"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// internetGateway is what a VPC would reach the world by; VPC is "" while it is
// attached to none.
type internetGateway struct {
	ID, VPC string
	Tags    tag.Set `json:",omitempty"`
}

// InternetGateway is an internet gateway as answers have it.
type InternetGateway struct {
	Attachments       []InternetGatewayAttachment
	InternetGatewayId string
	OwnerId           string
	Tags              []Tag
}

// InternetGatewayAttachment is to a VPC.
type InternetGatewayAttachment struct{ State, VpcId string }

func (s *Service) internetGateway(g *internetGateway) InternetGateway {
	out := InternetGateway{[]InternetGatewayAttachment{}, g.ID, s.Site.Account, wireTags(g.Tags)}
	if g.VPC != "" {
		out.Attachments = append(out.Attachments, InternetGatewayAttachment{"available", g.VPC})
	}
	return out
}

// CreateInternetGatewayInput asks for an internet gateway.
type CreateInternetGatewayInput struct {
	DryRun            bool
	TagSpecifications []TagSpecification
}

// CreateInternetGatewayOutput has the gateway.
type CreateInternetGatewayOutput struct{ InternetGateway InternetGateway }

// CreateInternetGateway makes a gateway that is attached to no VPC.
func (s *Service) CreateInternetGateway(ctx context.Context, in *CreateInternetGatewayInput) (*CreateInternetGatewayOutput, error) {
	tags, err := tagsFor(in.TagSpecifications, gatewayKind)
	if err != nil {
		return nil, err
	}
	g := &internetGateway{ID: s.newID(gatewayKind), Tags: tags}
	err = s.update(ctx, func(tx *engine.Tx, region string) error { return gateways.Put(tx, g, region, g.ID) })
	return &CreateInternetGatewayOutput{s.internetGateway(g)}, err
}

// DeleteInternetGatewayInput names an internet gateway.
type DeleteInternetGatewayInput struct {
	DryRun            bool
	InternetGatewayId string
}

// DeleteInternetGatewayOutput is empty.
type DeleteInternetGatewayOutput struct{}

// DeleteInternetGateway deletes a gateway that is attached to no VPC.
func (s *Service) DeleteInternetGateway(ctx context.Context, in *DeleteInternetGatewayInput) (*DeleteInternetGatewayOutput, error) {
	return &DeleteInternetGatewayOutput{}, s.update(ctx, func(tx *engine.Tx, region string) error {
		g, err := get(tx, gateways, gatewayKind, region, in.InternetGatewayId)
		if err != nil {
			return err
		}
		if g.VPC != "" {
			return fail("DependencyViolation", "The internetGateway '%s' has dependencies and cannot be deleted.", g.ID)
		}
		return gateways.Delete(tx, region, g.ID)
	})
}

// AttachInternetGatewayInput names a gateway and a VPC.
type AttachInternetGatewayInput struct {
	DryRun            bool
	InternetGatewayId string
	VpcId             string
}

// AttachInternetGatewayOutput is empty.
type AttachInternetGatewayOutput struct{}

// AttachInternetGateway attaches a free gateway to a VPC that has none.
func (s *Service) AttachInternetGateway(ctx context.Context, in *AttachInternetGatewayInput) (*AttachInternetGatewayOutput, error) {
	return &AttachInternetGatewayOutput{}, s.update(ctx, func(tx *engine.Tx, region string) error {
		g, err := get(tx, gateways, gatewayKind, region, in.InternetGatewayId)
		if err != nil {
			return err
		}
		v, err := get(tx, vpcs, vpcKind, region, in.VpcId)
		if err != nil {
			return err
		}
		if g.VPC != "" {
			return fail("Resource.AlreadyAssociated", "resource %s is already attached to network %s", g.ID, g.VPC)
		}
		for other, err := range gateways.All(tx, region) {
			if err != nil {
				return err
			}
			if other.VPC == v.ID {
				return fail("InvalidParameterValue", "Network %s already has an internet gateway attached", v.ID)
			}
		}
		g.VPC = v.ID
		if err := markRoutes(tx, region, v.ID, g.ID, active); err != nil {
			return err
		}
		return gateways.Put(tx, g, region, g.ID)
	})
}

// DetachInternetGatewayInput names a gateway and its VPC.
type DetachInternetGatewayInput struct {
	DryRun            bool
	InternetGatewayId string
	VpcId             string
}

// DetachInternetGatewayOutput is empty.
type DetachInternetGatewayOutput struct{}

// DetachInternetGateway takes a gateway from a VPC in which no NAT gateway has a
// public address. Routes to it lead nowhere then.
func (s *Service) DetachInternetGateway(ctx context.Context, in *DetachInternetGatewayInput) (*DetachInternetGatewayOutput, error) {
	return &DetachInternetGatewayOutput{}, s.update(ctx, func(tx *engine.Tx, region string) error {
		g, err := get(tx, gateways, gatewayKind, region, in.InternetGatewayId)
		if err != nil {
			return err
		}
		if _, err := get(tx, vpcs, vpcKind, region, in.VpcId); err != nil {
			return err
		}
		if g.VPC != in.VpcId {
			return fail("Gateway.NotAttached", "resource %s is not attached to network %s", g.ID, in.VpcId)
		}
		for n, err := range nats.All(tx, region) {
			if err != nil {
				return err
			}
			if n.VPC == g.VPC && n.Allocation != "" {
				return fail("DependencyViolation", "Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", g.VPC)
			}
		}
		if err := markRoutes(tx, region, g.VPC, g.ID, blackhole); err != nil {
			return err
		}
		g.VPC = ""
		return gateways.Put(tx, g, region, g.ID)
	})
}

// DescribeInternetGatewaysInput selects internet gateways.
type DescribeInternetGatewaysInput struct {
	DryRun             bool
	Filters            []Filter
	InternetGatewayIds []string
	MaxResults         *int32
	NextToken          string
}

// DescribeInternetGatewaysOutput is a page of internet gateways.
type DescribeInternetGatewaysOutput struct {
	InternetGateways []InternetGateway
	NextToken        string
}

// DescribeInternetGateways lists the region's internet gateways.
func (s *Service) DescribeInternetGateways(ctx context.Context, in *DescribeInternetGatewaysInput) (*DescribeInternetGatewaysOutput, error) {
	out := &DescribeInternetGatewaysOutput{}
	return out, s.view(ctx, func(r store.Reader, region string) (err error) {
		out.InternetGateways, out.NextToken, err = describe(r, gateways, listing{region, gatewayKind, in.InternetGatewayIds, in.Filters, in.MaxResults, in.NextToken},
			func(g *internetGateway) string { return g.ID }, func(g *internetGateway) tag.Set { return g.Tags }, s.gatewayFacts,
			s.internetGateway)
		return err
	})
}

func (s *Service) gatewayFacts(g *internetGateway) facts {
	return func(name string) ([]string, bool) {
		switch name {
		case "internet-gateway-id":
			return one(g.ID)
		case "attachment.vpc-id", "attachment.state":
			if g.VPC == "" {
				return nil, true
			}
			if name == "attachment.state" {
				return one("available")
			}
			return one(g.VPC)
		case "owner-id":
			return one(s.Site.Account)
		}
		return nil, false
	}
}
