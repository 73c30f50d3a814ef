package lambda

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/compute"
)

// Registry is ECR for Lambda itself, which pulls the images of functions: the
// execution role need not be allowed to.
type Registry interface {
	// Login is for pulling from the registry of this server.
	Login(ctx context.Context, region string) (*compute.RegistryAuth, error)
}

// own is the repository of an image of this server's registry.
func (s *Service) own(image string) (repository string, ok bool) {
	rest, ok := strings.CutPrefix(image, s.Site.Host+"/")
	rest, _, _ = strings.Cut(rest, "@")
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		rest = rest[:i]
	}
	return rest, ok
}

// checkImage asks whether the caller may use an image.
func (s *Service) checkImage(ctx context.Context, region, image string) error {
	repository, ours := s.own(image)
	if !ours {
		return nil
	}
	on := arn.New("ecr", region, s.Site.Account, "repository/"+repository)
	err := s.Authorizer.Authorize(ctx, wire.Access{Action: "ecr:BatchGetImage", Resource: on}, wire.Access{Action: "ecr:GetDownloadUrlForLayer", Resource: on})
	if err != nil {
		return fail("AccessDenied", "Lambda does not have permission to access the ECR image. Check the ECR permissions.")
	}
	return nil
}

// pull makes an image present. always looks again at a tag of our registry.
func (s *Service) pull(ctx context.Context, region, image string, always bool) (compute.ImageInfo, error) {
	images, ok := s.Compute.(compute.ImageStore)
	if !ok {
		return compute.ImageInfo{}, fmt.Errorf("%w: functions of images need a container engine: start the server with --compute docker", compute.ErrUnsupported)
	}
	policy := compute.PullMissing
	var auth *compute.RegistryAuth
	if _, ours := s.own(image); ours {
		var err error
		if auth, err = s.Registry.Login(ctx, region); err != nil {
			return compute.ImageInfo{}, err
		}
		if always {
			policy = compute.PullAlways
		}
	}
	return images.EnsureImage(ctx, image, policy, auth)
}

// resolve pulls a function's image and finds its digest.
func (s *Service) resolve(ctx context.Context, region string, c code) (code, *failure, error) {
	info, err := s.pull(ctx, region, c.Image, true)
	switch {
	case errors.Is(err, compute.ErrUnsupported):
		return c, &failure{"InvalidImage", err.Error()}, nil
	case errors.Is(err, compute.ErrImage):
		return c, &failure{"ImageAccessDenied", fmt.Sprintf("Source image %s does not exist or cannot be pulled: %s", c.Image, err)}, nil
	case err != nil:
		return c, nil, err
	}
	repository, _, _ := strings.Cut(c.Image, "@")
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository = repository[:i]
	}
	c.Digest = strings.TrimPrefix(info.ID, "sha256:")
	for _, d := range info.Digests {
		if name, sum, ok := strings.Cut(d, "@sha256:"); ok && name == repository {
			c.Resolved, c.Digest = d, sum
		}
	}
	return c, nil, nil
}
