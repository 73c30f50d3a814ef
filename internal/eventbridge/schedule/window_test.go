package schedule

import (
	"testing"
	"time"
)

func TestWindow(t *testing.T) {
	york, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	const form = "2006-01-02 15:04:05"
	for _, c := range []struct {
		text string
		zone *time.Location
		now  string
		want string
	}{
		{"* * 9-17 ? * MON-FRI *", time.UTC, "2026-11-26 10:20:30", "2026-11-26 10:20:30"},
		{"* * 9-17 ? * MON-FRI *", time.UTC, "2026-11-27 18:00:00", "2026-11-30 09:00:00"},
		{"0 30 9 * * ?", time.UTC, "2026-11-26 09:30:59", "2026-11-26 09:30:59"},
		{"0 30 9 * * ?", time.UTC, "2026-11-26 09:31:00", "2026-11-27 09:30:00"},
		{"* * 9-17 ? * MON-FRI *", york, "2026-11-26 10:20:30", "2026-11-26 14:00:00"},
		{"* * 22 ? * * *", york, "2026-07-01 02:05:00", "2026-07-01 02:05:00"},
		{"* * * * 2 ? 2020", time.UTC, "2026-11-26 10:20:30", ""},
		{"* * 2 8 3 ? *", york, "2026-03-08 06:00:00", "2027-03-08 07:00:00"}, // this day has no 2:00
	} {
		w, err := ParseWindow(c.text, c.zone)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		now, err := time.Parse(form, c.now)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if at := w.Opens(now); !at.IsZero() {
			got = at.UTC().Format(form)
		}
		if got != c.want {
			t.Errorf("%s at %s: %s, want %s", c.text, c.now, got, c.want)
		}
	}
	for _, text := range []string{"", "* * * * *", "* * * * * *", "61 * * ? * * *", "* 60 * ? * * *", "* * 25 ? * * *", "cron(* * * ? * * *)", "* * * ? * MON-FOO *", "* * * ? * * 1969"} {
		if _, err := ParseWindow(text, time.UTC); err != ErrInvalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}
