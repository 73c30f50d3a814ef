package cloudwatch

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
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
