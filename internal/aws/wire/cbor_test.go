package wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// alarms is a CloudWatch of one alarm.
type alarms struct {
	made *cloudwatch.PutMetricAlarmInput
}

func (a *alarms) PutMetricAlarm(_ context.Context, in *cloudwatch.PutMetricAlarmInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricAlarmOutput, error) {
	a.made = in
	return &cloudwatch.PutMetricAlarmOutput{}, nil
}

func (a *alarms) DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	return &cloudwatch.DescribeAlarmsOutput{MetricAlarms: []types.MetricAlarm{{AlarmName: aws.String("ü"), Threshold: aws.Float64(-1.5),
		EvaluationPeriods: aws.Int32(3), ActionsEnabled: aws.Bool(true),
		StateUpdatedTimestamp:              aws.Time(time.UnixMilli(1700000000123).UTC()),
		AlarmConfigurationUpdatedTimestamp: aws.Time(time.Unix(1700000000, 0).UTC())}}}, nil
}

func (a *alarms) SetAlarmState(context.Context, *cloudwatch.SetAlarmStateInput, ...func(*cloudwatch.Options)) (*cloudwatch.SetAlarmStateOutput, error) {
	return nil, &types.ResourceNotFound{Message: aws.String("Unknown alarm")}
}

func (a *alarms) DeleteAlarms(context.Context, *cloudwatch.DeleteAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DeleteAlarmsOutput, error) {
	return nil, errSecret
}

func (a *alarms) Wire() wire.Service {
	return wire.Service{Model: "cloudwatch", Operations: []wire.Operation{
		wire.Op("cloudwatch:PutMetricAlarm", a.PutMetricAlarm, nil),
		wire.Op("cloudwatch:DescribeAlarms", a.DescribeAlarms, nil),
		wire.Op("cloudwatch:SetAlarmState", a.SetAlarmState, nil),
		wire.Op("cloudwatch:DeleteAlarms", a.DeleteAlarms, nil),
	}}
}

func TestCBORRoundTrip(t *testing.T) {
	a := &alarms{}
	c := cloudwatch.NewFromConfig(serve(t, a.Wire()))
	in := &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("cpu \x00 ü"), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
		EvaluationPeriods: aws.Int32(70000), Threshold: aws.Float64(0.1), ActionsEnabled: aws.Bool(false), AlarmActions: []string{"arn:a", "arn:b"},
		Metrics: []types.MetricDataQuery{{Id: aws.String("m1"), ReturnData: aws.Bool(true), MetricStat: &types.MetricStat{Period: aws.Int32(60), Stat: aws.String("p99"),
			Metric: &types.Metric{Namespace: aws.String("N"), Dimensions: []types.Dimension{{Name: aws.String("k"), Value: aws.String(strings.Repeat("v", 300))}}}}}},
		Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("")}}}
	if _, err := c.PutMetricAlarm(ctx(t), in); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a.made, in) {
		t.Errorf("decoded %+v", a.made)
	}
	out, err := c.DescribeAlarms(ctx(t), &cloudwatch.DescribeAlarmsInput{})
	if err != nil {
		t.Fatal(err)
	}
	want, _ := a.DescribeAlarms(ctx(t), nil)
	got, _ := json.Marshal(out.MetricAlarms) // the SDK's times have another *Location
	if wanted, _ := json.Marshal(want.MetricAlarms); string(got) != string(wanted) {
		t.Errorf("got %s, want %s", got, wanted)
	}
}

func TestCBORErrors(t *testing.T) {
	c := cloudwatch.NewFromConfig(serve(t, (&alarms{}).Wire()))
	_, err := c.SetAlarmState(ctx(t), &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("x"), StateReason: aws.String("r"), StateValue: "OK"})
	var gone *types.ResourceNotFound
	if !errors.As(err, &gone) || *gone.Message != "Unknown alarm" || gone.ErrorCode() != "ResourceNotFound" {
		t.Errorf("got %v", err)
	}
	for code, call := range map[string]func() error{
		"InternalFailure": func() error {
			_, err := c.DeleteAlarms(ctx(t), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"x"}})
			return err
		},
		"UnknownOperationException": func() error {
			_, err := c.ListMetrics(ctx(t), &cloudwatch.ListMetricsInput{})
			return err
		},
		"ValidationError": func() error {
			_, err := c.SetAlarmState(ctx(t), &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("x"), StateReason: aws.String("r"), StateValue: "BAD"})
			return err
		},
	} {
		var e smithy.APIError
		if err := call(); !errors.As(err, &e) || e.ErrorCode() != code || strings.Contains(err.Error(), "/var/lib") {
			t.Errorf("got %v, want %s", err, code)
		}
	}
}

