package cloudwatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// History is kept under the alarm's name and under the region, each in the order
// of time: region[, name], time and number.
const (
	ofAlarm  store.Table[types.AlarmHistoryItem] = "cloudwatch.alarmhistory"
	ofRegion store.Table[types.AlarmHistoryItem] = "cloudwatch.regionhistory"
)

const (
	historyKept    = 30 * 24 * time.Hour
	maxHistoryData = 4095 // characters
	tidy           = 8    // old items that go with each new one
)

// record adds an item, and lets the oldest of the region go if it is too old.
func (s *Service) record(tx *engine.Tx, a *alarm, kind types.HistoryItemType, summary string, data []byte) error {
	now := tx.Now()
	text := string(data)
	if len(text) > maxHistoryData {
		text = "{}" // of an alarm with hundreds of data points: no part of it is JSON
	}
	item := &types.AlarmHistoryItem{AlarmName: aws.String(a.name()), AlarmType: a.kind(), HistoryItemType: kind, HistorySummary: &summary,
		HistoryData: &text, Timestamp: &now}
	// Several items of one instant stay in their order.
	key := fmt.Sprintf("%020d", now.UnixNano())
	for n := 0; ; n++ {
		at := fmt.Sprintf("%s-%04d", key, n)
		if _, err := ofRegion.Get(tx, a.Region, at); err == nil {
			continue
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := ofRegion.Put(tx, item, a.Region, at); err != nil {
			return err
		}
		if err := ofAlarm.Put(tx, item, a.Region, a.name(), at); err != nil {
			return err
		}
		return expireHistory(tx, a.Region, now)
	}
}

func expireHistory(tx *engine.Tx, region string, now time.Time) error {
	for e, err := range tx.Scan(store.Range{Prefix: store.Prefix(string(ofRegion), region), Limit: tidy}) {
		if err != nil {
			return err
		}
		item, err := ofRegion.Decode(e.Value)
		if err != nil {
			return err
		}
		if now.Sub(*item.Timestamp) < historyKept {
			return nil
		}
		at := e.Key[len(store.Prefix(string(ofRegion), region)):]
		if err := ofAlarm.Delete(tx, region, *item.AlarmName, at); err != nil {
			return err
		}
		if err := tx.Delete(e.Key); err != nil {
			return err
		}
	}
	return nil
}

// configured records and announces that an alarm was made, or changed: previous
// are its settings before, nil if it is new.
func (s *Service) configured(tx *engine.Tx, previous map[string]any, a *alarm) error {
	if previous == nil {
		return s.recordChange(tx, a, "created", "Create", nil)
	}
	return s.recordChange(tx, a, "updated", "Update", previous)
}

func (s *Service) recordChange(tx *engine.Tx, a *alarm, done, kind string, previous map[string]any) error {
	data, err := marshal(map[string]any{"version": "1.0", "type": kind, done + "Alarm": a.document()})
	if err != nil {
		return err
	}
	if err := s.record(tx, a, types.HistoryItemTypeConfigurationUpdate, clip(fmt.Sprintf("Alarm %q %s", a.name(), done), 255), data); err != nil {
		return err
	}
	detail := map[string]any{"alarmName": a.name(), "operation": strings.ToLower(kind), "state": eventState(a.state()), "configuration": a.settings()}
	if previous != nil {
		detail["previousConfiguration"] = previous
	}
	return s.emit(tx, a, "CloudWatch Alarm Configuration Change", detail)
}

// settings are what an event about the configuration of an alarm says of it; nil
// for none.
func (a *alarm) settings() map[string]any {
	if a == nil {
		return nil
	}
	m := a.configuration()
	m["alarmName"] = a.name()
	if c := a.Composite; c != nil {
		m["actionsEnabled"], m["timestamp"] = aws.ToBool(c.ActionsEnabled), c.AlarmConfigurationUpdatedTimestamp.UTC().Format(stamp)
		m["okActions"], m["alarmActions"], m["insufficientDataActions"] = list(c.OKActions), list(c.AlarmActions), list(c.InsufficientDataActions)
		return m
	}
	c := a.Metric
	m["actionsEnabled"], m["timestamp"] = aws.ToBool(c.ActionsEnabled), c.AlarmConfigurationUpdatedTimestamp.UTC().Format(stamp)
	m["okActions"], m["alarmActions"], m["insufficientDataActions"] = list(c.OKActions), list(c.AlarmActions), list(c.InsufficientDataActions)
	m["evaluationPeriods"], m["threshold"], m["comparisonOperator"] = aws.ToInt32(c.EvaluationPeriods), aws.ToFloat64(c.Threshold), c.ComparisonOperator
	if c.TreatMissingData != nil {
		m["treatMissingData"] = *c.TreatMissingData
	}
	if c.DatapointsToAlarm != nil {
		m["datapointsToAlarm"] = *c.DatapointsToAlarm
	}
	if c.EvaluateLowSampleCountPercentile != nil {
		m["evaluateLowSampleCountPercentile"] = *c.EvaluateLowSampleCountPercentile
	}
	return m
}

// marshal leaves < and > as they are: reasons have arrows.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// document is an alarm as the history of its configuration has it: with the
// members of the API that are set, in lower case.
func (a *alarm) document() any {
	var doc any = a.Metric
	if a.Composite != nil {
		doc = a.Composite
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return map[string]any{}
	}
	var m any
	if json.Unmarshal(b, &m) != nil {
		return map[string]any{}
	}
	return lowered(m)
}

func lowered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, x := range v {
			if x != nil && x != "" {
				name := strings.ToLower(k[:1]) + k[1:]
				if k == "OKActions" { // AWS's spelling
					name = "okactions"
				}
				m[name] = lowered(x)
			}
		}
		return m
	case []any:
		for i := range v {
			v[i] = lowered(v[i])
		}
	}
	return v
}

