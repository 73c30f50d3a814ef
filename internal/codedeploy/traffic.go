package codedeploy

import (
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
)

// shift is one change of production traffic: Percent of it goes to the new
// version, Minutes after the shift before.
type shift struct{ Percent, Minutes int32 }

// shifts is the plan of a traffic routing configuration. The last shift is to
// 100 percent.
func shifts(c types.TrafficRoutingConfig) []shift {
	switch c.Type {
	case types.TrafficRoutingTypeTimeBasedCanary:
		return []shift{{c.TimeBasedCanary.CanaryPercentage, 0}, {100, c.TimeBasedCanary.CanaryInterval}}
	case types.TrafficRoutingTypeTimeBasedLinear:
		step, plan := c.TimeBasedLinear.LinearPercentage, []shift(nil)
		for p := step; ; p += step {
			next := shift{min(p, 100), c.TimeBasedLinear.LinearInterval}
			if len(plan) == 0 {
				next.Minutes = 0
			}
			if plan = append(plan, next); p >= 100 {
				return plan
			}
		}
	}
	return []shift{{100, 0}}
}
