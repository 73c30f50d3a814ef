package elbv2

import (
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
)

// announce tells the parts of Slipway that a target's health is another, or
// that it is gone. What it is now, DescribeTargetHealth says. AWS has no such
// event.
func (s *Service) announce(tx *engine.Tx, region string, t *target) error {
	detail, err := json.Marshal(map[string]any{"id": *t.Id, "port": aws.ToInt32(t.Port)})
	if err != nil {
		return err
	}
	return s.Bus.Emit(tx, bus.Event{
		DetailType: "Target Health Change", Source: "aws.elasticloadbalancing", Account: s.Site.Account, Region: region,
		Resources: []string{s.arn(groupARN, region, t.Group)}, Detail: detail, Private: true,
	})
}
