package main

import (
	"archive/tar"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

const (
	imageSize    = 100 << 20 // bytes that do not compress
	registryRuns = 5
)

// registry measures docker push and pull of an image of 100 MiB against
// Debian's docker-registry. Each push is of an image that the engine and the
// registry have never seen, each pull of one that the engine has forgotten.
func registry(ctx context.Context, e *environment) ([]row, error) {
	if !e.docker {
		return nil, errSkip("no Docker Engine answers")
	}
	program := os.Getenv("DOCKER_REGISTRY")
	if program == "" {
		program = "docker-registry"
	}
	if _, err := exec.LookPath(program); err != nil {
		return nil, errSkip("docker-registry is not installed (Debian's package of that name)")
	}
	s, err := e.serve(ctx, "--warm", "0")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := login(ctx, e, s); err != nil {
		return nil, err
	}
	address, stop, err := debian(ctx, e, program)
	if err != nil {
		return nil, err
	}
	defer stop()
	var ours, theirs transfer
	type side struct {
		host string
		into *transfer
	}
	sides := []side{{s.host(), &ours}, {address, &theirs}}
	for range registryRuns {
		slices.Reverse(sides) // what one leaves to the disk, the next pays
		for _, side := range sides {
			if err := side.into.run(ctx, e, side.host+"/bench:latest"); err != nil {
				return nil, err
			}
		}
	}
	line := func(what string, ours, theirs []time.Duration) row {
		var ratios []float64
		for i := range ours {
			ratios = append(ratios, float64(theirs[i])/float64(ours[i]))
		}
		ratio := median(ratios)
		return row{
			what: what, slipway: ms(median(ours)), baseline: ms(median(theirs)), versus: "docker-registry",
			ratio: ratio, aim: "≥ 1.0× its speed", met: ratio >= 1,
		}
	}
	return []row{
		line("docker push of 100 MiB", ours.pushes, theirs.pushes),
		line("docker pull of 100 MiB", ours.pulls, theirs.pulls),
	}, nil
}

type transfer struct{ pushes, pulls []time.Duration }

func (t *transfer) run(ctx context.Context, e *environment, ref string) error {
	if err := random(ctx, ref); err != nil {
		return err
	}
	defer func() { _ = docker(context.WithoutCancel(ctx), "rmi", "-f", ref) }()
	config := "--config=" + filepath.Join(e.dir, "docker")
	began := time.Now()
	if err := docker(ctx, config, "push", ref); err != nil {
		return err
	}
	t.pushes = append(t.pushes, time.Since(began))
	if err := docker(ctx, "rmi", "-f", ref); err != nil {
		return err
	}
	began = time.Now()
	if err := docker(ctx, config, "pull", ref); err != nil {
		return err
	}
	t.pulls = append(t.pulls, time.Since(began))
	return nil
}

// random imports an image of one layer with random data.
func random(ctx context.Context, ref string) error {
	cmd := exec.CommandContext(ctx, "docker", "import", "-", ref)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return err
	}
	var seed [32]byte
	copy(seed[:], time.Now().String())
	w := tar.NewWriter(in)
	err = w.WriteHeader(&tar.Header{Name: "data", Mode: 0o644, Size: imageSize, ModTime: time.Now()})
	if err == nil {
		_, err = io.CopyN(w, rand.NewChaCha8(seed), imageSize)
	}
	if err == nil {
		err = w.Close()
	}
	_ = in.Close()
	if werr := cmd.Wait(); werr != nil {
		return fmt.Errorf("docker import: %w: %s", werr, strings.TrimSpace(said.String()))
	}
	return err
}

// login gives the engine's client ECR's password, as `docker login` would.
func login(ctx context.Context, e *environment, s *server) error {
	client := ecr.NewFromConfig(s.cfg)
	if _, err := client.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("bench")}); err != nil {
		return err
	}
	out, err := client.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return err
	}
	plain, err := base64.StdEncoding.DecodeString(*out.AuthorizationData[0].AuthorizationToken)
	if err != nil {
		return err
	}
	user, password, _ := strings.Cut(string(plain), ":")
	cmd := exec.CommandContext(ctx, "docker", "--config="+filepath.Join(e.dir, "docker"), "login", "-u", user, "--password-stdin", s.host())
	cmd.Stdin = strings.NewReader(password)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("docker login: %w: %s", err, said)
	}
	return nil
}

// debian runs docker-registry on files and a loopback port.
func debian(ctx context.Context, e *environment, program string) (address string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close() // the registry wants to open it itself
	address = "localhost:" + port
	file := filepath.Join(e.dir, "registry.yml")
	config := fmt.Sprintf("version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\nstorage:\n  filesystem:\n    rootdirectory: %s\nhttp:\n  addr: 127.0.0.1:%s\n",
		filepath.Join(e.dir, "registry"), port)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, program, "serve", file)
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() { end(cmd) }
	err = await(ctx, 20*time.Millisecond, 20*time.Second, func() (bool, error) {
		_, err := once("127.0.0.1:"+port, []byte("GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n"))
		return err == nil, nil
	})
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("docker-registry: %w", err)
	}
	return address, stop, nil
}
