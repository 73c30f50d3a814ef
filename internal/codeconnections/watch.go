package codeconnections

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// watch is a repository whose changes somebody wants to know.
type watch struct {
	Connection string // ARN
	Repository string // owner/name in lower case
	// Canonical is as the provider spells it, "" before it was asked.
	Canonical string `json:",omitempty"`
	Hook      hook
	// First are branches that were used before the refs were first read, by full
	// name, with their commits.
	First map[string]string `json:",omitempty"`
}

// hook is a watch's webhook.
type hook struct {
	ID     string // in its URL
	Secret string // sealed
	// Remote is the provider's id, "" if it is not registered.
	Remote string    `json:",omitempty"`
	Tried  time.Time `json:",omitzero"` // when registering last failed
}

// hookRef finds the watch of a webhook.
type hookRef struct{ Connection, Repository string }

const (
	watches store.Table[watch]   = "codeconnections.watch" // region, id, repository
	hooks   store.Table[hookRef] = "codeconnections.hook"  // hook id
	// refs are those last announced, by full name, of tags what they name; none
	// before they were first read. Keys are those of watches.
	refs store.Table[map[string]string] = "codeconnections.refs"
)

const (
	syncJob  = "codeconnections.sync"  // by connection: which repositories to watch
	watchJob = "codeconnections.watch" // by watch: see look
)

// key is that of the watch in the store.
func (s *Service) watchKey(connectionARN, repository string) []string {
	region, id, _ := s.key(connectionARN, connectionKind)
	return []string{region, id, repository}
}

func watchID(connectionARN, repository string) string { return connectionARN + " " + repository }

// declared is told that somebody uses other repositories of a connection now.
func (s *Service) declared(ctx context.Context, ev bus.Event) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error { return s.enqueueSync(tx, ev.Resources[0]) })
}

func (s *Service) enqueueSync(tx *engine.Tx, connectionARN string) error {
	return tx.Enqueue(engine.NewJob{Kind: syncJob, ID: connectionARN, Key: connectionARN, Payload: hookRef{Connection: connectionARN}})
}

// Start looks at all connections: what changed while the server was away is
// caught up, see look.
func (s *Service) Start(ctx context.Context) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		for c, err := range connections.All(tx) {
			if err != nil {
				return err
			}
			if err := s.enqueueSync(tx, c.arn()); err != nil {
				return err
			}
		}
		return tx.Enqueue(engine.NewJob{Kind: sweepJob, ID: "all"})
	})
}

func (s *Service) sync(ctx context.Context, job *engine.Job) error {
	var ref hookRef
	if err := json.Unmarshal(job.Payload, &ref); err != nil {
		return err
	}
	return s.align(ctx, ref.Connection, true)
}

// syncNow is sync for somebody who will go on in any case.
func (s *Service) syncNow(ctx context.Context, connectionARN string) {
	if err := s.align(ctx, connectionARN, false); err != nil {
		s.Log.Warn("cannot tell which repositories to watch", "connection", connectionARN, "error", err)
	}
}

