package codebuild

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// build returns a build or an error of the API.
func (s *Service) build(r store.Reader, region, buildID string) (*build, error) {
	if !buildIDPattern.MatchString(buildID) {
		return nil, invalid("Invalid build ID provided")
	}
	b, err := get(builds, r, region, buildID)
	if err == nil && b == nil {
		err = notFound("Build %s does not exist", s.buildARN(region, buildID))
	}
	return b, err
}

// BatchGetBuilds returns the builds that exist and the ids of the others.
func (s *Service) BatchGetBuilds(ctx context.Context, in *codebuild.BatchGetBuildsInput, _ ...func(*codebuild.Options)) (*codebuild.BatchGetBuildsOutput, error) {
	out := &codebuild.BatchGetBuildsOutput{Builds: []types.Build{}, BuildsNotFound: []string{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for _, given := range in.Ids {
			b, err := get(builds, r, identity.Region(ctx), idOf(given))
			if err != nil {
				return err
			}
			if b == nil {
				out.BuildsNotFound = append(out.BuildsNotFound, given)
				continue
			}
			out.Builds = append(out.Builds, b.Build)
		}
		return nil
	})
	return out, err
}

// BatchDeleteBuilds deletes builds that are complete.
func (s *Service) BatchDeleteBuilds(ctx context.Context, in *codebuild.BatchDeleteBuildsInput, _ ...func(*codebuild.Options)) (*codebuild.BatchDeleteBuildsOutput, error) {
	region := identity.Region(ctx)
	out := &codebuild.BatchDeleteBuildsOutput{}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		out.BuildsDeleted, out.BuildsNotDeleted = []string{}, []types.BuildNotDeleted{}
		for _, given := range in.Ids {
			buildID := idOf(given)
			b, err := get(builds, tx, region, buildID)
			if err != nil {
				return err
			}
			if b == nil {
				out.BuildsNotDeleted = append(out.BuildsNotDeleted, types.BuildNotDeleted{Id: aws.String(s.buildARN(region, buildID)), StatusCode: aws.String("BUILD_NOT_FOUND")})
				continue
			}
			if !b.BuildComplete {
				out.BuildsNotDeleted = append(out.BuildsNotDeleted, types.BuildNotDeleted{Id: b.Arn, StatusCode: aws.String("BUILD_IN_PROGRESS")})
				continue
			}
			out.BuildsDeleted = append(out.BuildsDeleted, *b.Arn)
			if err := s.forgetBuild(tx, b); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func (s *Service) forgetBuild(tx *engine.Tx, b *build) error {
	if err := builds.Delete(tx, b.Region, b.id()); err != nil {
		return err
	}
	if err := numbers.Delete(tx, b.Region, b.projectName(), numberKey(aws.ToInt64(b.BuildNumber)), b.id()); err != nil {
		return err
	}
	return started.Delete(tx, b.Region, b.startedAt(), b.id())
}

// ListBuilds lists ids by time of start, the newest first by default.
func (s *Service) ListBuilds(ctx context.Context, in *codebuild.ListBuildsInput, _ ...func(*codebuild.Options)) (*codebuild.ListBuildsOutput, error) {
	region := identity.Region(ctx)
	ids, token, err := s.listIDs(ctx, "ListBuilds", started, in.SortOrder, in.NextToken, region)
	return &codebuild.ListBuildsOutput{Ids: ids, NextToken: token}, err
}

// ListBuildsForProject lists ids by build number, the newest first by default.
func (s *Service) ListBuildsForProject(ctx context.Context, in *codebuild.ListBuildsForProjectInput, _ ...func(*codebuild.Options)) (*codebuild.ListBuildsForProjectOutput, error) {
	region, name := identity.Region(ctx), nameOf(in.ProjectName)
	err := s.Engine.View(ctx, func(r store.Reader) error {
		p, err := get(projects, r, region, name)
		if err == nil && p == nil {
			err = notFound("The provided project %s does not exist", s.projectARN(region, name))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	ids, token, err := s.listIDs(ctx, "ListBuildsForProject", numbers, in.SortOrder, in.NextToken, region, name)
	return &codebuild.ListBuildsForProjectOutput{Ids: ids, NextToken: token}, err
}

func (s *Service) listIDs(ctx context.Context, op string, table store.Table[string], order types.SortOrderType, token *string, parts ...string) ([]string, *string, error) {
	reverse := order != types.SortOrderTypeAscending
	scope := op + " " + strings.Join(parts, " ")
	if reverse {
		scope += " descending"
	}
	from, err := continueAt(scope, token)
	if err != nil {
		return nil, nil, err
	}
	ids := []string{}
	var more *string
	err = s.Engine.View(ctx, func(r store.Reader) error {
		prefix := store.Prefix(append([]string{string(table)}, parts...)...)
		for e, err := range r.Scan(store.Range{Prefix: prefix, Start: from, Reverse: reverse, Limit: pageSize + 1}) {
			if err != nil {
				return err
			}
			if len(ids) == pageSize {
				more = aws.String(wire.EncodeToken(scope, e.Key))
				break
			}
			ids = append(ids, e.Key[strings.LastIndex(e.Key, store.Separator)+1:])
		}
		return nil
	})
	return ids, more, err
}

// StopBuild ends a build at once; one that has ended is returned as it is.
func (s *Service) StopBuild(ctx context.Context, in *codebuild.StopBuildInput, _ ...func(*codebuild.Options)) (*codebuild.StopBuildOutput, error) {
	region := identity.Region(ctx)
	var b *build
	err := s.Engine.Update(ctx, func(tx *engine.Tx) (err error) {
		if b, err = s.build(tx, region, idOf(aws.ToString(in.Id))); err != nil {
			return err
		}
		return s.change(tx, b, stop{}, tx.Now())
	})
	if err != nil {
		return nil, err
	}
	return &codebuild.StopBuildOutput{Build: &b.Build}, nil
}
