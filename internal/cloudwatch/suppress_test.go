package cloudwatch

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// TestSuppression goes through the examples of "Suppressing composite alarm
// actions": the wait period is 60 s, the extension period 120 s.
func TestSuppression(t *testing.T) {
	// In scripts c and s are given a state, seconds pass, and ? looks at what
	// suppresses; actions are seen when they are done.
	for _, c := range []struct{ name, script, want string }{
		{"the wait ends", "c=ALARM 50 ? 10 ?", "WaitPeriod ALARM! -"},
		{"the suppressor goes into ALARM in time", "c=ALARM 30 s=ALARM 600 ?", "Alarm"},
		{"and out of it", "c=ALARM 30 s=ALARM 600 s=OK 110 ? 10 ?", "ExtensionPeriod ALARM! -"},
		{"and back into it", "c=ALARM s=ALARM s=OK 60 s=ALARM 600 ? s=OK 120 ?", "Alarm ALARM! -"},
		{"it is there before", "s=ALARM c=ALARM ? 600 c=OK ? s=OK 120 ?", "Alarm Alarm -"},
		{"it comes and goes", "c=ALARM 30 c=OK 30 ?", "-"},
		{"there is nothing to extend", "s=ALARM s=OK c=ALARM ? 60 ?", "WaitPeriod ALARM! -"},
		{"each transition waits", "c=ALARM 60 c=OK ? 60 ?", "ALARM! WaitPeriod OK! -"},
		{"the suppressor goes", "s=ALARM c=ALARM s=- ? 120 ?", "ExtensionPeriod ALARM! -"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			for _, n := range []string{"c", "s"} {
				f.alarm(func(in *cloudwatch.PutMetricAlarmInput) {
					in.AlarmName, in.TreatMissingData = &n, aws.String(ignore)
				})
			}
			set := func(name, to string) {
				t.Helper()
				if to == "-" {
					if _, err := f.DeleteAlarms(f.ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{name}}); err != nil {
						t.Fatal(err)
					}
					return
				}
				if _, err := f.SetAlarmState(f.ctx, &cloudwatch.SetAlarmStateInput{AlarmName: &name, StateValue: types.StateValue(to), StateReason: aws.String("test")}); err != nil {
					t.Fatal(err)
				}
			}
			set("c", "OK")
			if _, err := f.PutCompositeAlarm(f.ctx, &cloudwatch.PutCompositeAlarmInput{AlarmName: aws.String("all"), AlarmRule: aws.String("ALARM(c)"), ActionsSuppressor: aws.String("s"),
				ActionsSuppressorWaitPeriod: aws.Int32(60), ActionsSuppressorExtensionPeriod: aws.Int32(120), AlarmActions: []string{topicARN + "t"}, OKActions: []string{topicARN + "t"}}); err != nil {
				t.Fatal(err)
			}
			f.pass(time.Minute)
			f.topics.subjects = nil
			var got []string
			for _, step := range strings.Fields(c.script) {
				name, to, is := strings.Cut(step, "=")
				seconds, err := strconv.Atoi(step)
				switch {
				case is:
					set(name, to)
				case err == nil:
					f.pass(time.Duration(seconds) * time.Second)
				default:
					got = append(got, f.suppressedBy("all"))
				}
				for _, s := range f.topics.subjects {
					to, _, _ := strings.Cut(s, ":")
					got = append(got, to+"!")
				}
				f.topics.subjects = nil
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func (f *fixture) suppressedBy(name string) string {
	f.t.Helper()
	out, err := f.DescribeAlarms(f.ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}, AlarmTypes: []types.AlarmType{"CompositeAlarm"}})
	if err != nil {
		f.t.Fatal(err)
	}
	a := out.CompositeAlarms[0]
	if a.ActionsSuppressedBy == "" {
		return "-"
	}
	if *a.ActionsSuppressedReason != "Actions suppressed by "+string(a.ActionsSuppressedBy) {
		f.t.Error(*a.ActionsSuppressedReason)
	}
	return string(a.ActionsSuppressedBy)
}

// TestSuppressedEvent has the members of AWS's example of a suppressed composite
// alarm.
func TestSuppressedEvent(t *testing.T) {
	f := newFixture(t)
	f.alarm(func(in *cloudwatch.PutMetricAlarmInput) { in.TreatMissingData = aws.String(ignore) })
	_, err := f.PutCompositeAlarm(f.ctx, &cloudwatch.PutCompositeAlarmInput{AlarmName: aws.String("all"), AlarmRule: aws.String("NOT ALARM(errors)"), ActionsSuppressor: aws.String("nobody"),
		ActionsSuppressorWaitPeriod: aws.Int32(60), ActionsSuppressorExtensionPeriod: aws.Int32(120)})
	want(t, err, "ValidationError")
	_, err = f.PutCompositeAlarm(f.ctx, &cloudwatch.PutCompositeAlarmInput{AlarmName: aws.String("all"), AlarmRule: aws.String("ALARM(errors)"), ActionsSuppressor: aws.String("errors"),
		ActionsSuppressorWaitPeriod: aws.Int32(60), ActionsSuppressorExtensionPeriod: aws.Int32(120)})
	if err != nil {
		t.Fatal(err)
	}
	f.pass(time.Minute)
	f.events = nil
	if _, err := f.SetAlarmState(f.ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("errors"), StateValue: isAlarm, StateReason: aws.String("test")}); err != nil {
		t.Fatal(err)
	}
	f.pass(10 * time.Second)
	var seen bool
	for _, ev := range f.events {
		var d struct {
			AlarmName     string
			State         map[string]any
			Configuration map[string]any
		}
		if err := json.Unmarshal(ev.Detail, &d); err != nil {
			t.Fatal(err)
		}
		if d.AlarmName == "all" {
			seen = true
			if d.State["actionsSuppressedBy"] != "Alarm" || d.State["actionsSuppressedReason"] != "Actions suppressed by Alarm" ||
				d.Configuration["actionsSuppressor"] != "errors" || d.Configuration["actionsSuppressorWaitPeriod"] != 60.0 || d.Configuration["alarmRule"] != "ALARM(errors)" {
				t.Errorf("%+v", d)
			}
		}
	}
	if !seen {
		t.Error("no event")
	}
}