// align makes the watches of a connection those that its users want, and has
// them look, those that are new or all.
func (s *Service) align(ctx context.Context, connectionARN string, all bool) error {
	var wanted []string
	for _, users := range s.users {
		list, err := users(ctx, connectionARN)
		if err != nil {
			return err
		}
		wanted = append(wanted, list...)
	}
	wanted = slices.DeleteFunc(wanted, func(name string) bool { return !provider.ValidRepository(name) })
	for i := range wanted { // providers do not tell names apart by case
		wanted[i] = strings.ToLower(wanted[i])
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		c, err := s.connectionOf(tx, connectionARN)
		if known(err) {
			return nil // gone, and its watches with it
		}
		if err != nil {
			return err
		}
		have, err := s.watchesOf(tx, connectionARN)
		if err != nil {
			return err
		}
		for _, w := range have {
			if !slices.Contains(wanted, w.Repository) {
				if err := s.dropWatch(tx, c, w); err != nil {
					return err
				}
			}
		}
		for _, name := range wanted {
			isNew := !slices.ContainsFunc(have, func(w *watch) bool { return w.Repository == name })
			if isNew {
				if err := s.addWatch(tx, connectionARN, name); err != nil {
					return err
				}
			}
			if (isNew || all) && c.ConnectionStatus == types.ConnectionStatusAvailable {
				if err := s.enqueueLook(tx, connectionARN, name); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (s *Service) enqueueLook(tx *engine.Tx, connectionARN, repository string) error {
	return tx.Enqueue(engine.NewJob{Kind: watchJob, ID: watchID(connectionARN, repository), Payload: hookRef{connectionARN, repository}})
}

func (s *Service) watchesOf(r store.Reader, connectionARN string) (list []*watch, err error) {
	region, id, _ := s.key(connectionARN, connectionKind)
	for w, err := range watches.All(r, region, id) {
		if err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, nil
}

func (s *Service) watchOf(r store.Reader, connectionARN, repository string) (*watch, error) {
	w, err := watches.Get(r, s.watchKey(connectionARN, repository)...)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return w, err
}

func (s *Service) putWatch(tx *engine.Tx, w *watch) error {
	return watches.Put(tx, w, s.watchKey(w.Connection, w.Repository)...)
}

func (s *Service) addWatch(tx *engine.Tx, connectionARN, repository string) error {
	w := &watch{Connection: connectionARN, Repository: repository,
		Hook: hook{ID: id.Hex(s.IDs, 32), Secret: s.Secrets.Seal([]byte(id.Of(s.IDs, id.AlphaNum, 40)))}}
	if err := hooks.Put(tx, &hookRef{connectionARN, repository}, w.Hook.ID); err != nil {
		return err
	}
	return s.putWatch(tx, w)
}

// dropWatch forgets a repository; its webhook is taken away by a job.
func (s *Service) dropWatch(tx *engine.Tx, c *connection, w *watch) error {
	if w.Hook.Remote != "" {
		err := tx.Enqueue(engine.NewJob{Kind: unhookJob, Payload: unhooking{Connection: c.arn(), Access: c.Access, Repository: w.Canonical, Remote: w.Hook.Remote}})
		if err != nil {
			return err
		}
	}
	key := s.watchKey(w.Connection, w.Repository)
	for _, err := range []error{
		tx.Cancel(watchJob, watchID(w.Connection, w.Repository)),
		hooks.Delete(tx, w.Hook.ID), refs.Delete(tx, key...), watches.Delete(tx, key...),
		s.dropPulls(tx, key),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) dropWatches(tx *engine.Tx, c *connection) error {
	list, err := s.watchesOf(tx, c.arn())
	if err != nil {
		return err
	}
	for _, w := range list {
		if err := s.dropWatch(tx, c, w); err != nil {
			return err
		}
	}
	return nil
}

// refsOf are the refs as last announced; nil if they were never read.
func (s *Service) refsOf(r store.Reader, w *watch) (map[string]string, error) {
	m, err := refs.Get(r, s.watchKey(w.Connection, w.Repository)...)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return *m, nil
}

func (s *Service) putRefs(tx *engine.Tx, w *watch, m map[string]string) error {
	return refs.Put(tx, &m, s.watchKey(w.Connection, w.Repository)...)
}

// firstSight notes what somebody saw of a branch before the refs were first
// read: what comes between is a change.
func (s *Service) firstSight(ctx context.Context, at source.Place, ref, commit string) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		w, err := s.watchOf(tx, at.ConnectionARN, strings.ToLower(at.Repository))
		if err != nil || w == nil {
			return err
		}
		have, err := s.refsOf(tx, w)
		if err != nil || have != nil || w.First[ref] != "" {
			return err
		}
		if w.First == nil {
			w.First = map[string]string{}
		}
		w.First[ref] = commit
		return s.putWatch(tx, w)
	})
}
