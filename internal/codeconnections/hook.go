package codeconnections

import (
	"context"
	"encoding/json"
	"net"
	"net/url"
	"time"

	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
	"github.com/slipway-dev/slipway/internal/engine"
)

// HookPrefix is where providers send their webhooks; the rest of the path is
// the hook's id.
const HookPrefix = "/_slipway/webhooks/connections/"

const unhookJob = "codeconnections.unhook"

// hookAgain is how long a provider that refused a webhook is not asked again.
const hookAgain = 24 * time.Hour

// ensureHook registers a watch's webhook with the provider, as best it can: if
// it cannot, the log says so, and changes are found by look alone. registered
// is true if there is one now that was not there before.
func (s *Service) ensureHook(ctx context.Context, w *watch, r *reached, canonical string) (registered bool, err error) {
	if w.Hook.Remote != "" || s.Engine.Now().Sub(w.Hook.Tried) < hookAgain {
		return false, nil
	}
	log := s.Log.With("connection", w.Connection, "repository", w.Repository, "provider", r.Base)
	remote := ""
	if !reachable(s.PublicURL, r.base) {
		log.Info("no webhook is registered: the provider cannot reach this server; changes are looked for", "at", s.PublicURL, "every", pauseWithout)
	} else {
		secret, err := s.Secrets.Open(w.Hook.Secret)
		if err != nil {
			return false, err
		}
		remote, err = r.client.CreateHook(ctx, canonical, provider.Hook{URL: s.PublicURL + HookPrefix + w.Hook.ID, Secret: string(secret)})
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case err != nil:
			log.Warn("the provider registers no webhook; changes are looked for", "reason", err, "every", pauseWithout)
		default:
			log.Info("a webhook is registered")
		}
	}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		fresh, err := s.watchOf(tx, w.Connection, w.Repository)
		if err != nil {
			return err
		}
		if fresh == nil || fresh.Hook.ID != w.Hook.ID { // dropped meanwhile
			if remote == "" {
				return nil
			}
			sealed, err := s.seal(&r.access)
			if err != nil {
				return err
			}
			return tx.Enqueue(engine.NewJob{Kind: unhookJob, Payload: unhooking{w.Connection, sealed, canonical, remote}})
		}
		if fresh.Hook.Remote = remote; remote == "" {
			fresh.Hook.Tried = s.Engine.Now()
		}
		return s.putWatch(tx, fresh)
	})
	w.Hook.Remote = remote
	return remote != "" && err == nil, err
}

// reachable tells whether a provider can be expected to reach a URL: not one of
// this machine's own from another machine.
func reachable(at string, from *url.URL) bool {
	u, err := url.Parse(at)
	return err == nil && (!loopback(u.Hostname()) || loopback(from.Hostname()))
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// unhooking is a webhook to take away, with the access of the time.
type unhooking struct{ Connection, Access, Repository, Remote string }

// maxUnhook is how often taking a webhook away is tried. One that stays gets
// answers of 404, for which providers give up on their own.
const maxUnhook = 5

func (s *Service) unhook(ctx context.Context, job *engine.Job) error {
	var u unhooking
	if err := json.Unmarshal(job.Payload, &u); err != nil {
		return err
	}
	a, err := s.unseal(u.Access, u.Connection)
	if err == nil {
		var r *reached
		if r, err = s.reach(*a); err == nil {
			err = r.client.DeleteHook(ctx, u.Repository, u.Remote)
		}
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil, job.Attempt < maxUnhook:
		return err
	}
	s.Log.Warn("a webhook is left at the provider", "connection", u.Connection, "repository", u.Repository, "reason", err)
	return nil
}
