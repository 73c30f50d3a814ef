package ecr

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

func identifier(digest, tag string) *types.ImageIdentifier {
	id := &types.ImageIdentifier{ImageDigest: aws.String(digest)}
	if tag != "" {
		id.ImageTag = aws.String(tag)
	}
	return id
}

// lookup finds the image that an identifier means. failure is "" if it is there.
func lookup(r store.Reader, repo *repository, id types.ImageIdentifier) (im *image, failure types.ImageFailureCode, reason string, err error) {
	digest, tag := aws.ToString(id.ImageDigest), aws.ToString(id.ImageTag)
	if digest == "" && tag == "" {
		return nil, types.ImageFailureCodeMissingDigestAndTag, "Invalid request parameters: both tag and digest cannot be null", nil
	}
	const missing = "Requested image not found"
	if tag != "" && !tagForm.MatchString(tag) {
		return nil, types.ImageFailureCodeInvalidImageTag, "Invalid request parameters: image tag should satisfy the regex '" + tagForm.String() + "'", nil
	}
	if tag != "" {
		at, err := tags.Get(r, repo.ID, tag)
		if errors.Is(err, store.ErrNotFound) {
			return nil, types.ImageFailureCodeImageNotFound, missing, nil
		}
		if err != nil {
			return nil, "", "", err
		}
		if digest != "" && digest != *at {
			return nil, types.ImageFailureCodeImageTagDoesNotMatchDigest, "Requested image tag does not match the digest", nil
		}
		digest = *at
	}
	if !digestForm.MatchString(digest) {
		return nil, types.ImageFailureCodeInvalidImageDigest, "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'", nil
	}
	im, err = images.Get(r, repo.ID, digest)
	if errors.Is(err, store.ErrNotFound) {
		return nil, types.ImageFailureCodeImageNotFound, missing, nil
	}
	return im, "", "", err
}

