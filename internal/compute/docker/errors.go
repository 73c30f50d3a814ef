package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/slipway-dev/slipway/internal/compute"
)

// wrap gives an error of the engine its meaning in the contract and keeps the
// engine's words.
func (e *Engine) wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	words := strings.TrimPrefix(err.Error(), "Error response from daemon: ")
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case client.IsErrConnectionFailed(err), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: %s: %s", compute.ErrUnavailable, doing, words)
	case strings.Contains(strings.ToLower(words), "no such image"):
		return fmt.Errorf("%w: %s", compute.ErrImage, words)
	case errdefs.IsNotFound(err) && strings.Contains(strings.ToLower(words), "no such container"):
		return fmt.Errorf("%w: %s", compute.ErrNotFound, words)
	case errdefs.IsNotImplemented(err):
		return fmt.Errorf("%w: %s", compute.ErrUnsupported, words)
	}
	return fmt.Errorf("docker: %s: %s", doing, words)
}
