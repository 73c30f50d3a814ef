package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// server makes sure that a Slipway answers: the one that listens there
// already, or one started here. stop ends only the latter.
func (d *Demo) server(ctx context.Context) (stop func(), err error) {
	start := time.Now()
	d.say("── Server")
	stop = func() {}
	if _, err := health(ctx, "http://"+d.Listen); err == nil {
		d.say("   a server answers at %s already; using it", d.Listen)
		if d.BlueGreen {
			d.say("   the canary takes five of its deployment minutes: with a server of its own (--listen, --data), or one that was started with --deployment-minute %s, that is half a minute", minute)
		}
	} else if stop, err = d.launch(ctx); err != nil {
		return nil, err
	}
	trouble, err := health(ctx, "http://"+d.Listen)
	if err == nil && trouble != "" {
		err = errors.New("no container engine answers; set DOCKER_HOST, or let `make demo` start one: " + trouble)
	}
	if err != nil {
		stop()
		return nil, err
	}
	cfg, err := d.environment(ctx)
	if err == nil {
		err = d.connect(ctx, cfg)
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("the server at %s does not take the keys of %s: %w", d.Listen, d.Data, err)
	}
	d.done("Server ready at "+d.endpoint(), start)
	return stop, nil
}

// health asks a server whether it is one; trouble is what its container engine
// says, "" if that answers.
func health(ctx context.Context, url string) (trouble string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/_slipway/health", nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var body struct {
		Version string
		Trouble string `json:"compute_error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || body.Version == "" {
		return "", errors.New("what answers there is not Slipway")
	}
	return body.Trouble, nil
}

// launch starts `slipway server` and waits for its ready line.
func (d *Demo) launch(ctx context.Context) (func(), error) {
	if err := os.MkdirAll(d.Data, 0o700); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(d.Data, "server.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(d.Program, "server", "--listen", d.Listen, "--data", d.Data)
	if d.BlueGreen {
		cmd.Args = append(cmd.Args, "--deployment-minute", minute)
	}
	cmd.Stderr = log
	// Its own group: Ctrl-C reaches us first, and we end it in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		stop()
		return nil, fmt.Errorf("the server did not start: %s", lastLines(log.Name()))
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return stop, nil
}

func lastLines(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// environment asks `slipway env` for what any AWS tool would be given.
func (d *Demo) environment(ctx context.Context) (aws.Config, error) {
	out, err := exec.CommandContext(ctx, d.Program, "env", "--data", d.Data).Output()
	if err != nil {
		return aws.Config{}, fmt.Errorf("slipway env: %w", err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(out)) {
		for assignment := range strings.FieldsSeq(strings.TrimPrefix(strings.TrimSpace(line), "export ")) {
			key, value, _ := strings.Cut(assignment, "=")
			env[key] = strings.Trim(value, `'"`)
		}
	}
	return aws.Config{
		Region:       env["AWS_REGION"],
		BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: env["AWS_ACCESS_KEY_ID"], SecretAccessKey: env["AWS_SECRET_ACCESS_KEY"]}, nil
		}),
	}, nil
}
