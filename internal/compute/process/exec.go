//go:build linux

package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"

	"github.com/slipway-dev/slipway/internal/compute"
)

// Exec runs a command beside the process, as the same user in the same
// environment. It ends with ctx and with the process.
func (e *Engine) Exec(ctx context.Context, cid string, spec compute.ExecSpec) (int, error) {
	b, err := e.open(cid)
	if err != nil {
		return 0, err
	}
	life, err := b.control("wait")
	if err != nil {
		return 0, fmt.Errorf("process: exec: container %s is not running", cid)
	}
	defer life.Close()
	ended, end := context.WithCancel(context.Background())
	defer end()
	go func() { _, _ = io.Copy(io.Discard, life); end() }()

	as := b.spec
	as.Env = append(append([]string{}, as.Env...), spec.Env...)
	if spec.User != "" {
		as.User = spec.User
	}
	cred, home, err := credential(as.User)
	if err != nil {
		return 0, err
	}
	if len(spec.Command) == 0 {
		return 0, errors.New("process: exec: no command specified")
	}
	env, dir := as.env(home), b.cwd(cred)
	if spec.WorkingDir != "" {
		dir = spec.WorkingDir
	}
	path, err := lookPath(spec.Command[0], env, dir)
	if err != nil {
		return 127, nil //nolint:nilerr // as engines answer
	}
	cmd := exec.Command(path)
	cmd.Args, cmd.Env, cmd.Dir = spec.Command, env, dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = spec.Stdin, spec.Stdout, spec.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: cred, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second // for what the command left holding its output
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("process: exec: %w", err)
	}
	kill := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	defer context.AfterFunc(ctx, kill)()
	defer context.AfterFunc(ended, kill)()
	err = cmd.Wait()
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 || err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return code, nil
	}
	return 0, fmt.Errorf("process: exec: %w", err)
}
