package computetest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/compute"
)

func testLifecycle(t *testing.T, s *suite) {
	spec := s.spec("echo up; read x; exit 0")
	spec.Entrypoint, spec.Command = []string{"sh", "-c", "echo up; exec sleep 1000"}, nil
	spec.Name = "slipway-test-" + s.run
	cid := s.create(t, spec)
	if c := s.inspect(t, cid); c.State != compute.Created || c.Name != spec.Name || c.Labels[runLabel] != s.run || c.CreatedAt.IsZero() {
		t.Errorf("created: %+v", c)
	}
	if err := s.c.Start(s.ctx, cid); err != nil {
		t.Fatal(err)
	}
	if c := s.inspect(t, cid); c.State != compute.Running || c.PID == 0 || c.StartedAt.IsZero() || !c.ExitedAt.IsZero() {
		t.Errorf("running: %+v", c)
	}
	if err := s.c.Start(s.ctx, cid); err != nil {
		t.Errorf("start of one that runs: %v", err)
	}
	if err := s.c.Kill(s.ctx, cid, ""); err != nil {
		t.Fatal(err)
	}
	s.wait(t, cid)
	if c := s.inspect(t, cid); c.State != compute.Exited || c.Exit.Code != 137 || c.ExitedAt.Before(c.StartedAt) {
		t.Errorf("exited: %+v", c)
	}
	if _, err := s.c.Create(s.ctx, spec); err == nil {
		t.Error("a second container of the same name was made")
	}
}

func testExitCodes(t *testing.T, s *suite) {
	for script, code := range map[string]int{"exit 0": 0, "exit 42": 42, "kill -TERM $$; sleep 100": -1, "kill -KILL $$": 137} {
		if code < 0 && s.info.Images {
			continue // PID 1 of a container ignores it
		}
		if code < 0 {
			code = 143
		}
		if s.info.Images && code == 137 {
			continue
		}
		cid := s.start(t, s.spec(script))
		if exit := s.wait(t, cid); exit.Code != code {
			t.Errorf("%s: %+v, want %d", script, exit, code)
		}
		if exit := s.wait(t, cid); exit.Code != code {
			t.Errorf("%s: a second wait: %+v, want %d", script, exit, code)
		}
	}
}

// Wait on a container that has not been started waits for its end.
func testWait(t *testing.T, s *suite) {
	cid := s.create(t, s.spec("exit 7"))
	type result struct {
		exit compute.Exit
		err  error
	}
	done := make(chan result, 2)
	for range 2 {
		go func() {
			exit, err := s.c.Wait(s.ctx, cid)
			done <- result{exit, err}
		}()
	}
	if err := s.c.Start(s.ctx, cid); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if r := <-done; r.err != nil || r.exit.Code != 7 {
			t.Errorf("wait: %+v", r)
		}
	}
}

