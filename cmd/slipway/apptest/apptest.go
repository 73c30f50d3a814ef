// Package apptest runs a whole Slipway inside a test.
package apptest

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/cmd/slipway/app"
	"github.com/slipway-dev/slipway/internal/clock"
)

// Main is for TestMain of packages whose tests run builds or tasks: the test's
// program then is also the slipway program that processes and containers run.
// Tests that start containers need CGO_ENABLED=0.
func Main(m *testing.M) {
	if code, ok := app.Inner(os.Args[1:]); ok {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// Option changes how the server is configured.
type Option func(*app.Config)

// Docker runs containers with the Docker Engine of DOCKER_HOST instead of
// processes.
func Docker(c *app.Config) { c.Compute = app.Docker }

// Enforce refuses what policies do not allow.
func Enforce(c *app.Config) { c.IAM = app.Enforce }

// Clock replaces the system's.
func Clock(k clock.Clock) Option { return func(c *app.Config) { c.Clock = k } }

// Executable names the slipway binary that runs in containers and processes.
func Executable(path string) Option { return func(c *app.Config) { c.Executable = path } }

// Server is a running Slipway.
type Server struct {
	// URL is the endpoint, http://localhost:PORT.
	URL string
	app *app.App
	cfg app.Config
	t   testing.TB
}

// Start runs a server on a free loopback port and a data directory of its own
// until the test ends. It says what it logs when the test fails.
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	// Not t.TempDir: the paths of sockets must be short.
	dir, err := os.MkdirTemp("", "slipway")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Server{t: t, cfg: app.Config{
		Listen:  "127.0.0.1:0",
		Data:    filepath.Join(dir, "data"),
		Compute: app.Process,
		Warm:    -1,
		Version: "test",
		Log:     slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelInfo})),
	}}
	for _, o := range opts {
		o(&s.cfg)
	}
	s.start()
	t.Cleanup(func() { _ = s.app.Close() })
	return s
}

func (s *Server) start() {
	s.t.Helper()
	a, err := app.New(s.cfg)
	if err != nil {
		s.t.Fatalf("start: %v", err)
	}
	if err := a.Start(context.Background()); err != nil {
		_ = a.Close()
		s.t.Fatalf("start: %v", err)
	}
	s.app, s.URL = a, a.URL()
}

// Restart breaks the server off as a crash would, as far as that is possible
// inside one process, and starts another on the same data and the same port.
func (s *Server) Restart() {
	s.t.Helper()
	s.app.Kill()
	s.cfg.Listen = strings.Replace(strings.TrimPrefix(s.URL, "http://"), "localhost", "127.0.0.1", 1)
	s.start()
}

// Keys are the root user's.
func (s *Server) Keys() (accessKeyID, secret string) { return s.app.RootKeys() }

// Data is the data directory.
func (s *Server) Data() string { return s.cfg.Data }

// Config is for SDK clients of the root user.
func (s *Server) Config() aws.Config {
	id, secret := s.Keys()
	return s.ConfigFor(aws.Credentials{AccessKeyID: id, SecretAccessKey: secret})
}

// ConfigFor is for SDK clients with other credentials.
func (s *Server) ConfigFor(c aws.Credentials) aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(s.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return c, nil
		}),
	}
}

// Environment is what the aws command needs to be the root user, as NAME=value.
func (s *Server) Environment() []string {
	s.t.Helper()
	env, err := app.Environment(s.cfg.Data)
	if err != nil {
		s.t.Fatal(err)
	}
	return env
}

// testLog writes to the test's log.
type testLog struct{ t testing.TB }

var _ io.Writer = testLog{}

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}
