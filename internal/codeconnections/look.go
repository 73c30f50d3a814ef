package codeconnections

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/git"
	"github.com/slipway-dev/slipway/internal/store"
)

// How long a repository is left alone between two looks at its refs. They are
// for changes whose webhook was lost, or of which no webhook can tell.
const (
	pauseWithHook = 30 * time.Minute
	pauseWithout  = 5 * time.Minute
)

// look is the job of a watch: it compares the provider's refs with those that
// were announced, announces what differs, and sees to the webhook. It runs when
// the server starts, when the connection or the users change, and slowly for
// ever after, as long as the connection is AVAILABLE.
func (s *Service) look(ctx context.Context, job *engine.Job) error {
	var ref hookRef
	if err := json.Unmarshal(job.Payload, &ref); err != nil {
		return err
	}
	w, err := s.loadWatch(ctx, ref)
	if err != nil || w == nil {
		return err
	}
	log := s.Log.With("connection", w.Connection, "repository", w.Repository)
	later := func(d time.Duration) error { return engine.RetryAt(s.Engine.Now().Add(d)) }
	r, canonical, err := s.repository(ctx, w.Connection, w.Repository)
	if known(err) {
		var gone *wire.Error
		if errors.As(err, &gone); gone.Code == "ResourceUnavailableException" {
			if _, _, err := s.open(ctx, w.Connection); known(err) {
				return nil // the next handshake goes on
			}
		}
		log.Warn("a watched repository cannot be read", "reason", err)
		return later(pauseWithHook)
	}
	if err == nil {
		err = s.catchUp(ctx, w, r, canonical)
	}
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		log.Warn("a watched repository cannot be read", "reason", err)
		return later(pauseWithout)
	}
	switch registered, err := s.ensureHook(ctx, w, r, canonical); {
	case err != nil:
		return err
	case registered:
		// For what came between the look and the webhook.
		if err := s.catchUp(ctx, w, r, canonical); err != nil {
			log.Warn("a watched repository cannot be read", "reason", err)
		}
	case w.Hook.Remote == "":
		return later(pauseWithout)
	}
	return later(pauseWithHook)
}

func (s *Service) loadWatch(ctx context.Context, ref hookRef) (w *watch, err error) {
	return w, s.Engine.View(ctx, func(r store.Reader) (err error) {
		w, err = s.watchOf(r, ref.Connection, ref.Repository)
		return err
	})
}

// known reports an answer, as opposed to trouble that may pass.
func known(err error) bool {
	var e *wire.Error
	return errors.As(err, &e)
}

// catchUp announces what differs between a provider's refs and those last
// announced. The first look announces nothing, but for branches that somebody
// used before.
func (s *Service) catchUp(ctx context.Context, w *watch, r *reached, canonical string) error {
	// In this order, so that a webhook that comes in between is seen as a move of
	// what was, not of what is.
	was, err := s.announced(ctx, w)
	if err != nil {
		return err
	}
	is, err := s.Scratch.RemoteRefs(ctx, r.remote(canonical), heads+"*", tags+"*")
	if err != nil {
		return err
	}
	if was, err = s.begin(ctx, w, canonical, was, is); err != nil {
		return err
	}
	for _, c := range differences(was, is) {
		if err := s.pushed(ctx, w, r, canonical, c, true); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) announced(ctx context.Context, w *watch) (was map[string]string, err error) {
	return was, s.Engine.View(ctx, func(r store.Reader) (err error) {
		was, err = s.refsOf(r, w)
		return err
	})
}

// begin notes what the first look saw, and how the provider spells the
// repository. It returns what differences are to be told from.
func (s *Service) begin(ctx context.Context, w *watch, canonical string, was, is map[string]string) (map[string]string, error) {
	if was != nil && w.Canonical == canonical {
		return was, nil
	}
	return was, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		fresh, err := s.watchOf(tx, w.Connection, w.Repository)
		if err != nil || fresh == nil {
			return err
		}
		if was == nil {
			was = maps.Clone(is)
			maps.Copy(was, fresh.First)
			if err := s.putRefs(tx, fresh, was); err != nil {
				return err
			}
		}
		fresh.Canonical, fresh.First = canonical, nil
		w.Canonical = canonical
		return s.putWatch(tx, fresh)
	})
}

