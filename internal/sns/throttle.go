package sns

import (
	"encoding/json"
	"sync"
	"time"
)

// throttles keep deliveries to a subscriber apart, as its policy's
// maxReceivesPerSecond asks. They are in memory only: after a restart a
// subscriber may get a second's messages once more at once.
type throttles struct {
	mu     sync.Mutex
	next   map[string]time.Time // by subscription: when another may go
	booked map[string]bool      // deliveries that have waited for their turn
}

// turn is when a delivery may go, zero for now. One that was told to wait goes
// when it comes again.
func (t *throttles) turn(subscription, job string, perSecond int, now time.Time) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.booked[job] {
		delete(t.booked, job)
		return time.Time{}
	}
	at := t.next[subscription]
	if at.Before(now) {
		at = now
	}
	if t.next == nil {
		t.next, t.booked = map[string]time.Time{}, map[string]bool{}
	}
	t.next[subscription] = at.Add(time.Second / time.Duration(perSecond))
	if !at.After(now) {
		return time.Time{}
	}
	t.booked[job] = true
	return at
}

// forget lets go of a subscription.
func (t *throttles) forget(subscription string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.next, subscription)
}

// pace is how many messages a second a subscription takes, 0 for any number.
func pace(t *topic, sub *subscription) int {
	var p subscriptionDelivery
	_ = json.Unmarshal([]byte(effectiveSubscription(t.Attributes["DeliveryPolicy"], sub.Attributes["DeliveryPolicy"])), &p) // our own text
	if !isHTTP(sub.Protocol) || p.Throttle == nil || p.Throttle.MaxReceivesPerSecond == nil {
		return 0
	}
	return *p.Throttle.MaxReceivesPerSecond
}
