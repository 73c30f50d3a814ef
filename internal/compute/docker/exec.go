package docker

import (
	"context"
	"io"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"github.com/slipway-dev/slipway/internal/compute"
)

// Exec runs a command in a running container. When ctx ends first it returns
// at once; the command itself goes on, because the API cannot end it.
func (e *Engine) Exec(ctx context.Context, id string, spec compute.ExecSpec) (int, error) {
	created, err := e.cli.ExecCreate(ctx, id, client.ExecCreateOptions{
		User:         spec.User,
		AttachStdin:  spec.Stdin != nil,
		AttachStdout: true,
		AttachStderr: true,
		Env:          spec.Env,
		WorkingDir:   spec.WorkingDir,
		Cmd:          spec.Command,
	})
	if err != nil {
		return 0, e.wrap("exec", err)
	}
	conn, err := e.cli.ExecAttach(ctx, created.ID, client.ExecAttachOptions{})
	if err != nil {
		return 0, e.wrap("exec", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, conn.Close)()

	if spec.Stdin != nil {
		go func() {
			_, _ = io.Copy(conn.Conn, spec.Stdin)
			_ = conn.CloseWrite()
		}()
	}
	if _, err := stdcopy.StdCopy(orDiscard(spec.Stdout), orDiscard(spec.Stderr), conn.Reader); err != nil {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return 0, e.wrap("exec", err)
	}
	return e.execExit(ctx, created.ID)
}

// execExit reads the exit code of a command whose output has ended. The engine
// closes the output a moment before it notes the code and offers no way to
// wait for it, so this asks again until it has.
func (e *Engine) execExit(ctx context.Context, execID string) (int, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		res, err := e.cli.ExecInspect(ctx, execID, client.ExecInspectOptions{})
		if err != nil {
			return 0, e.wrap("exec", err)
		}
		if !res.Running {
			return res.ExitCode, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
