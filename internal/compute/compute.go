// Package compute is the contract between Slipway and what runs containers.
// Builds and tasks go through it; adapters are docker, process, and later
// kubernetes. Every adapter passes computetest.
package compute

import (
	"context"
	"errors"
	"io"
	"time"
)

// Errors that adapters return, wrapped with the reason.
var (
	ErrNotFound    = errors.New("compute: no such container")
	ErrImage       = errors.New("compute: image cannot be had") // missing, denied, unpullable
	ErrUnsupported = errors.New("compute: not supported here")  // the message names the ability
	ErrUnavailable = errors.New("compute: engine does not answer")
)

// Labels that every container carries besides its owner's.
const (
	// LabelInstallation holds the id of the Slipway installation that made it.
	LabelInstallation = "slipway"
	// LabelOwner holds the ARN of the build or task it belongs to.
	LabelOwner = "slipway.owner"
	// LabelRole tells what the container is for its owner: "build", "warm",
	// "pause", or a task's container name.
	LabelRole = "slipway.role"
)

// Spec describes a container. Zero values mean the image's or engine's default.
type Spec struct {
	// Name must be unique among the containers of the engine; "" lets it choose.
	Name  string
	Image string
	// Entrypoint and Command replace the image's; argv, never a shell line.
	// A non-nil empty Entrypoint clears the image's.
	Entrypoint []string
	Command    []string
	Env        []string // NAME=value
	WorkingDir string
	User       string
	Hostname   string
	Labels     map[string]string
	Mounts     []Mount
	Resources  Resources
	Network    Network
	Privileged bool
	// Init runs a small init as PID 1 that reaps.
	Init           bool
	ReadOnlyRootFS bool
	StopSignal     string
	CapAdd         []string
	CapDrop        []string
	Ulimits        []Ulimit
	ShmSize        int64 // bytes
	Sysctls        map[string]string
}

// Mount makes a directory, file or socket of the host, or a named volume of
// the engine, visible in a container.
type Mount struct {
	Source string // host path, or volume name when Volume
	Volume bool
	Tmpfs  bool  // Source empty
	Size   int64 // of a Tmpfs, in bytes; 0 is the engine's default
	// Options of a Tmpfs are mount(8)'s, such as "noexec" or "mode=1777"; without
	// any, the engine's.
	Options  []string
	Target   string
	ReadOnly bool
}

// Resources limit a container; zero means no limit.
type Resources struct {
	MilliCPU  int64
	CPUShares int64
	Memory    int64 // bytes
	// MemoryReservation is a soft limit in bytes.
	MemoryReservation int64
	// Processes is the most processes and threads at once, 0 for any number;
	// Docker only.
	Processes int64
}

// Ulimit is a limit of setrlimit(2).
type Ulimit struct {
	Name       string
	Soft, Hard int64
}

// Network says what a container can reach and how it is reached.
type Network struct {
	// Of joins the network namespace of another container, by ID.
	Of string
	// Host uses the machine's own network.
	Host bool
	// Ports are published on the host.
	Ports []Port
	// ExtraHosts are "name:ip" lines for /etc/hosts.
	ExtraHosts []string
}

// Port publishes a container port. HostPort 0 lets the engine choose.
type Port struct {
	Container, Host int
	Protocol        string // tcp (default) or udp
	HostIP          string
}

// State of a container.
type State string

// The states.
const (
	Created State = "created"
	Running State = "running"
	Exited  State = "exited"
)

// Container is what an engine knows of one.
type Container struct {
	ID, Name  string
	Image     string
	ImageID   string // digest of the image's configuration
	Labels    map[string]string
	State     State
	CreatedAt time.Time
	StartedAt time.Time
	ExitedAt  time.Time
	Exit      Exit
	// IP is its address on the engine's network, reachable from the host on
	// Linux; "" until started, or when it has none of its own.
	IP    string
	Ports []Port
	PID   int
}

