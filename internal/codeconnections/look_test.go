package codeconnections

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"

	"github.com/slipway-dev/slipway/e2e/githost"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/git"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

const testARN = "arn:aws:codeconnections:us-east-1:000000000000:connection/1"

// bench is the service alone, with a clock of its own and a git host whose
// webhooks go nowhere.
type bench struct {
	t     *testing.T
	s     *Service
	clock *clock.Fake
	host  *githost.Host
	repo  *githost.Repo

	mu     sync.Mutex
	used   []string
	events []string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	e, c := enginetest.New(t)
	b := &bench{t: t, clock: c, used: []string{"Octo/Site"}}
	var err error
	if b.host, err = githost.Start(githost.GitHub); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.host.Close)
	if b.repo, err = b.host.Create("octo/site"); err != nil {
		t.Fatal(err)
	}
	b.push("main", "first", "a")
	scratch, err := git.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	events := bus.New(e, &id.Sequence{})
	events.Subscribe("test", source.Is, func(_ context.Context, ev bus.Event) error {
		change, err := source.Of(&ev)
		if err != nil {
			return err
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.events = append(b.events, tell(change))
		return nil
	})
	b.s = New(Config{Engine: e, Bus: events, Site: site.Site{Account: "000000000000", Region: "us-east-1", URL: "http://localhost:1"},
		IDs: &id.Sequence{}, Log: enginetest.Log(t), Secrets: seal.New(make([]byte, 32)).For("test"), Scratch: scratch, Dir: t.TempDir(),
		PublicURL: "http://localhost:1"})
	b.s.UsedBy(func(context.Context, string) ([]string, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.used, nil
	})
	enginetest.Start(t, e)
	b.update(func(tx *engine.Tx) error {
		return b.s.putConnection(tx, &connection{Connection: types.Connection{ConnectionArn: aws.String(testARN),
			ProviderType: types.ProviderTypeGithub, ConnectionStatus: types.ConnectionStatusPending}})
	})
	if err := b.s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.s.installed(t.Context(), &access{Connection: testARN, Dialect: "github", Base: b.host.URL, Token: githost.Token}, nil); err != nil {
		t.Fatal(err)
	}
	b.settle()
	return b
}

// tell is what matters of a change.
func tell(c *source.Change) string {
	what := c.Branch
	if c.Tag != "" {
		what = "tag " + c.Tag
	}
	if c.Deleted {
		return what + " is gone"
	}
	return fmt.Sprintf("%s: %s by %s, %s%s", what, c.CommitMessage, c.AuthorEmail, strings.Join(c.Files, " "), map[bool]string{true: "…"}[c.FilesTruncated])
}

func (b *bench) update(f func(*engine.Tx) error) {
	b.t.Helper()
	if err := b.s.Engine.Update(b.t.Context(), f); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) settle() {
	b.t.Helper()
	enginetest.Settle(b.t, b.s.Engine)
}

func (b *bench) push(branch, message, file string) string {
	b.t.Helper()
	commit, err := b.repo.Push(branch, message, map[string]string{file: message})
	if err != nil {
		b.t.Fatal(err)
	}
	return commit
}

// wait moves the clock and returns what was announced.
func (b *bench) wait(d time.Duration) []string {
	b.t.Helper()
	b.clock.Advance(d)
	b.settle()
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.events
	b.events = nil
	return list
}

func (b *bench) expect(d time.Duration, want ...string) {
	b.t.Helper()
	got := b.wait(d)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.t.Errorf("after %v: %q, want %q", d, got, want)
	}
}

func (b *bench) connection() *connection {
	b.t.Helper()
	var c *connection
	if err := b.s.Engine.View(b.t.Context(), func(r store.Reader) (err error) {
		c, err = b.s.connectionOf(r, testARN)
		return err
	}); err != nil {
		b.t.Fatal(err)
	}
	return c
}

func TestLooks(t *testing.T) {
	b := newBench(t)
	b.expect(0) // the first look announces nothing
	if n := b.host.Hooks("octo/site"); n != 1 {
		t.Fatalf("%d webhooks", n)
	}
	base := b.push("main", "second", "b")
	b.push("main", "third", "c")
	b.push("topic", "fourth", "d")
	if err := b.repo.Tag("v1", base); err != nil {
		t.Fatal(err)
	}
	b.expect(pauseWithHook - time.Second)
	b.expect(time.Second, "main: third by octo@example.com, b c", "topic: fourth by octo@example.com, …", "tag v1: second by octo@example.com, …")
	b.expect(pauseWithHook)
	if err := b.repo.Delete("refs/heads/topic"); err != nil {
		t.Fatal(err)
	}
	if err := b.repo.Reset("main", base); err != nil {
		t.Fatal(err)
	}
	b.expect(pauseWithHook, "main: second by octo@example.com, c", "topic is gone")

	// Nobody uses the repository any more: it is left alone.
	b.mu.Lock()
	b.used = nil
	b.mu.Unlock()
	b.update(func(tx *engine.Tx) error { return b.s.Bus.Emit(tx, source.Declared(testARN)) })
	b.settle()
	if n := b.host.Hooks("octo/site"); n != 0 {
		t.Errorf("%d webhooks", n)
	}
	b.push("main", "fifth", "e")
	b.expect(pauseWithHook)
}

