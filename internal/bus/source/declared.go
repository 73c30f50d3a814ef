package source

import "github.com/slipway-dev/slipway/internal/bus"

// declaredType is the detail type of Declared, beside Source.
const declaredType = "CodeConnections Source Declared"

// Declared makes the event that somebody has begun, or ceased, to use a
// repository of a connection.
func Declared(connectionARN string) bus.Event {
	return bus.Event{Source: Source, DetailType: declaredType, Resources: []string{connectionARN}}
}

// IsDeclared tells whether ev is one of Declared, whose connection is its only
// resource.
func IsDeclared(ev *bus.Event) bool { return ev.Source == Source && ev.DetailType == declaredType }
