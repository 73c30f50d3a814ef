package codepipeline

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a host may have none

	"github.com/slipway-dev/slipway/internal/eventbridge/schedule"
)

// windowRule waits until a deployment window is open.
type windowRule struct{}

func (windowRule) Step(_ context.Context, w *Work) (*Result, error) {
	window, problem := windowOf(w.Configuration)
	if problem != "" {
		return nil, fail(configurationError, "%s", problem)
	}
	at := window.Opens(w.Now)
	switch {
	case at.IsZero():
		return nil, fail(jobFailed, "The deployment window %s will never be open", w.Configuration["Cron"])
	case at.After(w.Now):
		return &Result{At: at}, nil
	}
	return &Result{Done: true, Summary: "The deployment window is open"}, nil
}

var offset = regexp.MustCompile(`^(?:UTC|GMT)([+-])(\d{1,2})(?::?(\d{2}))?$`)

func windowOf(c map[string]string) (w *schedule.Window, problem string) {
	zone := time.UTC
	if text := c["TimeZone"]; text != "" {
		var err error
		if m := offset.FindStringSubmatch(text); m != nil {
			h, _ := strconv.Atoi(m[2])
			minutes, _ := strconv.Atoi("0" + m[3])
			seconds := h*3600 + minutes*60
			if m[1] == "-" {
				seconds = -seconds
			}
			zone = time.FixedZone(text, seconds)
		} else if zone, err = time.LoadLocation(text); err != nil || text == "Local" {
			return nil, "The TimeZone of the rule is not a time zone: " + cut(text, 50)
		}
	}
	w, err := schedule.ParseWindow(c["Cron"], zone)
	if err != nil {
		return nil, "The Cron of the rule is not a cron expression of seconds, minutes, hours, day of the month, month, day of the week and perhaps the year"
	}
	return w, ""
}

func checkWindow(c map[string]string) string {
	if strings.Contains(c["Cron"]+c["TimeZone"], "#{") {
		return "" // known when it runs
	}
	_, problem := windowOf(c)
	return problem
}
