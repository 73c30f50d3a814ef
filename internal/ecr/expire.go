package ecr

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// lifecycleEvery is how often age alone may make an image expire; pushes and
// policy changes are judged at once. ECR acts within 24 hours.
const lifecycleEvery = time.Hour

type lifecycleJob struct{ Region, Name string }

// preview is the last dry run of a policy.
type preview struct {
	Policy string
	At     time.Time
	Images []previewed
}

type previewed struct {
	Digest   string
	Tags     []string
	Pushed   time.Time
	Priority int
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
		return tx.Enqueue(engine.NewJob{Kind: jobLifecycle, ID: repo.ID, Payload: lifecycleJob{repo.Region, repo.name()}})
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

// StartLifecyclePolicyPreview evaluates a policy without acting. It is done
// when the call returns, so a preview is never in progress here.
func (s *Service) StartLifecyclePolicyPreview(ctx context.Context, in *ecr.StartLifecyclePolicyPreviewInput, _ ...func(*ecr.Options)) (*ecr.StartLifecyclePolicyPreviewOutput, error) {
	out := &ecr.StartLifecyclePolicyPreviewOutput{RegistryId: aws.String(s.Site.Account), RepositoryName: in.RepositoryName, Status: types.LifecyclePolicyPreviewStatusInProgress}
	err := s.change(ctx, in.RegistryId, in.RepositoryName, func(tx *engine.Tx, repo *repository) error {
		text := aws.ToString(in.LifecyclePolicyText)
		if text == "" {
			if text = repo.Lifecycle; text == "" {
				return s.noLifecycle(repo)
			}
		}
		p, err := parsePolicy(text)
		if err != nil {
			return badPolicy(err)
		}
		list, err := s.all(tx, repo)
		if err != nil {
			return err
		}
		repo.Preview = &preview{Policy: text, At: s.Engine.Now()}
		for _, e := range p.evaluate(list, repo.Preview.At) {
			repo.Preview.Images = append(repo.Preview.Images, previewed{e.image.Digest, e.image.Tags, e.image.Pushed, e.priority})
		}
		out.LifecyclePolicyText = aws.String(text)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// GetLifecyclePolicyPreview returns the last preview, 100 images a page.
func (s *Service) GetLifecyclePolicyPreview(ctx context.Context, in *ecr.GetLifecyclePolicyPreviewInput, _ ...func(*ecr.Options)) (*ecr.GetLifecyclePolicyPreviewOutput, error) {
	repo, err := s.find(ctx, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	p := repo.Preview
	if p == nil {
		return nil, fail("LifecyclePolicyPreviewNotFound", "Lifecycle policy preview does not exist for the repository with name '%s' in the registry with id '%s'", repo.name(), s.Site.Account)
	}
	list := p.Images
	scope := "ecr.GetLifecyclePolicyPreview/" + repo.ID + p.At.String()
	after, err := from(scope, in.NextToken)
	if err != nil {
		return nil, err
	}
	for after != "" && len(list) > 0 {
		found := list[0].Digest == after
		list = list[1:]
		if found {
			break
		}
	}
	limit := int(aws.ToInt32(in.MaxResults))
	if limit == 0 {
		limit = 100
	}
	out := &ecr.GetLifecyclePolicyPreviewOutput{
		RegistryId: aws.String(s.Site.Account), RepositoryName: in.RepositoryName, LifecyclePolicyText: aws.String(p.Policy),
		Status: types.LifecyclePolicyPreviewStatusComplete, PreviewResults: []types.LifecyclePolicyPreviewResult{},
		Summary: &types.LifecyclePolicyPreviewSummary{ExpiringImageTotalCount: aws.Int32(int32(len(p.Images)))},
	}
	for _, e := range list {
		if len(out.PreviewResults) == limit {
			out.NextToken = aws.String(wire.EncodeToken(scope, aws.ToString(out.PreviewResults[limit-1].ImageDigest)))
			break
		}
		out.PreviewResults = append(out.PreviewResults, types.LifecyclePolicyPreviewResult{
			ImageDigest: aws.String(e.Digest), ImageTags: e.Tags, ImagePushedAt: aws.Time(e.Pushed),
			AppliedRulePriority: aws.Int32(int32(e.Priority)), Action: &types.LifecyclePolicyRuleAction{Type: types.ImageActionTypeExpire},
		})
	}
	return out, nil
}

// expire applies a repository's policy, and asks to be run again while there
// is one.
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
		for _, e := range p.evaluate(list, repo.Evaluated) {
			s.Log.Info("image expires by lifecycle policy", "repository", repo.name(), "digest", e.image.Digest, "rule", e.priority)
			if err := s.dropImage(tx, repo, e.image); err != nil {
				return err
			}
		}
		if err := repositories.Put(tx, repo, repo.Region, repo.name()); err != nil {
			return err
		}
		return tx.Enqueue(engine.NewJob{Kind: jobLifecycle, ID: repo.ID, At: repo.Evaluated.Add(lifecycleEvery), Payload: j})
	})
}
