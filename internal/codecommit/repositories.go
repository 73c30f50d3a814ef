package codecommit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/codecommit/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

const jobRemove = "codecommit.remove"

func checkName(name string) error {
	if strings.HasSuffix(name, ".git") {
		return fail("InvalidRepositoryName", "Repository names must not end with .git: %s", name)
	}
	return nil
}

// CreateRepository makes an empty repository. Its directory comes first: one
// that no record names is swept at the next start.
func (s *Service) CreateRepository(ctx context.Context, in *codecommit.CreateRepositoryInput, _ ...func(*codecommit.Options)) (*codecommit.CreateRepositoryOutput, error) {
	name, region := aws.ToString(in.RepositoryName), identity.Region(ctx)
	if err := checkName(name); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	taken := func(r store.Reader) error {
		switch _, err := repositories.Get(r, region, name); {
		case err == nil:
			return fail("RepositoryNameExists", "Repository named %s already exists", name)
		case errors.Is(err, store.ErrNotFound):
			return nil
		default:
			return err
		}
	}
	if err := s.Engine.View(ctx, taken); err != nil {
		return nil, err
	}
	key, err := s.key(ctx, in.KmsKeyId)
	if err != nil {
		return nil, err
	}
	now := s.Engine.Now()
	repo := &repository{Region: region, Tags: in.Tags, RepositoryMetadata: types.RepositoryMetadata{
		AccountId:             aws.String(s.Site.Account),
		Arn:                   aws.String(s.arn(region, name)),
		RepositoryId:          aws.String(id.UUID(s.IDs)),
		RepositoryName:        aws.String(name),
		RepositoryDescription: in.RepositoryDescription,
		CloneUrlHttp:          aws.String(s.cloneURL(name)),
		CloneUrlSsh:           aws.String("ssh://" + s.Site.Host + "/v1/repos/" + name),
		CreationDate:          &now,
		LastModifiedDate:      &now,
		KmsKeyId:              aws.String(key),
	}}
	if err := s.Repositories.Create(ctx, repo.id()); err != nil {
		return nil, err
	}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if err := taken(tx); err != nil {
			return err
		}
		return s.put(tx, repo)
	})
	if err != nil {
		_ = s.Repositories.Remove(repo.id())
		return nil, err
	}
	return &codecommit.CreateRepositoryOutput{RepositoryMetadata: &repo.RepositoryMetadata}, nil
}

func (s *Service) cloneURL(name string) string { return s.Site.URL + "/v1/repos/" + name }

func (s *Service) put(tx *engine.Tx, repo *repository) error {
	id := repo.id()
	if err := byName.Put(tx, &id, repo.name(), repo.Region); err != nil {
		return err
	}
	return repositories.Put(tx, repo, repo.Region, repo.name())
}

func drop(tx *engine.Tx, repo *repository) error {
	if err := byName.Delete(tx, repo.name(), repo.Region); err != nil {
		return err
	}
	return repositories.Delete(tx, repo.Region, repo.name())
}

// GetRepository describes a repository.
func (s *Service) GetRepository(ctx context.Context, in *codecommit.GetRepositoryInput, _ ...func(*codecommit.Options)) (*codecommit.GetRepositoryOutput, error) {
	repo, err := s.find(ctx, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	return &codecommit.GetRepositoryOutput{RepositoryMetadata: &repo.RepositoryMetadata}, nil
}

// BatchGetRepositories describes up to 100 repositories; unknown ones are
// listed, not failed.
func (s *Service) BatchGetRepositories(ctx context.Context, in *codecommit.BatchGetRepositoriesInput, _ ...func(*codecommit.Options)) (*codecommit.BatchGetRepositoriesOutput, error) {
	if len(in.RepositoryNames) > 100 {
		return nil, fail("MaximumRepositoryNamesExceeded", "At most 100 repository names are allowed, got %d.", len(in.RepositoryNames))
	}
	out := &codecommit.BatchGetRepositoriesOutput{
		Repositories: []types.RepositoryMetadata{}, RepositoriesNotFound: []string{}, Errors: []types.BatchGetRepositoriesError{},
	}
	return out, s.Engine.View(ctx, func(r store.Reader) error {
		for _, name := range in.RepositoryNames {
			repo, err := repositories.Get(r, identity.Region(ctx), name)
			if errors.Is(err, store.ErrNotFound) {
				out.RepositoriesNotFound = append(out.RepositoriesNotFound, name)
				continue
			}
			if err != nil {
				return err
			}
			out.Repositories = append(out.Repositories, repo.RepositoryMetadata)
		}
		return nil
	})
}

// ListRepositories lists a thousand repositories a page.
func (s *Service) ListRepositories(ctx context.Context, in *codecommit.ListRepositoriesInput, _ ...func(*codecommit.Options)) (*codecommit.ListRepositoriesOutput, error) {
	var all []*repository
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for repo, err := range repositories.All(r, identity.Region(ctx)) {
			if err != nil {
				return err
			}
			all = append(all, repo)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b *repository) int {
		if in.SortBy == types.SortByEnumModifiedDate {
			return cmp.Or(a.LastModifiedDate.Compare(*b.LastModifiedDate), cmp.Compare(a.name(), b.name()))
		}
		return cmp.Compare(a.name(), b.name())
	})
	if in.Order == types.OrderEnumDescending {
		slices.Reverse(all)
	}
	scope := "codecommit.ListRepositories/" + identity.Region(ctx) + string(in.SortBy) + string(in.Order)
	page, next, err := paged(all, func(r *repository) string { return r.id() }, scope, in.NextToken, 1000)
	if err != nil {
		return nil, err
	}
	out := &codecommit.ListRepositoriesOutput{Repositories: []types.RepositoryNameIdPair{}, NextToken: next}
	for _, repo := range page {
		out.Repositories = append(out.Repositories, types.RepositoryNameIdPair{RepositoryId: repo.RepositoryId, RepositoryName: repo.RepositoryName})
	}
	return out, nil
}

