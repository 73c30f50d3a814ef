package ecr

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/glob"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// regional is the path prefix of repositories outside the default region; a
// repository must not look like one.
var regional = regexp.MustCompile(`^([0-9]{12})\.([a-z]{2}(?:-[a-z]+)+-[0-9])/(.+)$`)

// CreateRepository makes an empty repository.
func (s *Service) CreateRepository(ctx context.Context, in *ecr.CreateRepositoryInput, _ ...func(*ecr.Options)) (*ecr.CreateRepositoryOutput, error) {
	if err := s.registry(in.RegistryId); err != nil {
		return nil, err
	}
	name, region := aws.ToString(in.RepositoryName), identity.Region(ctx)
	if regional.MatchString(name) {
		return nil, fail("InvalidParameter", "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must not begin with an account and region'")
	}
	tagList, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	encryption, err := s.encryption(ctx, in.EncryptionConfiguration)
	if err != nil {
		return nil, err
	}
	scanning := in.ImageScanningConfiguration
	if scanning == nil {
		scanning = &types.ImageScanningConfiguration{}
	}
	mutability := in.ImageTagMutability
	if mutability == "" {
		mutability = types.ImageTagMutabilityMutable
	}
	if err := checkExclusions(mutability, in.ImageTagMutabilityExclusionFilters); err != nil {
		return nil, err
	}
	now := s.Engine.Now()
	repo := &repository{ID: "r" + id.Hex(s.IDs, 20), Region: region, Tags: tagList, Repository: types.Repository{
		CreatedAt: &now, EncryptionConfiguration: encryption, ImageScanningConfiguration: scanning,
		ImageTagMutability: mutability, ImageTagMutabilityExclusionFilters: in.ImageTagMutabilityExclusionFilters,
		RegistryId: aws.String(s.Site.Account), RepositoryArn: aws.String(s.arn(region, name)),
		RepositoryName: aws.String(name), RepositoryUri: aws.String(s.uri(region, name)),
	}}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if _, err := repositories.Get(tx, region, name); err == nil {
			return fail("RepositoryAlreadyExists", "The repository with name '%s' already exists in the registry with id '%s'", name, s.Site.Account)
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return repositories.Put(tx, repo, region, name)
	})
	if err != nil {
		return nil, err
	}
	return &ecr.CreateRepositoryOutput{Repository: &repo.Repository}, nil
}

// encryption fills in what AWS fills in: AES256, or the managed key of ECR.
func (s *Service) encryption(ctx context.Context, in *types.EncryptionConfiguration) (*types.EncryptionConfiguration, error) {
	if in == nil {
		return &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeAes256}, nil
	}
	out := *in
	if in.EncryptionType == types.EncryptionTypeAes256 {
		if aws.ToString(in.KmsKey) != "" {
			return nil, fail("InvalidParameter", "Invalid parameter at 'encryptionConfiguration' failed to satisfy constraint: 'kmsKey goes with the encryption types KMS and KMS_DSSE'")
		}
		return &out, nil
	}
	name := "alias/aws/ecr"
	if k := aws.ToString(in.KmsKey); k != "" {
		name = k
	}
	key, err := s.KMS.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &name})
	var refused *wire.Error
	switch {
	case errors.As(err, &refused):
		return nil, fail("Kms", "%s: %s", refused.Code, refused.Message)
	case err != nil:
		return nil, err
	case !key.KeyMetadata.Enabled:
		return nil, fail("Kms", "DisabledException: %s is %s", name, key.KeyMetadata.KeyState)
	}
	if aws.ToString(in.KmsKey) == "" {
		out.KmsKey = key.KeyMetadata.Arn
	}
	return &out, nil
}

