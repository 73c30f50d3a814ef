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
	// Has tells whether a repository has an image, by its tag or digest.
	Has(ctx context.Context, region, repository, tag, digest string) (bool, error)
}

// ownImage is an image of this server's registry.
type ownImage struct{ region, repository, tag, digest string }

// own takes apart the reference of an image of this server's registry, in which
// repositories of other regions are under ACCOUNT.REGION.
func (s *Service) own(image string) (o ownImage, ok bool) {
	o.repository, ok = strings.CutPrefix(image, s.Site.Host+"/")
	o.repository, o.digest, _ = strings.Cut(o.repository, "@")
	o.region = s.Site.Region
	if i := strings.LastIndexByte(o.repository, ':'); i > strings.LastIndexByte(o.repository, '/') {
		o.repository, o.tag = o.repository[:i], o.repository[i+1:]
	}
	if o.tag == "" && o.digest == "" {
		o.tag = "latest"
	}
	if rest, other := strings.CutPrefix(o.repository, s.Site.Account+"."); other {
		o.region, o.repository, _ = strings.Cut(rest, "/")
	}
	return o, ok
}

// checkImage asks whether an image of our registry is there and the caller may
// use it.
func (s *Service) checkImage(ctx context.Context, image string) error {
	o, ours := s.own(image)
	if !ours {
		return nil
	}
	on := arn.New("ecr", o.region, s.Site.Account, "repository/"+o.repository)
	err := s.Authorizer.Authorize(ctx, wire.Access{Action: "ecr:BatchGetImage", Resource: on}, wire.Access{Action: "ecr:GetDownloadUrlForLayer", Resource: on})
	if err != nil {
		return fail("AccessDenied", "Lambda does not have permission to access the ECR image. Check the ECR permissions.")
	}
	there, err := s.Registry.Has(ctx, o.region, o.repository, o.tag, o.digest)
	if err == nil && !there {
		err = invalid("Source image %s does not exist. Provide a valid source image.", image)
	}
	return err
}

// pull makes an image present. always looks again at a tag of our registry.
func (s *Service) pull(ctx context.Context, image string, always bool) (compute.ImageInfo, error) {
	images, ok := s.Compute.(compute.ImageStore)
	if !ok {
		return compute.ImageInfo{}, fmt.Errorf("%w: functions of images need a container engine: start the server with --compute docker", compute.ErrUnsupported)
	}
	policy := compute.PullMissing
	var auth *compute.RegistryAuth
	if o, ours := s.own(image); ours {
		var err error
		if auth, err = s.Registry.Login(ctx, o.region); err != nil {
			return compute.ImageInfo{}, err
		}
		if always {
			policy = compute.PullAlways
		}
	}
	return images.EnsureImage(ctx, image, policy, auth)
}

// resolve pulls a function's image and finds its digest.
func (s *Service) resolve(ctx context.Context, c code) (code, *failure, error) {
	info, err := s.pull(ctx, c.Image, true)
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