// paged cuts one page out of a list that is in memory; a token names the last
// item of the page before.
func paged[T any](all []T, key func(T) string, scope string, token *string, size int) (page []T, next *string, err error) {
	if token != nil {
		last, ok := wire.DecodeToken(scope, *token)
		at := slices.IndexFunc(all, func(t T) bool { return key(t) == last })
		if !ok || at < 0 {
			return nil, nil, fail("InvalidContinuationToken", "The specified continuation token is not valid.")
		}
		all = all[at+1:]
	}
	if len(all) > size {
		return all[:size], aws.String(wire.EncodeToken(scope, key(all[size-1]))), nil
	}
	return all, nil, nil
}

// UpdateRepositoryName renames; ARN and clone URL change at once.
func (s *Service) UpdateRepositoryName(ctx context.Context, in *codecommit.UpdateRepositoryNameInput, _ ...func(*codecommit.Options)) (*codecommit.UpdateRepositoryNameOutput, error) {
	name := aws.ToString(in.NewName)
	if err := checkName(name); err != nil {
		return nil, err
	}
	return &codecommit.UpdateRepositoryNameOutput{}, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		region := identity.Region(ctx)
		repo, err := named(tx, region, in.OldName)
		if err != nil {
			return err
		}
		if name == repo.name() {
			return nil
		}
		if _, err := repositories.Get(tx, region, name); err == nil {
			return fail("RepositoryNameExists", "Repository named %s already exists", name)
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := drop(tx, repo); err != nil {
			return err
		}
		now := s.Engine.Now()
		repo.RepositoryName, repo.Arn = aws.String(name), aws.String(s.arn(region, name))
		repo.CloneUrlHttp, repo.CloneUrlSsh = aws.String(s.cloneURL(name)), aws.String("ssh://"+s.Site.Host+"/v1/repos/"+name)
		repo.LastModifiedDate = &now
		return s.put(tx, repo)
	})
}

// UpdateRepositoryDescription sets or clears the description.
func (s *Service) UpdateRepositoryDescription(ctx context.Context, in *codecommit.UpdateRepositoryDescriptionInput, _ ...func(*codecommit.Options)) (*codecommit.UpdateRepositoryDescriptionOutput, error) {
	return &codecommit.UpdateRepositoryDescriptionOutput{}, s.change(ctx, in.RepositoryName, func(repo *repository) error {
		repo.RepositoryDescription = in.RepositoryDescription
		if aws.ToString(in.RepositoryDescription) == "" {
			repo.RepositoryDescription = nil
		}
		return nil
	})
}

func (s *Service) change(ctx context.Context, name *string, f func(*repository) error) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		repo, err := named(tx, identity.Region(ctx), name)
		if err != nil {
			return err
		}
		if err := f(repo); err != nil {
			return err
		}
		now := s.Engine.Now()
		repo.LastModifiedDate = &now
		return s.put(tx, repo)
	})
}

// DeleteRepository removes a repository; an unknown name succeeds without an id.
func (s *Service) DeleteRepository(ctx context.Context, in *codecommit.DeleteRepositoryInput, _ ...func(*codecommit.Options)) (*codecommit.DeleteRepositoryOutput, error) {
	out := &codecommit.DeleteRepositoryOutput{}
	return out, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		repo, err := repositories.Get(tx, identity.Region(ctx), aws.ToString(in.RepositoryName))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := drop(tx, repo); err != nil {
			return err
		}
		if err := refs.Delete(tx, repo.id()); err != nil {
			return err
		}
		if err := configurations.Delete(tx, repo.id()); err != nil {
			return err
		}
		if err := forgetAssociations(tx, repo); err != nil {
			return err
		}
		out.RepositoryId = repo.RepositoryId
		return tx.Enqueue(engine.NewJob{Kind: jobRemove, ID: repo.id(), Payload: repo.id()})
	})
}

func (s *Service) remove(_ context.Context, job *engine.Job) error {
	var id string
	if err := json.Unmarshal(job.Payload, &id); err != nil {
		return err
	}
	defer s.lock(id)()
	return s.Repositories.Remove(id)
}