// Exit is how a container ended.
type Exit struct {
	Code      int
	OOMKilled bool
	Error     string // the engine's own reason, e.g. the command was not found
}

// Line is a piece of a container's output: one line without its newline, or a
// part of one longer than 256 KiB.
type Line struct {
	Time   time.Time // as the engine recorded it; never decreases
	Stderr bool
	Text   string
}

// Event tells that a container changed.
type Event struct {
	ID     string
	Type   EventType
	Labels map[string]string
	Exit   Exit // for Died
	Time   time.Time
}

// EventType is what happened to a container.
type EventType string

// The events.
const (
	Started EventType = "started"
	Died    EventType = "died"
	Removed EventType = "removed"
)

// ExecSpec is a command to run in a running container.
type ExecSpec struct {
	Command    []string
	Env        []string
	WorkingDir string
	User       string
	Stdin      io.Reader
	Stdout     io.Writer
	Stderr     io.Writer
}

// Info describes an engine.
type Info struct {
	Name    string // "docker", "process"
	Version string
	// Images, Privileged and Isolation tell what it can do; a Spec that needs
	// more is refused with ErrUnsupported.
	Images     bool
	Privileged bool
	Isolation  string // one line for people: what is and is not isolated
	CPUs       int
	Memory     int64
}

// Compute runs containers. All methods are safe for concurrent use and name
// containers by ID.
type Compute interface {
	Info(ctx context.Context) (Info, error)
	Create(ctx context.Context, spec Spec) (id string, err error)
	Start(ctx context.Context, id string) error
	// Exec runs a command to its end and returns its exit code.
	Exec(ctx context.Context, id string, spec ExecSpec) (int, error)
	Inspect(ctx context.Context, id string) (Container, error)
	// List returns containers of any state that have all these labels.
	List(ctx context.Context, labels map[string]string) ([]Container, error)
	// Wait returns when the container has ended, at once if it has already.
	Wait(ctx context.Context, id string) (Exit, error)
	// Logs yields output lines in order from those with Time >= since (zero:
	// all); with follow it goes on until the container ends or ctx is done.
	Logs(ctx context.Context, id string, since time.Time, follow bool, yield func(Line) bool) error
	// Stop sends the stop signal and, after grace, kills. It returns when the
	// container has ended; one that has ended already is no error.
	Stop(ctx context.Context, id string, grace time.Duration) error
	// Kill sends a signal, "" for SIGKILL; one that has ended already is no error.
	Kill(ctx context.Context, id string, signal string) error
	// Remove kills if need be and removes it with its anonymous volumes; a
	// missing one is no error.
	Remove(ctx context.Context, id string) error
	// Watch yields events of containers with all these labels until ctx is
	// done; it returns an error when the engine goes away (callers List and
	// Watch again). ready is called once events are being received.
	Watch(ctx context.Context, labels map[string]string, ready func(), yield func(Event)) error
}

// ImageStore is the optional ability to have images.
type ImageStore interface {
	// EnsureImage makes ref present, pulling with auth if it must and may.
	// Errors wrap ErrImage and keep the engine's words.
	EnsureImage(ctx context.Context, ref string, pull PullPolicy, auth *RegistryAuth) (ImageInfo, error)
	// ImportEmpty makes an image of that name without any file, once.
	ImportEmpty(ctx context.Context, ref string) error
}

// PullPolicy says when to pull.
type PullPolicy string

// The policies.
const (
	PullAlways  PullPolicy = "always"
	PullMissing PullPolicy = "missing"
	PullNever   PullPolicy = "never"
)

// RegistryAuth are credentials for pulling.
type RegistryAuth struct{ Username, Password string }

// ImageInfo describes a present image.
type ImageInfo struct {
	ID      string
	Digests []string // repo@sha256:…
	Env     []string
	Cmd     []string
	Entry   []string
	User    string
	Size    int64
}
