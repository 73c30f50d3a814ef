package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// shell is the one logical shell of a build. Every command is a process of its
// own; working directory and variables are carried from one to the next by the
// wrapper around it.
type shell struct {
	program string   // sh or bash
	env     []string // what the first command sees
	tmp     string   // for the script and the state
	dir     string
	state   []byte // output of export -p after the last command
	user    string // whom the last command ran as; "" is the agent's own user
	out     *output
	kids    *children
}

// wrapper runs in `program -c wrapper $0`: $0 is the script, so that messages
// name it as CodeBuild's do. Positional parameters keep the exit status, for any
// variable of ours would be carried on. An exit within the command ends it all:
// the state then stays as it was.
const wrapper = `set -a
. "$1"
CODEBUILD_BUILD_SUCCEEDING=$2
if [ -n "$3" ]; then HOME=$3 USER=$4 LOGNAME=$4; fi
set --
. "$0"
set -- "$?"
pwd >&4
export -p >&3
exit "$1"
`

// command is one command to run.
type command struct {
	text       string
	runAs      string
	succeeding bool
}

// run runs a command to its end and returns its exit status. The error is about
// the machinery: the user does not exist, the shell cannot be started, or
// ctx's, after the whole process group has been killed.
func (s *shell) run(ctx context.Context, c command) (int, error) {
	if err := ctx.Err(); err != nil {
		return -1, err
	}
	who, err := identityOf(c.runAs)
	if err != nil {
		return -1, err
	}
	script, state := filepath.Join(s.tmp, "script.sh"), filepath.Join(s.tmp, "state.sh")
	if err := who.write(script, []byte(c.text+"\n")); err != nil {
		return -1, err
	}
	if err := who.write(state, s.state); err != nil {
		return -1, err
	}
	exports, err := os.CreateTemp(s.tmp, "exports")
	if err != nil {
		return -1, err
	}
	defer discard(exports)
	pwd, err := os.CreateTemp(s.tmp, "pwd")
	if err != nil {
		return -1, err
	}
	defer discard(pwd)
	succeeding := "1"
	if !c.succeeding {
		succeeding = "0"
	}
	home, name := "", ""
	if who.name != s.user { // variables come along, but not the home of another
		home, name = who.home, who.name
		if name == "" {
			home, name = s.home(), "root"
		}
	}
	s.user = who.name
	cmd := exec.Command(s.program, "-c", wrapper, script, state, succeeding, home, name)
	cmd.Dir, cmd.Env = s.dir, s.env
	cmd.Stdout, cmd.Stderr = s.out.pipe, s.out.pipe
	cmd.ExtraFiles = []*os.File{exports, pwd}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: who.credential}
	if _, err := os.Stat(s.dir); err != nil {
		return -1, fmt.Errorf("the working directory is gone: %w", err)
	}
	code, err := s.wait(ctx, cmd)
	s.out.settle()
	if err != nil {
		return code, err
	}
	if b, err := readAll(exports); err == nil && len(b) > 0 {
		s.state = b
	}
	if b, err := readAll(pwd); err == nil && len(b) > 1 {
		s.dir = strings.TrimSuffix(string(b), "\n")
	}
	return code, nil
}

func (s *shell) wait(ctx context.Context, cmd *exec.Cmd) (int, error) {
	if err := s.kids.start(cmd); err != nil {
		return -1, err
	}
	pid := cmd.Process.Pid
	defer s.kids.ended(pid)
	stop := context.AfterFunc(ctx, func() { _ = syscall.Kill(-pid, syscall.SIGKILL) })
	err := cmd.Wait()
	if !stop() { // ctx ended: nothing of the command may stay behind
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		return -1, ctx.Err()
	}
	var exit *exec.ExitError
	if err == nil || errors.As(err, &exit) {
		if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			return 128 + int(ws.Signal()), nil
		}
		return cmd.ProcessState.ExitCode(), nil
	}
	return -1, err
}

// waitFor runs a program of the agent's own in a process group of its own.
func (s *shell) waitFor(ctx context.Context, cmd *exec.Cmd) (int, error) {
	if err := ctx.Err(); err != nil {
		return -1, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return s.wait(ctx, cmd)
}

// capture runs a script of the agent's with the state of the build and returns
// what it prints, without newlines at the end.
func (s *shell) capture(ctx context.Context, script string, args ...string) (string, error) {
	state := filepath.Join(s.tmp, "state.sh")
	if err := (&runAs{}).write(state, s.state); err != nil {
		return "", err
	}
	argv := append([]string{"-c", "set -a; . \"$1\"; shift; set +a\n" + script, "sh", state}, args...)
	cmd := exec.Command(s.program, argv...)
	cmd.Dir, cmd.Env = s.dir, s.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &limited{&out}, &limited{&errs}
	cmd.WaitDelay = time.Second // what it left behind is not waited for
	code, err := s.waitFor(ctx, cmd)
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return "", err
	}
	if code > 0 {
		return "", fmt.Errorf("exit status %d: %s", code, strings.TrimSpace(errs.String()))
	}
	return strings.TrimRight(out.String(), "\n"), nil
}

// expand replaces $NAME, ${NAME} and $(command) in a text as the shell would
// within double quotes.
func (s *shell) expand(ctx context.Context, text string) (string, error) {
	if !strings.ContainsAny(text, "$`") {
		return text, nil
	}
	quoted := strings.ReplaceAll(text, `"`, `\"`)
	return s.capture(ctx, `eval "printf %s \"$1\""`, quoted)
}

func (s *shell) expandAll(ctx context.Context, texts []string) ([]string, error) {
	out := make([]string, len(texts))
	for i, t := range texts {
		x, err := s.expand(ctx, t)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

// runAs is the user that a command runs as; the zero value is the agent's own.
type runAs struct {
	credential *syscall.Credential
	home, name string
}

func identityOf(name string) (*runAs, error) {
	if name == "" || name == "root" && os.Getuid() == 0 {
		return &runAs{}, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("run-as: the image has no user %q", name)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	if int(uid) == os.Getuid() {
		return &runAs{}, nil
	}
	if os.Getuid() != 0 {
		return nil, fmt.Errorf("run-as: only root may run commands as %q, and this build is not run by root", name)
	}
	c := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	groups, _ := u.GroupIds()
	for _, g := range groups {
		if n, err := strconv.ParseUint(g, 10, 32); err == nil {
			c.Groups = append(c.Groups, uint32(n))
		}
	}
	return &runAs{credential: c, home: u.HomeDir, name: name}, nil
}

// home is HOME as the build began with it.
func (s *shell) home() string {
	for _, v := range slices.Backward(s.env) {
		if home, ok := strings.CutPrefix(v, "HOME="); ok {
			return home
		}
	}
	return "/"
}

// write makes a file that only this user can read: variables may be secrets.
func (r *runAs) write(path string, b []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil && r.credential != nil {
		err = f.Chown(int(r.credential.Uid), int(r.credential.Gid))
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func readAll(f *os.File) ([]byte, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}

func discard(f *os.File) {
	_ = f.Close()
	_ = os.Remove(f.Name())
}

// limited keeps the first mebibyte.
type limited struct{ *bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := 1<<20 - l.Len(); room > 0 {
		_, _ = l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
