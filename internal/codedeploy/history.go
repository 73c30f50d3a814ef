package codedeploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// GetDeployment shows a deployment; its revision comes without content.
//
// Errors: those of findDeployment.
func (s *Service) GetDeployment(ctx context.Context, in *codedeploy.GetDeploymentInput, _ ...func(*codedeploy.Options)) (*codedeploy.GetDeploymentOutput, error) {
	out := &codedeploy.GetDeploymentOutput{}
	return out, s.Engine.View(ctx, func(r store.Reader) error {
		d, err := findDeployment(r, identity.Region(ctx), in.DeploymentId)
		if err != nil {
			return err
		}
		out.DeploymentInfo, err = d.shown(r)
		return err
	})
}

// BatchGetDeployments shows up to 25 deployments; those that do not exist are
// left out.
//
// Errors: DeploymentIdRequiredException, InvalidDeploymentIdException,
// BatchLimitExceededException.
func (s *Service) BatchGetDeployments(ctx context.Context, in *codedeploy.BatchGetDeploymentsInput, _ ...func(*codedeploy.Options)) (*codedeploy.BatchGetDeploymentsOutput, error) {
	if err := checkSmallBatch(len(in.DeploymentIds)); err != nil {
		return nil, err
	}
	out := &codedeploy.BatchGetDeploymentsOutput{DeploymentsInfo: []types.DeploymentInfo{}}
	return out, s.Engine.View(ctx, func(r store.Reader) error {
		if len(in.DeploymentIds) == 0 {
			_, err := findDeployment(r, identity.Region(ctx), nil)
			return err
		}
		for _, id := range in.DeploymentIds {
			d, err := findDeployment(r, identity.Region(ctx), &id)
			var missing *types.DeploymentDoesNotExistException
			if errors.As(err, &missing) {
				continue
			}
			if err != nil {
				return err
			}
			info, err := d.shown(r)
			if err != nil {
				return err
			}
			out.DeploymentsInfo = append(out.DeploymentsInfo, *info)
		}
		return nil
	})
}

// ListDeployments lists the ids of a group's deployments, or of all, the newest
// first.
//
// Errors: those of findGroup, InvalidDeploymentStatusException,
// InvalidTimeRangeException, InvalidNextTokenException.
func (s *Service) ListDeployments(ctx context.Context, in *codedeploy.ListDeploymentsInput, _ ...func(*codedeploy.Options)) (*codedeploy.ListDeploymentsOutput, error) {
	region := identity.Region(ctx)
	app, name := aws.ToString(in.ApplicationName), aws.ToString(in.DeploymentGroupName)
	switch {
	case app != "" && name == "":
		return nil, checkGroupName(nil)
	case app == "" && name != "":
		return nil, checkApplicationName(nil)
	}
	for _, want := range in.IncludeOnlyStatuses {
		if !slices.Contains(want.Values(), want) {
			return nil, &types.InvalidDeploymentStatusException{Message: text("The deployment status %q is not valid.", want)}
		}
	}
	span := types.TimeRange{}
	if in.CreateTimeRange != nil {
		span = *in.CreateTimeRange
	}
	if span.Start != nil && span.End != nil && span.End.Before(*span.Start) {
		return nil, &types.InvalidTimeRangeException{Message: text("The time range ends before it begins.")}
	}
	out := &codedeploy.ListDeploymentsOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		group := ""
		if name != "" {
			_, g, err := findGroup(r, region, in.ApplicationName, in.DeploymentGroupName)
			if err != nil {
				return err
			}
			group = *g.DeploymentGroupId
		}
		scope := strings.Join([]string{"ListDeployments", region, group, fmt.Sprint(in.IncludeOnlyStatuses), fmt.Sprint(aws.ToTime(span.Start), aws.ToTime(span.End)), aws.ToString(in.ExternalId)}, "/")
		var err error
		out.Deployments, out.NextToken, err = page.Of(r, history, page.Request{Scope: scope, Token: in.NextToken, Max: pageSize, Reverse: true}, func(id *string) (string, bool, error) {
			d, err := deployments.Get(r, region, *id)
			if err != nil {
				return "", false, err
			}
			ok := (len(in.IncludeOnlyStatuses) == 0 || slices.Contains(in.IncludeOnlyStatuses, d.Status)) &&
				(span.Start == nil || !d.CreateTime.Before(*span.Start)) && (span.End == nil || !d.CreateTime.After(*span.End)) &&
				(aws.ToString(in.ExternalId) == "" || aws.ToString(d.ExternalId) == *in.ExternalId)
			return *id, ok, nil
		}, region, group)
		if errors.Is(err, page.ErrToken) {
			err = badToken()
		}
		return err
	})
	return out, err
}
