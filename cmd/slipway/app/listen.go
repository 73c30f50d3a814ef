package app

import (
	"errors"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// listen opens the port and the socket. It comes before the parts because the
// endpoint's URL, which they need, holds the port.
func (a *App) listen() error {
	l, err := net.Listen("tcp", a.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use by another program; choose another with --listen", a.Listen)
	}
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	a.listener = l
	host, _, _ := net.SplitHostPort(a.Listen)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if loopback(host) || host == "" || net.ParseIP(host).IsUnspecified() {
		host = "localhost" // trusted by Docker without TLS, and resolved everywhere
	}
	a.site.Region = a.Region
	a.site.Host = net.JoinHostPort(host, port)
	a.site.URL = "http://" + a.site.Host
	if a.PublicURL == "" {
		a.PublicURL = a.site.URL
	}

	path := a.Socket()
	// Containers run as any user; who calls is known by signature.
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if a.socket, err = net.Listen("unix", path); err != nil {
		if len(path) > 107 { // sun_path of unix(7)
			return fmt.Errorf("the path of the data directory is too long for a socket in it: %s", path)
		}
		return fmt.Errorf("listen: %w", err)
	}
	return os.Chmod(path, 0o666)
}

// Socket is the path of the gateway's unix socket. Mount its directory, not
// the socket: a later server makes a new one.
func (a *App) Socket() string { return filepath.Join(a.Data, runDir, socketFile) }

// quietLog takes net/http's complaints about broken connections.
func quietLog(l *slog.Logger) *log.Logger {
	return log.New(lineWriter(func(s string) { l.Debug("http", "msg", s) }), "", 0)
}

type lineWriter func(string)

func (w lineWriter) Write(b []byte) (int, error) {
	w(strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}
