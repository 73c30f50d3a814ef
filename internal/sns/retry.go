package sns

import (
	"encoding/json"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// maxRetrying is how long the retries of an HTTP delivery may take together
// (developer guide, "Creating an HTTP/S delivery policy").
const maxRetrying = time.Hour

// schedule says when failed deliveries are tried again, in four phases: at once,
// at the shortest delay, at growing ones, at the longest.
type schedule struct {
	least, most                      time.Duration
	retries, atOnce, atLeast, atMost int
	growth                           string
	limit                            time.Duration // of all delays together; 0 means none
}

// managed is the schedule for endpoints that AWS runs: 100,015 attempts over 23
// days (developer guide, "Message delivery retries").
var managed = schedule{least: time.Second, most: 20 * time.Second, retries: 100_015, atOnce: 3, atLeast: 2, atMost: 100_000, growth: "exponential"}

// policy is the schedule of a subscription.
func (s *Service) policy(t *topic, sub *subscription) *schedule {
	if !isHTTP(sub.Protocol) {
		return &managed
	}
	var p subscriptionDelivery
	_ = json.Unmarshal([]byte(effectiveSubscription(t.Attributes["DeliveryPolicy"], sub.Attributes["DeliveryPolicy"])), &p) // our own text
	r := p.Retries
	if r == nil {
		r = &retries{}
	}
	number := func(v *int, otherwise int) int {
		if v == nil {
			return otherwise
		}
		return *v
	}
	out := &schedule{
		least: time.Duration(number(r.MinDelayTarget, 20)) * time.Second, most: time.Duration(number(r.MaxDelayTarget, 20)) * time.Second,
		retries: number(r.NumRetries, 3), atOnce: number(r.NumNoDelayRetries, 0), atLeast: number(r.NumMinDelayRetries, 0), atMost: number(r.NumMaxDelayRetries, 0),
		growth: aws.ToString(r.BackoffFunction), limit: maxRetrying,
	}
	out.most = max(out.most, out.least)
	return out
}

// wait is the delay before the nth retry, from 1; ok is false if there is none.
func (c *schedule) wait(n int) (d time.Duration, ok bool) {
	if n > c.retries {
		return 0, false
	}
	if c.limit > 0 {
		total := time.Duration(0)
		for i := 1; i <= n; i++ {
			if total += c.delay(i); total > c.limit {
				return 0, false
			}
		}
	}
	return c.delay(n), true
}

func (c *schedule) delay(n int) time.Duration {
	growing := c.retries - c.atOnce - c.atLeast - c.atMost
	switch i := n - c.atOnce; {
	case i <= 0:
		return 0
	case i <= c.atLeast:
		return c.least
	case i <= c.atLeast+growing:
		return c.grown(i-c.atLeast-1, growing)
	}
	return c.most
}

// grown is delay i of n, from the least to the most. SNS shows the shapes of its
// functions and not their formulas: they differ in how late they rise.
func (c *schedule) grown(i, n int) time.Duration {
	if n == 1 {
		return c.least
	}
	x := float64(i) / float64(n-1)
	switch c.growth {
	case "arithmetic": // the steps grow by the same amount
		x = float64(i*(i+1)) / float64(n*(n-1))
	case "geometric": // each delay is the same multiple of the one before
		return time.Duration(float64(c.least) * math.Pow(float64(c.most)/float64(c.least), x)).Round(time.Millisecond)
	case "exponential": // the steps double
		x = (math.Exp2(float64(i)) - 1) / (math.Exp2(float64(n-1)) - 1)
	}
	return (c.least + time.Duration(x*float64(c.most-c.least))).Round(time.Millisecond)
}
