package codepipeline

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/store"
)

// ListPipelines shows the pipelines of a region by name.
//
// Errors: InvalidNextTokenException.
func (s *Service) ListPipelines(ctx context.Context, in *codepipeline.ListPipelinesInput, _ ...func(*codepipeline.Options)) (*codepipeline.ListPipelinesOutput, error) {
	region, most := identity.Region(ctx), limit(in.MaxResults, 1000)
	key := store.Key(region, strconv.Itoa(most), aws.ToString(in.NextToken))
	out, err := s.lists.View(ctx, s.cfg.Engine, key, func(r store.Reader) (*codepipeline.ListPipelinesOutput, error) {
		return list(r, region, most, in.NextToken)
	})
	if err != nil {
		return nil, err
	}
	own := *out
	return &own, nil
}

func list(r store.Reader, region string, most int, token *string) (*codepipeline.ListPipelinesOutput, error) {
	out := &codepipeline.ListPipelinesOutput{Pipelines: []types.PipelineSummary{}}
	pg := page{scope: "ListPipelines/" + region, max: most, token: token}
	var err error
	out.NextToken, err = pg.each(r, store.Range{Prefix: store.Prefix(string(pipelines), region)}, func(e store.Entry) (bool, error) {
		var p Pipeline
		if err := json.Unmarshal(e.Value, &p); err != nil {
			return false, err
		}
		out.Pipelines = append(out.Pipelines, types.PipelineSummary{Name: p.Declaration.Name, Version: p.Declaration.Version,
			PipelineType: p.Declaration.PipelineType, ExecutionMode: p.Declaration.ExecutionMode,
			Created: aws.Time(p.Created), Updated: aws.Time(p.Updated)})
		return true, nil
	})
	return out, err
}

// ListActionTypes shows the action types that pipelines of a region can use:
// AWS's and the account's own.
//
// Errors: InvalidNextTokenException.
func (s *Service) ListActionTypes(ctx context.Context, in *codepipeline.ListActionTypesInput, _ ...func(*codepipeline.Options)) (*codepipeline.ListActionTypesOutput, error) {
	if in.NextToken != nil { // there is never a second page
		return nil, badToken()
	}
	out := &codepipeline.ListActionTypesOutput{ActionTypes: []types.ActionType{}}
	if in.ActionOwnerFilter == "" || in.ActionOwnerFilter == types.ActionOwnerAws {
		for i := range kinds {
			if t := kinds[i].actionType(); s.available(t.Id) != nil {
				out.ActionTypes = append(out.ActionTypes, t)
			}
		}
	}
	if in.ActionOwnerFilter != "" && in.ActionOwnerFilter != types.ActionOwnerCustom {
		return out, nil
	}
	region := identity.Region(ctx)
	if in.RegionFilter != nil {
		region = *in.RegionFilter
	}
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		for t, err := range customTypes.All(r, region) {
			if err != nil {
				return err
			}
			if !t.Deleted {
				out.ActionTypes = append(out.ActionTypes, t.ActionType)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

const maxTags = 50

// mergeTags adds tags to those a resource has, new values for old keys.
//
// Errors: InvalidTagsException, TooManyTagsException.
func mergeTags(have, add []types.Tag, resource string) ([]types.Tag, error) {
	merged := append([]types.Tag{}, have...)
	seen := map[string]bool{}
	for _, t := range add {
		key := aws.ToString(t.Key)
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, &types.InvalidTagsException{Message: aws.String("Not allowed to modify system tags. System tags start with 'aws:'")}
		}
		if seen[key] {
			return nil, &types.InvalidTagsException{Message: aws.String("Duplicate tag keys are not allowed: " + key)}
		}
		seen[key] = true
		found := false
		for i := range merged {
			if aws.ToString(merged[i].Key) == key {
				merged[i], found = t, true
			}
		}
		if !found {
			merged = append(merged, t)
		}
	}
	if len(merged) > maxTags {
		return nil, &types.TooManyTagsException{Message: aws.String("Tag limit exceeded for resource [" + resource + "].")}
	}
	return merged, nil
}
