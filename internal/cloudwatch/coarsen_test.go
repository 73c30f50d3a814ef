package cloudwatch_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/internal/clock"
)

// Data of high resolution keeps its seconds for three hours, then its minutes.
func TestSecondsAreForgotten(t *testing.T) {
	begin := time.Now().Truncate(time.Hour)
	now := clock.NewFake(begin)
	s := apptest.Start(t, apptest.Clock(now))
	c, ctx := cloudwatch.NewFromConfig(s.Config()), context.Background()
	put := func(at time.Time, v float64) {
		t.Helper()
		must[cloudwatch.PutMetricDataOutput](t)(c.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("N"), MetricData: []types.MetricDatum{
			{MetricName: aws.String("M"), Value: &v, Timestamp: &at, StorageResolution: aws.Int32(1)}}}))
	}
	points := func(period int32) (n int, sum float64) {
		t.Helper()
		out := must[cloudwatch.GetMetricStatisticsOutput](t)(c.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{Namespace: aws.String("N"), MetricName: aws.String("M"),
			Period: &period, StartTime: aws.Time(begin), EndTime: aws.Time(begin.Add(10 * time.Minute)), Statistics: []types.Statistic{"Sum"}}))
		for _, p := range out.Datapoints {
			sum += *p.Sum
		}
		return len(out.Datapoints), sum
	}
	for i := range 12 {
		put(begin.Add(time.Duration(i)*10*time.Second), 1)
	}
	if n, sum := points(10); n != 12 || sum != 12 {
		t.Errorf("%d points, sum %v", n, sum)
	}
	now.Advance(5 * time.Hour)
	end := time.Now().Add(10 * time.Second)
	for n, sum := points(10); n != 2 || sum != 12; n, sum = points(10) {
		if time.Now().After(end) {
			t.Fatalf("later %d points, sum %v", n, sum)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if n, sum := points(60); n != 2 || sum != 12 {
		t.Errorf("minutes: %d points, sum %v", n, sum)
	}
}
