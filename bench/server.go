package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// server is a Slipway of a figure's own, in a child process on a loopback port
// that the system chose.
type server struct {
	cmd     *exec.Cmd
	data    string
	log     bytes.Buffer
	started time.Time
	cfg     aws.Config // acts as the root user
	url     string
}

// serve starts a server on a new data directory and returns when it is ready.
func (e *environment) serve(ctx context.Context, args ...string) (*server, error) {
	data, err := os.MkdirTemp(e.dir, "data")
	if err != nil {
		return nil, err
	}
	return e.serveIn(ctx, data, args...)
}

func (e *environment) serveIn(ctx context.Context, data string, args ...string) (*server, error) {
	s := &server{data: data}
	s.cmd = exec.CommandContext(ctx, e.program, append([]string{"server", "--listen", "127.0.0.1:0", "--data", data, "--log", "warn"}, args...)...)
	s.cmd.Stderr = &s.log
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = 15 * time.Second
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.started = time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = s.cmd.Wait()
		return nil, fmt.Errorf("the server did not start: %s", strings.TrimSpace(s.log.String()))
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	s.url = strings.TrimSpace(line[strings.Index(line, "http://"):])
	id, secret, err := s.keys()
	if err != nil {
		s.stop()
		return nil, err
	}
	s.cfg = s.as(id, secret)
	return s, nil
}

// as is the SDK configuration of an access key.
func (s *server) as(id, secret string) aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(s.url),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}, nil
		}),
	}
}

// keys are the root user's, from the credentials file.
func (s *server) keys() (id, secret string, err error) {
	b, err := os.ReadFile(filepath.Join(s.data, "credentials"))
	if err != nil {
		return "", "", err
	}
	for line := range strings.Lines(string(b)) {
		switch k, v, _ := strings.Cut(line, "="); strings.TrimSpace(k) {
		case "aws_access_key_id":
			id = strings.TrimSpace(v)
		case "aws_secret_access_key":
			secret = strings.TrimSpace(v)
		}
	}
	return id, secret, nil
}

// host is the server's address as Docker and net.Dial take it.
func (s *server) host() string { return strings.TrimPrefix(s.url, "http://") }

// stop ends the server and removes the containers it leaves for its successor.
func (s *server) stop() {
	end(s.cmd)
	for _, id := range s.containers() {
		_ = docker(context.Background(), "rm", "-f", "-v", id)
	}
}

// end asks a process to end, and makes it.
func end(cmd *exec.Cmd) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	insist := time.AfterFunc(15*time.Second, func() { _ = cmd.Process.Kill() })
	defer insist.Stop()
	_ = cmd.Wait()
}

// containers are the ids of this installation's, with more filters of `docker ps`.
func (s *server) containers(filters ...string) []string {
	var installation struct{ ID string }
	b, err := os.ReadFile(filepath.Join(s.data, "installation.json"))
	if err != nil || json.Unmarshal(b, &installation) != nil || installation.ID == "" {
		return nil
	}
	args := []string{"ps", "-aq", "--filter", "label=slipway=" + installation.ID}
	for _, f := range filters {
		args = append(args, "--filter", f)
	}
	out, err := exec.Command("docker", args...).Output()
	if err != nil {
		return nil
	}
	return strings.Fields(string(out))
}

// docker runs a docker command.
func docker(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("docker %s: %w: %s", args[0], err, bytes.TrimSpace(out))
	}
	return nil
}

// await calls f every few milliseconds until it says true: what a client sees
// is asked as a client would, and often enough not to blur the figure.
func await(ctx context.Context, every, limit time.Duration, f func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if ok, err := f(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("not within %s", limit)
		}
	}
}
