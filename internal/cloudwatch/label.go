package cloudwatch

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// labelOf is a query's label where it has none of its own.
func labelOf(x *types.MetricDataQuery) string {
	if x.MetricStat != nil {
		return *x.MetricStat.Metric.MetricName
	}
	return *x.Id
}

// labeler fills the placeholders of labels ("Using dynamic labels").
type labeler struct {
	now             time.Time
	account, region string
	zone            *time.Location
}

var placeholder = regexp.MustCompile(`\$\{([A-Z_]+)(?:\('([^']*)'\))?\}`)

// fill puts what is known of a result into a label. The result is the newest
// first. A placeholder that there is not stays.
func (l *labeler) fill(label string, v quantity, q *querying, r *types.MetricDataResult) string {
	return placeholder.ReplaceAllStringFunc(label, func(text string) string {
		m := placeholder.FindStringSubmatch(text)
		if m[1] == "PROP" {
			if v, ok := l.property(m[2], v.stat, q); ok {
				return v
			}
			return text
		}
		if m[1] == "LABEL" {
			return v.label
		}
		if v, ok := l.value(m[1], r); ok {
			return v
		}
		return text
	})
}

func (l *labeler) property(name string, st *types.MetricStat, q *querying) (string, bool) {
	switch name {
	case "AccountId":
		return l.account, true
	case "Region":
		return l.region, true
	case "Period":
		return strconv.Itoa(int(q.period.Seconds())), true
	}
	if st == nil {
		return "", false
	}
	switch m := st.Metric; name {
	case "MetricName":
		return *m.MetricName, true
	case "Namespace":
		return *m.Namespace, true
	case "Stat":
		return *st.Stat, true
	default:
		dimension, is := strings.CutPrefix(name, "Dim.")
		i := slices.IndexFunc(m.Dimensions, func(d types.Dimension) bool { return aws.ToString(d.Name) == dimension })
		if !is || i < 0 {
			return "", false
		}
		return aws.ToString(m.Dimensions[i].Value), true
	}
}

// value is a placeholder for data points, "--" if there are none.
func (l *labeler) value(name string, r *types.MetricDataResult) (string, bool) {
	kind, suffix := name, ""
	for _, s := range []string{"_TIME_RELATIVE", "_TIME"} {
		if k, ok := strings.CutSuffix(name, s); ok {
			kind, suffix = k, s
			break
		}
	}
	if f := reductions[kind]; f != nil && kind != "MIN" && kind != "MAX" && kind != "STDDEV" && suffix == "" {
		if len(r.Values) == 0 {
			if kind == "DATAPOINT_COUNT" {
				return "0", true
			}
			return "--", true
		}
		return plain(f(r.Values)), true
	}
	ends := map[string]func() (from, to int){
		"FIRST":      func() (int, int) { return len(r.Values) - 1, -1 },
		"LAST":       func() (int, int) { return 0, -1 },
		"MIN":        func() (int, int) { return slices.Index(r.Values, slices.Min(r.Values)), -1 },
		"MAX":        func() (int, int) { return slices.Index(r.Values, slices.Max(r.Values)), -1 },
		"FIRST_LAST": func() (int, int) { return len(r.Values) - 1, 0 },
		"MIN_MAX": func() (int, int) {
			return slices.Index(r.Values, slices.Min(r.Values)), slices.Index(r.Values, slices.Max(r.Values))
		},
	}
	if k, ok := strings.CutSuffix(name, "_TIME_RANGE"); ok {
		kind, suffix = k, "_TIME"
	} else if k, ok := strings.CutSuffix(name, "_RANGE"); ok {
		kind, suffix = k, ""
	}
	find, ok := ends[kind]
	if !ok || strings.HasSuffix(name, "_RANGE") != strings.Contains(kind, "_") {
		return "", false
	}
	if len(r.Values) == 0 {
		return "--", true
	}
	show := func(i int) string {
		switch suffix {
		case "_TIME":
			return r.Timestamps[i].In(l.zone).Format(time.RFC3339)
		case "_TIME_RELATIVE":
			return l.now.Sub(r.Timestamps[i]).Truncate(time.Second).String()
		}
		return plain(r.Values[i])
	}
	from, to := find()
	if to < 0 {
		return show(from), true
	}
	return show(from) + " - " + show(to), true
}

func plain(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
