package codedeploy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

func stored(key string) *types.RevisionLocation {
	return &types.RevisionLocation{RevisionType: types.RevisionLocationTypeS3, S3Location: &types.S3Location{Bucket: aws.String("b"), Key: &key, BundleType: types.BundleTypeYaml}}
}

func TestRevisions(t *testing.T) {
	s := newStage(t, 0)
	ctx, app := t.Context(), aws.String("app")
	register := func(r *types.RevisionLocation, description string) {
		t.Helper()
		apptest.Must(s.RegisterApplicationRevision(ctx, &codedeploy.RegisterApplicationRevisionInput{ApplicationName: app, Revision: r, Description: &description}))(t)
	}
	for i := range 105 {
		register(stored(fmt.Sprintf("k/%03d", i)), "")
	}
	register(stored("k/000"), "again") // is no new one
	var all []types.RevisionLocation
	in := &codedeploy.ListApplicationRevisionsInput{ApplicationName: app, SortBy: types.ApplicationRevisionSortByRegisterTime, SortOrder: types.SortOrderDescending, S3Bucket: aws.String("b"), S3KeyPrefix: aws.String("k/")}
	for pages := 0; ; pages++ {
		out := apptest.Must(s.ListApplicationRevisions(ctx, in))(t)
		all = append(all, out.Revisions...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			if pages != 1 {
				t.Errorf("%d pages", pages+1)
			}
			break
		}
	}
	if len(all) != 105 || *all[0].S3Location.Key == "k/000" {
		t.Errorf("%d revisions", len(all))
	}
	in.NextToken = aws.String("nobody's")
	_, err := s.ListApplicationRevisions(ctx, in)
	apptest.WantCode(t, err, "InvalidNextTokenException")
	_, err = s.ListApplicationRevisions(ctx, &codedeploy.ListApplicationRevisionsInput{ApplicationName: app, S3KeyPrefix: aws.String("k")})
	apptest.WantCode(t, err, "BucketNameFilterRequiredException")

	got := apptest.Must(s.GetApplicationRevision(ctx, &codedeploy.GetApplicationRevisionInput{ApplicationName: app, Revision: stored("k/000")}))(t)
	if *got.RevisionInfo.Description != "again" || got.RevisionInfo.RegisterTime == nil || got.RevisionInfo.FirstUsedTime != nil {
		t.Errorf("%+v", got.RevisionInfo)
	}
	_, err = s.GetApplicationRevision(ctx, &codedeploy.GetApplicationRevisionInput{ApplicationName: app, Revision: stored("nobody")})
	apptest.WantCode(t, err, "RevisionDoesNotExistException")
	for _, bad := range []*types.RevisionLocation{{RevisionType: "S3"}, {RevisionType: "AppSpecContent", AppSpecContent: &types.AppSpecContent{}},
		{RevisionType: "AppSpecContent", AppSpecContent: &types.AppSpecContent{Content: aws.String("a"), Sha256: aws.String("b")}}} {
		_, err := s.RegisterApplicationRevision(ctx, &codedeploy.RegisterApplicationRevisionInput{ApplicationName: app, Revision: bad})
		apptest.WantCode(t, err, "InvalidRevisionException")
	}

	// The type of a bundle in lower case is another way to write it.
	lower := stored("k/001")
	lower.S3Location.BundleType = "yaml"
	if got := apptest.Must(s.GetApplicationRevision(ctx, &codedeploy.GetApplicationRevisionInput{ApplicationName: app, Revision: lower}))(t); got.Revision.S3Location.BundleType != types.BundleTypeYaml {
		t.Errorf("%+v", got.Revision.S3Location)
	}

	// A deployment registers its revision, whose content comes back by its hash.
	d := s.deploy(content(stageSpec))
	_, err = s.BatchGetDeploymentTargets(ctx, &codedeploy.BatchGetDeploymentTargetsInput{DeploymentId: d.DeploymentId, TargetIds: []string{"c:g", "c:g"}})
	apptest.WantCode(t, err, "DeploymentTargetListSizeExceededException")
	got = apptest.Must(s.GetApplicationRevision(ctx, &codedeploy.GetApplicationRevisionInput{ApplicationName: app, Revision: d.Revision}))(t)
	if *got.Revision.AppSpecContent.Content != stageSpec || !slices.Equal(got.RevisionInfo.DeploymentGroups, []string{"g"}) || got.RevisionInfo.LastUsedTime == nil {
		t.Errorf("%+v", got)
	}
	// The same text as a string is another revision.
	text := &types.RevisionLocation{RevisionType: types.RevisionLocationTypeString, String_: &types.RawString{Content: aws.String(stageSpec)}}
	if as := s.deploy(text); as.Status != types.DeploymentStatusSucceeded || as.Revision.RevisionType != types.RevisionLocationTypeString {
		t.Errorf("%s of %+v", as.Status, as.Revision)
	}
	// It is enough for another deployment.
	if again := s.deploy(d.Revision); again.Status != types.DeploymentStatusSucceeded {
		t.Errorf("%+v", again.ErrorInformation)
	}
	_, err = s.CreateDeployment(ctx, &codedeploy.CreateDeploymentInput{ApplicationName: app, DeploymentGroupName: aws.String("g"),
		Revision: &types.RevisionLocation{RevisionType: types.RevisionLocationTypeAppSpecContent, AppSpecContent: &types.AppSpecContent{Sha256: aws.String(strings.Repeat("0", 64))}}})
	apptest.WantCode(t, err, "RevisionDoesNotExistException")
	for deployed, want := range map[types.ListStateFilterAction]int{types.ListStateFilterActionInclude: 1, types.ListStateFilterActionExclude: 100} {
		out := apptest.Must(s.ListApplicationRevisions(ctx, &codedeploy.ListApplicationRevisionsInput{ApplicationName: app, Deployed: deployed}))(t)
		if len(out.Revisions) != want {
			t.Errorf("%s: %d", deployed, len(out.Revisions))
		}
	}
	batch := apptest.Must(s.BatchGetApplicationRevisions(ctx, &codedeploy.BatchGetApplicationRevisionsInput{ApplicationName: app, Revisions: []types.RevisionLocation{*stored("k/001"), *stored("nobody")}}))(t)
	if len(batch.Revisions) != 1 || batch.ErrorMessage == nil {
		t.Errorf("%+v", batch)
	}
	_, err = s.BatchGetApplicationRevisions(ctx, &codedeploy.BatchGetApplicationRevisionsInput{ApplicationName: app, Revisions: slices.Repeat([]types.RevisionLocation{*stored("k")}, 26)})
	apptest.WantCode(t, err, "BatchLimitExceededException")
}

