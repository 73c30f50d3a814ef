// Package e2e drives the built program with real clients: the aws command, git,
// docker. Each story in testdata is a txtar script with a server of its own;
// README.md lists the commands that scripts have besides testscript's.
package e2e

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/slipway-dev/slipway/e2e/githost"
	"github.com/slipway-dev/slipway/internal/load"
)

// binary is the program under test: $SLIPWAY_BIN, else built once here.
var binary string

func TestMain(m *testing.M) {
	if calledWarm() {
		os.Exit(callWarm())
	}
	os.Exit(func() int {
		binary = os.Getenv("SLIPWAY_BIN")
		if binary == "" {
			dir, err := os.MkdirTemp("", "slipway-e2e-")
			if err != nil {
				panic(err)
			}
			defer os.RemoveAll(dir)
			binary = filepath.Join(dir, "slipway")
			build := exec.Command("go", "build", "-o", binary, "../cmd/slipway")
			build.Env = append(os.Environ(), "CGO_ENABLED=0") // it is mounted into containers
			build.Stderr = os.Stderr
			if err := build.Run(); err != nil {
				fmt.Fprintln(os.Stderr, "e2e: cannot build the program:", err)
				return 1
			}
		}
		if path, err := awsPath(); err == nil {
			command, stop, err := warm(path)
			if err != nil {
				fmt.Fprintln(os.Stderr, "e2e: cannot start the aws command:", err)
				return 1
			}
			defer stop()
			awsPath = func() (string, error) { return command, nil }
		}
		parallel()
		return m.Run()
	}())
}

// parallel has more stories at once than there are processors, unless told how
// many: most of a story's time is waiting for health checks, containers and the
// intervals of deployments.
func parallel() {
	flag.Parse()
	told := false
	flag.Visit(func(f *flag.Flag) { told = told || f.Name == "test.parallel" })
	if !told {
		_ = flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0)))
	}
}

func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup:               setup,
		Condition:           condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"server":  server,
			"aws":     awsCommand,
			"jq":      jqCommand,
			"let":     letCommand,
			"until":   untilCommand,
			"http":    httpCommand,
			"expand":  expandCommand,
			"serves":  servesCommand,
			"owned":   ownedCommand,
			"githost": gitHostCommand,
			"load":    loadCommand,
			"hook":    hookCommand,
		},
	})
}

type serverKey struct{}

// process is a story's server.
type process struct {
	cmd  *exec.Cmd
	args []string
	url  string
}

func setup(env *testscript.Env) error {
	p := &process{}
	env.Values[serverKey{}] = p
	env.Values[gitHosts{}] = map[string]*githost.Host{}
	env.Values[hooks{}] = map[string]*hook{}
	env.Values[loads{}] = map[string]*load.Load{}
	env.Defer(func() {
		if p.cmd != nil {
			_ = p.cmd.Process.Signal(syscall.SIGTERM)
			_ = p.cmd.Wait()
		}
		removeContainers(env)
		removeImages(p.url)
	})
	data := filepath.Join(env.WorkDir, ".data")
	env.Setenv("DATA", data)
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("SLIPWAY", binary)
	env.Setenv("AWS_PAGER", "")
	if path, err := awsPath(); err == nil {
		env.Setenv("AWS", path)
	}
	env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	env.Setenv("PATH", "/usr/bin:/bin:/usr/sbin:/sbin:"+os.Getenv("PATH"))
	env.Setenv("DOCKER_HOST", os.Getenv("DOCKER_HOST"))
	for _, name := range []string{"GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"} {
		env.Setenv(name, "Story")
	}
	for _, name := range []string{"GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"} {
		env.Setenv(name, "story@example.com")
	}
	env.Setenv("EXAMPLES", examples())
	env.Setenv("GOCACHE", goCache())
	env.Setenv("GIT_TERMINAL_PROMPT", "0")
	env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	return nil
}

