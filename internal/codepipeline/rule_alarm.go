package codepipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	alarmtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/bus"
)

// alarmAPI is what the rule needs of CloudWatch.
type alarmAPI interface {
	DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
}

// alarmRule looks at an alarm, for WaitTime minutes at most:
//
//	before a stage: fails if the alarm stays in one of AlarmStates
//	after a stage:  fails if the alarm goes into one of AlarmStates
//
// Without a WaitTime it looks once.
type alarmRule struct{ *dependencies }

// alarmMemo says that the events of the alarm are listened to.
type alarmMemo struct{ Listens bool }

func (r alarmRule) Step(ctx context.Context, w *Work) (*Result, error) {
	states, wait, problem := alarmTerms(w.Configuration)
	if problem != "" {
		return nil, fail(configurationError, "%s", problem)
	}
	cfg, err := w.Session(ctx)
	if err != nil {
		return nil, err
	}
	name := w.Configuration["AlarmName"]
	state, reason, err := r.stateOf(ctx, cfg, name)
	if err != nil {
		return nil, err
	}
	bad, over := slices.Contains(states, state), !w.Now.Before(w.Started.Add(wait))
	switch early := w.Condition == beforeEntry; {
	case bad && (over || !early):
		return nil, fail(jobFailed, "The alarm %s is in the state %s: %s", name, state, reason)
	case !bad && (over || early):
		return &Result{Done: true, Summary: fmt.Sprintf("The alarm %s is in the state %s", name, state)}, nil
	}
	var memo alarmMemo
	if w.Memo != nil {
		if err := json.Unmarshal(w.Memo, &memo); err != nil {
			return nil, err
		}
	}
	return &Result{Wake: []string{alarmKey(w.Region, name)}, Memo: alarmMemo{true}, Again: !memo.Listens, At: w.Started.Add(wait)}, nil
}

func (r alarmRule) stateOf(ctx context.Context, cfg aws.Config, name string) (state, reason string, err error) {
	out, err := r.cloudwatch(cfg).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name},
		AlarmTypes: []alarmtypes.AlarmType{alarmtypes.AlarmTypeMetricAlarm, alarmtypes.AlarmTypeCompositeAlarm}})
	switch {
	case err != nil:
		return "", "", err
	case len(out.MetricAlarms) > 0:
		return string(out.MetricAlarms[0].StateValue), aws.ToString(out.MetricAlarms[0].StateReason), nil
	case len(out.CompositeAlarms) > 0:
		return string(out.CompositeAlarms[0].StateValue), aws.ToString(out.CompositeAlarms[0].StateReason), nil
	}
	return "", "", fail(configurationError, "The CloudWatch alarm %s cannot be found. Check the AlarmName of the rule", name)
}

// Key is that of an alarm whose state has changed.
func (alarmRule) Key(ev *bus.Event) string {
	if ev.Source != "aws.cloudwatch" || ev.DetailType != "CloudWatch Alarm State Change" {
		return ""
	}
	var d struct{ AlarmName string }
	if json.Unmarshal(ev.Detail, &d) != nil || d.AlarmName == "" {
		return ""
	}
	return alarmKey(ev.Region, d.AlarmName)
}

func alarmKey(region, name string) string { return "alarm/" + region + "/" + name }

// alarmTerms reads the configuration of the rule; problem is what is wrong with
// it.
func alarmTerms(c map[string]string) (states []string, wait time.Duration, problem string) {
	states = []string{string(alarmtypes.StateValueAlarm)}
	if text := c["AlarmStates"]; text != "" {
		states = nil
		for part := range strings.SplitSeq(text, ",") {
			part = strings.TrimSpace(part)
			if !slices.Contains(alarmtypes.StateValue("").Values(), alarmtypes.StateValue(part)) {
				return nil, 0, "The AlarmStates of the rule must be ALARM, OK or INSUFFICIENT_DATA, with commas between them"
			}
			states = append(states, part)
		}
	}
	if text := c["WaitTime"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 86400 {
			return nil, 0, "The WaitTime of the rule must be a number of minutes, 86400 at most"
		}
		wait = time.Duration(n) * time.Minute
	}
	return states, wait, ""
}

// checkAlarm is for declarations, whose variables are not known.
func checkAlarm(c map[string]string) string {
	known := map[string]string{}
	for k, v := range c {
		if !strings.Contains(v, "#{") {
			known[k] = v
		}
	}
	_, _, problem := alarmTerms(known)
	return problem
}
