package cloudwatch

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestMath(t *testing.T) {
	nan := math.NaN()
	// The newest first.
	series := map[string]quantity{"m1": {series: []float64{4, 2, nan}}, "m2": {series: []float64{8, nan, 1}}, "e": {series: []float64{nan, nan, nan}}}
	eval := func(text string) (string, error) {
		p := mathParser{text: text, period: 60, count: 3, named: func(id string) (quantity, error) {
			q, ok := series[id]
			if !ok {
				return q, mathFail("no metric has the id %s", id)
			}
			return q, nil
		}}
		q, err := p.parse()
		if err != nil {
			return "", err
		}
		if q.series == nil {
			return fmt.Sprint(q.scalar), nil
		}
		return fmt.Sprint(q.series), nil
	}
	for text, want := range map[string]string{
		"1 + 2 * 3": "7", "(1+2)*3": "9", "2^3^2": "512", "-2^2": "4", "7-2-1": "4", "1e3/10": "100",
		"m1": "[4 2 NaN]", "m1*100/m2": "[50 NaN NaN]", "m1 / 0": "[NaN NaN NaN]", "m1 > 3": "[1 0 NaN]", "m1 > 3 || m1 < 3": "[1 1 NaN]", "m1 >= 2 && m1 != 4": "[0 1 NaN]",
		"SUM(m1)": "6", "AVG(m1)": "3", "MIN(m1)": "2", "MAX(m2)": "8", "SUM([m1, m2])": "[12 2 1]", "MAX([m1,m2])": "[8 2 1]", "SUM(e)": "NaN",
		"FILL(m1, 0)": "[4 2 0]", "FILL(m2, REPEAT)": "[8 1 1]", "FILL(m1,0) + FILL(m2,0)": "[12 2 1]", "IF(m1 > 3, m1, 0)": "[4 0 NaN]", "IF(m1 > 3, 1)": "[1 NaN NaN]",
		"ABS(-m1)": "[4 2 NaN]", "CEIL(1.2)": "2", "FLOOR(1.8)": "1", "DIFF(m1)": "[2 NaN NaN]", "RATE(m2)": "[0.058333333333333334 NaN NaN]", "RUNNING_SUM(m2)": "[9 NaN 1]",
		"PERIOD(m1)": "60", "FIRST([m1,m2])": "[4 2 NaN]", "LAST([m1, m2])": "[8 NaN 1]",
	} {
		if got, err := eval(text); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "expected", "1 +": "expected", "m1 m2": "an operator or the end", "m9": "no metric has the id m9", "(1": "closing parenthesis", "[m1": "comma or ]", "[m1,m2]": "list of series",
		"ANOMALY_DETECTION_BAND(m1, 2)": "ANOMALY_DETECTION_BAND of metric math is not implemented", "SEARCH(m1)": "SEARCH of metric math", "FILL(m1, LINEAR)": "LINEAR is not implemented",
		"m1 + [m1]": "arithmetic on lists", "1.2.3": "is not a number", "IF(1)": "IF takes", "#": "expected a number", strings.Repeat("(", 10000): "nested deeper", strings.Repeat("-", 10000) + "1": "nested deeper",
	} {
		if got, err := eval(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestDistribution(t *testing.T) {
	var d distribution
	for i := 1; i <= 1000; i++ {
		d.add(of(float64(i), 1))
	}
	for name, want := range map[string]float64{"SampleCount": 1000, "Sum": 500500, "Average": 500.5, "Minimum": 1, "Maximum": 1000, "p50": 500, "p99": 990, "p99.9": 999, "p0": 1, "p100": 1000} {
		got, ok := d.statistic(name)
		if !ok || math.Abs(got-want) > want*0.02 {
			t.Errorf("%s is %v, want about %v", name, got, want)
		}
	}
	if len(d.Values) > 2*maxDistinct {
		t.Errorf("%d values are kept", len(d.Values))
	}
	var few distribution
	few.add(of(3, 2))
	few.add(of(1, 1))
	if v, _ := few.statistic("p50"); v != 3 {
		t.Errorf("p50 is %v", v)
	}
	few.add(distribution{Count: 2, Sum: 10, Min: 4, Max: 6, Opaque: true})
	if v, _ := few.statistic("Sum"); v != 17 {
		t.Errorf("sum is %v", v)
	}
	if _, ok := few.statistic("p50"); ok {
		t.Error("a percentile of hidden values")
	}
	if _, ok := few.statistic("tm90"); ok {
		t.Error("a trimmed mean")
	}
}