// condition adds [docker], [aws], [image] and [exec:…] is testscript's.
func condition(cond string) (bool, error) {
	switch cond {
	case "docker":
		return exec.Command("docker", "version").Run() == nil, nil
	case "image":
		return exec.Command("docker", "image", "inspect", "slipway/standard:7.0").Run() == nil, nil
	case "aws":
		_, err := awsPath()
		return err == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

// examples is the directory of the applications of the tutorial.
func examples() string {
	path, _ := filepath.Abs("../examples")
	return path
}

// goCache is what the go command has compiled already: a story that builds an
// application has a home of its own.
var goCache = sync.OnceValue(func() string {
	out, _ := exec.Command("go", "env", "GOCACHE").Output()
	return strings.TrimSpace(string(out))
})

// awsPath finds version 2 of the aws command, once: its start takes longer than
// most of what it is asked for.
var awsPath = sync.OnceValues(func() (string, error) {
	for _, path := range []string{os.Getenv("SLIPWAY_TEST_AWS"), "/usr/local/bin/aws", "/usr/bin/aws"} {
		if path == "" {
			continue
		}
		out, err := exec.Command(path, "--version").Output()
		if err == nil && strings.HasPrefix(string(out), "aws-cli/2") {
			return path, nil
		}
	}
	return "", fmt.Errorf("no aws command of version 2: apt-get install awscli")
})

// server start [flags] | stop | kill | restart: the story's own Slipway.
// `kill` is kill -9; `start` after it takes the same flags again.
func server(ts *testscript.TestScript, neg bool, args []string) {
	p := ts.Value(serverKey{}).(*process)
	if len(args) == 0 {
		ts.Fatalf("usage: server start|stop|kill")
	}
	switch args[0] {
	case "start":
		if len(args) > 1 || p.args == nil {
			p.args = append([]string{"server", "--data", ts.Getenv("DATA"), "--listen", "127.0.0.1:0"}, args[1:]...)
		}
		p.start(ts)
	case "stop":
		ts.Check(p.cmd.Process.Signal(syscall.SIGTERM))
		if err := p.cmd.Wait(); err != nil {
			ts.Fatalf("the server did not end cleanly: %v", err)
		}
		p.cmd = nil
	case "kill":
		ts.Check(p.cmd.Process.Kill())
		_ = p.cmd.Wait()
		p.cmd = nil
	default:
		ts.Fatalf("server %s?", args[0])
	}
}

var exportLine = regexp.MustCompile(`(AWS_[A-Z_]+)='?([^' \n]*)'?`)

func (p *process) start(ts *testscript.TestScript) {
	args := p.args
	if p.url != "" { // the URL is in clone URLs and image names: keep it
		args = append(append([]string{}, args...), "--listen", strings.TrimPrefix(strings.Replace(p.url, "localhost", "127.0.0.1", 1), "http://"))
	}
	cmd := exec.Command(binary, args...)
	log, err := os.OpenFile(ts.Getenv("DATA")+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	cmd.Stderr = log
	cmd.Env = append(os.Environ(), "SLIPWAY_WARM=0")
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	p.cmd = cmd
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b, _ := os.ReadFile(log.Name())
		ts.Fatalf("the server did not start:\n%s", b)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	p.url = regexp.MustCompile(`http://\S+`).FindString(line)
	env, err := exec.Command(binary, "env", "--data", ts.Getenv("DATA")).Output()
	ts.Check(err)
	for _, m := range exportLine.FindAllStringSubmatch(string(env), -1) {
		ts.Setenv(m[1], m[2])
	}
	ts.Setenv("URL", p.url)
	ts.Setenv("HOST", strings.TrimPrefix(p.url, "http://"))
}

// aws ARGS: version 2 of the aws command, given the endpoint as a flag because
// Debian 12's does not read AWS_ENDPOINT_URL. Its output is stdout and stderr.
func awsCommand(ts *testscript.TestScript, neg bool, args []string) {
	path, err := awsPath()
	ts.Check(err)
	if args[0] != "codecommit" || args[1] != "credential-helper" {
		args = append([]string{"--endpoint-url", ts.Getenv("AWS_ENDPOINT_URL"), "--output", "json"}, args...)
	}
	err = ts.Exec(path, args...)
	if (err != nil) != neg {
		ts.Fatalf("aws %s: %v", strings.Join(args, " "), err)
	}
}

// jq NAME FILTER: sets the variable NAME to what jq makes of the last output.
func jqCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: jq NAME FILTER")
	}
	cmd := exec.Command("jq", "-r", args[1])
	cmd.Stdin = strings.NewReader(ts.ReadFile("stdout"))
	out, err := cmd.Output()
	if err != nil {
		ts.Fatalf("jq %s: %v", args[1], err)
	}
	ts.Setenv(args[0], strings.TrimSpace(string(out)))
}

// let NAME: sets the variable NAME to the last output, trimmed.
func letCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: let NAME")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// until SECONDS REGEXP aws ARGS…: runs the command again until its output
// matches, as a person would who waits for something.
func untilCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: until SECONDS REGEXP command…")
	}
	seconds, err := strconv.Atoi(args[0])
	ts.Check(err)
	want, err := regexp.Compile("(?m)" + args[1]) // as stdout and stderr match
	ts.Check(err)
	deadline := time.Now().Add(time.Duration(seconds) * time.Second)
	for {
		var out string
		if args[2] == "aws" {
			path, err := awsPath()
			ts.Check(err)
			_ = ts.Exec(path, append([]string{"--endpoint-url", ts.Getenv("AWS_ENDPOINT_URL"), "--output", "json"}, args[3:]...)...)
		} else {
			_ = ts.Exec(args[2], args[3:]...)
		}
		out = ts.ReadFile("stdout") + ts.ReadFile("stderr")
		if want.MatchString(out) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("waited %d s for %s; last:\n%s", seconds, args[1], out)
		}
		time.Sleep(300 * time.Millisecond) // a client's pace, outside of the program
	}
}

// http METHOD PATH [BODY [HEADER…]]: an unsigned request to the server; prints
// the status line and the body.
func httpCommand(ts *testscript.TestScript, neg bool, args []string) {
	body := ""
	if len(args) > 2 {
		body = args[2]
	}
	req, err := http.NewRequest(args[0], ts.Getenv("URL")+args[1], strings.NewReader(body))
	ts.Check(err)
	for _, h := range args[min(3, len(args)):] {
		k, v, _ := strings.Cut(h, ": ")
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n%s\n", resp.Status, b)
}

// removeContainers takes away what the story's server left on purpose: running
// tasks outlive a server.
func removeContainers(env *testscript.Env) { removeOwned(filepath.Join(env.WorkDir, ".data")) }

// removeImages takes away the engine's copies of the story's images: those
// named after its server.
func removeImages(url string) {
	host := strings.TrimPrefix(url, "http://")
	if host == "" {
		return
	}
	out, err := exec.Command("docker", "images", "--digests", "--filter", "reference="+host+"/*", "--filter", "reference="+host+"/*/*",
		"--format", "{{.Repository}} {{.Tag}} {{.Digest}}").Output()
	if err != nil {
		return
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		name := f[0] + ":" + f[1]
		if f[1] == "<none>" {
			name = f[0] + "@" + f[2]
		}
		_ = exec.Command("docker", "rmi", name).Run()
	}
}