// TestCloudWatchProtocols: the same service in each of its three protocols.
func TestCloudWatchProtocols(t *testing.T) {
	bound, err := wire.Bind((&alarms{}).Wire())
	if err != nil {
		t.Fatal(err)
	}
	h := handler(t, bound)
	call := func(path, body string, header map[string]string) (int, http.Header, string) {
		r := httptest.NewRequest("POST", path, strings.NewReader(body))
		for k, v := range header {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		h(w, r)
		b, _ := io.ReadAll(w.Body)
		return w.Code, w.Header(), string(b)
	}
	const set = "/service/GraniteServiceVersion20100801/operation/SetAlarmState"
	for _, tt := range []struct {
		name, path, body string
		header           map[string]string
		status           int
		text             string
		query            string
	}{
		{"JSON", "/", `{}`, map[string]string{"X-Amz-Target": "GraniteServiceVersion20100801.DescribeAlarms", "Content-Type": "application/x-amz-json-1.0"}, 200, `"StateUpdatedTimestamp":1700000000.123`, ""},
		{"JSON error", "/", `{"AlarmName":"x","StateReason":"r","StateValue":"OK"}`, map[string]string{"X-Amz-Target": "GraniteServiceVersion20100801.SetAlarmState", "Content-Type": "application/x-amz-json-1.0"},
			404, `"__type":"ResourceNotFound"`, "ResourceNotFound;Sender"},
		{"Query", "/", "Action=DescribeAlarms&Version=2010-08-01", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 200,
			`<DescribeAlarmsResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><DescribeAlarmsResult>`, ""},
		{"Query without output", "/", "Action=PutMetricAlarm&Version=2010-08-01&AlarmName=x&EvaluationPeriods=1&ComparisonOperator=LessThanThreshold", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 200,
			`<PutMetricAlarmResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><ResponseMetadata>`, ""},
		{"Query error", "/", "Action=SetAlarmState&AlarmName=x&StateReason=r&StateValue=OK", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 404, `<Code>ResourceNotFound</Code>`, ""},
		{"CBOR of nothing", "/service/GraniteServiceVersion20100801/operation/DescribeAlarms", "", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, 200, "MetricAlarms", ""},
		{"CBOR without an operation", "/service/GraniteServiceVersion20100801", "", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, 400, "UnknownOperationException", ""},
		{"CBOR that is none", set, "{}", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, 400, "SerializationException", ""},
		{"CBOR too short", set, "\xa1", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, 400, "unexpected end of input", ""},
		{"CBOR too long", set, "\xa0\x00", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, 400, "expected the end of input", ""},
		{"CBOR too deep", set, "\xa1\x61x" + strings.Repeat("\x81", 1000), map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, 400, "nested deeper", ""},
		{"CBOR of tags too deep", set, "\xa1\x61x" + strings.Repeat("\xc1", 1000) + "\x00", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, 400, "nested deeper", ""},
		{"CBOR mistyped", set, "\xa1\x69AlarmName\x05", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, 400, "NUMBER_VALUE can not be converted to a String at 'AlarmName'", ""},
		{"CBOR with a huge list", set, "\xa1\x61x\x9b\xff\xff\xff\xff\xff\xff\xff\xff", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, 400, "unexpected end of input", ""},
		{"CBOR indefinite", set, "\xbf\x7f\x65Alarm\x64Name\xff\x7f\x61x\xff\x6bStateReason\x61r\x6aStateValue\x62OK\x61y\x9f\x01\xf6\xff\xff", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, 404, "Unknown alarm", "ResourceNotFound;Sender"},
		{"CBOR required", set, "\xa0", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, 400, "3 validation errors detected", "ValidationError;Sender"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, header, body := call(tt.path, tt.body, tt.header)
			if status != tt.status || !strings.Contains(body, tt.text) {
				t.Errorf("%d %q", status, body)
			}
			if q := strings.Join(header["x-amzn-query-error"], ""); tt.query != "" && q != tt.query {
				t.Errorf("x-amzn-query-error: %s", q)
			}
			if tt.header["Smithy-Protocol"] != "" && (header.Get("Content-Type") != "application/cbor" || len(header["smithy-protocol"]) != 1) {
				t.Errorf("header %v", header)
			}
		})
	}
}

func TestCBORNumbers(t *testing.T) {
	a := &alarms{}
	bound, err := wire.Bind(a.Wire())
	if err != nil {
		t.Fatal(err)
	}
	h := handler(t, bound)
	const rest = "\x69AlarmName\x61x\x72ComparisonOperator\x71LessThanThreshold\x71EvaluationPeriods\x01"
	for raw, want := range map[string]float64{
		"\xf9\x3c\x00": 1, "\xf9\xc4\x00": -4, "\xf9\x00\x01": 5.960464477539063e-8, "\xf9\x7c\x00": math.Inf(1), "\xfa\x47\xc3\x50\x00": 100000,
		"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a": 1.1, "\x18\x64": 100, "\x38\x63": -100, "\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00": 1e12,
	} {
		r := httptest.NewRequest("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricAlarm", strings.NewReader("\xa4"+rest+"\x69Threshold"+raw))
		r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		w := httptest.NewRecorder()
		h(w, r)
		if w.Code != 200 || *a.made.Threshold != want {
			t.Errorf("%x: %d, %v, want %v", raw, w.Code, a.made.Threshold, want)
		}
	}
}
