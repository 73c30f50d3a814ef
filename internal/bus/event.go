// Package bus carries AWS-shaped events from the transaction that caused them
// to the parts of Slipway that act on them. Delivery is by durable jobs of the
// engine: at least once, in order per subscriber and resource, after commit.
package bus

import (
	"encoding/json"
	"time"
)

// Event has the envelope of EventBridge.
type Event struct {
	ID         string          `json:"id"`
	Version    string          `json:"version"` // "0"
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"` // aws.codebuild …
	Account    string          `json:"account"`
	Time       time.Time       `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"` // ARNs
	Detail     json.RawMessage `json:"detail"`

	// Private tells those who match, and only them, that the event is for parts
	// of Slipway: EventBridge's rules do not see it.
	Private bool `json:"-"`
}
