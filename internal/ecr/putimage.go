package ecr

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// refusal is what the registry says of a manifest, by an OCI code.
type refusal interface {
	error
	OCICode() string
}

// PutImage stores a manifest whose layers are there, or adds a tag to one.
func (s *Service) PutImage(ctx context.Context, in *ecr.PutImageInput, _ ...func(*ecr.Options)) (*ecr.PutImageOutput, error) {
	repo, err := s.find(ctx, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	body := []byte(aws.ToString(in.ImageManifest))
	digest := digestOf(body)
	if in.ImageDigest != nil && *in.ImageDigest != digest {
		return nil, fail("ImageDigestDoesNotMatch", "The image digest '%s' does not match the digest '%s' calculated by ECR", *in.ImageDigest, digest)
	}
	tag := aws.ToString(in.ImageTag)
	if tag != "" && !tagForm.MatchString(tag) {
		return nil, fail("InvalidParameter", "Invalid parameter at 'imageTag' failed to satisfy constraint: 'must satisfy regular expression '%s''", tagForm)
	}
	im, err := read(digest, aws.ToString(in.ImageManifestMediaType), body)
	if err != nil {
		return nil, err
	}
	same, err := s.put(ctx, repo, tag, im, body, func() error {
		_, err := s.Registry.PutManifest(ctx, repo.ID, im.MediaType, body)
		var refused refusal
		if errors.As(err, &refused) {
			if strings.Contains(refused.OCICode(), "BLOB") {
				return s.lacks(ctx, repo, im)
			}
			return fail("InvalidParameter", "Invalid parameter at 'ImageManifest' failed to satisfy constraint: '%s'", refused.Error())
		}
		return err
	})
	var fixed *errImmutable
	if errors.As(err, &fixed) {
		return nil, fail("ImageTagAlreadyExists", "%s", fixed.Error())
	}
	if err != nil {
		return nil, err
	}
	if same {
		return nil, fail("ImageAlreadyExists", "Image with digest '%s' and tag '%s' already exists in the repository with name '%s' in registry with id '%s'", digest, tag, repo.name(), s.Site.Account)
	}
	return &ecr.PutImageOutput{Image: &types.Image{
		RegistryId: aws.String(s.Site.Account), RepositoryName: in.RepositoryName, ImageManifest: in.ImageManifest,
		ImageManifestMediaType: aws.String(im.MediaType), ImageId: identifier(digest, tag),
	}}, nil
}

// lacks says what a repository does not have of what a manifest names.
func (s *Service) lacks(ctx context.Context, repo *repository, im *image) error {
	var gone []string
	if len(im.Children) > 0 {
		err := s.Engine.View(ctx, func(r store.Reader) error {
			for _, d := range im.Children {
				if _, err := images.Get(r, repo.ID, d); errors.Is(err, store.ErrNotFound) {
					gone = append(gone, d)
				} else if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		return fail("ReferencedImagesNotFound", "Images with digests '[%s]' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist",
			strings.Join(gone, ", "), repo.name(), s.Site.Account)
	}
	for _, d := range im.Blobs {
		if _, err := s.Registry.Blob(ctx, repo.ID, d); err != nil {
			gone = append(gone, d)
		}
	}
	return fail("LayersNotFound", "Layers with digests '[%s]' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist",
		strings.Join(gone, ", "), repo.name(), s.Site.Account)
}

// BatchCheckLayerAvailability tells which layers a repository has.
func (s *Service) BatchCheckLayerAvailability(ctx context.Context, in *ecr.BatchCheckLayerAvailabilityInput, _ ...func(*ecr.Options)) (*ecr.BatchCheckLayerAvailabilityOutput, error) {
	repo, err := s.find(ctx, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	out := &ecr.BatchCheckLayerAvailabilityOutput{Layers: []types.Layer{}, Failures: []types.LayerFailure{}}
	for _, d := range in.LayerDigests {
		if !digestForm.MatchString(d) {
			out.Failures = append(out.Failures, types.LayerFailure{LayerDigest: aws.String(d), FailureCode: types.LayerFailureCodeInvalidLayerDigest, FailureReason: aws.String("Invalid layer digest")})
			continue
		}
		layer := types.Layer{LayerDigest: aws.String(d), LayerAvailability: types.LayerAvailabilityUnavailable}
		if size, err := s.Registry.Blob(ctx, repo.ID, d); err == nil {
			layer.LayerAvailability, layer.LayerSize = types.LayerAvailabilityAvailable, aws.Int64(size)
		}
		out.Layers = append(out.Layers, layer)
	}
	return out, nil
}