// BatchGetImage returns manifests; ids that are not there are failures.
func (s *Service) BatchGetImage(ctx context.Context, in *ecr.BatchGetImageInput, _ ...func(*ecr.Options)) (*ecr.BatchGetImageOutput, error) {
	repo, err := s.find(ctx, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	out := &ecr.BatchGetImageOutput{Images: []types.Image{}, Failures: []types.ImageFailure{}}
	return out, s.Engine.View(ctx, func(r store.Reader) error {
		for _, id := range in.ImageIds {
			im, code, reason, err := lookup(r, repo, id)
			if err != nil {
				return err
			}
			if code != "" {
				out.Failures = append(out.Failures, types.ImageFailure{ImageId: &id, FailureCode: code, FailureReason: aws.String(reason)})
				continue
			}
			text, err := manifests.Get(r, repo.ID, im.Digest)
			if err != nil {
				return err
			}
			out.Images = append(out.Images, types.Image{
				RegistryId: aws.String(s.Site.Account), RepositoryName: in.RepositoryName, ImageManifest: text,
				ImageManifestMediaType: aws.String(im.MediaType), ImageId: identifier(im.Digest, aws.ToString(id.ImageTag)),
			})
		}
		return nil
	})
}

// BatchDeleteImage removes tags, or images by digest. The last tag takes its
// image with it.
func (s *Service) BatchDeleteImage(ctx context.Context, in *ecr.BatchDeleteImageInput, _ ...func(*ecr.Options)) (*ecr.BatchDeleteImageOutput, error) {
	out := &ecr.BatchDeleteImageOutput{}
	err := s.change(ctx, in.RegistryId, in.RepositoryName, func(tx *engine.Tx, repo *repository) error {
		out.ImageIds, out.Failures = []types.ImageIdentifier{}, []types.ImageFailure{}
		named, err := indexed(tx, repo)
		if err != nil {
			return err
		}
		for _, id := range in.ImageIds {
			im, code, reason, err := lookup(tx, repo, id)
			if err == nil && code == "" {
				code, reason, err = s.delete(tx, repo, im, aws.ToString(id.ImageTag), named)
			}
			if err != nil {
				return err
			}
			if code != "" {
				out.Failures = append(out.Failures, types.ImageFailure{ImageId: &id, FailureCode: code, FailureReason: aws.String(reason)})
				continue
			}
			if tag := aws.ToString(id.ImageTag); tag != "" {
				out.ImageIds = append(out.ImageIds, *identifier(im.Digest, tag))
				continue
			}
			for _, tag := range im.listed() {
				out.ImageIds = append(out.ImageIds, *identifier(im.Digest, tag))
			}
		}
		return repo.judge(tx, time.Time{})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// delete removes one tag of an image, or the whole image if tag is "". named
// is what indexed returned; an index that goes is taken out of it.
func (s *Service) delete(tx *engine.Tx, repo *repository, im *image, tag string, named map[string][]string) (types.ImageFailureCode, string, error) {
	if tag == "" || len(im.Tags) == 1 {
		if parents := named[im.Digest]; len(parents) > 0 {
			return types.ImageFailureCodeImageReferencedByManifestList, "Requested image referenced by manifest list: [" + strings.Join(parents, ", ") + "]", nil
		}
		for _, child := range im.Children {
			named[child] = slices.DeleteFunc(named[child], func(parent string) bool { return parent == im.Digest })
		}
	}
	if tag != "" {
		return "", "", s.untag(tx, repo, tag, true)
	}
	return "", "", s.dropImage(tx, repo, im)
}

// indexed tells which images of a repository are named by which indexes.
func indexed(r store.Reader, repo *repository) (map[string][]string, error) {
	named := map[string][]string{}
	for im, err := range images.All(r, repo.ID) {
		if err != nil {
			return nil, err
		}
		for _, child := range im.Children {
			named[child] = append(named[child], im.Digest)
		}
	}
	return named, nil
}

// ListImages lists one entry for each tag, and untagged images by digest, 100 a
// page (maxResults up to 1,000).
func (s *Service) ListImages(ctx context.Context, in *ecr.ListImagesInput, _ ...func(*ecr.Options)) (*ecr.ListImagesOutput, error) {
	repo, err := s.find(ctx, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	var f types.ListImagesFilter
	if in.Filter != nil {
		f = *in.Filter
	}
	scope := strings.Join([]string{"ecr.ListImages", repo.ID, string(f.TagStatus), string(f.ImageStatus)}, "/")
	after, err := from(scope, in.NextToken)
	if err != nil {
		return nil, err
	}
	// A page may end inside an image: its token is the last entry's digest and
	// tag.
	digest, lastTag, _ := strings.Cut(after, " ")
	limit := page.Limit(in.MaxResults, 1000)
	if in.MaxResults == nil {
		limit = 100
	}
	out := &ecr.ListImagesOutput{ImageIds: []types.ImageIdentifier{}}
	return out, s.Engine.View(ctx, func(r store.Reader) error {
		rg := store.Range{Prefix: images.Key(repo.ID, "")}
		if digest != "" {
			rg.Start = images.Key(repo.ID, digest)
		}
		for im, err := range images.Scan(r, rg) {
			if err != nil {
				return err
			}
			if !wanted(im, f.TagStatus, f.ImageStatus) {
				continue
			}
			for _, tag := range im.listed() {
				if im.Digest == digest && tag <= lastTag {
					continue
				}
				if len(out.ImageIds) == limit {
					last := out.ImageIds[limit-1]
					out.NextToken = aws.String(wire.EncodeToken(scope, aws.ToString(last.ImageDigest)+" "+aws.ToString(last.ImageTag)))
					return nil
				}
				out.ImageIds = append(out.ImageIds, *identifier(im.Digest, tag))
			}
		}
		return nil
	})
}

// listed are the tags of an image in order, or one that is "".
func (im *image) listed() []string {
	if len(im.Tags) == 0 {
		return []string{""}
	}
	return slices.Sorted(slices.Values(im.Tags))
}

func hasStatus(tags []string, status types.TagStatus) bool {
	switch status {
	case types.TagStatusTagged:
		return len(tags) > 0
	case types.TagStatusUntagged:
		return len(tags) == 0
	}
	return true
}

// wanted tells whether an image passes a list's filter. There is no archive
// here, so every image is active.
func wanted(im *image, tag types.TagStatus, status types.ImageStatusFilter) bool {
	return hasStatus(im.Tags, tag) && (status == "" || status == types.ImageStatusFilterActive || status == "ANY")
}

// DescribeImages describes images, once each with all tags. An unknown id
// fails the call.
func (s *Service) DescribeImages(ctx context.Context, in *ecr.DescribeImagesInput, _ ...func(*ecr.Options)) (*ecr.DescribeImagesOutput, error) {
	repo, err := s.find(ctx, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	out := &ecr.DescribeImagesOutput{ImageDetails: []types.ImageDetail{}}
	if len(in.ImageIds) > 0 {
		if in.NextToken != nil || in.MaxResults != nil {
			return nil, fail("InvalidParameter", "Invalid parameter: imageIds cannot be combined with nextToken or maxResults")
		}
		return out, s.Engine.View(ctx, func(r store.Reader) error {
			for _, id := range in.ImageIds {
				im, code, _, err := lookup(r, repo, id)
				if err != nil {
					return err
				}
				if code != "" {
					return fail("ImageNotFound", "The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' in the registry with id '%s'",
						orNull(id.ImageDigest), orNull(id.ImageTag), repo.name(), s.Site.Account)
				}
				out.ImageDetails = append(out.ImageDetails, s.detail(repo, im))
			}
			return nil
		})
	}
	var f types.DescribeImagesFilter
	if in.Filter != nil {
		f = *in.Filter
	}
	scope := strings.Join([]string{"ecr.DescribeImages", repo.ID, string(f.TagStatus), string(f.ImageStatus)}, "/")
	start, err := from(scope, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := int(aws.ToInt32(in.MaxResults))
	if limit == 0 {
		limit = 100
	}
	return out, s.Engine.View(ctx, func(r store.Reader) error {
		for im, err := range images.Scan(r, store.Range{Prefix: images.Key(repo.ID, ""), Start: start}) {
			if err != nil {
				return err
			}
			if !wanted(im, f.TagStatus, f.ImageStatus) {
				continue
			}
			if len(out.ImageDetails) == limit {
				out.NextToken = aws.String(wire.EncodeToken(scope, images.Key(repo.ID, im.Digest)))
				return nil
			}
			out.ImageDetails = append(out.ImageDetails, s.detail(repo, im))
		}
		return nil
	})
}

func orNull(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

func (s *Service) detail(repo *repository, im *image) types.ImageDetail {
	d := types.ImageDetail{
		RegistryId: aws.String(s.Site.Account), RepositoryName: repo.RepositoryName, ImageDigest: aws.String(im.Digest),
		ImageTags: im.Tags, ImageSizeInBytes: aws.Int64(im.Size), ImagePushedAt: aws.Time(im.Pushed),
		ImageManifestMediaType: aws.String(im.MediaType), ImageStatus: types.ImageStatusActive,
	}
	if im.Subject != "" {
		d.SubjectManifestDigest = aws.String(im.Subject)
	}
	if im.ArtifactType != "" {
		d.ArtifactMediaType = aws.String(im.ArtifactType)
	}
	if !im.Pulled.IsZero() {
		d.LastRecordedPullTime = aws.Time(im.Pulled)
	}
	return d
}

// pullResolution is how exact lastRecordedPullTime is: ECR promises at least
// once a day; a write for each pull would be more than anyone reads.
const pullResolution = time.Hour
