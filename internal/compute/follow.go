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
// they ended. Where ready or yield fail, as on a full disk, nothing is lost:
// events end for a while, and begin again with ready.
func Follow(ctx context.Context, c Compute, labels map[string]string, ready func() error, yield func(Event) error, away func(error)) {
	for delay := nearest; ctx.Err() == nil; delay = min(2*delay, furthest) {
		watching, fail := context.WithCancelCause(ctx)
		err := c.Watch(watching, labels, func() {
			if err := ready(); err != nil {
				fail(err)
				return
			}
			delay = nearest
		}, func(e Event) {
			if err := yield(e); err != nil {
				fail(err)
			}
		})
		failed := watching.Err() != nil
		fail(nil)
		if ctx.Err() != nil {
			return
		}
		if !failed {
			away(err)
		}
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
