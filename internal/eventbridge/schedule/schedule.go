// Package schedule is EventBridge's schedule expressions: rate(5 minutes) and
// cron(0 12 * * ? *), in UTC and to the minute.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
package schedule

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Schedule tells when it is time.
type Schedule interface {
	// Next is the first time after a moment; the zero time if there is none any
	// more. since is when the schedule began: rates count from there.
	Next(since, after time.Time) time.Time
}

// ErrInvalid is returned for what is no expression.
var ErrInvalid = errors.New("Parameter ScheduleExpression is not valid.")

var rateForm = regexp.MustCompile(`^rate\(\s*([0-9]{1,9})\s+(minute|minutes|hour|hours|day|days)\s*\)$`)

// Parse reads an expression.
func Parse(text string) (Schedule, error) {
	if m := rateForm.FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(m[1])
		// The unit is singular with 1, and only then.
		if err != nil || n == 0 || (n == 1) == strings.HasSuffix(m[2], "s") {
			return nil, ErrInvalid
		}
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(m[2], "s")]
		if n > int(100*365*24*time.Hour/unit) {
			return nil, ErrInvalid
		}
		return rate(time.Duration(n) * unit), nil
	}
	inner, ok := strings.CutPrefix(text, "cron(")
	inner, closed := strings.CutSuffix(inner, ")")
	if !ok || !closed {
		return nil, ErrInvalid
	}
	c, err := parseCron(strings.Fields(inner))
	if err != nil {
		return nil, err
	}
	return c, nil
}

type rate time.Duration

func (r rate) Next(since, after time.Time) time.Time {
	if after.Before(since) {
		return since.Add(time.Duration(r))
	}
	n := after.Sub(since)/time.Duration(r) + 1
	return since.Add(n * time.Duration(r))
}

// cron is the six fields; a day is one of the month or one of the week.
type cron struct {
	minutes, hours, months, years map[int]bool
	day                           func(y int, m time.Month, d int) bool
}

const firstYear, lastYear = 1970, 2199

var (
	monthNames = map[string]int{"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6, "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12}
	dayNames   = map[string]int{"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
)

func parseCron(f []string) (*cron, error) {
	if len(f) != 6 || (f[2] == "?") == (f[4] == "?") {
		return nil, ErrInvalid
	}
	c := &cron{}
	var err error
	for _, field := range []struct {
		into     *map[int]bool
		text     string
		low, top int
		names    map[string]int
	}{{&c.minutes, f[0], 0, 59, nil}, {&c.hours, f[1], 0, 23, nil}, {&c.months, f[3], 1, 12, monthNames}, {&c.years, f[5], firstYear, lastYear, nil}} {
		if *field.into, err = set(field.text, field.low, field.top, field.names); err != nil {
			return nil, err
		}
	}
	if f[4] == "?" {
		c.day, err = monthDay(f[2])
	} else {
		c.day, err = weekDay(f[4])
	}
	return c, err
}

// set reads lists of values, ranges and steps: 1,5-10,*/15,MON-FRI.
func set(text string, low, top int, names map[string]int) (map[int]bool, error) {
	out := map[int]bool{}
	value := func(s string) (int, error) {
		if n, ok := names[strings.ToUpper(s)]; ok {
			return n, nil
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < low || n > top {
			return 0, ErrInvalid
		}
		return n, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 {
				return nil, ErrInvalid
			}
			step = n
		}
		from, to := low, top
		if span != "*" {
			first, last, ranged := strings.Cut(span, "-")
			var err error
			if from, err = value(first); err != nil {
				return nil, err
			}
			switch {
			case ranged:
				if to, err = value(last); err != nil || to < from {
					return nil, ErrInvalid
				}
			case !stepped:
				to = from
			}
		}
		for n := from; n <= to; n += step {
			out[n] = true
		}
	}
	return out, nil
}

func lastDay(y int, m time.Month) int { return time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day() }

func weekdayOf(y int, m time.Month, d int) int { // 1 is Sunday
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Weekday()) + 1
}

// monthDay reads days of the month: L is the last, 15W the weekday nearest to
// the 15th in its month.
func monthDay(text string) (func(int, time.Month, int) bool, error) {
	switch {
	case text == "L":
		return func(y int, m time.Month, d int) bool { return d == lastDay(y, m) }, nil
	case text == "LW":
		return func(y int, m time.Month, d int) bool { return d == nearest(y, m, lastDay(y, m)) }, nil
	case strings.HasSuffix(text, "W"):
		n, err := strconv.Atoi(strings.TrimSuffix(text, "W"))
		if err != nil || n < 1 || n > 31 {
			return nil, ErrInvalid
		}
		return func(y int, m time.Month, d int) bool { return n <= lastDay(y, m) && d == nearest(y, m, n) }, nil
	}
	days, err := set(text, 1, 31, nil)
	return func(_ int, _ time.Month, d int) bool { return days[d] }, err
}

func nearest(y int, m time.Month, d int) int {
	switch weekdayOf(y, m, d) {
	case 7: // Saturday
		if d == 1 {
			return 3
		}
		return d - 1
	case 1: // Sunday
		if d == lastDay(y, m) {
			return d - 2
		}
		return d + 1
	}
	return d
}

// weekDay reads days of the week: L is Saturday, 6L the last Friday, 3#2 the
// second Tuesday.
func weekDay(text string) (func(int, time.Month, int) bool, error) {
	number := func(s string) (int, error) {
		if n, ok := dayNames[strings.ToUpper(s)]; ok {
			return n, nil
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 7 {
			return 0, ErrInvalid
		}
		return n, nil
	}
	if text == "L" {
		text = "7"
	}
	if name, ok := strings.CutSuffix(text, "L"); ok && text != "L" {
		n, err := number(name)
		return func(y int, m time.Month, d int) bool { return weekdayOf(y, m, d) == n && d+7 > lastDay(y, m) }, err
	}
	if name, which, ok := strings.Cut(text, "#"); ok {
		n, err := number(name)
		k, kerr := strconv.Atoi(which)
		if err != nil || kerr != nil || k < 1 || k > 5 {
			return nil, ErrInvalid
		}
		return func(y int, m time.Month, d int) bool { return weekdayOf(y, m, d) == n && (d-1)/7+1 == k }, nil
	}
	days, err := set(text, 1, 7, dayNames)
	return func(y int, m time.Month, d int) bool { return days[weekdayOf(y, m, d)] }, err
}

func (c *cron) Next(_, after time.Time) time.Time {
	t := after.UTC().Truncate(time.Minute).Add(time.Minute)
	for t.Year() <= lastYear {
		y, m, d := t.Date()
		switch {
		case !c.years[y]:
			t = time.Date(y+1, 1, 1, 0, 0, 0, 0, time.UTC)
		case !c.months[int(m)]:
			t = time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC)
		case !c.day(y, m, d):
			t = time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC)
		case !c.hours[t.Hour()]:
			t = time.Date(y, m, d, t.Hour()+1, 0, 0, 0, time.UTC)
		case !c.minutes[t.Minute()]:
			t = t.Add(time.Minute)
		default:
			return t
		}
		// A day of no month (30 February) would be looked for for ever.
		if t.Sub(after) > 40*366*24*time.Hour {
			break
		}
	}
	return time.Time{}
}