// What somebody saw before the first look is where changes are told from.
func TestTheFirstLook(t *testing.T) {
	b := newBench(t)
	b.mu.Lock()
	b.used = append(b.used, "octo/other")
	b.mu.Unlock()
	other, err := b.host.Create("octo/other")
	if err != nil {
		t.Fatal(err)
	}
	seen, err := other.Push("main", "seen", map[string]string{"a": "1"})
	if err != nil {
		t.Fatal(err)
	}
	b.update(func(tx *engine.Tx) error { return b.s.addWatch(tx, testARN, "octo/other") })
	if err := b.s.firstSight(t.Context(), source.Place{ConnectionARN: testARN, Repository: "Octo/Other", Branch: "main"}, "refs/heads/main", seen); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Push("main", "unseen", map[string]string{"b": "1"}); err != nil {
		t.Fatal(err)
	}
	b.update(func(tx *engine.Tx) error { return b.s.enqueueSync(tx, testARN) })
	b.settle()
	b.expect(0, "main: unseen by octo@example.com, b")
}

func TestARevokedToken(t *testing.T) {
	b := newBench(t)
	b.host.Revoke()
	b.push("main", "second", "b")
	b.expect(pauseWithHook)
	if c := b.connection(); c.ConnectionStatus != types.ConnectionStatusError {
		t.Errorf("status %s", c.ConnectionStatus)
	}
}

func TestOrder(t *testing.T) {
	b := newBench(t)
	first := b.push("main", "second", "b")
	second := b.push("main", "third", "c")
	var base string
	if err := b.s.Engine.View(t.Context(), func(r store.Reader) error {
		m, err := refs.Get(r, b.s.watchKey(testARN, "octo/site")...)
		if err == nil {
			base = (*m)["refs/heads/main"]
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	deliver := func(before, after string) {
		b.update(func(tx *engine.Tx) error {
			return tx.Enqueue(engine.NewJob{Kind: deliveryJob, Payload: delivery{hookRef{testARN, "octo/site"},
				[]source.Change{{Kind: source.Push, Branch: "main", BeforeCommitID: before, CommitID: after, FilesTruncated: true}}}})
		})
		b.settle()
	}
	deliver(first, second) // overtook the other
	b.expect(0, "main: third by octo@example.com, b c")
	deliver(base, first)
	b.expect(0)
	b.expect(pauseWithHook)
}

func TestSweep(t *testing.T) {
	b := newBench(t)
	var w *watch
	if err := b.s.Engine.View(t.Context(), func(r store.Reader) (err error) {
		w, err = b.s.watchOf(r, testARN, "octo/site")
		return err
	}); err != nil || w == nil {
		t.Fatal(w, err)
	}
	accept := func() bool {
		t.Helper()
		news, err := b.s.accept(t.Context(), w, "delivery", []byte("body"), []source.Change{{Kind: source.Push, Branch: "main"}})
		if err != nil {
			t.Fatal(err)
		}
		return news
	}
	if !accept() || accept() {
		t.Error("a delivery is news once")
	}
	b.wait(remembered - time.Hour)
	if accept() {
		t.Error("it is forgotten too early")
	}
	b.wait(sweepEvery + 2*time.Hour)
	if !accept() {
		t.Error("it is never forgotten")
	}
}

func TestReachable(t *testing.T) {
	for _, tt := range []struct {
		at, from string
		want     bool
	}{
		{"http://localhost:4566", "https://github.com", false}, {"http://localhost:4566", "http://127.0.0.1:3000", true},
		{"https://ci.example.com", "https://github.com", true}, {"http://[::1]:1", "https://git.lan", false},
	} {
		u, err := url.Parse(tt.from)
		if err != nil {
			t.Fatal(err)
		}
		if got := reachable(tt.at, u); got != tt.want {
			t.Errorf("%s from %s: %v", tt.at, tt.from, got)
		}
	}
}
