// Package computetest is the one suite that every adapter of the compute
// contract passes.
package computetest

import (
	"context"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/id"
)

// Subject is an adapter under test.
type Subject struct {
	// Open returns a new adapter on the same engine for the same
	// installation, as after a restart of the server.
	Open func(t *testing.T) compute.Compute
	// Image has sh, cat, env and sleep; "" where there are no images.
	Image string
}

// patience bounds what a test waits for; no test takes that long.
const patience = time.Minute

// Run runs the suite.
func Run(t *testing.T, s Subject) {
	for name, test := range map[string]func(*testing.T, *suite){
		"Lifecycle":    testLifecycle,
		"ExitCodes":    testExitCodes,
		"Wait":         testWait,
		"Environment":  testEnvironment,
		"Verbatim":     testVerbatim,
		"User":         testUser,
		"Mounts":       testMounts,
		"Exec":         testExec,
		"StopGraceful": testStopGraceful,
		"StopKills":    testStopKills,
		"Kill":         testKill,
		"Logs":         testLogs,
		"LogsFollow":   testLogsFollow,
		"LogsResume":   testLogsResume,
		"LogsLongLine": testLogsLongLine,
		"LogsNothing":  testLogsNothing,
		"List":         testList,
		"Watch":        testWatch,
		"Remove":       testRemove,
		"Restart":      testRestart,
		"NotFound":     testNotFound,
		"Limits":       testLimits,
		"Abilities":    testAbilities,
		"CannotStart":  testCannotStart,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			t.Cleanup(cancel)
			c := s.Open(t)
			info, err := c.Info(ctx)
			if err != nil {
				t.Fatalf("info: %v", err)
			}
			test(t, &suite{Subject: s, c: c, ctx: ctx, info: info, run: id.Hex(id.Random, 12)})
		})
	}
}

// suite is what a test works with.
type suite struct {
	Subject
	c    compute.Compute
	ctx  context.Context
	info compute.Info
	run  string // labels this test's containers
}

const runLabel = "slipway.test"

// spec is a container that runs a shell script.
func (s *suite) spec(script string, args ...string) compute.Spec {
	return compute.Spec{
		Image:      s.Image,
		Entrypoint: []string{"sh", "-c"},
		Command:    append([]string{script, "sh"}, args...),
		Labels:     map[string]string{runLabel: s.run},
	}
}

func (s *suite) create(t *testing.T, spec compute.Spec) string {
	t.Helper()
	cid, err := s.c.Create(s.ctx, spec)
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.c.Remove(ctx, cid); err != nil {
			t.Errorf("remove: %v", err)
		}
	})
	return cid
}

func (s *suite) start(t *testing.T, spec compute.Spec) string {
	t.Helper()
	cid := s.create(t, spec)
	if err := s.c.Start(s.ctx, cid); err != nil {
		t.Fatalf("start: %v", err)
	}
	return cid
}

func (s *suite) wait(t *testing.T, cid string) compute.Exit {
	t.Helper()
	exit, err := s.c.Wait(s.ctx, cid)
	if err != nil {
		t.Fatalf("wait: %v", err)
	}
	return exit
}

func (s *suite) inspect(t *testing.T, cid string) compute.Container {
	t.Helper()
	c, err := s.c.Inspect(s.ctx, cid)
	if err != nil {
		t.Fatalf("inspect: %v", err)
	}
	return c
}

// lines is the whole log.
func (s *suite) lines(t *testing.T, cid string, since time.Time) []compute.Line {
	t.Helper()
	var all []compute.Line
	if err := s.c.Logs(s.ctx, cid, since, false, func(l compute.Line) bool { all = append(all, l); return true }); err != nil {
		t.Fatalf("logs: %v", err)
	}
	return all
}

// output runs a container to its end and returns its lines.
func (s *suite) output(t *testing.T, spec compute.Spec) []string {
	t.Helper()
	cid := s.start(t, spec)
	if exit := s.wait(t, cid); exit.Code != 0 {
		t.Errorf("exit = %+v", exit)
	}
	return texts(s.lines(t, cid, time.Time{}))
}

// await follows the log until it has the line, which tells that a script got
// there.
func (s *suite) await(t *testing.T, cid, line string) {
	t.Helper()
	found := false
	if err := s.c.Logs(s.ctx, cid, time.Time{}, true, func(l compute.Line) bool {
		found = l.Text == line
		return !found
	}); err != nil {
		t.Fatalf("logs: %v", err)
	}
	if !found {
		t.Fatalf("the log ended without %q", line)
	}
}

func texts(lines []compute.Line) []string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Text)
	}
	return all
}
