package docker

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/compute"
)

// Create makes a container. The image must be present (see EnsureImage).
func (e *Engine) Create(ctx context.Context, spec compute.Spec) (string, error) {
	host, err := e.hostConfig(ctx, spec)
	if err != nil {
		return "", err
	}
	ports, bindings, err := portMap(spec.Network.Ports)
	if err != nil {
		return "", err
	}
	host.PortBindings = bindings
	cfg := &container.Config{
		Hostname:     spec.Hostname,
		User:         spec.User,
		Env:          spec.Env,
		Cmd:          spec.Command,
		Image:        spec.Image,
		WorkingDir:   spec.WorkingDir,
		Entrypoint:   spec.Entrypoint,
		Labels:       e.labels(spec.Labels),
		StopSignal:   spec.StopSignal,
		ExposedPorts: ports,
		// Health is judged by whoever owns the container; the image's own
		// check would only cost time.
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
	}
	if spec.Entrypoint != nil && len(spec.Entrypoint) == 0 {
		cfg.Entrypoint = []string{""} // the API's way to clear the image's
	}
	res, err := e.cli.ContainerCreate(ctx, client.ContainerCreateOptions{Config: cfg, HostConfig: host, Name: spec.Name})
	if err != nil {
		return "", e.wrap("create", err)
	}
	return res.ID, nil
}

func (e *Engine) hostConfig(ctx context.Context, spec compute.Spec) (*container.HostConfig, error) {
	res, err := e.resources(ctx, spec.Resources)
	if err != nil {
		return nil, err
	}
	for _, u := range spec.Ulimits {
		u = attainable(u)
		res.Ulimits = append(res.Ulimits, &units.Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard})
	}
	host := &container.HostConfig{
		// Logs must be readable by the API and whole, whatever the engine's
		// default driver is.
		LogConfig:      container.LogConfig{Type: "json-file"},
		Privileged:     spec.Privileged,
		ReadonlyRootfs: spec.ReadOnlyRootFS,
		CapAdd:         spec.CapAdd,
		CapDrop:        spec.CapDrop,
		ShmSize:        spec.ShmSize,
		Sysctls:        spec.Sysctls,
		ExtraHosts:     slices.Clone(spec.Network.ExtraHosts),
		Resources:      res,
	}
	if spec.Init {
		host.Init = &spec.Init
	}
	switch {
	case spec.Network.Of != "":
		host.NetworkMode = container.NetworkMode("container:" + spec.Network.Of)
	case spec.Network.Host:
		host.NetworkMode = network.NetworkHost
	default:
		host.NetworkMode = network.NetworkBridge
		lines, err := e.Hosts(ctx)
		if err != nil {
			return nil, err
		}
		host.ExtraHosts = append(host.ExtraHosts, lines...)
	}
	for _, m := range spec.Mounts {
		mnt := mount.Mount{Type: mount.TypeBind, Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly}
		switch {
		case m.Tmpfs && len(m.Options) > 0:
			options := slices.Clone(m.Options)
			if m.Size > 0 {
				options = append(options, fmt.Sprintf("size=%d", m.Size))
			}
			if host.Tmpfs == nil {
				host.Tmpfs = map[string]string{}
			}
			host.Tmpfs[m.Target] = strings.Join(options, ",")
			continue
		case m.Tmpfs:
			mnt.Type, mnt.Source = mount.TypeTmpfs, ""
			if m.Size > 0 {
				mnt.TmpfsOptions = &mount.TmpfsOptions{SizeBytes: m.Size}
			}
		case m.Volume:
			mnt.Type = mount.TypeVolume
		}
		host.Mounts = append(host.Mounts, mnt)
	}
	return host, nil
}

func portMap(ports []compute.Port) (network.PortSet, network.PortMap, error) {
	if len(ports) == 0 {
		return nil, nil, nil
	}
	set, bindings := network.PortSet{}, network.PortMap{}
	for _, p := range ports {
		proto := network.IPProtocol(p.Protocol)
		if proto == "" {
			proto = network.TCP
		}
		port, ok := network.PortFrom(uint16(p.Container), proto)
		if !ok || p.Container < 1 || p.Container > 65535 || p.Host < 0 || p.Host > 65535 {
			return nil, nil, fmt.Errorf("docker: invalid port %d:%d/%s", p.Host, p.Container, proto)
		}
		b := network.PortBinding{}
		if p.Host != 0 {
			b.HostPort = strconv.Itoa(p.Host)
		}
		if p.HostIP != "" {
			ip, err := netip.ParseAddr(p.HostIP)
			if err != nil {
				return nil, nil, fmt.Errorf("docker: %w", err)
			}
			b.HostIP = ip
		}
		set[port] = struct{}{}
		bindings[port] = append(bindings[port], b)
	}
	return set, bindings, nil
}

// limits tell what the engine's kernel can limit.
type limits struct {
	cpus                              int
	quota, shares, memory, swap, pids bool
}

// resources keeps the limits that the kernel knows: the engine discards some
// of the others with a warning but refuses the container for the rest, and a
// container without a limit is better than none.
func (e *Engine) resources(ctx context.Context, r compute.Resources) (container.Resources, error) {
	if r == (compute.Resources{}) {
		return container.Resources{}, nil
	}
	f, err := e.ask(ctx)
	if err != nil {
		return container.Resources{}, err
	}
	l := f.limits
	var out container.Resources
	if l.quota && r.MilliCPU > 0 {
		// More than the machine has is refused by the engine.
		out.NanoCPUs = min(r.MilliCPU, int64(l.cpus)*1000) * 1e6
	}
	if l.shares {
		out.CPUShares = r.CPUShares
	}
	if l.pids && r.Processes > 0 {
		out.PidsLimit = &r.Processes
	}
	if l.memory {
		out.Memory, out.MemoryReservation = r.Memory, r.MemoryReservation
		if l.swap && r.Memory > 0 {
			out.MemorySwap = r.Memory // no swap beyond the limit
		}
	}
	return out, nil
}

// attainable lowers a limit on open files to what this machine lets a process
// have: an engine without the capability to raise its own hard limit would
// refuse the container, and Fargate's default of 65535 is more than some
// machines give. The engine's limit is taken to be ours.
func attainable(u compute.Ulimit) compute.Ulimit {
	var have unix.Rlimit
	if u.Name != "nofile" || unix.Getrlimit(unix.RLIMIT_NOFILE, &have) != nil || have.Max > math.MaxInt64 {
		return u
	}
	most := int64(have.Max)
	if u.Hard > most || u.Hard < 0 {
		u.Hard = most
	}
	if u.Soft > u.Hard || u.Soft < 0 {
		u.Soft = u.Hard
	}
	return u
}
