package compute

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"
)

// An engine that went away is asked again after nearest, then after twice as
// long each time, up to furthest.
const (
	nearest  = time.Second
	furthest = 30 * time.Second
)

// Follow is Watch for ever: until ctx is done it watches again whenever the
// engine went away. ready is called each time events begin to be received,
// when what happened meanwhile must be looked up; away is told each time why
// they ended.
func Follow(ctx context.Context, c Compute, labels map[string]string, ready func(), yield func(Event), away func(error)) {
	for delay := nearest; ctx.Err() == nil; delay = min(2*delay, furthest) {
		err := c.Watch(ctx, labels, func() {
			delay = nearest
			ready()
		}, yield)
		if ctx.Err() != nil {
			return
		}
		away(err)
		timer := time.NewTimer(delay)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
}

// ParseRegistryToken reads the token that ECR's GetAuthorizationToken answers:
// a user and a password, joined by a colon, in base64.
func ParseRegistryToken(token string) (*RegistryAuth, error) {
	plain, err := base64.StdEncoding.DecodeString(token)
	user, password, ok := strings.Cut(string(plain), ":")
	if err != nil || !ok {
		return nil, errors.New("the registry's token is malformed") // never with its text
	}
	return &RegistryAuth{Username: user, Password: password}, nil
}
