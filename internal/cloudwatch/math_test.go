package cloudwatch

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func show(q quantity) string {
	switch {
	case q.many != nil:
		out := []string{}
		for _, one := range q.many {
			out = append(out, one.label+show(one))
		}
		return strings.Join(out, " ")
	case q.series == nil:
		return fmt.Sprint(q.scalar)
	}
	return fmt.Sprint(q.series)
}

func TestMath(t *testing.T) {
	nan := math.NaN()
	// The newest first.
	series := map[string]quantity{"m1": {series: []float64{4, 2, nan}}, "m2": {series: []float64{8, nan, 1}}, "e": {series: []float64{nan, nan, nan}}}
	eval := func(text string) (string, error) {
		p := mathParser{scanner: scanner{text: text}, end: time.Date(2026, 11, 26, 1, 3, 0, 0, time.UTC), period: 60, count: 3, metrics: func(part string) (out []quantity, _ error) {
			for _, id := range []string{"m1", "m2"} {
				if q := series[id]; strings.Contains(id, part) {
					q.label = id
					out = append(out, q)
				}
			}
			return out, nil
		}, named: func(id string) (quantity, error) {
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
		return show(q), nil
	}
	for text, want := range map[string]string{
		"1 + 2 * 3": "7", "(1+2)*3": "9", "2^3^2": "512", "-2^2": "4", "7-2-1": "4", "1e3/10": "100",
		"m1": "[4 2 NaN]", "m1*100/m2": "[50 NaN NaN]", "m1 / 0": "[NaN NaN NaN]", "m1 > 3": "[1 0 NaN]", "m1 > 3 || m1 < 3": "[1 1 NaN]", "m1 >= 2 && m1 != 4": "[0 1 NaN]",
		"SUM(m1)": "6", "AVG(m1)": "3", "MIN(m1)": "2", "MAX(m2)": "8", "SUM([m1, m2])": "[12 2 1]", "MAX([m1,m2])": "[8 2 1]", "SUM(e)": "NaN",
		"FILL(m1, 0)": "[4 2 0]", "FILL(m2, REPEAT)": "[8 1 1]", "FILL(m1,0) + FILL(m2,0)": "[12 2 1]", "IF(m1 > 3, m1, 0)": "[4 0 NaN]", "IF(m1 > 3, 1)": "[1 NaN NaN]",
		"ABS(-m1)": "[4 2 NaN]", "CEIL(1.2)": "2", "FLOOR(1.8)": "1", "DIFF(m1)": "[2 NaN NaN]", "RATE(m2)": "[0.058333333333333334 NaN NaN]", "RUNNING_SUM(m2)": "[9 NaN 1]",
		"PERIOD(m1)": "60", "FIRST([m1,m2])": "[4 2 NaN]", "LAST([m1, m2])": "[8 NaN 1]",
		// Of lists.
		"[m1,m2]": "[4 2 NaN] [8 NaN 1]", "METRICS()": "m1[4 2 NaN] m2[8 NaN 1]", "METRICS('m2') * 2": "m2[16 NaN 2]", "1 - [m1]": "[-3 -1 NaN]", "SUM(METRICS())": "[12 2 1]",
		"AVG(METRICS(\"m1\"))": "[4 2 NaN]", "ABS([-m1])": "[4 2 NaN]", "RATE(METRICS('m1'))": "m1[0.03333333333333333 NaN NaN]", "FILL(METRICS(), 0)": "m1[4 2 0] m2[8 0 1]",
		"METRIC_COUNT(METRICS())": "2", "REMOVE_EMPTY([e, m1])": "[4 2 NaN]", "SORT(METRICS(), MAX, DESC)": "m2[8 NaN 1] m1[4 2 NaN]", "SORT(METRICS(), AVG, ASC, 1)": "m1[4 2 NaN]",
		"SLICE(METRICS(), 1)": "m2[8 NaN 1]", "SLICE(SORT(METRICS(), SUM, DESC), 0, 1)": "m2[8 NaN 1]", "SLICE(METRICS(), 5, 2)": "",
		// The rest.
		"STDDEV(m1)": "1", "DATAPOINT_COUNT(m1)": "2", "DATAPOINT_COUNT([m1,m2])": "[2 1 1]", "TIME_SERIES(MAX(m1))": "[4 4 4]", "FILL(m2, LINEAR)": "[8 4.5 1]", "FILL(m1, LINEAR)": "[4 2 NaN]",
		"FILL(m1, m2)": "[4 2 1]", "DIFF_TIME(m2)": "[120 NaN NaN]", "MINUTE(m1)": "[2 1 0]", "HOUR(m1)": "[1 1 1]", "DAY(m1)": "[4 4 4]", "DATE(m1)": "[26 26 26]", "MONTH(e)": "[11 11 11]",
		"YEAR(m1)": "[2026 2026 2026]", "m1 > 3 AND(m1 > 1)": "[1 0 NaN]", "m1>3 OR m1>1": "[1 1 NaN]", "IF(SUM(e), 1, 2)": "NaN", "IF(MINUTE(m1) == 1, 0, m1)": "[4 0 NaN]",
	} {
		if got, err := eval(text); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "expected", "1 +": "expected", "m1 m2": "an operator or the end", "m9": "no metric has the id m9", "(1": "closing parenthesis", "[m1": "comma or ]",
		"ANOMALY_DETECTION_BAND(m1, 2)": "ANOMALY_DETECTION_BAND of metric math is not implemented", "SEARCH(m1)": "SEARCH takes", "SEARCH('x')": "SEARCH takes", "LAMBDA(m1)": "LAMBDA of metric math is not",
		"[m1] + [m1]": "at most one list", "1.2.3": "is not a number", "IF(1)": "IF takes", "SORT(m1)": "SORT takes", "SORT([m1], FOO, ASC)": "SORT takes", "SLICE(m1)": "SLICE takes", "FILL(1, 2)": "FILL takes a series", "METRICS(\"m": "closing quote", "METRICS(m)": "text in quotes",
		"TIME_SERIES(m1)": "takes a number", "RATE(1)": "RATE takes series", "IF([m1],1,2)": "no lists", "SELECT AVG(m) FROM N": "Metrics Insights (SELECT) is not", "m1 ORm2": "expected", "ABS(m1, m2)": "one argument", "FIRST(m1)": "a list",
		strings.Repeat("ABS(", 10000): "nested deeper", "#": "expected a number", strings.Repeat("(", 10000): "nested deeper", strings.Repeat("-", 10000) + "1": "nested deeper",
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
	// However often values are taken together, and in whatever order they come.
	var hours distribution
	for range 20 {
		var minute distribution
		for i := range 20_000 {
			minute.add(of(float64(i*7919%1000+1)/8, 1))
		}
		hours.add(minute)
	}
	for name, want := range map[string]float64{"p10": 12.5, "p50": 62.5, "p90": 112.5, "p99": 123.75, "p100": 125, "tm100": 62.5625} {
		if got, _ := hours.statistic(name); math.Abs(got-want) > want*0.011 {
			t.Errorf("%s is %v, want about %v", name, got, want)
		}
	}
	if len(hours.Values) > 600 {
		t.Errorf("%d values are kept", len(hours.Values))
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
	var ten distribution
	for i := 1; i <= 10; i++ {
		ten.add(of(float64(i), 1))
	}
	for name, want := range map[string]float64{
		"tm90": 5, "tm100": 5.5, "TM(10%:90%)": 5.5, "TM(:90%)": 5, "TM(50%:)": 8, "IQM": 5.5, "TM(2:4)": 3.5, "TM(:3)": 2, "TM(8:)": 9.5,
		"tc90": 9, "TC(2:5)": 3, "ts90": 45, "TS(80%:)": 19, "wm90": 5.4, "WM(10%:90%)": 5.4, "WM(:3)": 2.7, "PR(:3)": 30, "PR(3:7.5)": 40, "PR(5:)": 50,
	} {
		if got, ok := ten.statistic(name); !ok || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %v, %v; want %v", name, got, ok, want)
		}
	}
	for _, name := range []string{"p101", "p", "foo", "pr99", "TM()", "TM(:)", "TM(1%:2)", "TM(90%:10%)", "TM(5:101%)", "PR(1%:2%)", "tm", "TM(-1:2)"} {
		if isStatistic(name) {
			t.Errorf("%s is a statistic", name)
		}
	}
	if _, ok := ten.statistic("TM(20:30)"); ok {
		t.Error("a mean of nothing")
	}
}
