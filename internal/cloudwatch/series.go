package cloudwatch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// metric is a time series, as ListMetrics has it.
type metric struct {
	types.Metric
	ID   string
	Last time.Time // of a data point
}

// slice is the data points of a minute, or of an hour once they are old.
type slice struct{ Slots []slot }

// slot is what was put for one second of a slice, in one unit. Data of standard
// resolution is of the slice's first second.
type slot struct {
	Second int                `json:",omitempty"`
	Unit   types.StandardUnit `json:",omitempty"`
	distribution
}

const (
	metrics store.Table[metric] = "cloudwatch.metric" // region, namespace, name, ID
	minutes store.Table[slice]  = "cloudwatch.minute" // region, ID, minute
	hours   store.Table[slice]  = "cloudwatch.hour"   // region, ID, hour
)

// How long data is kept, and when minutes become hours. AWS has five minutes
// between them, from 15 to 63 days.
const (
	minutesKept = 15 * 24 * time.Hour
	hoursKept   = 455 * 24 * time.Hour
)

// metricID is the same for the same namespace, name and set of dimensions.
func metricID(namespace, name string, dimensions []types.Dimension) string {
	pairs := make([]string, 0, 2*len(dimensions))
	for _, d := range sorted(dimensions) {
		pairs = append(pairs, aws.ToString(d.Name), aws.ToString(d.Value))
	}
	b, _ := json.Marshal(append([]string{namespace, name}, pairs...)) // of strings
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12])
}

func sorted(dimensions []types.Dimension) []types.Dimension {
	return slices.SortedFunc(slices.Values(dimensions), func(a, b types.Dimension) int {
		return strings.Compare(aws.ToString(a.Name), aws.ToString(b.Name))
	})
}

func tick(t time.Time, unit time.Duration) string {
	return fmt.Sprintf("%012d", t.Unix()/int64(unit/time.Second))
}

// ticked is the time of tick's text.
func ticked(text string, unit time.Duration) (time.Time, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(n*int64(unit/time.Second), 0).UTC(), err
}

// source is what points are read of.
type source struct {
	region, id string
	unit       types.StandardUnit // "" is any
}

// windows reads the distributions of count windows of a length that end at end,
// the newest first. One without data has a Count of 0.
func (s source) windows(r store.Reader, end time.Time, period time.Duration, count int) ([]distribution, error) {
	out := make([]distribution, count)
	from := end.Add(-time.Duration(count) * period)
	err := s.each(r, from, end, func(at time.Time, sl *slot) {
		out[int(end.Sub(at)-1)/int(period)].add(sl.distribution)
	})
	return out, err
}

// each calls f for every slot in [from, to), in order of time.
func (s source) each(r store.Reader, from, to time.Time, f func(time.Time, *slot)) error {
	for _, t := range []struct {
		table store.Table[slice]
		unit  time.Duration
	}{{hours, time.Hour}, {minutes, time.Minute}} {
		prefix := store.Prefix(string(t.table), s.region, s.id)
		for e, err := range r.Scan(store.Range{Prefix: prefix, Start: prefix + tick(from, t.unit)}) {
			if err != nil {
				return err
			}
			begin, err := ticked(e.Key[len(prefix):], t.unit)
			if err != nil {
				return err
			}
			if !begin.Before(to) {
				break
			}
			sl, err := t.table.Decode(e.Value)
			if err != nil {
				return err
			}
			for i := range sl.Slots {
				at := begin.Add(time.Duration(sl.Slots[i].Second) * time.Second)
				if (s.unit == "" || s.unit == sl.Slots[i].Unit) && !at.Before(from) && at.Before(to) {
					f(at, &sl.Slots[i])
				}
			}
		}
	}
	return nil
}

// put adds a distribution to a slice.
func (s *slice) put(second int, unit types.StandardUnit, d distribution) {
	for i := range s.Slots {
		if s.Slots[i].Second == second && s.Slots[i].Unit == unit {
			s.Slots[i].add(d)
			return
		}
	}
	s.Slots = append(s.Slots, slot{Second: second, Unit: unit, distribution: d})
}
