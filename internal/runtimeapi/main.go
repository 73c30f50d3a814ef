package runtimeapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/slipway-dev/slipway/internal/forward"
)

// Config is what the server leaves for an instance in a file.
type Config struct {
	// Socket is the gateway's unix socket as the instance sees it; Endpoint is
	// the gateway's URL.
	Socket, Endpoint string
	Token            string
	// Contained says that this is a container: the Runtime API has AWS's port,
	// the gateway is made to answer at Endpoint, and the runtime runs as a user
	// without rights.
	Contained bool
	// Dir is where bootstraps are written; "/var/runtime" in containers.
	Dir string
}

// Main is the command `slipway lambda-instance --config FILE`; it returns the
// process's exit status.
func Main(args []string) int {
	flags := flag.NewFlagSet("lambda-instance", flag.ContinueOnError)
	flags.SetOutput(os.Stderr)
	path := flags.String("config", "", "file that the service left for this instance")
	if err := flags.Parse(args); err != nil || *path == "" || flags.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "usage: slipway lambda-instance --config FILE (slipway starts it for functions)")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, *path); err != nil && !errors.Is(err, io.EOF) {
		fmt.Fprintln(os.Stderr, "slipway lambda-instance:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var cfg Config
	if err := json.Unmarshal(b, &cfg); err != nil {
		return err
	}
	protect()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, err := dial(ctx, cfg)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	first, err := conn.Receive()
	if err != nil {
		return err
	}
	if first.Kind != KindStart || first.Start == nil {
		return fmt.Errorf("the server began with %q", first.Kind)
	}
	if cfg.Contained {
		if err := forward.Endpoint(ctx, cfg.Endpoint, cfg.Socket); err != nil {
			return err
		}
		if err := os.Mkdir("/tmp", 0o777); err == nil {
			_ = os.Chmod("/tmp", 0o777|os.ModeSticky)
		}
	}
	a := newAPI(conn)
	address, err := a.listen(ctx, cfg.Contained)
	if err != nil {
		return err
	}
	if name := extension(cfg); name != "" {
		return conn.Send(Frame{Kind: KindExited, ErrorType: "Extension.LaunchError",
			Text: "the image has the extension " + name + ", and extensions are not implemented by Slipway"})
	}
	r, err := startRuntime(cfg, first.Start, address, a.line)
	if err != nil {
		return conn.Send(Frame{Kind: KindExited, Text: err.Error(), ErrorType: "Runtime.InvalidEntrypoint"})
	}
	defer r.kill()
	a.attach(r)
	go func() {
		how, kind := r.wait()
		r.drain()
		_ = conn.Send(Frame{Kind: KindExited, Text: how, ErrorType: kind, Memory: r.peak()})
		_ = conn.Close()
	}()
	for {
		f, err := conn.Receive()
		if err != nil {
			return err
		}
		if f.Kind == KindInvoke {
			a.offer(f)
		}
	}
}

// extension is one that an image has, "" if it has none. Those of layers are
// refused when the function is made; without its own, as adapters of web servers
// are, a function would do nothing and not say why.
func extension(cfg Config) string {
	found, _ := filepath.Glob("/opt/extensions/*")
	for _, name := range found {
		if st, err := os.Stat(name); cfg.Contained && err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return name
		}
	}
	return ""
}

// dial connects to the server and upgrades the connection.
func dial(ctx context.Context, cfg Config) (*Conn, error) {
	c, err := forward.Dial(ctx, cfg.Socket)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.Endpoint+Path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+cfg.Token)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", Protocol)
	if err := req.Write(c); err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(c, 64<<10)
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("the server does not know this instance: %s", resp.Status)
	}
	return NewConn(c, r), nil
}
