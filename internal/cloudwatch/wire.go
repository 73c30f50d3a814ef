package cloudwatch

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Wire is the table of operations that exist.
func (s *Service) Wire() wire.Service {
	on := func(ctx context.Context, names ...string) []wire.Access {
		arns := make([]string, len(names))
		for i, n := range names {
			arns[i] = s.alarmARN(identity.Region(ctx), n)
		}
		return wire.On(arns...)
	}
	type c = context.Context
	return wire.Service{Model: "cloudwatch", Operations: []wire.Operation{
		wire.Op("cloudwatch:PutMetricAlarm", s.PutMetricAlarm, func(x c, in *cloudwatch.PutMetricAlarmInput) []wire.Access { return on(x, *in.AlarmName) }),
		wire.Op("cloudwatch:PutCompositeAlarm", s.PutCompositeAlarm, func(x c, in *cloudwatch.PutCompositeAlarmInput) []wire.Access { return on(x, *in.AlarmName) }),
		wire.Op("cloudwatch:DescribeAlarms", s.DescribeAlarms, func(x c, in *cloudwatch.DescribeAlarmsInput) []wire.Access { return on(x, in.AlarmNames...) }),
		wire.Op("cloudwatch:DescribeAlarmsForMetric", s.DescribeAlarmsForMetric, nil),
		wire.Op("cloudwatch:DescribeAlarmHistory", s.DescribeAlarmHistory, func(x c, in *cloudwatch.DescribeAlarmHistoryInput) []wire.Access {
			if in.AlarmName == nil {
				return nil
			}
			return on(x, *in.AlarmName)
		}),
		wire.Op("cloudwatch:DeleteAlarms", s.DeleteAlarms, func(x c, in *cloudwatch.DeleteAlarmsInput) []wire.Access { return on(x, in.AlarmNames...) }),
		wire.Op("cloudwatch:SetAlarmState", s.SetAlarmState, func(x c, in *cloudwatch.SetAlarmStateInput) []wire.Access { return on(x, *in.AlarmName) }),
		wire.Op("cloudwatch:EnableAlarmActions", s.EnableAlarmActions, func(x c, in *cloudwatch.EnableAlarmActionsInput) []wire.Access { return on(x, in.AlarmNames...) }),
		wire.Op("cloudwatch:DisableAlarmActions", s.DisableAlarmActions, func(x c, in *cloudwatch.DisableAlarmActionsInput) []wire.Access { return on(x, in.AlarmNames...) }),
		wire.Op("cloudwatch:TagResource", s.TagResource, func(_ c, in *cloudwatch.TagResourceInput) []wire.Access { return wire.On(*in.ResourceARN) }),
		wire.Op("cloudwatch:UntagResource", s.UntagResource, func(_ c, in *cloudwatch.UntagResourceInput) []wire.Access { return wire.On(*in.ResourceARN) }),
		wire.Op("cloudwatch:ListTagsForResource", s.ListTagsForResource, func(_ c, in *cloudwatch.ListTagsForResourceInput) []wire.Access { return wire.On(*in.ResourceARN) }),
		wire.Op("cloudwatch:PutMetricData", s.PutMetricData, func(_ c, in *cloudwatch.PutMetricDataInput) []wire.Access {
			return []wire.Access{{Context: map[string][]string{"cloudwatch:namespace": {*in.Namespace}}}}
		}),
		wire.Op("cloudwatch:GetMetricData", s.GetMetricData, nil),
		wire.Op("cloudwatch:GetMetricStatistics", s.GetMetricStatistics, nil),
		wire.Op("cloudwatch:ListMetrics", s.ListMetrics, nil),
		wire.Op("cloudwatch:PutDashboard", s.PutDashboard, func(_ c, in *cloudwatch.PutDashboardInput) []wire.Access {
			return wire.On(s.dashboardARN(*in.DashboardName))
		}),
		wire.Op("cloudwatch:GetDashboard", s.GetDashboard, func(_ c, in *cloudwatch.GetDashboardInput) []wire.Access {
			return wire.On(s.dashboardARN(*in.DashboardName))
		}),
		wire.Op("cloudwatch:ListDashboards", s.ListDashboards, nil),
		wire.Op("cloudwatch:DeleteDashboards", s.DeleteDashboards, func(_ c, in *cloudwatch.DeleteDashboardsInput) []wire.Access {
			arns := make([]string, len(in.DashboardNames))
			for i, n := range in.DashboardNames {
				arns[i] = s.dashboardARN(n)
			}
			return wire.On(arns...)
		}),
	}}
}
