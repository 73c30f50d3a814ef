package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Most of what a short call of the aws command costs is the start of Python, and
// the stories make more than a thousand calls. Where the command is a Python
// script, as Debian's is, warm_aws.py runs it with its imports already made; it
// is the same program, with its own process, arguments and environment.

// warm starts warm_aws.py for the command at path and returns the command to call
// in its place, and how to end it. A command that is no Python script, as the
// installer of AWS brings it, is returned as it is.
func warm(path string) (command string, stop func(), err error) {
	first, _ := os.ReadFile(path)
	line, _, _ := strings.Cut(string(first[:min(len(first), 200)]), "\n")
	python, isScript := strings.CutPrefix(line, "#!")
	if !isScript || !strings.Contains(python, "python3") {
		return path, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "slipway-aws-")
	if err != nil {
		return "", nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	command, socket := filepath.Join(dir, "aws"), filepath.Join(dir, "socket")
	if err := os.Symlink(self, command); err != nil {
		return "", nil, err
	}
	words := append(strings.Fields(python), "warm_aws.py", path, socket)
	server := exec.Command(words[0], words[1:]...)
	server.Stderr = os.Stderr
	input, err := server.StdinPipe() // its end, however this process ends, is the server's
	if err != nil {
		return "", nil, err
	}
	if err := server.Start(); err != nil {
		return "", nil, err
	}
	return command, func() {
		_ = input.Close()
		_ = server.Wait()
		_ = os.RemoveAll(dir)
	}, nil
}

// calledWarm is whether this process is the client: its name is that of the
// command in the place of which it is called.
func calledWarm() bool { return filepath.Base(os.Args[0]) == "aws" }

// callWarm hands this process's call to warm_aws.py, whose socket is beside the
// command, and returns the exit status.
func callWarm() int {
	socket := filepath.Join(filepath.Dir(os.Args[0]), "socket")
	status, err := func() (int, error) {
		conn, err := dialWarm(socket)
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		dir, err := os.Getwd()
		if err != nil {
			return 0, err
		}
		env := map[string]string{}
		for _, e := range os.Environ() {
			name, value, _ := strings.Cut(e, "=")
			env[name] = value
		}
		request, err := json.Marshal(map[string]any{"args": os.Args[1:], "env": env, "dir": dir})
		if err != nil {
			return 0, err
		}
		if _, _, err := conn.WriteMsgUnix([]byte(" "), syscall.UnixRights(0, 1, 2), nil); err != nil {
			return 0, err
		}
		if _, err := conn.Write(append(request, '\n')); err != nil {
			return 0, err
		}
		var status int
		_, err = fmt.Fscan(bufio.NewReader(conn), &status)
		return status, err
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "the warm aws command:", err)
		return 255
	}
	return status
}

// dialWarm connects as soon as the server listens: the first stories start while
// it makes its imports.
func dialWarm(socket string) (*net.UnixConn, error) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
		if err == nil || time.Now().After(deadline) {
			return conn, err
		}
	}
}
