package compute

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// absent is an engine that goes away again and again, answering some of the times.
type absent struct {
	Compute
	start   time.Time
	asked   []time.Duration
	answers map[int]bool // by attempt
	stop    func()
	until   int
}

func (a *absent) Watch(_ context.Context, _ map[string]string, ready func(), yield func(Event)) error {
	a.asked = append(a.asked, time.Since(a.start))
	if a.answers[len(a.asked)] {
		ready()
		yield(Event{ID: "x"})
	}
	if len(a.asked) == a.until {
		a.stop()
	}
	return errors.New("gone")
}

func TestFollowAsksLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		a := &absent{start: time.Now(), stop: stop, until: 9, answers: map[int]bool{8: true}}
		readies, events, goings := 0, 0, 0
		Follow(ctx, a, nil, func() error { readies++; return nil }, func(Event) error { events++; return nil }, func(error) { goings++ })
		const s = time.Second
		want := []time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s, 31 * s, 61 * s, 91 * s, 92 * s}
		if !slices.Equal(a.asked, want) {
			t.Errorf("asked at %v, want %v", a.asked, want)
		}
		if readies != 1 || events != 1 || goings != 8 {
			t.Errorf("%d readies, %d events, %d goings", readies, events, goings)
		}
	})
}

// An event that cannot be dealt with, and a look at what happened meanwhile that
// fails, are made up for by another look.
func TestFollowLooksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		a := &absent{start: time.Now(), stop: stop, until: 4, answers: map[int]bool{1: true, 2: true, 3: true}}
		full, looks, goings := errors.New("no space left"), 0, 0
		Follow(ctx, a, nil, func() error {
			if looks++; looks == 2 {
				return full
			}
			return nil
		}, func(Event) error {
			if looks == 1 {
				return full
			}
			return nil
		}, func(error) { goings++ })
		if looks != 3 || goings != 1 {
			t.Errorf("%d looks, %d goings", looks, goings)
		}
	})
}

func TestRegistryTokens(t *testing.T) {
	auth, err := ParseRegistryToken(base64.StdEncoding.EncodeToString([]byte("AWS:pass:word")))
	if err != nil || auth.Username != "AWS" || auth.Password != "pass:word" {
		t.Errorf("got %+v, %v", auth, err)
	}
	for _, bad := range []string{"", "!", base64.StdEncoding.EncodeToString([]byte("no colon"))} {
		if auth, err := ParseRegistryToken(bad); err == nil {
			t.Errorf("%q was taken: %+v", bad, auth)
		}
	}
}
