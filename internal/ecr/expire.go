package ecr

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

type lifecycleJob struct{ Region, Name string }

// judge asks for the repository's policy to be applied: at once (the zero time)
// after a change of its images or its policy, later when age alone will make an
// image due. ECR itself acts within 24 hours.
func (r *repository) judge(tx *engine.Tx, at time.Time) error {
	if r.Lifecycle == "" {
		return nil
	}
	return tx.Enqueue(engine.NewJob{Kind: jobLifecycle, ID: r.ID, At: at, Payload: lifecycleJob{r.Region, r.name()}})
}

func badPolicy(err error) error {
	return fail("InvalidParameter", "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: %s'", err)
}

func (s *Service) noLifecycle(repo *repository) error {
	return fail("LifecyclePolicyNotFound", "Lifecycle policy does not exist for the repository with name '%s' in the registry with id '%s'", repo.name(), s.Site.Account)
}

// PutLifecyclePolicy replaces the policy and applies it.
func (s *Service) PutLifecyclePolicy(ctx context.Context, in *ecr.PutLifecyclePolicyInput, _ ...func(*ecr.Options)) (*ecr.PutLifecyclePolicyOutput, error) {
	if _, err := parsePolicy(aws.ToString(in.LifecyclePolicyText)); err != nil {
		return nil, badPolicy(err)
	}
	err := s.change(ctx, in.RegistryId, in.RepositoryName, func(tx *engine.Tx, repo *repository) error {
		repo.Lifecycle = *in.LifecyclePolicyText
		return repo.judge(tx, time.Time{})
	})
	if err != nil {
		return nil, err
	}
	return &ecr.PutLifecyclePolicyOutput{RegistryId: aws.String(s.Site.Account), RepositoryName: in.RepositoryName, LifecyclePolicyText: in.LifecyclePolicyText}, nil
}

// GetLifecyclePolicy returns the policy as it was put.
func (s *Service) GetLifecyclePolicy(ctx context.Context, in *ecr.GetLifecyclePolicyInput, _ ...func(*ecr.Options)) (*ecr.GetLifecyclePolicyOutput, error) {
	repo, err := s.find(ctx, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if repo.Lifecycle == "" {
		return nil, s.noLifecycle(repo)
	}
	out := &ecr.GetLifecyclePolicyOutput{RegistryId: aws.String(s.Site.Account), RepositoryName: in.RepositoryName, LifecyclePolicyText: aws.String(repo.Lifecycle)}
	if !repo.Evaluated.IsZero() {
		out.LastEvaluatedAt = aws.Time(repo.Evaluated)
	}
	return out, nil
}

// DeleteLifecyclePolicy removes the policy.
func (s *Service) DeleteLifecyclePolicy(ctx context.Context, in *ecr.DeleteLifecyclePolicyInput, _ ...func(*ecr.Options)) (*ecr.DeleteLifecyclePolicyOutput, error) {
	out := &ecr.DeleteLifecyclePolicyOutput{RegistryId: aws.String(s.Site.Account), RepositoryName: in.RepositoryName}
	err := s.change(ctx, in.RegistryId, in.RepositoryName, func(tx *engine.Tx, repo *repository) error {
		if repo.Lifecycle == "" {
			return s.noLifecycle(repo)
		}
		out.LifecyclePolicyText, repo.Lifecycle = aws.String(repo.Lifecycle), ""
		if !repo.Evaluated.IsZero() {
			out.LastEvaluatedAt = aws.Time(repo.Evaluated)
		}
		repo.Evaluated = time.Time{}
		return tx.Cancel(jobLifecycle, repo.ID)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) all(r store.Reader, repo *repository) ([]*image, error) {
	var list []*image
	for im, err := range images.All(r, repo.ID) {
		if err != nil {
			return nil, err
		}
		list = append(list, im)
	}
	return list, nil
}

// expireBatch is the most images that go in one transaction, for which all
// other writers wait.
const expireBatch = 500

// expire applies a repository's policy, and asks to be run again when the next
// image will be due.
func (s *Service) expire(ctx context.Context, job *engine.Job) error {
	var j lifecycleJob
	if err := json.Unmarshal(job.Payload, &j); err != nil {
		return err
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		repo, err := repositories.Get(tx, j.Region, j.Name)
		if errors.Is(err, store.ErrNotFound) || err == nil && (repo.Lifecycle == "" || repo.ID != job.ID) {
			return nil
		}
		if err != nil {
			return err
		}
		p, err := parsePolicy(repo.Lifecycle)
		if err != nil {
			return err
		}
		list, err := s.all(tx, repo)
		if err != nil {
			return err
		}
		repo.Evaluated = s.Engine.Now()
		due, next := p.evaluate(list, repo.Evaluated)
		if len(due) > expireBatch {
			due, next = due[:expireBatch], repo.Evaluated
		}
		for _, e := range due {
			s.Log.Info("image expires by lifecycle policy", "repository", repo.name(), "digest", e.image.Digest, "rule", e.priority)
			if err := s.dropImage(tx, repo, e.image); err != nil {
				return err
			}
		}
		if err := repositories.Put(tx, repo, repo.Region, repo.name()); err != nil {
			return err
		}
		if next.IsZero() {
			return nil
		}
		return repo.judge(tx, next)
	})
}
