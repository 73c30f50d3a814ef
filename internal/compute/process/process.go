//go:build linux

package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/id"
)

// Config says where containers are kept.
type Config struct {
	// Dir holds a directory for each container; it is made if missing.
	Dir string
	// Installation is the value of compute.LabelInstallation.
	Installation string
	// Supervisor is the command line that runs Main; its last argument will be
	// the container's directory. Empty means this program's "process-run".
	Supervisor []string
}

// Engine is a compute.Compute.
type Engine struct {
	dir          string
	installation string
	supervisor   []string

	mu sync.Mutex // starting, removing and naming

	watchMu  sync.Mutex
	watchers map[*watcher]bool
	// endings are of running containers, by ID: closed when their end was told.
	endings map[string]chan struct{}
}

var _ compute.Compute = (*Engine)(nil)

// New returns an adapter that knows the containers in the directory.
func New(cfg Config) (*Engine, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	e := &Engine{dir: dir, installation: cfg.Installation, supervisor: cfg.Supervisor, watchers: map[*watcher]bool{}, endings: map[string]chan struct{}{}}
	if len(e.supervisor) == 0 {
		// The link works even after an upgrade has replaced the file.
		e.supervisor = []string{"/proc/self/exe", "process-run"}
	}
	boxes, err := e.all()
	if err != nil {
		return nil, err
	}
	for _, b := range boxes {
		if c, err := b.describe(); err == nil && c.State == compute.Running {
			e.followEnd(b)
		}
	}
	return e, nil
}

// Info describes the machine.
func (e *Engine) Info(context.Context) (compute.Info, error) {
	info := compute.Info{
		Name:      "process",
		Isolation: "plain processes of this machine: files, network, users and limits of CPU and memory are not isolated",
		CPUs:      runtime.NumCPU(),
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		info.Version = unix.ByteSliceToString(u.Release[:])
	}
	var s unix.Sysinfo_t
	if unix.Sysinfo(&s) == nil {
		info.Memory = int64(s.Totalram) * int64(s.Unit)
	}
	return info, nil
}

// box is a container's directory.
type box struct {
	dir  string
	spec savedSpec
}

// savedSpec is spec.json.
type savedSpec struct {
	ID        string
	CreatedAt time.Time
	Path      string // the server's PATH, where the spec has none
	compute.Spec
}

// started is start.json.
type started struct {
	PID int
	At  time.Time
}

// ended is exit.json.
type ended struct {
	compute.Exit
	At time.Time
}

// Create writes the container down.
func (e *Engine) Create(_ context.Context, spec compute.Spec) (string, error) {
	if err := refuse(spec); err != nil {
		return "", err
	}
	if _, _, err := credential(spec.User); err != nil {
		return "", err
	}
	labels := map[string]string{compute.LabelInstallation: e.installation}
	for k, v := range spec.Labels {
		labels[k] = v
	}
	labels[compute.LabelInstallation] = e.installation
	spec.Labels = labels

	e.mu.Lock()
	defer e.mu.Unlock()
	saved := savedSpec{ID: id.Hex(id.Random, 32), CreatedAt: time.Now().UTC(), Path: os.Getenv("PATH"), Spec: spec}
	if saved.Name == "" {
		saved.Name = saved.ID
	}
	boxes, err := e.all()
	if err != nil {
		return "", err
	}
	for _, b := range boxes {
		if b.spec.Name == saved.Name {
			return "", fmt.Errorf("process: create: the name %q is in use by container %s", saved.Name, b.spec.ID)
		}
	}
	b := &box{dir: filepath.Join(e.dir, saved.ID), spec: saved}
	if err := os.MkdirAll(filepath.Join(b.dir, "work"), 0o700); err != nil {
		return "", fmt.Errorf("process: create: %w", err)
	}
	if err := os.WriteFile(filepath.Join(b.dir, "log"), nil, 0o600); err != nil {
		return "", fmt.Errorf("process: create: %w", err)
	}
	// Last, because a directory without it is no container.
	if err := save(b.dir, "spec.json", saved); err != nil {
		_ = os.RemoveAll(b.dir)
		return "", fmt.Errorf("process: create: %w", err)
	}
	return saved.ID, nil
}

