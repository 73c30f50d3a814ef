package docker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/compute/computetest"
	"github.com/slipway-dev/slipway/internal/compute/docker"
	"github.com/slipway-dev/slipway/internal/id"
)

const image = "slipway/busybox:latest"

func open(t *testing.T, installation string) *docker.Engine {
	t.Helper()
	e, err := docker.New(docker.Config{Installation: installation})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func need(t *testing.T) *docker.Engine {
	t.Helper()
	e := open(t, "test-"+id.Hex(id.Random, 8))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := e.Info(ctx); err != nil {
		t.Skipf("no Docker Engine answers at %s: %v", e.Host(), err)
	}
	if _, err := e.EnsureImage(ctx, image, compute.PullNever, nil); err != nil {
		t.Skipf("make it with images/busybox/build: %v", err)
	}
	return e
}

func TestConformance(t *testing.T) {
	need(t)
	installation := "test-" + id.Hex(id.Random, 8)
	computetest.Run(t, computetest.Subject{
		Open:  func(t *testing.T) compute.Compute { return open(t, installation) },
		Image: image,
	})
}

func TestNoEngine(t *testing.T) {
	e, err := docker.New(docker.Config{Host: "unix://" + t.TempDir() + "/no.sock"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Info(t.Context()); !errors.Is(err, compute.ErrUnavailable) {
		t.Errorf("info: %v", err)
	}
	if err := e.Watch(t.Context(), nil, func() { t.Error("ready") }, nil); !errors.Is(err, compute.ErrUnavailable) {
		t.Errorf("watch: %v", err)
	}
	if _, err := e.EnsureImage(t.Context(), "x", compute.PullAlways, nil); !errors.Is(err, compute.ErrUnavailable) {
		t.Errorf("image: %v", err)
	}
}

func TestImages(t *testing.T) {
	e := need(t)
	info, err := e.EnsureImage(t.Context(), image, compute.PullMissing, nil)
	if err != nil || info.ID == "" || len(info.Cmd) != 1 || len(info.Env) != 1 {
		t.Errorf("info %+v, %v", info, err)
	}
	for _, pull := range []compute.PullPolicy{compute.PullAlways, compute.PullMissing, compute.PullNever} {
		// Port 1 refuses connections: no registry.
		_, err := e.EnsureImage(t.Context(), "localhost:1/no/such:tag", pull, &compute.RegistryAuth{Username: "u", Password: "p"})
		if !errors.Is(err, compute.ErrImage) {
			t.Errorf("%s: %v", pull, err)
		}
	}
	if _, err := e.EnsureImage(t.Context(), "Not a reference", compute.PullAlways, nil); !errors.Is(err, compute.ErrImage) {
		t.Errorf("malformed: %v", err)
	}
	for range 2 {
		if err := e.ImportEmpty(t.Context(), "slipway/empty:latest"); err != nil {
			t.Fatal(err)
		}
	}
}

// Containers of other installations on the same engine are not seen.
func TestInstallations(t *testing.T) {
	a, b := need(t), need(t)
	cid, err := a.Create(t.Context(), compute.Spec{Image: image})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Remove(context.Background(), cid)
	if list, err := b.List(t.Context(), nil); err != nil || len(list) != 0 {
		t.Errorf("b sees %v, %v", list, err)
	}
	list, err := a.List(t.Context(), nil)
	if err != nil || len(list) != 1 || list[0].Labels[compute.LabelInstallation] == "" {
		t.Errorf("a sees %v, %v", list, err)
	}
}

// Containers that join another's network share its address; a named volume is
// shared by those that mount it.
func TestShared(t *testing.T) {
	e := need(t)
	first, err := e.Create(t.Context(), compute.Spec{Image: image, Command: []string{"httpd", "-f", "-p", "8080", "-h", "/etc"}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Remove(context.Background(), first)
	if err := e.Start(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	c, err := e.Inspect(t.Context(), first)
	if err != nil || c.IP == "" {
		t.Fatalf("inspect: %+v, %v", c, err)
	}
	second, err := e.Create(t.Context(), compute.Spec{
		Image:   image,
		Command: []string{"sh", "-c", "until wget -q -O - http://127.0.0.1:8080/group; do sleep 0.02; done"},
		Network: compute.Network{Of: first},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Remove(context.Background(), second)
	if err := e.Start(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if exit, err := e.Wait(t.Context(), second); err != nil || exit.Code != 0 {
		t.Errorf("wait: %+v, %v", exit, err)
	}
}

func TestPublishedPort(t *testing.T) {
	e := need(t)
	cid, err := e.Create(t.Context(), compute.Spec{
		Image: image, Command: []string{"sleep", "100"},
		Network: compute.Network{Ports: []compute.Port{{Container: 80, HostIP: "127.0.0.1"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Remove(context.Background(), cid)
	if err := e.Start(t.Context(), cid); err != nil {
		t.Fatal(err)
	}
	c, err := e.Inspect(t.Context(), cid)
	if err != nil || len(c.Ports) != 1 || c.Ports[0].Container != 80 || c.Ports[0].Host == 0 || c.Ports[0].HostIP != "127.0.0.1" || c.Ports[0].Protocol != "tcp" {
		t.Errorf("ports %+v, %v", c.Ports, err)
	}
}
