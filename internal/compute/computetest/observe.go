package computetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/compute"
)

func testExec(t *testing.T, s *suite) {
	spec := s.spec("echo ready; exec sleep 1000")
	spec.Env = []string{"OUTER=1"}
	cid := s.start(t, spec)
	s.await(t, cid, "ready")
	var out, errOut bytes.Buffer
	code, err := s.c.Exec(s.ctx, cid, compute.ExecSpec{
		Command:    []string{"sh", "-c", `cat; echo "$OUTER$INNER $1"; pwd; echo bad >&2; exit 9`, "sh", "$(x) y"},
		Env:        []string{"INNER=2"},
		WorkingDir: "/tmp",
		Stdin:      strings.NewReader("input\n"),
		Stdout:     &out,
		Stderr:     &errOut,
	})
	if err != nil || code != 9 {
		t.Errorf("exec: %d, %v", code, err)
	}
	if got := out.String(); got != "input\n12 $(x) y\n/tmp\n" {
		t.Errorf("stdout %q", got)
	}
	if got := errOut.String(); got != "bad\n" {
		t.Errorf("stderr %q", got)
	}
	if code, err := s.c.Exec(s.ctx, cid, compute.ExecSpec{Command: []string{"true"}}); err != nil || code != 0 {
		t.Errorf("exec of true: %d, %v", code, err)
	}
	ctx, cancel := context.WithTimeout(s.ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := s.c.Exec(ctx, cid, compute.ExecSpec{Command: []string{"sleep", "100"}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("exec beyond its time: %v", err)
	}
	if err := s.c.Kill(s.ctx, cid, ""); err != nil {
		t.Fatal(err)
	}
	s.wait(t, cid)
	if _, err := s.c.Exec(s.ctx, cid, compute.ExecSpec{Command: []string{"true"}}); err == nil {
		t.Error("exec in one that has ended")
	}
}

func testLogs(t *testing.T, s *suite) {
	before := time.Now().Add(-time.Second)
	cid := s.start(t, s.spec(`echo one; echo; echo three; printf unended`))
	s.wait(t, cid)
	lines := s.lines(t, cid, time.Time{})
	if got := texts(lines); !slices.Equal(got, []string{"one", "", "three", "unended"}) {
		t.Errorf("lines %q", got)
	}
	for i, l := range lines {
		if l.Stderr || l.Time.Before(before) || i > 0 && l.Time.Before(lines[i-1].Time) {
			t.Errorf("line %d: %+v", i, l)
		}
	}
	cid = s.start(t, s.spec(`echo out; echo bad >&2`))
	s.wait(t, cid)
	streams := map[string]bool{}
	for _, l := range s.lines(t, cid, time.Time{}) {
		streams[l.Text] = l.Stderr
	}
	if len(streams) != 2 || streams["out"] || !streams["bad"] {
		t.Errorf("streams %v", streams)
	}
}

// A follower that is there from before the start sees everything, as it
// comes, and ends with the container.
func testLogsFollow(t *testing.T, s *suite) {
	cid := s.create(t, s.spec(`trap 'i=0; while [ $i -lt 500 ]; do echo $i; i=$((i+1)); done; exit 0' TERM; echo first; while :; do sleep 0.05; done`))
	first, all := make(chan struct{}), make(chan []string, 1)
	go func() {
		var got []string
		err := s.c.Logs(s.ctx, cid, time.Time{}, true, func(l compute.Line) bool {
			if got = append(got, l.Text); len(got) == 1 {
				close(first)
			}
			return true
		})
		if err != nil {
			t.Errorf("follow: %v", err)
		}
		all <- got
	}()
	if err := s.c.Start(s.ctx, cid); err != nil {
		t.Fatal(err)
	}
	select {
	case <-first:
	case <-s.ctx.Done():
		t.Fatal("no line")
	}
	if err := s.c.Kill(s.ctx, cid, "SIGTERM"); err != nil {
		t.Fatal(err)
	}
	if got := <-all; len(got) != 501 || got[0] != "first" || got[1] != "0" || got[500] != "499" {
		t.Errorf("%d lines: %.200q", len(got), got)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	cid = s.start(t, s.spec("echo here; sleep 1000"))
	err := s.c.Logs(ctx, cid, time.Time{}, true, func(compute.Line) bool { cancel(); return true })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Reading on from the time of any line, and leaving out as many lines of that
// time as one had, neither loses nor doubles one.
func testLogsResume(t *testing.T, s *suite) {
	cid := s.start(t, s.spec(`i=0; while [ $i -lt 200 ]; do echo $i; echo e$i >&2; i=$((i+1)); done`))
	s.wait(t, cid)
	all := s.lines(t, cid, time.Time{})
	if len(all) != 400 {
		t.Fatalf("%d lines", len(all))
	}
	for _, at := range []int{0, 1, 57, 200, 399} {
		had := 0
		for _, l := range all[:at+1] {
			if l.Time.Equal(all[at].Time) {
				had++
			}
		}
		rest := s.lines(t, cid, all[at].Time)
		if len(rest) < had {
			t.Fatalf("from %d: %d lines, had %d", at, len(rest), had)
		}
		if got := rest[had:]; !slices.Equal(got, all[at+1:]) {
			t.Errorf("from %d: %d lines, want %d", at, len(got), len(all)-at-1)
		}
	}
	if rest := s.lines(t, cid, all[399].Time.Add(time.Second)); len(rest) != 0 {
		t.Errorf("after the end: %q", texts(rest))
	}
}

func testLogsLongLine(t *testing.T, s *suite) {
	cid := s.start(t, s.spec(`printf '%040000d\n' 7; echo next; printf '%0300000d\n' 8; echo end`))
	s.wait(t, cid)
	got := s.lines(t, cid, time.Time{})
	var lens []int
	for _, l := range got {
		lens = append(lens, len(l.Text))
	}
	if want := []int{40000, 4, 256 << 10, 300000 - 256<<10, 3}; !slices.Equal(lens, want) {
		t.Errorf("lengths %v, want %v", lens, want)
	}
}

func testLogsNothing(t *testing.T, s *suite) {
	cid := s.start(t, s.spec("exit 0"))
	s.wait(t, cid)
	if err := s.c.Logs(s.ctx, cid, time.Time{}, true, func(l compute.Line) bool { t.Errorf("line %+v", l); return true }); err != nil {
		t.Error(err)
	}
}

func testList(t *testing.T, s *suite) {
	a, b := s.spec("exit 4"), s.spec("sleep 1000")
	a.Labels["slipway.test.kind"] = "a"
	ida, idb := s.start(t, a), s.start(t, b)
	s.wait(t, ida)
	list := func(labels map[string]string) []string {
		t.Helper()
		cs, err := s.c.List(s.ctx, labels)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, c := range cs {
			if c.ID == ida && (c.State != compute.Exited || c.Exit.Code != 4) || c.ID == idb && c.State != compute.Running {
				t.Errorf("listed %+v", c)
			}
			ids = append(ids, c.ID)
		}
		slices.Sort(ids)
		return ids
	}
	both := []string{ida, idb}
	slices.Sort(both)
	if got := list(map[string]string{runLabel: s.run}); !slices.Equal(got, both) {
		t.Errorf("by run: %v, want %v", got, both)
	}
	if got := list(map[string]string{runLabel: s.run, "slipway.test.kind": "a"}); !slices.Equal(got, []string{ida}) {
		t.Errorf("by kind: %v", got)
	}
	if got := list(map[string]string{runLabel: "other"}); len(got) != 0 {
		t.Errorf("others: %v", got)
	}
}

func testWatch(t *testing.T, s *suite) {
	ctx, cancel := context.WithCancel(s.ctx)
	ready, events, ended := make(chan struct{}), make(chan compute.Event, 16), make(chan error, 1)
	go func() {
		ended <- s.c.Watch(ctx, map[string]string{runLabel: s.run}, func() { close(ready) }, func(e compute.Event) { events <- e })
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	cid := s.start(t, s.spec("exit 6"))
	s.wait(t, cid)
	if err := s.c.Remove(s.ctx, cid); err != nil {
		t.Fatal(err)
	}
	for _, want := range []compute.EventType{compute.Started, compute.Died, compute.Removed} {
		select {
		case e := <-events:
			if e.Type != want || e.ID != cid || e.Labels[runLabel] != s.run || e.Time.IsZero() {
				t.Errorf("event %+v, want %s of %s", e, want, cid)
			}
			if e.Type == compute.Died && e.Exit.Code != 6 {
				t.Errorf("died with %+v", e.Exit)
			}
		case <-s.ctx.Done():
			t.Fatalf("no event %s", want)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("watch ended with %v", err)
	}
}

// A second adapter on the same engine, as after the death of the server,
// finds what the first one started and how it ended.
func testRestart(t *testing.T, s *suite) {
	cid := s.start(t, s.spec(`trap 'echo last; exit 8' TERM; echo first; while :; do sleep 0.05; done`))
	s.await(t, cid, "first")
	short := s.start(t, s.spec("exit 2"))
	s.wait(t, short)

	second := s.Open(t)
	cs, err := second.List(s.ctx, map[string]string{runLabel: s.run})
	if err != nil || len(cs) != 2 {
		t.Fatalf("list: %d, %v", len(cs), err)
	}
	if exit, err := second.Wait(s.ctx, short); err != nil || exit.Code != 2 {
		t.Errorf("wait: %+v, %v", exit, err)
	}
	if code, err := second.Exec(s.ctx, cid, compute.ExecSpec{Command: []string{"true"}}); err != nil || code != 0 {
		t.Errorf("exec: %d, %v", code, err)
	}
	if err := second.Stop(s.ctx, cid, patience); err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := second.Logs(s.ctx, cid, time.Time{}, true, func(l compute.Line) bool { got = append(got, l.Text); return true }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []string{"first", "last"}) {
		t.Errorf("log %q", got)
	}
	if exit := s.wait(t, cid); exit.Code != 8 {
		t.Errorf("the first adapter's wait: %+v", exit)
	}
}
