package ecr

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

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
		dry := &preview{Policy: text, At: s.Engine.Now()}
		due, _ := p.evaluate(list, dry.At)
		for _, e := range due {
			dry.Images = append(dry.Images, previewed{e.image.Digest, e.image.Tags, e.image.Pushed, e.priority})
		}
		out.LifecyclePolicyText = aws.String(text)
		return previews.Put(tx, dry, repo.ID)
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
	var p *preview
	err = s.Engine.View(ctx, func(r store.Reader) (err error) {
		p, err = previews.Get(r, repo.ID)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, fail("LifecyclePolicyPreviewNotFound", "Lifecycle policy preview does not exist for the repository with name '%s' in the registry with id '%s'", repo.name(), s.Site.Account)
	}
	if err != nil {
		return nil, err
	}
	if len(in.ImageIds) > 0 && (in.NextToken != nil || in.MaxResults != nil) {
		return nil, fail("InvalidParameter", "Invalid parameter: imageIds cannot be combined with nextToken or maxResults")
	}
	status := types.TagStatusAny
	if in.Filter != nil && in.Filter.TagStatus != "" {
		status = in.Filter.TagStatus
	}
	scope := "ecr.GetLifecyclePolicyPreview/" + repo.ID + p.At.String() + string(status)
	after, err := from(scope, in.NextToken)
	if err != nil {
		return nil, err
	}
	list := p.Images
	if at := slices.IndexFunc(list, func(e previewed) bool { return e.Digest == after }); at >= 0 {
		list = list[at+1:]
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
		if !e.wanted(status, in.ImageIds) {
			continue
		}
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

// wanted tells whether a result passes the filter and, if ids are given, is one
// of them.
func (e *previewed) wanted(status types.TagStatus, ids []types.ImageIdentifier) bool {
	if !hasStatus(e.Tags, status) {
		return false
	}
	return len(ids) == 0 || slices.ContainsFunc(ids, func(id types.ImageIdentifier) bool {
		digest, tag := aws.ToString(id.ImageDigest), aws.ToString(id.ImageTag)
		return (digest == "" || digest == e.Digest) && (tag == "" || slices.Contains(e.Tags, tag)) && digest+tag != ""
	})
}
