package git

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
)

type gitCommand struct{ cmd *exec.Cmd }

func (c *gitCommand) output() ([]byte, error) { return run(c.cmd, nil) }

// stream connects a request and its response to git, flushing as git writes so
// that progress is seen while it happens.
func (c *gitCommand) stream(in io.Reader, w http.ResponseWriter) error {
	var errs bytes.Buffer
	c.cmd.Stdin = in
	c.cmd.Stdout = flushing{w, http.NewResponseController(w)}
	c.cmd.Stderr = &errs
	if err := c.cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(errs.String()))
	}
	return nil
}

type flushing struct {
	io.Writer
	rc *http.ResponseController
}

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.Writer.Write(p)
	_ = f.rc.Flush() // a writer that cannot flush still gets everything
	return n, err
}
