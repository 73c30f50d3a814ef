package schedule_test

import (
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/eventbridge/schedule"
)

func TestNext(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse("2006-01-02 15:04:05", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	since := at("2026-11-25 10:00:30") // a Wednesday
	for _, tt := range []struct{ text, after, want string }{
		{"rate(1 minute)", "2026-11-25 10:00:30", "2026-11-25 10:01:30"},
		{"rate(5 minutes)", "2026-11-25 10:07:00", "2026-11-25 10:10:30"},
		{"rate(2 hours)", "2026-11-25 10:00:29", "2026-11-25 12:00:30"},
		{"rate(1 day)", "2026-11-26 10:00:30", "2026-11-27 10:00:30"},
		{"cron(0 12 * * ? *)", "2026-11-25 12:00:00", "2026-11-26 12:00:00"},
		{"cron(0/15 * * * ? *)", "2026-11-25 12:01:00", "2026-11-25 12:15:00"},
		{"cron(15 10 ? * MON-FRI *)", "2026-11-27 10:15:00", "2026-11-30 10:15:00"},
		{"cron(0 8 1 * ? *)", "2026-11-25 00:00:00", "2026-12-01 08:00:00"},
		{"cron(0 0 L 2 ? *)", "2026-11-25 00:00:00", "2027-02-28 00:00:00"},
		{"cron(0 0 29 2 ? *)", "2026-11-25 00:00:00", "2028-02-29 00:00:00"},
		{"cron(0 9 ? * 6L *)", "2026-11-25 00:00:00", "2026-11-27 09:00:00"},
		{"cron(0 9 ? * 3#2 *)", "2026-11-25 00:00:00", "2026-12-08 09:00:00"},
		{"cron(0 9 15W * ? *)", "2026-11-01 00:00:00", "2026-11-16 09:00:00"}, // the 15th is a Sunday
		{"cron(0 9 LW 10 ? 2026)", "2026-01-01 00:00:00", "2026-10-30 09:00:00"},
		{"cron(0 9 ? * 1,7 *)", "2026-11-25 00:00:00", "2026-11-28 09:00:00"},
		{"cron(0 0 30 2 ? *)", "2026-11-25 00:00:00", ""},
		{"cron(0 0 1 1 ? 2020)", "2026-11-25 00:00:00", ""},
	} {
		s, err := schedule.Parse(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		want := time.Time{}
		if tt.want != "" {
			want = at(tt.want)
		}
		if got := s.Next(since, at(tt.after)); !got.Equal(want) {
			t.Errorf("%s after %s: %v", tt.text, tt.after, got)
		}
	}
}

func TestInvalid(t *testing.T) {
	for _, text := range []string{"", "rate(0 minutes)", "rate(1 minutes)", "rate(2 minute)", "rate(5 seconds)", "rate(-1 days)", "rate(999999999 days)",
		"cron(0 12 * * * *)", "cron(0 12 ? * ? *)", "cron(0 12 * * ?)", "cron(60 12 * * ? *)", "cron(0 24 * * ? *)", "cron(0 0 0 * ? *)", "cron(0 0 ? * 8 *)",
		"cron(0 0 ? * 3#6 *)", "cron(0 0 32W * ? *)", "cron(5-1 0 * * ? *)", "cron(*/0 0 * * ? *)", "cron(0 0 * FOO ? *)", "every day"} {
		if s, err := schedule.Parse(text); err == nil {
			t.Errorf("%q is %v", text, s)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("cron(0/15 8-18 ? JAN-DEC MON#2 2026-2030)")
	now := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := schedule.Parse(text)
		if err != nil {
			return
		}
		if next := s.Next(now, now); !next.IsZero() && !next.After(now) {
			t.Errorf("%q: %v", text, next)
		}
	})
}