// refuse names the first thing a spec asks for that a plain process cannot be
// given.
func refuse(s compute.Spec) error {
	var what string
	switch {
	case s.Image != "":
		what = "an image (" + s.Image + ")"
	case s.Privileged:
		what = "privileged mode"
	case s.Network.Of != "":
		what = "a network shared with another container"
	case len(s.Network.Ports) > 0:
		what = "published ports"
	case len(s.Network.ExtraHosts) > 0:
		what = "extra hosts"
	case s.Hostname != "":
		what = "a host name"
	case s.ReadOnlyRootFS:
		what = "a read-only root file system"
	case len(s.CapAdd)+len(s.CapDrop) > 0:
		what = "other capabilities"
	case len(s.Sysctls) > 0:
		what = "sysctls"
	case s.ShmSize != 0:
		what = "a shared memory size"
	}
	for _, m := range s.Mounts {
		// What is mounted at its own path is there already.
		if m.Volume || m.Tmpfs || m.Source != m.Target {
			what = "a mount at " + m.Target
		}
	}
	if what != "" {
		return fmt.Errorf("%w: %s needs a container engine (--compute docker), and this is plain processes", compute.ErrUnsupported, what)
	}
	if len(s.Entrypoint)+len(s.Command) == 0 {
		return errors.New("process: create: no command specified")
	}
	return nil
}

var idForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// open finds a container.
func (e *Engine) open(cid string) (*box, error) {
	if !idForm.MatchString(cid) {
		return nil, fmt.Errorf("%w: %q", compute.ErrNotFound, cid)
	}
	b := &box{dir: filepath.Join(e.dir, cid)}
	err := load(b.dir, "spec.json", &b.spec)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", compute.ErrNotFound, cid)
	}
	if err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	return b, nil
}

func (e *Engine) all() ([]*box, error) {
	entries, err := os.ReadDir(e.dir)
	if err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	var all []*box
	for _, entry := range entries {
		b, err := e.open(entry.Name())
		if errors.Is(err, compute.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if b.spec.Labels[compute.LabelInstallation] == e.installation {
			all = append(all, b)
		}
	}
	return all, nil
}

// describe reads the state. A container that was started and neither has a
// supervisor nor an end lost its supervisor, and so its life.
func (b *box) describe() (compute.Container, error) {
	c := compute.Container{
		ID: b.spec.ID, Name: b.spec.Name, Labels: b.spec.Labels,
		CreatedAt: b.spec.CreatedAt, State: compute.Created,
	}
	var s started
	if err := load(b.dir, "start.json", &s); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return c, nil
		}
		return c, fmt.Errorf("process: %w", err)
	}
	c.StartedAt, c.PID = s.At, s.PID
	if conn, err := b.control(""); err == nil {
		_ = conn.Close()
		c.State = compute.Running
		return c, nil
	}
	c.State, c.PID = compute.Exited, 0
	var end ended
	switch err := load(b.dir, "exit.json", &end); {
	case err == nil:
		c.Exit, c.ExitedAt = end.Exit, end.At
	case errors.Is(err, os.ErrNotExist):
		c.Exit, c.ExitedAt = compute.Exit{Code: 137, Error: "the supervisor of the process was killed"}, s.At
	default:
		return c, fmt.Errorf("process: %w", err)
	}
	return c, nil
}

// save writes a document whole or not at all.
func save(dir, name string, doc any) error {
	data, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".*") // mode 0600: specs have secrets
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func load(dir, name string, doc any) error {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	return json.Unmarshal(data, doc)
}

// argv is the command line.
func (s *savedSpec) argv() []string {
	return append(append([]string{}, s.Entrypoint...), s.Command...)
}

// env is the environment: the spec's over a PATH and a HOME.
func (s *savedSpec) env(home string) []string {
	env := []string{"PATH=" + s.Path, "HOME=" + home}
	for _, kv := range s.Env {
		name, _, _ := strings.Cut(kv, "=")
		for i, have := range env {
			if strings.HasPrefix(have, name+"=") {
				env = append(env[:i], env[i+1:]...)
				break
			}
		}
		env = append(env, kv)
	}
	return env
}

// cwd is the working directory. Another user could not enter ours.
func (b *box) cwd(as *syscall.Credential) string {
	if b.spec.WorkingDir != "" {
		return b.spec.WorkingDir
	}
	if as != nil {
		return "/"
	}
	return filepath.Join(b.dir, "work")
}
