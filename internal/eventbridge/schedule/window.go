package schedule

import (
	"strings"
	"time"
)

// Window is the minutes that an expression of six or seven fields, the first of
// which is seconds, stands for, in a time zone. Seconds must be there and mean
// nothing: a window is open for whole minutes.
type Window struct {
	cron *cron
	zone *time.Location
}

// ParseWindow reads "* * 9-17 ? * MON-FRI *".
//
// Errors: ErrInvalid.
func ParseWindow(text string, zone *time.Location) (*Window, error) {
	f := strings.Fields(text)
	if len(f) == 6 { // every year
		f = append(f, "*")
	}
	if len(f) != 7 {
		return nil, ErrInvalid
	}
	if _, err := set(f[0], 0, 59, nil); err != nil {
		return nil, err
	}
	c, err := parseCron(f[1:])
	if err != nil {
		return nil, err
	}
	return &Window{c, zone}, nil
}

// Opens is when the window is open for the first time, now included; the zero
// time if it never is.
func (w *Window) Opens(now time.Time) time.Time {
	// The fields are read as what a clock on the wall shows.
	t := now.In(w.zone)
	wall := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
	for next := w.cron.Next(time.Time{}, wall.Add(-time.Minute)); !next.IsZero(); next = w.cron.Next(time.Time{}, next) {
		if next.Equal(wall) {
			return now
		}
		at := time.Date(next.Year(), next.Month(), next.Day(), next.Hour(), next.Minute(), 0, 0, w.zone)
		switch {
		case at.Minute() != next.Minute() || at.Hour() != next.Hour():
			continue // a time that this day does not have
		case !at.After(now): // in the hour that a day has twice
			return now.Truncate(time.Minute).Add(time.Minute)
		}
		return at
	}
	return time.Time{}
}
