package cloudwatch

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/engine/enginetest"
)

func TestHistoryOfConfiguration(t *testing.T) {
	f := newFixture(t)
	f.alarm(func(in *cloudwatch.PutMetricAlarmInput) {
		in.Dimensions = []types.Dimension{{Name: aws.String("Host"), Value: aws.String("a")}}
	})
	h, err := f.DescribeAlarmHistory(f.ctx, &cloudwatch.DescribeAlarmHistoryInput{AlarmName: aws.String("errors")})
	if err != nil || len(h.AlarmHistoryItems) != 1 {
		t.Fatalf("%+v %v", h, err)
	}
	var data struct {
		Version, Type string
		CreatedAlarm  map[string]any `json:"createdAlarm"`
	}
	if err := json.Unmarshal([]byte(*h.AlarmHistoryItems[0].HistoryData), &data); err != nil {
		t.Fatal(err)
	}
	a := data.CreatedAlarm
	dimension, _ := a["dimensions"].([]any)
	if data.Type != "Create" || a["alarmName"] != "errors" || a["threshold"] != 5.0 || a["okactions"] == nil || len(dimension) != 1 || dimension[0].(map[string]any)["name"] != "Host" {
		t.Errorf("%+v", data)
	}
	if _, is := a["alarmDescription"]; is {
		t.Errorf("%+v has what is not set", a)
	}
}

// TestEventsOfConfiguration are "CloudWatch Alarm Configuration Change".
func TestEventsOfConfiguration(t *testing.T) {
	f := newFixture(t)
	f.alarm(nil)
	f.alarm(func(in *cloudwatch.PutMetricAlarmInput) {
		in.Threshold, in.TreatMissingData = aws.Float64(7), aws.String(ignore)
	})
	if _, err := f.DisableAlarmActions(f.ctx, &cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{"errors"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.DeleteAlarms(f.ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"errors"}}); err != nil {
		t.Fatal(err)
	}
	enginetest.Settle(t, f.engine)
	var got []string
	for _, ev := range f.events {
		if ev.DetailType != "CloudWatch Alarm Configuration Change" {
			continue
		}
		type settings struct {
			Threshold        float64
			ActionsEnabled   bool
			TreatMissingData string
			Metrics          []struct {
				MetricStat struct{ Metric struct{ Name string } }
			}
		}
		var d struct {
			AlarmName, Operation                 string
			Configuration, PreviousConfiguration *settings
		}
		if err := json.Unmarshal(ev.Detail, &d); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(d.AlarmName, " ", d.Operation, " ", d.Configuration.Threshold, d.Configuration.ActionsEnabled, d.Configuration.TreatMissingData, d.Configuration.Metrics[0].MetricStat.Metric.Name)
		if p := d.PreviousConfiguration; p != nil {
			text += fmt.Sprint(" from ", p.Threshold, p.ActionsEnabled)
		}
		got = append(got, text)
	}
	slices.Sort(got) // the bus does not keep their order
	if want := []string{"errors create 5 trueErrors", "errors delete 7 falseignoreErrors", "errors update 7 falseignoreErrors from 7 true", "errors update 7 trueignoreErrors from 5 true"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestRelatives(t *testing.T) {
	f := newFixture(t)
	for _, n := range []string{"a", "b", "c"} {
		f.alarm(func(in *cloudwatch.PutMetricAlarmInput) { in.AlarmName = &n })
	}
	if _, err := f.PutCompositeAlarm(f.ctx, &cloudwatch.PutCompositeAlarmInput{AlarmName: aws.String("all"), AlarmRule: aws.String("ALARM(c) OR ALARM(b) OR ALARM(a)")}); err != nil {
		t.Fatal(err)
	}
	in := &cloudwatch.DescribeAlarmsInput{ChildrenOfAlarmName: aws.String("all"), MaxRecords: aws.Int32(2)}
	got := ""
	for {
		out, err := f.DescribeAlarms(f.ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range out.MetricAlarms {
			got += *a.AlarmName
		}
		if in.NextToken = out.NextToken; out.NextToken == nil {
			break
		}
		got += "|"
	}
	if got != "ab|c" {
		t.Error(got)
	}
	_, err := f.DescribeAlarms(f.ctx, &cloudwatch.DescribeAlarmsInput{ChildrenOfAlarmName: aws.String("all"), AlarmNamePrefix: aws.String("x")})
	want(t, err, "ValidationError")
	_, err = f.DescribeAlarms(f.ctx, &cloudwatch.DescribeAlarmsInput{ChildrenOfAlarmName: aws.String("all"), NextToken: aws.String("x")})
	want(t, err, "InvalidNextToken")
}