// differences are the changes that make is of was, in the order of their names.
func differences(was, is map[string]string) (list []source.Change) {
	for _, ref := range slices.Sorted(maps.Keys(is)) {
		if was[ref] != is[ref] {
			list = append(list, source.Change{CommitID: is[ref], BeforeCommitID: was[ref], FilesTruncated: true})
			name(&list[len(list)-1], ref)
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(was)) {
		if _, ok := is[ref]; !ok {
			list = append(list, source.Change{Deleted: true, BeforeCommitID: was[ref]})
			name(&list[len(list)-1], ref)
		}
	}
	return list
}

func name(c *source.Change, ref string) {
	c.Kind = source.Push
	if tag, ok := strings.CutPrefix(ref, tags); ok {
		c.Tag = tag
		return
	}
	c.Branch = strings.TrimPrefix(ref, heads)
}

// refName is the full name of the ref that a push changed.
func refName(c *source.Change) string {
	if c.Tag != "" {
		return tags + c.Tag
	}
	return heads + c.Branch
}

// errMoved says that a ref was announced while a change of it was looked at.
var errMoved = errors.New("codeconnections: the ref has moved meanwhile")

// pushed announces the change of a ref, once: not again if it was announced
// before, by a webhook or a look. A look knows what it saw the ref move from; a
// webhook may be old, or those before it may be lost.
func (s *Service) pushed(ctx context.Context, w *watch, r *reached, canonical string, c source.Change, looked bool) error {
	ref := refName(&c)
	if !git.ValidBranch(strings.TrimPrefix(strings.TrimPrefix(ref, heads), tags)) {
		s.Log.Warn("a ref with a name that git does not take is left out", "connection", w.Connection, "repository", w.Repository)
		return nil
	}
	for {
		err := s.push(ctx, w, r, canonical, c, looked)
		switch {
		case !errors.Is(err, errMoved):
			return err
		case looked:
			return nil // a webhook came first
		}
	}
}

func (s *Service) push(ctx context.Context, w *watch, r *reached, canonical string, c source.Change, looked bool) error {
	ref := refName(&c)
	was, err := s.announced(ctx, w)
	switch {
	case err != nil:
		return err
	case was != nil && was[ref] == c.CommitID:
		return nil
	case was != nil && was[ref] != c.BeforeCommitID && looked:
		return errMoved
	case was != nil && was[ref] != c.BeforeCommitID:
		// It does not follow from what was announced. The provider knows what
		// holds now.
		is, err := s.Scratch.RemoteRefs(ctx, r.remote(canonical), ref)
		if err != nil {
			return err
		}
		if is[ref] == was[ref] {
			return nil
		}
		if is[ref] != c.CommitID {
			c = source.Change{Kind: source.Push, Branch: c.Branch, Tag: c.Tag, CommitID: is[ref], Deleted: is[ref] == "", FilesTruncated: is[ref] != ""}
		}
	}
	if was != nil {
		c.BeforeCommitID = was[ref]
	}
	s.describe(ctx, w, r, canonical, &c)
	return s.announce(ctx, w, &c, func(tx *engine.Tx) (bool, error) {
		now, err := s.refsOf(tx, w)
		switch {
		case err != nil:
			return false, err
		case now == nil: // before the first look, which will see it as it is
			return true, nil
		case was == nil, now[ref] != was[ref]:
			return false, errMoved
		}
		if now[ref] = c.CommitID; c.Deleted {
			delete(now, ref)
		}
		return true, s.putRefs(tx, w, now)
	})
}

// announce emits a change if note, in the same transaction, says that it is
// news, and if the repository is still watched.
func (s *Service) announce(ctx context.Context, w *watch, c *source.Change, note func(tx *engine.Tx) (bool, error)) error {
	c.ConnectionARN, c.Repository = w.Connection, w.Repository
	if strings.EqualFold(w.Canonical, w.Repository) { // not renamed
		c.Repository = w.Canonical
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		conn, err := s.connectionOf(tx, w.Connection)
		if known(err) {
			return nil
		}
		if err != nil {
			return err
		}
		fresh, err := s.watchOf(tx, w.Connection, w.Repository)
		if err != nil || fresh == nil {
			return err
		}
		news, err := note(tx)
		if err != nil || !news {
			return err
		}
		c.ProviderType = string(conn.ProviderType)
		ev, err := c.Event(time.Time{})
		if err != nil {
			return err
		}
		return s.Bus.Emit(tx, ev)
	})
}

// describe fills in what is not known of a change, as far as the provider
// tells.
func (s *Service) describe(ctx context.Context, w *watch, r *reached, canonical string, c *source.Change) {
	log := s.Log.With("connection", w.Connection, "repository", w.Repository, "commit", c.CommitID)
	if c.CommitID != "" && (c.AuthorDate == "" || !provider.ValidCommit(c.CommitID)) {
		commit, err := r.client.Commit(ctx, canonical, c.CommitID)
		if err != nil {
			log.Info("a commit is announced without its author", "reason", err)
		} else {
			c.CommitID, c.CommitMessage, c.AuthorDate = commit.ID, commit.Message, commit.AuthorDate
			c.AuthorEmail, c.AuthorDisplayName, c.AuthorID = commit.AuthorEmail, commit.AuthorDisplayName, commit.AuthorID
		}
	}
	if c.FilesTruncated {
		files, all, err := s.files(ctx, r, canonical, c)
		if err != nil {
			log.Info("a change is announced without its files", "reason", err)
		} else if all || len(files) > 0 {
			slices.Sort(files)
			c.Files, c.FilesTruncated = slices.Compact(files), !all
		}
	}
	trim(c)
}

// trim bounds what is kept of a change.
func trim(c *source.Change) {
	if len(c.Files) > provider.MaxFiles {
		c.Files, c.FilesTruncated = c.Files[:provider.MaxFiles], true
	}
	c.CommitMessage = cut(c.CommitMessage, maxMessage)
	c.PullRequestTitle = cut(c.PullRequestTitle, maxTitle)
}

// What is kept of texts, in bytes. AWS's variable for messages has as many.
const (
	maxMessage = 100 << 10
	maxTitle   = 1 << 10
)

func cut(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// files lists what a change touches: of a push by git, since few webhooks and
// no REST API tell all of it after a forced push.
func (s *Service) files(ctx context.Context, r *reached, canonical string, c *source.Change) (paths []string, all bool, err error) {
	switch {
	case c.Kind == source.PullRequest:
		return r.client.PullRequestFiles(ctx, canonical, c.PullRequestID)
	case c.BeforeCommitID == "" || c.Tag != "":
		return c.Files, false, nil // a new branch has nothing to compare with
	}
	err = s.fetched(ctx, r.remote(canonical), true, []string{c.BeforeCommitID, c.CommitID}, func(id string) error {
		changes, err := s.Scratch.Diff(ctx, id, c.BeforeCommitID, c.CommitID, "")
		for _, d := range changes {
			paths = append(paths, d.Path)
		}
		return err
	})
	return paths, err == nil, err
}
