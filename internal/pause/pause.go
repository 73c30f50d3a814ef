// Package pause is the process that holds a task's network namespace. It is
// PID 1 of a container of its own, whose image is empty, and the task's other
// containers join its network. In there it offers
//
//   - the gateway at the address the host knows it by: 127.0.0.1:PORT
//   - what ECS's agent offers to tasks at 169.254.170.2:80: credentials of the
//     task role and metadata
//
// Both lead to the gateway's unix socket, which is mounted into its container.
package pause

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-dev/slipway/internal/forward"
)

// Ready is the line that the process prints once everything answers.
const Ready = "ready"

// SocketPath is where the gateway's socket is mounted.
const SocketPath = "/run/slipway/gateway.sock"

// agentAddr is the address of ECS's agent, by AWS's documentation of task
// roles and of the metadata endpoint.
var agentAddr = netip.MustParseAddrPort("169.254.170.2:80")

// Main runs until SIGTERM or SIGINT. args are the command line's after the
// subcommand; the result is an exit code.
func Main(args []string) int {
	flags := flag.NewFlagSet("pause", flag.ContinueOnError)
	flags.SetOutput(os.Stderr)
	port := flags.Int("port", 4566, "the gateway's `port`, to be served on 127.0.0.1")
	socket := flags.String("socket", SocketPath, "the gateway's unix `socket`")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	go reap(ctx)
	if err := run(ctx, *port, *socket, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "pause:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, port int, socket string, out io.Writer) error {
	agent, err := listenAgent(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serveAgent(ctx, agent, socket) })
	for _, host := range []string{"127.0.0.1", "::1"} {
		ln, err := forward.Listen(ctx, net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			if host == "::1" {
				continue // a namespace without IPv6
			}
			return err
		}
		group.Go(func() error { return forward.Serve(ctx, ln, socket) })
	}
	fmt.Fprintln(out, Ready)
	return group.Wait()
}

// listenAgent listens for what is sent to the agent's address: behind a redirect,
// which leaves port 80 to the task's containers, or at the address itself where
// the kernel has no nftables.
func listenAgent(ctx context.Context) (net.Listener, error) {
	if err := addLoopbackAddress(agentAddr.Addr()); err != nil {
		return nil, fmt.Errorf("address %s: %w", agentAddr.Addr(), err)
	}
	ln, err := forward.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if err := redirect(agentAddr, uint16(ln.Addr().(*net.TCPAddr).Port)); err != nil {
		fmt.Fprintf(os.Stderr, "pause: containers cannot listen on port %d: no nftables: %v\n", agentAddr.Port(), err)
		_ = ln.Close()
		return forward.Listen(ctx, agentAddr.String())
	}
	return ln, nil
}

// reap collects what PID 1 inherits.
func reap(ctx context.Context) {
	if os.Getpid() != 1 {
		return
	}
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	for {
		select {
		case <-ctx.Done():
			return
		case <-children:
			for {
				pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
				if pid <= 0 || err != nil {
					break
				}
			}
		}
	}
}
