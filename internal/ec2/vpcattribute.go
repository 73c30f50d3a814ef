package ec2

import (
	"context"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// AttributeBooleanValue is a switch in a request or an answer.
type AttributeBooleanValue struct{ Value *bool }

// DescribeVpcAttributeInput names one attribute of a VPC.
type DescribeVpcAttributeInput struct {
	Attribute string
	DryRun    bool
	VpcId     string
}

// DescribeVpcAttributeOutput has the attribute.
type DescribeVpcAttributeOutput struct {
	EnableDnsHostnames               *AttributeBooleanValue
	EnableDnsSupport                 *AttributeBooleanValue
	EnableNetworkAddressUsageMetrics *AttributeBooleanValue
	VpcId                            string
}

// DescribeVpcAttribute tells one attribute of a VPC.
func (s *Service) DescribeVpcAttribute(ctx context.Context, in *DescribeVpcAttributeInput) (*DescribeVpcAttributeOutput, error) {
	out := &DescribeVpcAttributeOutput{VpcId: in.VpcId}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		v, err := get(r, vpcs, vpcKind, region, in.VpcId)
		if err != nil {
			return err
		}
		switch in.Attribute {
		case "enableDnsSupport":
			out.EnableDnsSupport = &AttributeBooleanValue{&v.DNSSupport}
		case "enableDnsHostnames":
			out.EnableDnsHostnames = &AttributeBooleanValue{&v.DNSHostnames}
		case "enableNetworkAddressUsageMetrics":
			out.EnableNetworkAddressUsageMetrics = &AttributeBooleanValue{&v.UsageMetrics}
		}
		return nil
	})
}

// ModifyVpcAttributeInput changes one attribute of a VPC.
type ModifyVpcAttributeInput struct {
	EnableDnsHostnames               *AttributeBooleanValue
	EnableDnsSupport                 *AttributeBooleanValue
	EnableNetworkAddressUsageMetrics *AttributeBooleanValue
	VpcId                            string
}

// ModifyVpcAttributeOutput is empty.
type ModifyVpcAttributeOutput struct{}

// ModifyVpcAttribute changes one attribute of a VPC.
func (s *Service) ModifyVpcAttribute(ctx context.Context, in *ModifyVpcAttributeInput) (*ModifyVpcAttributeOutput, error) {
	return &ModifyVpcAttributeOutput{}, s.update(ctx, func(tx *engine.Tx, region string) error {
		v, err := get(tx, vpcs, vpcKind, region, in.VpcId)
		if err != nil {
			return err
		}
		n := 0
		for _, a := range []struct {
			to   *bool
			from *AttributeBooleanValue
		}{{&v.DNSSupport, in.EnableDnsSupport}, {&v.DNSHostnames, in.EnableDnsHostnames}, {&v.UsageMetrics, in.EnableNetworkAddressUsageMetrics}} {
			if a.from != nil && a.from.Value != nil {
				*a.to = *a.from.Value
				n++
			}
		}
		switch n {
		case 0:
			return fail("MissingParameter", "The request must contain an attribute to modify")
		case 1:
			return vpcs.Put(tx, v, region, v.ID)
		}
		return fail("InvalidParameterCombination", "Fields for multiple attribute types specified")
	})
}
