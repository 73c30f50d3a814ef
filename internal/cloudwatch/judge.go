package cloudwatch

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// How an alarm treats missing data.
const (
	missing      = "missing"
	ignore       = "ignore"
	breaching    = "breaching"
	notBreaching = "notBreaching"
)

// moreThan is how many more data points an alarm looks at than it evaluates, in
// case some of the most recent are missing. AWS says that there are some.
const moreThan = 2

// sample is one data point of the evaluation range; ok is false if it is missing.
type sample struct {
	at    time.Time
	value float64
	ok    bool
}

// terms are what a metric alarm is judged by.
type terms struct {
	operator  types.ComparisonOperator
	threshold float64
	n, m      int // evaluation periods, and how many of them must breach
	missing   string
}

func (t terms) breaches(v float64) bool {
	switch t.operator {
	case types.ComparisonOperatorGreaterThanOrEqualToThreshold:
		return v >= t.threshold
	case types.ComparisonOperatorGreaterThanThreshold:
		return v > t.threshold
	case types.ComparisonOperatorLessThanThreshold:
		return v < t.threshold
	}
	return v <= t.threshold
}

// judge decides on the state of an alarm. samples is its evaluation range, the
// newest first. The rules are those of "Configuring how CloudWatch alarms treat
// missing data":
//
//   - With at least n data points in the range the n most recent are evaluated,
//     and nothing is missing.
//   - With fewer, those that lack are filled in as the alarm says. Where it says
//     missing or ignore, one data point within the threshold makes the state OK,
//     unless m breach. If all breach, ignore keeps the state; missing is ALARM if
//     the oldest of them is at least m periods old, else keeps it, too: the next
//     one may be within the threshold.
//   - With none at all, missing is INSUFFICIENT_DATA and ignore keeps the state.
func judge(t terms, samples []sample, before types.StateValue) (to types.StateValue, used []sample) {
	old := 0 // periods since the oldest breaching data point
	bad := 0
	for i, s := range samples {
		if !s.ok || len(used) == t.n {
			continue
		}
		used = append(used, s)
		if t.breaches(s.value) {
			bad++
			old = i + 1
		}
	}
	lack := t.n - len(used)
	switch {
	case lack == 0, t.missing == notBreaching:
	case t.missing == breaching:
		bad += lack
	case bad >= t.m: // missing or ignore, and no more is needed
	case len(used) == 0:
		if t.missing == ignore {
			return before, used
		}
		return types.StateValueInsufficientData, used
	case bad == len(used): // all that there are
		if t.missing == missing && old >= t.m {
			return types.StateValueAlarm, used
		}
		return before, used
	}
	if bad >= t.m {
		return types.StateValueAlarm, used
	}
	return types.StateValueOk, used
}

var comparisons = map[types.ComparisonOperator]string{
	types.ComparisonOperatorGreaterThanOrEqualToThreshold: "greater than or equal to",
	types.ComparisonOperatorGreaterThanThreshold:          "greater than",
	types.ComparisonOperatorLessThanThreshold:             "less than",
	types.ComparisonOperatorLessThanOrEqualToThreshold:    "less than or equal to",
}

// reason is AWS's text for a judgement.
func reason(t terms, used []sample, before, to types.StateValue) string {
	if to == types.StateValueInsufficientData {
		return fmt.Sprintf("Insufficient Data: %s unknown.", counted(t.n, "datapoint was", "datapoints were"))
	}
	least := t.m
	if to == types.StateValueOk { // so few within the threshold keep m from breaching
		least = t.n - t.m + 1
	}
	transition := fmt.Sprintf("(minimum %s for %s -> %s transition)", counted(least, "datapoint", "datapoints"), before, to)
	if lack := t.n - len(used); len(used) == 0 {
		how := "[NonBreaching]"
		if t.missing == breaching {
			how = "[Breaching]"
		}
		return fmt.Sprintf("Threshold Crossed: no datapoints were received for %s and %s treated as %s.", counted(lack, "period", "periods"),
			counted(lack, "missing datapoint was", "missing datapoints were"), how)
	}
	var shown []string
	hits := 0
	for _, s := range used {
		if t.breaches(s.value) == (to == types.StateValueAlarm) {
			hits++
		}
		if len(shown) < 10 {
			shown = append(shown, fmt.Sprintf("%s (%s)", number(s.value), s.at.UTC().Format("02/01/06 15:04:05")))
		}
	}
	if len(used) > len(shown) {
		shown = append(shown, "...")
	}
	is, are := "was", "were"
	if to != types.StateValueAlarm {
		is, are = "was not", "were not"
	}
	verb := are
	if hits == 1 {
		verb = is
	}
	return fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints [%s] %s %s the threshold (%s) %s.", hits, len(used), strings.Join(shown, ", "),
		verb, comparisons[t.operator], number(t.threshold), transition)
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// number has a decimal point always, as Java writes it.
func number(v float64) string {
	s := fmt.Sprint(v)
	if !strings.ContainsAny(s, ".eN") {
		s += ".0"
	}
	return s
}
