// Package clock is the only source of time in Slipway, so that state machines
// and timers can be tested without waiting.
package clock

import "time"

// Clock tells the time and calls back when some of it has passed.
type Clock interface {
	Now() time.Time
	// AfterFunc runs f in its own goroutine after d; a d of zero or less runs
	// it at once. Stop reports whether it prevented the call.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is a pending call of AfterFunc.
type Timer interface{ Stop() bool }

// System is the machine's clock.
var System Clock = system{}

type system struct{}

func (system) Now() time.Time                            { return time.Now() }
func (system) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
