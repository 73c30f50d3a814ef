package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// bareProgram is bench/bare, built beside this program.
func bareProgram() (string, error) {
	self, err := os.Executable()
	return filepath.Join(filepath.Dir(self), "bench-bare"), err
}

// bare starts the bare server, in a process of its own as Slipway is; stop
// ends it.
func (e *environment) bare(ctx context.Context, body []byte) (cmd *exec.Cmd, address string, stop func(), err error) {
	program, err := bareProgram()
	if err != nil {
		return nil, "", nil, err
	}
	f, err := os.CreateTemp(e.dir, "body")
	if err != nil {
		return nil, "", nil, err
	}
	defer f.Close()
	if _, err := f.Write(body); err != nil {
		return nil, "", nil, err
	}
	cmd = exec.CommandContext(ctx, program, f.Name())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", nil, err
	}
	stop = func() { end(cmd) }
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return nil, "", nil, err
	}
	return cmd, strings.TrimSpace(line), stop, nil
}
