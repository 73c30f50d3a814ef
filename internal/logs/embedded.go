package logs

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// An event in the embedded metric format says, beside its own members, which of
// them are metrics and which are their dimensions.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
type metadata struct {
	Timestamp         *int64 // Unix milliseconds
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []struct {
		Name, Unit        string
		StorageResolution int32
	}
}

// Limits of the format.
const (
	maxEmbeddedValues     = 100 // of one metric
	maxEmbeddedDimensions = 30  // of one set
	maxName               = 255 // of a metric
)

// embeds tells, at little cost, whether a message may be in the format.
func embeds(message string) bool {
	return strings.HasPrefix(message, "{") && strings.Contains(message, `"_aws"`) && strings.Contains(message, `"CloudWatchMetrics"`)
}

// embedded adds the metrics of a message. What is wrong with it counts as AWS
// counts it.
func (t tally) embedded(group, message string, at time.Time) {
	var root map[string]json.RawMessage
	var meta metadata
	if json.Unmarshal([]byte(message), &root) != nil || json.Unmarshal(root["_aws"], &meta) != nil {
		t.wrong(group, "EMFParsingErrors", at)
		return
	}
	when := at
	if meta.Timestamp != nil {
		when = time.UnixMilli(*meta.Timestamp)
	}
	for _, d := range meta.CloudWatchMetrics {
		if d.Namespace == "" || strings.HasPrefix(d.Namespace, "AWS/") || d.Dimensions == nil || !t.directive(&d, root, when) {
			t.wrong(group, "EMFValidationErrors", at)
		}
	}
}

func (t tally) wrong(group, metric string, at time.Time) {
	t.add(series{namespace: own, name: metric, unit: metrics.StandardUnitNone}, map[string]string{"LogGroupName": group}, at, 1)
}

// directive adds the metrics that a directive names, once for each set of
// dimensions. ok is false where members lack or have no such value.
func (t tally) directive(d *directive, root map[string]json.RawMessage, at time.Time) (ok bool) {
	ok = true
	for _, names := range d.Dimensions {
		dimensions, there := dimensionsOf(names, root)
		if !there {
			ok = false
			continue
		}
		for _, m := range d.Metrics {
			values, unit := numbers(root[m.Name]), metrics.StandardUnit(m.Unit)
			if m.Name == "" || len(m.Name) > maxName || len(values) == 0 || len(values) > maxEmbeddedValues || unit != "" && !slices.Contains(unit.Values(), unit) {
				ok = false
				continue
			}
			for _, v := range values {
				t.add(series{namespace: d.Namespace, name: m.Name, unit: unit, resolution: m.StorageResolution}, dimensions, at, v)
			}
		}
	}
	return ok
}

func dimensionsOf(names []string, root map[string]json.RawMessage) (map[string]string, bool) {
	out := map[string]string{}
	for _, name := range names {
		var value string
		if json.Unmarshal(root[name], &value) != nil {
			return nil, false
		}
		out[name] = value
	}
	return out, len(out) <= maxEmbeddedDimensions
}

// numbers are those of a member, which is one or a list of them.
func numbers(raw json.RawMessage) (list []float64) {
	var one *float64
	if json.Unmarshal(raw, &one) == nil && one != nil {
		return []float64{*one}
	}
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}
