package meter

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// A bucket is a thirty-second of an octave of microseconds: what is told of the
// durations in it is off by at most 1.6 %.
const (
	fine    = 5 // bits
	buckets = 1 << fine * (32 - fine + 1)
)

// durations counts durations from a microsecond to an hour by buckets.
type durations struct {
	counts [buckets]atomic.Int64
	any    atomic.Bool
}

func (c *durations) add(d time.Duration) {
	c.counts[bucket(d)].Add(1)
	if !c.any.Load() {
		c.any.Store(true)
	}
}

// take moves the counts to out and answers how many there were.
func (c *durations) take(out *[buckets]int64) (n int64) {
	if !c.any.Swap(false) {
		return 0
	}
	for i := range c.counts {
		if c.counts[i].Load() > 0 {
			out[i] = c.counts[i].Swap(0)
			n += out[i]
		}
	}
	return n
}

// bucket is linear up to 32 µs, then by the leading bits.
func bucket(d time.Duration) int {
	us := uint64(max(d, 0) / time.Microsecond)
	us = min(us, math.MaxUint32)
	shift := bits.Len64(us) - fine - 1
	if shift <= 0 {
		return int(us)
	}
	return shift<<fine + int(us>>shift)
}

// middle is the duration that stands for a bucket, in seconds.
func middle(i int) float64 {
	shift := max(i>>fine-1, 0)
	low := float64((i - shift<<fine) << shift)
	return math.Round((low+float64(uint64(1)<<shift)/2)*10) / 1e7
}
