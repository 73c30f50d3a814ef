package docker

import (
	"context"
	"net"

	"github.com/moby/moby/client"
)

// Address is the IPv4 address at which containers reach this machine: that of
// the engine's default bridge. It is "" if the bridge is not one of this
// machine's interfaces, as with an engine elsewhere or in a virtual machine. The
// engine is asked once, for the reason that ask has.
func (e *Engine) Address(ctx context.Context) (string, error) {
	e.mu.Lock()
	known := e.address
	e.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	address, err := e.bridgeAddress(ctx)
	if err != nil {
		return "", err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.address = &address
	return address, nil
}

func (e *Engine) bridgeAddress(ctx context.Context) (string, error) {
	res, err := e.cli.NetworkInspect(ctx, "bridge", client.NetworkInspectOptions{})
	if err != nil {
		return "", e.wrap("inspect network", err)
	}
	bridge, err := net.InterfaceByName(res.Network.Options["com.docker.network.bridge.name"])
	if err != nil {
		return "", nil
	}
	addresses, err := bridge.Addrs()
	if err != nil {
		return "", err
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			return n.IP.String(), nil
		}
	}
	return "", nil
}

// Hosts are the names of Config.Names with this machine's Address, as lines of
// compute.Network.ExtraHosts.
func (e *Engine) Hosts(ctx context.Context) ([]string, error) {
	if e.names == nil {
		return nil, nil
	}
	names, err := e.names(ctx)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	address, err := e.Address(ctx)
	if err != nil || address == "" {
		return nil, err
	}
	lines := make([]string, len(names))
	for i, name := range names {
		lines[i] = name + ":" + address
	}
	return lines, nil
}
