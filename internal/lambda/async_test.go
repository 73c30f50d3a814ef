package lambda

import (
	"errors"
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	good, bad := &result{}, &result{failed: true}
	for name, tt := range map[string]struct {
		before  accepted
		r       *result
		err     error
		retries int
		wait    time.Duration
		again   bool
	}{
		"done":             {r: good, retries: 2},
		"first error":      {r: bad, retries: 2, wait: time.Minute, again: true},
		"second error":     {before: accepted{Errors: 1}, r: bad, retries: 2, wait: 2 * time.Minute, again: true},
		"third error":      {before: accepted{Errors: 2}, r: bad, retries: 2, wait: 3 * time.Minute},
		"no retries":       {r: bad, wait: time.Minute},
		"no room":          {err: throttling("x"), wait: time.Second, again: true},
		"no room for long": {before: accepted{Waits: 20}, err: throttling("x"), wait: lastThrottle, again: true},
		"gone":             {err: fail("ResourceNotFound", "x")},
		"not ready":        {err: fail("ResourceConflict", "x"), wait: time.Second, again: true},
		"our own failure":  {err: errors.New("x"), wait: time.Second, again: true},
	} {
		a := tt.before
		wait, again := next(&a, tt.r, tt.err, tt.retries)
		if again != tt.again || again && wait != tt.wait {
			t.Errorf("%s: %v %v", name, wait, again)
		}
	}
}

func TestSplit(t *testing.T) {
	var p splitter
	for _, weight := range []float64{0, 0.01, 0.1, 0.5, 0.9, 1} {
		n := 0
		for range 20_000 {
			if p.second("a", weight) {
				n++
			}
		}
		if got := float64(n) / 20_000; got < weight-0.001 || got > weight+0.001 {
			t.Errorf("%v of the events instead of %v", got, weight)
		}
	}
}

func TestNames(t *testing.T) {
	s := &Service{}
	s.Site.Account = "000000000000"
	const region = "us-east-1"
	for text, want := range map[string]name{
		"f":                       {region, "f", ""},
		"f:1":                     {region, "f", "1"},
		"function:f":              {region, "f", ""},
		"function:f:live":         {region, "f", "live"},
		"000000000000:function:f": {region, "f", ""},
		"000000000000:f:$LATEST":  {region, "f", "$LATEST"},
		"arn:aws:lambda:eu-west-1:000000000000:function:f":   {"eu-west-1", "f", ""},
		"arn:aws:lambda:eu-west-1:000000000000:function:f:2": {"eu-west-1", "f", "2"},
	} {
		if got, ok := s.parse(region, text); !ok || got != want {
			t.Errorf("%s: %+v %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "a b", "f:1:2", "arn:aws:sns:us-east-1:000000000000:function:f", "111111111111:function:f", "arn:aws:lambda:x"} {
		if got, ok := s.parse(region, text); ok {
			t.Errorf("%q is %+v", text, got)
		}
	}
}