// DescribeAlarmHistory answers 30 days of one alarm or of all, the newest first
// unless ScanBy says otherwise, 100 a page. History outlives its alarm.
func (s *Service) DescribeAlarmHistory(ctx context.Context, in *cloudwatch.DescribeAlarmHistoryInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmHistoryOutput, error) {
	region := identity.Region(ctx)
	kinds := in.AlarmTypes
	if len(kinds) == 0 {
		kinds = []types.AlarmType{types.AlarmTypeMetricAlarm}
		if in.AlarmName != nil { // whatever it is
			kinds = append(kinds, types.AlarmTypeCompositeAlarm)
		}
	}
	table, parts := ofRegion, []string{region}
	if in.AlarmName != nil {
		table, parts = ofAlarm, []string{region, *in.AlarmName}
	}
	out := &cloudwatch.DescribeAlarmHistoryOutput{}
	q := page.Request{Scope: fmt.Sprint("DescribeAlarmHistory/", parts, kinds, in.HistoryItemType, in.StartDate, in.EndDate), Token: in.NextToken,
		Max: page.Limit(in.MaxRecords, 100), Reverse: in.ScanBy != types.ScanByTimestampAscending}
	return out, s.page(ctx, q, func(r store.Reader, q page.Request) (err error) {
		out.AlarmHistoryItems, out.NextToken, err = page.Of(r, table, q, func(i *types.AlarmHistoryItem) (types.AlarmHistoryItem, bool, error) {
			return *i, slices.Contains(kinds, i.AlarmType) && (in.HistoryItemType == "" || in.HistoryItemType == i.HistoryItemType) &&
				(in.StartDate == nil || !i.Timestamp.Before(*in.StartDate)) && (in.EndDate == nil || !i.Timestamp.After(*in.EndDate)), nil
		}, parts...)
		return err
	})
}

func (s *Service) page(ctx context.Context, q page.Request, read func(store.Reader, page.Request) error) error {
	q.Scope = "cloudwatch." + q.Scope
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error { return read(r, q) })
	if errors.Is(err, page.ErrToken) {
		return badToken()
	}
	return err
}

func badToken() error {
	return &types.InvalidNextToken{Message: aws.String("The next token specified is invalid.")}
}
