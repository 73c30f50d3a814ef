package runtimeapi

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// The bootstraps of the managed runtimes.
var (
	//go:embed bootstrap.py
	python []byte
	//go:embed bootstrap.cjs
	node []byte
)

// The user that functions run as in containers: AWS's is without rights too.
const userID, groupID = 993, 990

// runtime is the process of the function's runtime.
type runtime struct {
	cmd    *exec.Cmd
	output *output
	most   atomic.Int64 // memory in bytes, when it was last looked at
}

// startRuntime starts what start says; address is where the Runtime API is.
func startRuntime(cfg Config, start *Start, address string, line func(string)) (*runtime, error) {
	command, err := commandOf(cfg, start)
	if err != nil {
		return nil, err
	}
	if len(command) == 0 {
		return nil, errors.New("entrypoint requires the handler name to be the first argument")
	}
	out, err := newOutput(line, start.Managed != "")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = start.Dir
	cmd.Env = inherited(start.Own)
	if cfg.Contained {
		// The user is in no list, and SDKs look for a home.
		cmd.Env = append(cmd.Env, "HOME=/tmp")
		if start.Managed == "node" {
			modules(start)
		}
	}
	cmd.Env = append(cmd.Env, layered(start)...)
	cmd.Env = append(cmd.Env, start.Env...) // the last of a name counts
	cmd.Env = append(cmd.Env, "AWS_LAMBDA_RUNTIME_API="+address)
	if !cfg.Contained {
		cmd.Env = append(cmd.Env, "LAMBDA_RUNTIME_DIR="+cfg.Dir)
	}
	cmd.Stdout, cmd.Stderr = out.write, out.write
	cmd.SysProcAttr = attributes(cfg.Contained)
	if err := cmd.Start(); err != nil {
		var pe *os.PathError
		switch {
		case errors.Is(err, os.ErrNotExist) && filepath.Base(command[0]) == "bootstrap":
			err = fmt.Errorf("Couldn't find valid bootstrap(s): [%s /opt/bootstrap]", command[0]) //nolint:revive,staticcheck // AWS's words
		case errors.As(err, &pe):
			err = fmt.Errorf("fork/exec %s: %w", pe.Path, pe.Err)
		}
		return nil, err
	}
	_ = out.write.Close()
	go out.read()
	// Where memory lacks, the runtime shall go and not this process, which tells.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", cmd.Process.Pid), []byte("1000"), 0)
	return &runtime{cmd: cmd, output: out}, nil
}

// inherited are the variables of this process that a function has too: without
// those that are of the container's user.
func inherited(own bool) []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == "HOME" || name == "HOSTNAME" || !own && name != "PATH"
	})
}

// layered are the variables by which runtimes find what layers have, as AWS's
// documentation has them; the function's own come after them.
// https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html
func layered(start *Start) []string {
	if start.Opt == "" {
		return nil
	}
	env := []string{"PATH=" + os.Getenv("PATH") + ":" + start.Opt + "/bin", "LD_LIBRARY_PATH=" + start.Dir + ":" + start.Dir + "/lib:" + start.Opt + "/lib"}
	if start.Managed == "node" {
		paths := start.Opt + "/nodejs/node_modules"
		if v, ok := strings.CutPrefix(start.value("AWS_EXECUTION_ENV"), "AWS_Lambda_nodejs"); ok {
			paths = start.Opt + "/nodejs/node" + strings.TrimSuffix(v, ".x") + "/node_modules:" + paths
		}
		env = append(env, "NODE_PATH="+paths+":/var/runtime/node_modules")
	}
	return env
}

// modules lets Node find the packages of layers, and after them the image's, by
// import as by require. AWS's Node looks in NODE_PATH for both; others do for
// require only, and import what the directories above a module have. Where a
// layer has packages for one version and for all, import finds the former.
func modules(start *Start) {
	version, _ := strings.CutPrefix(start.value("AWS_EXECUTION_ENV"), "AWS_Lambda_nodejs")
	for _, dir := range []string{"node" + strings.TrimSuffix(version, ".x") + "/node_modules", "node_modules"} {
		dir = filepath.Join(start.Opt, "nodejs", dir)
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		// An image that has them otherwise keeps them.
		if os.Remove("/var/node_modules") == nil {
			_ = os.Symlink(dir, "/var/node_modules")
			_ = os.Symlink("/var/runtime/node_modules", "/node_modules")
		}
		return
	}
}

// value is a variable of the function.
func (s *Start) value(name string) (value string) {
	for _, v := range s.Env {
		if rest, ok := strings.CutPrefix(v, name+"="); ok {
			value = rest
		}
	}
	return value
}

// commandOf is what to run; a function's wrapper gets it as its arguments.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html
func commandOf(cfg Config, start *Start) ([]string, error) {
	command, err := runtimeOf(cfg, start)
	if w := start.value("AWS_LAMBDA_EXEC_WRAPPER"); err == nil && w != "" && start.Managed != "" {
		if rest, ok := strings.CutPrefix(w, "/opt/"); ok {
			w = filepath.Join(start.Opt, rest)
		}
		command = append([]string{w}, command...)
	}
	return command, err
}

func runtimeOf(cfg Config, start *Start) ([]string, error) {
	write := func(name string, script []byte) (string, error) {
		if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
			return "", err
		}
		file := filepath.Join(cfg.Dir, name)
		return file, os.WriteFile(file, script, 0o644)
	}
	switch start.Managed {
	case "python":
		file, err := write("bootstrap.py", python)
		return []string{"python3", "-u", file, start.Opt}, err // unbuffered: a function that dies has said what it said
	case "node":
		file, err := write("bootstrap.cjs", node)
		return []string{"node", file}, err
	}
	return start.Command, nil
}

// drain returns when everything that the runtime has written is sent.
func (r *runtime) drain() { r.output.drain() }

// wait returns how the runtime ended, in the words of AWS: "exit status 1", and
// as which error.
func (r *runtime) wait() (how, kind string) {
	err := r.cmd.Wait()
	switch {
	case err == nil:
		return "exit status 0", "Runtime.ExitError"
	case err.Error() == "signal: killed" && starved():
		return err.Error(), "Runtime.OutOfMemory"
	}
	return err.Error(), "Runtime.ExitError"
}

// starved tells whether the container has been without memory, by what both
// versions of control groups say in it.
func starved() bool {
	for _, file := range []string{"/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"} {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if n, ok := strings.CutPrefix(line, "oom_kill "); ok {
				return strings.TrimSpace(n) != "0"
			}
		}
	}
	return false
}

func (r *runtime) kill() {
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
}

// peak is the most memory that the runtime has had, in bytes, as far as it was
// seen; 0 if never.
func (r *runtime) peak() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		return r.most.Load() // it has ended
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	line, _, _ := strings.Cut(string(rest), "\n")
	kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(line), "kB")), 10, 64)
	r.most.Store(kib << 10)
	return kib << 10
}
