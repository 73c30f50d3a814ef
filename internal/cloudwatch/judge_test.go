package cloudwatch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

const (
	isOK     = types.StateValueOk
	isAlarm  = types.StateValueAlarm
	isUnsure = types.StateValueInsufficientData
)

// range1 reads data points as AWS's user guide writes them, the newest at the
// right: X breaches, 0 does not, - is missing.
func range1(text string) (out []sample) {
	for _, f := range strings.Fields(text) {
		s := sample{ok: f != "-"}
		if f == "X" {
			s.value = 10
		}
		out = append([]sample{s}, out...)
	}
	return out
}

// TestJudge has the tables of "How alarm state is evaluated when data is missing".
func TestJudge(t *testing.T) {
	const keep = types.StateValue("keep")
	for _, tt := range []struct {
		points                                   string
		m, n                                     int
		missing, ignore, breaching, notBreaching types.StateValue
	}{
		{"0 - X - X", 3, 3, isOK, isOK, isOK, isOK},
		{"0 - - - -", 3, 3, isOK, isOK, isOK, isOK},
		{"- - - - -", 3, 3, isUnsure, keep, isAlarm, isOK},
		{"0 X X - X", 3, 3, isAlarm, isAlarm, isAlarm, isAlarm},
		{"- - X - -", 3, 3, isAlarm, keep, isAlarm, isOK},
		{"0 - X - X", 2, 3, isAlarm, isAlarm, isAlarm, isAlarm},
		{"0 0 X 0 X", 2, 3, isAlarm, isAlarm, isAlarm, isAlarm},
		{"0 - X - -", 2, 3, isOK, isOK, isAlarm, isOK},
		{"- - - - 0", 2, 3, isOK, isOK, isAlarm, isOK},
		{"- - - X -", 2, 3, isAlarm, keep, isAlarm, isOK},
		// The next ones may be within the threshold.
		{"- - - - X", 3, 3, keep, keep, isAlarm, isOK},
		{"- - - X X", 3, 3, keep, keep, isAlarm, isOK},
		{"- - X X X", 3, 3, isAlarm, isAlarm, isAlarm, isAlarm},
		{"- - X", 1, 1, isAlarm, isAlarm, isAlarm, isAlarm},
		{"- X -", 1, 1, isAlarm, isAlarm, isAlarm, isAlarm},
		{"X X 0", 1, 1, isOK, isOK, isOK, isOK},
	} {
		for how, want := range map[string]types.StateValue{missing: tt.missing, ignore: tt.ignore, breaching: tt.breaching, notBreaching: tt.notBreaching} {
			for _, before := range []types.StateValue{isOK, isAlarm, isUnsure} {
				w := want
				if w == keep {
					w = before
				}
				got, _ := judge(terms{operator: types.ComparisonOperatorGreaterThanThreshold, threshold: 5, n: tt.n, m: tt.m, missing: how}, range1(tt.points), before)
				if got != w {
					t.Errorf("%s, %d of %d, %s, before %s: %s, want %s", tt.points, tt.m, tt.n, how, before, got, w)
				}
			}
		}
	}
}

func TestOperators(t *testing.T) {
	for op, want := range map[types.ComparisonOperator]string{
		types.ComparisonOperatorGreaterThanOrEqualToThreshold: "false true true",
		types.ComparisonOperatorGreaterThanThreshold:          "false false true",
		types.ComparisonOperatorLessThanThreshold:             "true false false",
		types.ComparisonOperatorLessThanOrEqualToThreshold:    "true true false",
	} {
		k := terms{operator: op, threshold: 5}
		if got := fmt.Sprint(k.breaches(4), k.breaches(5), k.breaches(6)); got != want {
			t.Errorf("%s: %s", op, got)
		}
	}
}

func TestReason(t *testing.T) {
	k := terms{operator: types.ComparisonOperatorGreaterThanThreshold, threshold: 5, n: 3, m: 2, missing: missing}
	_, used := judge(k, range1("0 X X"), isOK)
	for got, want := range map[string]string{
		reason(k, used, isOK, isAlarm): "2 out of the last 3 datapoints [10.0 (",
		reason(k, used, isAlarm, isOK): "1 out of the last 3 datapoints",
		reason(terms{operator: k.operator, threshold: 5, n: 3, m: 3}, used, isAlarm, isOK): "(minimum 1 datapoint for ALARM -> OK transition)",
		reason(k, nil, isOK, isUnsure):                              "Insufficient Data: 3 datapoints were unknown.",
		reason(terms{n: 1, missing: breaching}, nil, isOK, isAlarm): "no datapoints were received for 1 period and 1 missing datapoint was treated as [Breaching].",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}