func TestHistory(t *testing.T) {
	s := newStage(t, 0)
	ctx, app, g := t.Context(), aws.String("app"), aws.String("g")
	var ids []string
	for i := range 102 {
		text := stageSpec
		if i%2 == 0 {
			text = "{}"
		}
		ids = append(ids, *s.deploy(content(text)).DeploymentId)
	}
	slices.Reverse(ids) // the newest first
	list := func(in codedeploy.ListDeploymentsInput) (all []string) {
		t.Helper()
		for {
			out := apptest.Must(s.ListDeployments(ctx, &in))(t)
			all = append(all, out.Deployments...)
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return all
			}
		}
	}
	if got := list(codedeploy.ListDeploymentsInput{ApplicationName: app, DeploymentGroupName: g}); !slices.Equal(got, ids) {
		t.Errorf("%d deployments of %d: %v", len(got), len(ids), got)
	}
	if got := list(codedeploy.ListDeploymentsInput{IncludeOnlyStatuses: []types.DeploymentStatus{types.DeploymentStatusFailed}}); len(got) != 51 {
		t.Errorf("%d have failed", len(got))
	}
	if got := list(codedeploy.ListDeploymentsInput{CreateTimeRange: &types.TimeRange{Start: aws.Time(time.Now().Add(time.Hour))}}); len(got) != 0 {
		t.Errorf("%d of the future", len(got))
	}
	for want, in := range map[string]*codedeploy.ListDeploymentsInput{
		"DeploymentGroupNameRequiredException": {ApplicationName: app},
		"ApplicationNameRequiredException":     {DeploymentGroupName: g},
		"InvalidDeploymentStatusException":     {IncludeOnlyStatuses: []types.DeploymentStatus{"Lost"}},
		"InvalidTimeRangeException":            {CreateTimeRange: &types.TimeRange{Start: aws.Time(time.Now()), End: aws.Time(time.Unix(0, 0))}},
		"InvalidNextTokenException":            {NextToken: aws.String("nobody's")},
	} {
		_, err := s.ListDeployments(ctx, in)
		apptest.WantCode(t, err, want)
	}
	batch := apptest.Must(s.BatchGetDeployments(ctx, &codedeploy.BatchGetDeploymentsInput{DeploymentIds: []string{ids[0], "d-000000000"}}))(t)
	_, err := s.BatchGetDeployments(ctx, &codedeploy.BatchGetDeploymentsInput{DeploymentIds: ids[:26]})
	apptest.WantCode(t, err, "BatchLimitExceededException")
	if len(batch.DeploymentsInfo) != 1 {
		t.Errorf("%+v", batch)
	}

	// Targets. ECS has no instances.
	id := &ids[0]
	targets := apptest.Must(s.ListDeploymentTargets(ctx, &codedeploy.ListDeploymentTargetsInput{DeploymentId: id, TargetFilters: map[string][]string{"TargetStatus": {"Succeeded"}}}))(t)
	if !slices.Equal(targets.TargetIds, []string{"c:g"}) {
		t.Errorf("%v", targets.TargetIds)
	}
	if none := apptest.Must(s.ListDeploymentTargets(ctx, &codedeploy.ListDeploymentTargetsInput{DeploymentId: id, TargetFilters: map[string][]string{"TargetStatus": {"Failed"}}}))(t); len(none.TargetIds) != 0 {
		t.Errorf("%v", none.TargetIds)
	}
	for want, filter := range map[string]map[string][]string{"InvalidInstanceStatusException": {"TargetStatus": {"Lost"}}, "InvalidDeploymentInstanceTypeException": {"ServerInstanceLabel": {"Blue"}}, "InvalidTargetFilterNameException": {"Colour": {"Blue"}}} {
		_, err := s.ListDeploymentTargets(ctx, &codedeploy.ListDeploymentTargetsInput{DeploymentId: id, TargetFilters: filter})
		apptest.WantCode(t, err, want)
	}
	_, err = s.GetDeploymentTarget(ctx, &codedeploy.GetDeploymentTargetInput{DeploymentId: id, TargetId: aws.String("c:nobody")})
	apptest.WantCode(t, err, "DeploymentTargetDoesNotExistException")
	_, err = s.ListDeploymentInstances(ctx, &codedeploy.ListDeploymentInstancesInput{DeploymentId: id})
	apptest.WantCode(t, err, "InvalidComputePlatformException")
	_, err = s.ContinueDeployment(ctx, &codedeploy.ContinueDeploymentInput{DeploymentId: id})
	apptest.WantCode(t, err, "DeploymentAlreadyCompletedException")
	_, err = s.SkipWaitTimeForInstanceTermination(ctx, &codedeploy.SkipWaitTimeForInstanceTerminationInput{DeploymentId: id})
	apptest.WantCode(t, err, "DeploymentAlreadyCompletedException")

	// Under new names the history is the same.
	apptest.Must(s.UpdateApplication(ctx, &codedeploy.UpdateApplicationInput{ApplicationName: app, NewApplicationName: aws.String("shop")}))(t)
	apptest.Must(s.UpdateDeploymentGroup(ctx, &codedeploy.UpdateDeploymentGroupInput{ApplicationName: aws.String("shop"), CurrentDeploymentGroupName: g, NewDeploymentGroupName: aws.String("h")}))(t)
	if got := list(codedeploy.ListDeploymentsInput{ApplicationName: aws.String("shop"), DeploymentGroupName: aws.String("h")}); len(got) != 102 {
		t.Errorf("%d deployments", len(got))
	}
	info := apptest.Must(s.GetDeployment(ctx, &codedeploy.GetDeploymentInput{DeploymentId: id}))(t).DeploymentInfo
	if names := strings.Join([]string{*info.ApplicationName, *info.DeploymentGroupName}, "/"); names != "shop/h" {
		t.Error(names)
	}
}
