package cloudwatch

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
)

// TestMultiDay is an alarm on the sum of two days.
func TestMultiDay(t *testing.T) {
	f := newFixture(t)
	f.alarm(func(in *cloudwatch.PutMetricAlarmInput) {
		in.Period, in.EvaluationPeriods = aws.Int32(86400), aws.Int32(2)
	})
	f.data("Errors", 9)
	f.clock.Advance(24 * time.Hour)
	f.data("Errors", 9)
	f.pass(10 * time.Minute)
	f.is("errors", isUnsure)
	f.pass(50 * time.Minute)
	f.is("errors", isAlarm)
}
