//go:build linux

package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/compute"
)

// Start starts the process; one that runs is no error, one that has ended is
// run again.
func (e *Engine) Start(_ context.Context, cid string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	b, err := e.open(cid)
	if err != nil {
		return err
	}
	switch c, err := b.describe(); {
	case err != nil:
		return err
	case c.State == compute.Running:
		return nil
	case c.State == compute.Exited:
		for _, name := range []string{"start.json", "exit.json"} {
			if err := os.Remove(filepath.Join(b.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("process: start: %w", err)
			}
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("process: start: %w", err)
	}
	defer r.Close()
	cmd := exec.Command(e.supervisor[0], append(e.supervisor[1:len(e.supervisor):len(e.supervisor)], b.dir)...)
	cmd.Env = []string{"HOME=" + os.Getenv("HOME")} // nothing of the server's
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{w}
	// Its own session: what ends the server's group leaves it alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		return fmt.Errorf("process: start: %w", err)
	}
	go func() { _ = cmd.Wait() }()
	var rep report
	if err := json.NewDecoder(r).Decode(&rep); err != nil {
		return fmt.Errorf("process: start: the supervisor ended: %w", err)
	}
	if rep.Error != "" {
		return errors.New(rep.Error)
	}
	e.tell(b, compute.Event{Type: compute.Started, Time: time.Now().UTC()})
	e.followEnd(b)
	return nil
}

// Inspect describes a container.
func (e *Engine) Inspect(_ context.Context, cid string) (compute.Container, error) {
	b, err := e.open(cid)
	if err != nil {
		return compute.Container{}, err
	}
	return b.describe()
}

// List returns the containers that have these labels.
func (e *Engine) List(_ context.Context, labels map[string]string) ([]compute.Container, error) {
	boxes, err := e.all()
	if err != nil {
		return nil, err
	}
	var all []compute.Container
	for _, b := range boxes {
		if !has(b.spec.Labels, labels) {
			continue
		}
		c, err := b.describe()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func has(labels, want map[string]string) bool {
	for k, v := range want {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// Wait returns how a container ended, when it has.
func (e *Engine) Wait(ctx context.Context, cid string) (compute.Exit, error) {
	b, err := e.open(cid)
	if err != nil {
		return compute.Exit{}, err
	}
	if err := e.waitStarted(ctx, b); err != nil {
		return compute.Exit{}, err
	}
	if err := b.waitEnd(ctx); err != nil {
		return compute.Exit{}, err
	}
	c, err := e.Inspect(ctx, cid)
	return c.Exit, err
}

// waitEnd returns when there is no supervisor.
func (b *box) waitEnd(ctx context.Context) error {
	conn, err := b.control("wait")
	if err != nil {
		return ctx.Err()
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_, _ = io.Copy(io.Discard, conn)
	return ctx.Err()
}

// Stop sends the stop signal and, after grace, kills.
func (e *Engine) Stop(ctx context.Context, cid string, grace time.Duration) error {
	b, err := e.open(cid)
	if err != nil {
		return err
	}
	signal := b.spec.StopSignal
	if signal == "" {
		signal = "SIGTERM"
	}
	if err := b.signal(signal); err != nil {
		return err
	}
	graceful, cancel := context.WithTimeout(ctx, grace)
	err = b.waitEnd(graceful)
	cancel()
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	if err := b.signal("SIGKILL"); err != nil {
		return err
	}
	return b.waitEnd(ctx)
}

// Kill sends a signal.
func (e *Engine) Kill(_ context.Context, cid string, signal string) error {
	b, err := e.open(cid)
	if err != nil {
		return err
	}
	return b.signal(signal)
}

// signal asks the supervisor to send one; no supervisor is no error.
func (b *box) signal(name string) error {
	n, err := signalNumber(name)
	if err != nil {
		return err
	}
	conn, err := b.control("signal " + strconv.Itoa(int(n)))
	if err != nil {
		return nil
	}
	defer conn.Close()
	_, _ = io.Copy(io.Discard, conn)
	return nil
}

func signalNumber(name string) (syscall.Signal, error) {
	if name == "" {
		return syscall.SIGKILL, nil
	}
	if n, err := strconv.Atoi(name); err == nil && n > 0 && n < 65 {
		return syscall.Signal(n), nil
	}
	full := strings.ToUpper(name)
	if !strings.HasPrefix(full, "SIG") {
		full = "SIG" + full
	}
	if n := unix.SignalNum(full); n != 0 {
		return n, nil
	}
	return 0, fmt.Errorf("process: invalid signal: %s", name)
}

// Remove kills and removes; a missing container is no error.
func (e *Engine) Remove(ctx context.Context, cid string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	b, err := e.open(cid)
	if errors.Is(err, compute.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := b.signal("SIGKILL"); err != nil {
		return err
	}
	if err := b.waitEnd(ctx); err != nil {
		return err
	}
	if err := e.endTold(ctx, b); err != nil {
		return err
	}
	// First what makes it a container, so that a half-removed one is none.
	if err := os.Remove(filepath.Join(b.dir, "spec.json")); err != nil {
		return fmt.Errorf("process: remove: %w", err)
	}
	if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("process: remove: %w", err)
	}
	e.tell(b, compute.Event{Type: compute.Removed, Time: time.Now().UTC()})
	return nil
}

// control asks the supervisor something; an error means that there is none.
func (b *box) control(request string) (net.Conn, error) {
	dir, err := os.Open(b.dir)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	conn, err := net.Dial("unix", controlPath(dir))
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, request+"\n"); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// lost is the error for a container that was removed meanwhile.
func (b *box) lost(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %s", compute.ErrNotFound, b.spec.ID)
	}
	return fmt.Errorf("process: %w", err)
}