// DescribeRepositories describes the named repositories, or all of them 100 a
// page (maxResults up to 1,000). One unknown name fails the call.
func (s *Service) DescribeRepositories(ctx context.Context, in *ecr.DescribeRepositoriesInput, _ ...func(*ecr.Options)) (*ecr.DescribeRepositoriesOutput, error) {
	if err := s.registry(in.RegistryId); err != nil {
		return nil, err
	}
	region := identity.Region(ctx)
	out := &ecr.DescribeRepositoriesOutput{Repositories: []types.Repository{}}
	if len(in.RepositoryNames) > 0 {
		if in.NextToken != nil || in.MaxResults != nil {
			return nil, fail("InvalidParameter", "Invalid parameter: repositoryNames cannot be combined with nextToken or maxResults")
		}
		return out, s.Engine.View(ctx, func(r store.Reader) error {
			for _, name := range in.RepositoryNames {
				repo, err := s.named(r, region, &name)
				if err != nil {
					return err
				}
				out.Repositories = append(out.Repositories, repo.Repository)
			}
			return nil
		})
	}
	scope := "ecr.DescribeRepositories/" + region
	start, err := from(scope, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := int(aws.ToInt32(in.MaxResults))
	if limit == 0 {
		limit = 100
	}
	return out, s.Engine.View(ctx, func(r store.Reader) error {
		for repo, err := range repositories.Scan(r, store.Range{Prefix: repositories.Key(region, ""), Start: start, Limit: limit + 1}) {
			if err != nil {
				return err
			}
			if len(out.Repositories) == limit {
				out.NextToken = aws.String(wire.EncodeToken(scope, repositories.Key(region, repo.name())))
				break
			}
			out.Repositories = append(out.Repositories, repo.Repository)
		}
		return nil
	})
}

// from is the key a token goes on at; "" without a token.
func from(scope string, token *string) (string, error) {
	if token == nil {
		return "", nil
	}
	key, ok := wire.DecodeToken(scope, *token)
	if !ok {
		return "", fail("InvalidParameter", "Invalid parameter at 'nextToken' failed to satisfy constraint: 'the token is not of this list'")
	}
	return key, nil
}

// DeleteRepository removes a repository, with its images only by force.
func (s *Service) DeleteRepository(ctx context.Context, in *ecr.DeleteRepositoryInput, _ ...func(*ecr.Options)) (*ecr.DeleteRepositoryOutput, error) {
	if err := s.registry(in.RegistryId); err != nil {
		return nil, err
	}
	var gone *repository
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		repo, err := s.named(tx, identity.Region(ctx), in.RepositoryName)
		if err != nil {
			return err
		}
		gone = repo
		for im, err := range images.All(tx, repo.ID) {
			if err != nil {
				return err
			}
			if !in.Force {
				return fail("RepositoryNotEmpty", "The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images", repo.name(), s.Site.Account)
			}
			if err := s.dropImage(tx, repo, im); err != nil {
				return err
			}
		}
		if err := previews.Delete(tx, repo.ID); err != nil {
			return err
		}
		if err := tx.Cancel(jobLifecycle, repo.ID); err != nil {
			return err
		}
		if err := tx.Enqueue(engine.NewJob{Kind: jobRemove, ID: repo.ID, Payload: repo.ID}); err != nil {
			return err
		}
		return repositories.Delete(tx, repo.Region, repo.name())
	})
	if err != nil {
		return nil, err
	}
	return &ecr.DeleteRepositoryOutput{Repository: &gone.Repository}, nil
}

func (s *Service) removeRepository(ctx context.Context, job *engine.Job) error {
	var id string
	if err := json.Unmarshal(job.Payload, &id); err != nil {
		return err
	}
	if err := s.Registry.Remove(id); err != nil {
		return err
	}
	return s.Engine.Update(ctx, s.scheduleSweep)
}

// PutImageTagMutability decides whether tags may move.
func (s *Service) PutImageTagMutability(ctx context.Context, in *ecr.PutImageTagMutabilityInput, _ ...func(*ecr.Options)) (*ecr.PutImageTagMutabilityOutput, error) {
	if err := checkExclusions(in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters); err != nil {
		return nil, err
	}
	err := s.change(ctx, in.RegistryId, in.RepositoryName, func(_ *engine.Tx, repo *repository) error {
		repo.ImageTagMutability, repo.ImageTagMutabilityExclusionFilters = in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecr.PutImageTagMutabilityOutput{
		RegistryId: aws.String(s.Site.Account), RepositoryName: in.RepositoryName,
		ImageTagMutability: in.ImageTagMutability, ImageTagMutabilityExclusionFilters: in.ImageTagMutabilityExclusionFilters,
	}, nil
}

func checkExclusions(m types.ImageTagMutability, filters []types.ImageTagMutabilityExclusionFilter) error {
	with := strings.HasSuffix(string(m), "_WITH_EXCLUSION")
	if with != (len(filters) > 0) {
		return fail("InvalidParameter", "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: 'filters go with a mutability _WITH_EXCLUSION, and only with it'")
	}
	return nil
}

// mutable tells whether a tag of the repository may move to another image.
func (r *repository) mutable(tag string) bool {
	excluded := false
	for _, f := range r.ImageTagMutabilityExclusionFilters {
		excluded = excluded || glob.Stars(aws.ToString(f.Filter), tag)
	}
	switch r.ImageTagMutability {
	case types.ImageTagMutabilityImmutable:
		return false
	case types.ImageTagMutabilityImmutableWithExclusion:
		return excluded
	case types.ImageTagMutabilityMutableWithExclusion:
		return !excluded
	}
	return true
}

// PutImageScanningConfiguration stores whether pushes are to be scanned;
// scanning itself is not there, and StartImageScan says so.
func (s *Service) PutImageScanningConfiguration(ctx context.Context, in *ecr.PutImageScanningConfigurationInput, _ ...func(*ecr.Options)) (*ecr.PutImageScanningConfigurationOutput, error) {
	err := s.change(ctx, in.RegistryId, in.RepositoryName, func(_ *engine.Tx, repo *repository) error {
		repo.ImageScanningConfiguration = in.ImageScanningConfiguration
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecr.PutImageScanningConfigurationOutput{RegistryId: aws.String(s.Site.Account), RepositoryName: in.RepositoryName, ImageScanningConfiguration: in.ImageScanningConfiguration}, nil
}

// tokenLife is how long a registry password is good for.
const tokenLife = 12 * time.Hour
