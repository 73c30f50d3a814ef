package cloudwatch

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// extendedStatistic is one of those of "CloudWatch statistics definitions" that
// need the single values: percentiles, what is left of trimming, and the rank of
// a range.
type extendedStatistic struct {
	kind   string // p, tm, wm, tc, ts or pr
	lo, hi float64
	// percent says that lo and hi are percents; else they are values.
	percent bool
}

var (
	shortForm = regexp.MustCompile(`^(p|tm|wm|tc|ts)(\d{1,2}(?:\.\d{0,10})?|100)$`)
	rangeForm = regexp.MustCompile(`^(tm|wm|tc|ts|pr)\((\d+(?:\.\d+)?)?(%?):(\d+(?:\.\d+)?)?(%?)\)$`)
)

// parseExtended reads the name of a statistic: p99, tm90, TM(10%:90%), PR(:300),
// IQM.
func parseExtended(name string) (e extendedStatistic, ok bool) {
	name = strings.ToLower(name)
	if name == "iqm" {
		return extendedStatistic{"tm", 25, 75, true}, true
	}
	number := func(text string, or float64) float64 {
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			return v
		}
		return or
	}
	if m := shortForm.FindStringSubmatch(name); m != nil {
		return extendedStatistic{m[1], 0, number(m[2], 0), true}, true
	}
	m := rangeForm.FindStringSubmatch(name)
	if m == nil || m[2] == "" && m[4] == "" {
		return e, false
	}
	e = extendedStatistic{kind: m[1], percent: m[3] == "%" || m[5] == "%"}
	for i := 2; i <= 4; i += 2 { // both are percents, or neither is
		if m[i] != "" && (m[i+1] == "%") != e.percent || m[i] == "" && m[i+1] == "%" {
			return e, false
		}
	}
	most := math.Inf(1)
	if e.percent {
		most = 100
	}
	e.lo, e.hi = number(m[2], 0), number(m[4], most)
	if m[2] == "" && !e.percent {
		e.lo = math.Inf(-1)
	}
	return e, e.lo < e.hi && e.hi <= most && (!e.percent || e.kind != "pr")
}

func isExtended(s string) bool {
	_, ok := parseExtended(s)
	return ok
}

func isStatistic(s string) bool {
	return isExtended(s) || slices.Contains(types.Statistic("").Values(), types.Statistic(s))
}

// extended computes a statistic of the single values; ok is false where nothing
// is left to compute with.
func (d *distribution) extended(e extendedStatistic) (v float64, ok bool) {
	if e.kind == "p" {
		return d.percentile(e.hi), true
	}
	count, sum := 0.0, 0.0
	var bottom, top float64 // how many were cut at either end
	from, to := e.lo/100*d.Count, e.hi/100*d.Count
	seen := 0.0
	for _, w := range d.Values {
		n := 0.0
		switch {
		case e.percent: // the part of the ranks of this value that are in the range
			n = max(0, min(seen+w.N, to)-max(seen, from))
			bottom, top = from, d.Count-to
		case w.V <= e.lo:
			bottom += w.N
		case w.V > e.hi:
			top += w.N
		default:
			n = w.N
		}
		seen += w.N
		count += n
		sum += n * w.V
	}
	switch e.kind {
	case "tc":
		return math.Round(count), true
	case "ts":
		return sum, true
	case "pr":
		return 100 * count / d.Count, true
	case "tm":
		return sum / count, count > 0
	}
	lo, hi := e.lo, e.hi // wm: what was cut counts as the limit that it is beyond
	if e.percent {
		lo, hi = d.percentile(e.lo), d.percentile(e.hi)
	}
	if bottom > 0 {
		sum += bottom * lo
	}
	if top > 0 {
		sum += top * hi
	}
	return sum / d.Count, true
}

// percentile is the least value that p percent of the values are not above.
func (d *distribution) percentile(p float64) float64 {
	rank := math.Max(p/100*d.Count, math.SmallestNonzeroFloat64)
	seen := 0.0
	for _, w := range d.Values {
		if seen += w.N; seen >= rank {
			return min(max(w.V, d.Min), d.Max) // the middle of a cell may be beyond them
		}
	}
	return d.Max
}

// enough is how many data points a percentile needs to be significant
// ("Percentile-based alarms and low data samples"); zero for other statistics.
func enough(statistic string) float64 {
	e, ok := parseExtended(statistic)
	switch {
	case !ok || e.kind != "p" || e.hi <= 0 || e.hi >= 100:
		return 0
	case e.hi < 50:
		return math.Round(1000 / e.hi)
	}
	return math.Round(1000 / (100 - e.hi))
}