func testEnvironment(t *testing.T, s *suite) {
	dir := "/tmp"
	spec := s.spec(`echo "$A|$B"; pwd; test -n "$PATH" && echo path`)
	spec.Env = []string{"A=one two", "B=x=y"}
	spec.WorkingDir = dir
	if got, want := s.output(t, spec), []string{"one two|x=y", dir, "path"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Nothing that is passed is looked at by a shell.
func testVerbatim(t *testing.T, s *suite) {
	hostile := []string{"a  b", "$(touch /tmp/x)", "`id`", "'\"", "*", "-n", "", "é\tü", "; exit 9", "%s\\n"}
	spec := s.spec(`for a; do printf '[%s]\n' "$a"; done; printf '[%s]\n' "$HOSTILE"`, hostile...)
	spec.Env = []string{"HOSTILE=$(id) `id` ; #"}
	spec.Labels["slipway.hostile"] = "$(x)\n\" 'y"
	want := []string{}
	for _, a := range append(slices.Clone(hostile), "$(id) `id` ; #") {
		want = append(want, "["+a+"]")
	}
	cid := s.start(t, spec)
	s.wait(t, cid)
	if got := texts(s.lines(t, cid, time.Time{})); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if got := s.inspect(t, cid).Labels["slipway.hostile"]; got != spec.Labels["slipway.hostile"] {
		t.Errorf("label %q", got)
	}
	newline := s.spec(`printf '%s.%s' "$1" "$N"`, "a\nb")
	newline.Env = []string{"N=1\n2"}
	if got := strings.Join(s.output(t, newline), "\n"); got != "a\nb.1\n2" {
		t.Errorf("newlines: %q", got)
	}
}

func testUser(t *testing.T, s *suite) {
	if os.Getuid() != 0 && !s.info.Images {
		t.Skip("only root can become another user")
	}
	spec := s.spec("id -u; id -g")
	spec.User = "65534:65534"
	if got := s.output(t, spec); !slices.Equal(got, []string{"65534", "65534"}) {
		t.Errorf("got %q", got)
	}
	spec.User = "no-such-user"
	cid, err := s.c.Create(s.ctx, spec)
	if err == nil {
		t.Cleanup(func() { _ = s.c.Remove(t.Context(), cid) })
		defer func() { _ = s.c.Remove(s.ctx, cid) }()
		err = s.c.Start(s.ctx, cid)
	}
	if err == nil || !strings.Contains(err.Error(), "no-such-user") {
		t.Errorf("unknown user: %v", err)
	}
}

func testMounts(t *testing.T, s *suite) {
	if !s.info.Images {
		spec := s.spec("true")
		spec.Mounts = []compute.Mount{{Source: t.TempDir(), Target: "/slipway-test-mount"}}
		if _, err := s.c.Create(s.ctx, spec); !errors.Is(err, compute.ErrUnsupported) {
			t.Errorf("mount: %v", err)
		}
		return
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a b"), []byte("content\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	spec := s.spec(`cat "/data/a b"; (echo x >/data/y) 2>/dev/null || echo refused; echo ok >/scratch/f && cat /scratch/f`)
	spec.Mounts = []compute.Mount{{Source: dir, Target: "/data", ReadOnly: true}, {Tmpfs: true, Target: "/scratch"}}
	if got := s.output(t, spec); !slices.Equal(got, []string{"content", "refused", "ok"}) {
		t.Errorf("got %q", got)
	}
}

func testStopGraceful(t *testing.T, s *suite) {
	cid := s.start(t, s.spec(`trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.05; done`))
	s.await(t, cid, "ready")
	if err := s.c.Stop(s.ctx, cid, patience); err != nil {
		t.Fatal(err)
	}
	if c := s.inspect(t, cid); c.State != compute.Exited || c.Exit.Code != 3 {
		t.Errorf("after stop: %+v", c)
	}
	if got := texts(s.lines(t, cid, time.Time{})); !slices.Equal(got, []string{"ready", "bye"}) {
		t.Errorf("log %q", got)
	}
	if err := s.c.Stop(s.ctx, cid, patience); err != nil {
		t.Errorf("stop of one that has ended: %v", err)
	}
}

func testStopKills(t *testing.T, s *suite) {
	cid := s.start(t, s.spec(`trap '' TERM; echo ready; while :; do sleep 0.05; done`))
	s.await(t, cid, "ready")
	if err := s.c.Stop(s.ctx, cid, time.Second); err != nil {
		t.Fatal(err)
	}
	if c := s.inspect(t, cid); c.State != compute.Exited || c.Exit.Code != 137 {
		t.Errorf("after stop: %+v", c)
	}
}

func testKill(t *testing.T, s *suite) {
	cid := s.start(t, s.spec(`trap 'echo usr1; exit 5' USR1; echo ready; while :; do sleep 0.05; done`))
	s.await(t, cid, "ready")
	if err := s.c.Kill(s.ctx, cid, "SIGUSR1"); err != nil {
		t.Fatal(err)
	}
	if exit := s.wait(t, cid); exit.Code != 5 {
		t.Errorf("exit %+v", exit)
	}
	if err := s.c.Kill(s.ctx, cid, ""); err != nil {
		t.Errorf("kill of one that has ended: %v", err)
	}
}

func testRemove(t *testing.T, s *suite) {
	cid := s.start(t, s.spec("echo ready; sleep 1000"))
	s.await(t, cid, "ready")
	if err := s.c.Remove(s.ctx, cid); err != nil {
		t.Fatalf("remove of one that runs: %v", err)
	}
	if _, err := s.c.Inspect(s.ctx, cid); !errors.Is(err, compute.ErrNotFound) {
		t.Errorf("inspect after remove: %v", err)
	}
	if err := s.c.Remove(s.ctx, cid); err != nil {
		t.Errorf("second remove: %v", err)
	}
}

func testNotFound(t *testing.T, s *suite) {
	cid := "slipway-test-no-such-" + s.run
	_, inspect := s.c.Inspect(s.ctx, cid)
	_, wait := s.c.Wait(s.ctx, cid)
	_, exec := s.c.Exec(s.ctx, cid, compute.ExecSpec{Command: []string{"true"}})
	for what, err := range map[string]error{
		"inspect": inspect, "wait": wait, "exec": exec,
		"start": s.c.Start(s.ctx, cid),
		"stop":  s.c.Stop(s.ctx, cid, 0),
		"kill":  s.c.Kill(s.ctx, cid, ""),
		"logs":  s.c.Logs(s.ctx, cid, time.Time{}, true, func(compute.Line) bool { return true }),
	} {
		if !errors.Is(err, compute.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := s.c.Remove(s.ctx, cid); err != nil {
		t.Errorf("remove: %v", err)
	}
}

// Limits that the machine cannot enforce must not fail a container.
func testLimits(t *testing.T, s *suite) {
	spec := s.spec("ulimit -n")
	spec.Resources = compute.Resources{MilliCPU: 1000_000, CPUShares: 256, Memory: 64 << 20, MemoryReservation: 32 << 20, Processes: 100}
	spec.Ulimits = []compute.Ulimit{{Name: "nofile", Soft: 512, Hard: 512}}
	if got := s.output(t, spec); !slices.Equal(got, []string{"512"}) {
		t.Errorf("got %q", got)
	}
}

// What an adapter cannot do it refuses by name.
func testAbilities(t *testing.T, s *suite) {
	if s.info.Images {
		spec := s.spec("true")
		spec.Image = "slipway-test.invalid/no-such-image:" + s.run
		if _, err := s.c.Create(s.ctx, spec); !errors.Is(err, compute.ErrImage) || !strings.Contains(err.Error(), "no-such-image") {
			t.Errorf("missing image: %v", err)
		}
		return
	}
	image, privileged, network, ports := s.spec("true"), s.spec("true"), s.spec("true"), s.spec("true")
	image.Image = "busybox"
	privileged.Privileged = true
	network.Network.Of = "x"
	ports.Network.Ports = []compute.Port{{Container: 80}}
	for name, spec := range map[string]compute.Spec{"image": image, "privileged": privileged, "network": network, "port": ports} {
		if _, err := s.c.Create(s.ctx, spec); !errors.Is(err, compute.ErrUnsupported) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func testCannotStart(t *testing.T, s *suite) {
	spec := s.spec("")
	spec.Entrypoint, spec.Command = []string{"/no/such/program"}, nil
	cid, err := s.c.Create(s.ctx, spec)
	if err == nil {
		defer func() { _ = s.c.Remove(s.ctx, cid) }()
		err = s.c.Start(s.ctx, cid)
	}
	if err == nil || !strings.Contains(err.Error(), "/no/such/program") {
		t.Errorf("got %v", err)
	}
}
