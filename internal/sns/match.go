package sns

import (
	"strings"

	"github.com/slipway-dev/slipway/internal/eventbridge/pattern"
)

// wants tells whether a subscription's filter policy lets a message through.
// text is what the subscriber would get; attributes are the message's, made an
// object by asEvent.
func (sub *subscription) wants(text string, attributes []byte) (bool, error) {
	policy := sub.Attributes["FilterPolicy"]
	if policy == "" {
		return true, nil
	}
	p, err := pattern.CompileLong(policy) // it was checked when it was set
	if err != nil {
		return false, err
	}
	if sub.Attributes["FilterPolicyScope"] == onBody {
		return p.Matches([]byte(text)), nil
	}
	return p.Matches(attributes), nil
}

// compiles refuses what the language of patterns cannot do.
func compiles(policy string) error {
	if strings.TrimSpace(policy) == "{}" {
		return nil // which takes the policy away
	}
	if _, err := pattern.CompileLong(policy); err != nil {
		return wrong("FilterPolicy: %v", err)
	}
	return nil
}
