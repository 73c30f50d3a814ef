//go:build linux

package process_test

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/compute/computetest"
	"github.com/slipway-dev/slipway/internal/compute/process"
)

// The test binary is also the supervisor.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "process-run" {
		os.Exit(process.Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func open(t *testing.T, dir string) *process.Engine {
	t.Helper()
	e, err := process.New(process.Config{Dir: dir, Installation: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestConformance(t *testing.T) {
	// Longer than a socket's address may be.
	dir := t.TempDir() + "/" + strings.Repeat("long", 30)
	computetest.Run(t, computetest.Subject{
		Open: func(t *testing.T) compute.Compute { return open(t, dir) },
	})
}

func run(t *testing.T, e *process.Engine, script string) string {
	t.Helper()
	cid, err := e.Create(t.Context(), compute.Spec{Entrypoint: []string{"sh", "-c", script}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Remove(context.Background(), cid) })
	if err := e.Start(t.Context(), cid); err != nil {
		t.Fatal(err)
	}
	return cid
}

func lines(t *testing.T, e *process.Engine, cid string) []string {
	t.Helper()
	var all []string
	if err := e.Logs(t.Context(), cid, time.Time{}, true, func(l compute.Line) bool { all = append(all, l.Text); return true }); err != nil {
		t.Fatal(err)
	}
	return all
}

func alive(t *testing.T, pid string) bool {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	return syscall.Kill(n, 0) == nil
}

// What a process leaves behind, even in sessions of their own, ends with it.
func TestDescendants(t *testing.T) {
	e := open(t, t.TempDir())
	cid := run(t, e, `setsid sh -c 'echo $$; trap "" TERM HUP; sleep 1000 & wait' & read x <&- ; sleep 0.2; exit 3`)
	got := lines(t, e, cid) // ends when nobody holds the output
	if exit, err := e.Wait(t.Context(), cid); err != nil || exit.Code != 3 {
		t.Errorf("%+v, %v", exit, err)
	}
	if len(got) != 1 || alive(t, got[0]) {
		t.Errorf("left behind: %q", got)
	}
}

// If the supervisor itself is killed, the process goes too and its end is
// known.
func TestSupervisorKilled(t *testing.T) {
	e := open(t, t.TempDir())
	cid := run(t, e, `echo $PPID; exec sleep 1000`)
	var parent string
	if err := e.Logs(t.Context(), cid, time.Time{}, true, func(l compute.Line) bool { parent = l.Text; return false }); err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(parent)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	exit, err := e.Wait(t.Context(), cid)
	if err != nil || exit.Code != 137 || !strings.Contains(exit.Error, "supervisor") {
		t.Errorf("%+v, %v", exit, err)
	}
}

// A container that has ended can be started again and keeps its log.
func TestStartAgain(t *testing.T) {
	e := open(t, t.TempDir())
	cid := run(t, e, `echo x; exit 1`)
	if _, err := e.Wait(t.Context(), cid); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context(), cid); err != nil {
		t.Fatal(err)
	}
	if got := lines(t, e, cid); !slices.Equal(got, []string{"x", "x"}) {
		t.Errorf("log %q", got)
	}
}

// A process sees nothing of the server's environment but PATH.
func TestNoServerEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_SERVER", "x")
	e := open(t, t.TempDir())
	cid := run(t, e, `env | cut -d= -f1 | grep -v -e ^PWD -e ^SHLVL -e ^_ | sort`)
	if got := lines(t, e, cid); !slices.Equal(got, []string{"HOME", "PATH"}) {
		t.Errorf("environment %q", got)
	}
}
