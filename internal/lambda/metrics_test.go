package lambda_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// What alarms on a function, or on an alias of it, look at.
func TestMetrics(t *testing.T) {
	w := begin(t)
	w.create("f", func(in *lambda.CreateFunctionInput) { in.Publish = true })
	apptest.Must(w.fn.CreateAlias(t.Context(), &lambda.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: aws.String("1")}))(t)
	w.invoke("f:live", `{"fail": true}`)
	w.invoke("f:live", `{}`)
	w.invoke("f", `{}`)
	dim := func(name, value string) types.Dimension { return types.Dimension{Name: &name, Value: &value} }
	c := cloudwatch.NewFromConfig(w.cfg)
	for _, tt := range []struct {
		metric string
		want   float64
		at     []types.Dimension
	}{
		{"Invocations", 3, []types.Dimension{dim("FunctionName", "f")}},
		{"Errors", 1, []types.Dimension{dim("FunctionName", "f")}},
		{"Invocations", 2, []types.Dimension{dim("FunctionName", "f"), dim("Resource", "f:live")}},
		{"Errors", 1, []types.Dimension{dim("FunctionName", "f"), dim("Resource", "f:live"), dim("ExecutedVersion", "1")}},
		{"Invocations", 3, nil},
	} {
		w.until(tt.metric, func(ctx context.Context) bool {
			now := time.Now()
			out, err := c.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{Namespace: aws.String("AWS/Lambda"), MetricName: &tt.metric, Dimensions: tt.at,
				StartTime: aws.Time(now.Add(-10 * time.Minute)), EndTime: aws.Time(now.Add(time.Minute)), Period: aws.Int32(3600), Statistics: []types.Statistic{types.StatisticSum}})
			sum := 0.0
			if err == nil {
				for _, p := range out.Datapoints {
					sum += *p.Sum
				}
			}
			return sum == tt.want
		})
	}
}
