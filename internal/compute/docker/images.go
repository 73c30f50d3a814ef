package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"

	"github.com/slipway-dev/slipway/internal/compute"
)

// EnsureImage makes ref present and describes it.
func (e *Engine) EnsureImage(ctx context.Context, ref string, pull compute.PullPolicy, auth *compute.RegistryAuth) (compute.ImageInfo, error) {
	if pull != compute.PullAlways {
		info, err := e.image(ctx, ref)
		if err == nil || pull == compute.PullNever || !errors.Is(err, compute.ErrImage) {
			return info, err
		}
	}
	if err := e.pull(ctx, ref, auth); err != nil {
		return compute.ImageInfo{}, err
	}
	return e.image(ctx, ref)
}

func (e *Engine) pull(ctx context.Context, ref string, auth *compute.RegistryAuth) error {
	opts := client.ImagePullOptions{}
	if auth != nil {
		host, _, _ := strings.Cut(ref, "/")
		encoded, err := authconfig.Encode(registry.AuthConfig{Username: auth.Username, Password: auth.Password, ServerAddress: host})
		if err != nil {
			return fmt.Errorf("docker: %w", err)
		}
		opts.RegistryAuth = encoded
	}
	res, err := e.cli.ImagePull(ctx, ref, opts)
	if err != nil {
		return e.wrapImage(ctx, err)
	}
	defer res.Close()
	return e.wrapImage(ctx, res.Wait(ctx))
}

// wrapImage is wrap for what concerns an image.
func (e *Engine) wrapImage(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case client.IsErrConnectionFailed(err):
		return e.wrap("image", err)
	}
	return fmt.Errorf("%w: %s", compute.ErrImage, strings.TrimPrefix(err.Error(), "Error response from daemon: "))
}

func (e *Engine) image(ctx context.Context, ref string) (compute.ImageInfo, error) {
	res, err := e.cli.ImageInspect(ctx, ref)
	if err != nil {
		return compute.ImageInfo{}, e.wrapImage(ctx, err)
	}
	info := compute.ImageInfo{ID: res.ID, Digests: res.RepoDigests, Size: res.Size}
	if c := res.Config; c != nil {
		info.Env, info.Cmd, info.Entry, info.User = c.Env, c.Cmd, c.Entrypoint, c.User
	}
	return info, nil
}

// ImportEmpty makes an image without files, for containers that consist of
// what is mounted into them.
func (e *Engine) ImportEmpty(ctx context.Context, ref string) error {
	if _, err := e.cli.ImageInspect(ctx, ref); err == nil {
		return nil
	} else if !errdefs.IsNotFound(err) {
		return e.wrapImage(ctx, err)
	}
	var empty bytes.Buffer
	if err := tar.NewWriter(&empty).Close(); err != nil {
		return fmt.Errorf("docker: %w", err)
	}
	res, err := e.cli.ImageImport(ctx, client.ImageImportSource{Source: &empty, SourceName: "-"}, ref, client.ImageImportOptions{})
	if err != nil {
		return e.wrapImage(ctx, err)
	}
	defer res.Close()
	if _, err := io.Copy(io.Discard, res); err != nil {
		return e.wrapImage(ctx, err)
	}
	_, err = e.image(ctx, ref)
	return err
}
