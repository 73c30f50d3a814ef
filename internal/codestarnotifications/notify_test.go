package codestarnotifications

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/codestarnotifications"
	"github.com/aws/aws-sdk-go-v2/service/codestarnotifications/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
)

const (
	account  = "000000000000"
	topicARN = "arn:aws:sns:us-east-1:" + account + ":alerts"
	pipeline = "arn:aws:codepipeline:us-east-1:" + account + ":web"
)

func TestOccurrences(t *testing.T) {
	const build = "arn:aws:codebuild:us-east-1:" + account + ":build/web:1"
	for _, tt := range []struct{ kind, first, detail, resource, want string }{
		{"CodeCommit Repository State Change", "arn:repo", `{"event":"referenceUpdated"}`, "arn:repo", "codecommit-repository-branches-and-tags-updated"},
		{"CodeBuild Build State Change", build, `{"build-status":"STOPPED","project-name":"web"}`, "arn:aws:codebuild:us-east-1:" + account + ":project/web", "codebuild-project-build-state-stopped"},
		{"CodeBuild Build State Change", build, `{"build-status":"TIMED_OUT","project-name":"web"}`, "arn:aws:codebuild:us-east-1:" + account + ":project/web", "codebuild-project-build-state-failed"},
		{"CodeBuild Build Phase Change", build, `{"completed-phase-status":"SUCCEEDED","project-name":"web"}`, "arn:aws:codebuild:us-east-1:" + account + ":project/web", "codebuild-project-build-phase-success"},
		{"CodeDeploy Deployment State-change Notification", "arn:app", `{"state":"START"}`, "arn:app", "codedeploy-application-deployment-started"},
		{"CodeDeploy Deployment State-change Notification", "arn:app", `{"state":"READY"}`, "", ""},
		{"CodePipeline Pipeline Execution State Change", pipeline, `{"state":"SUPERSEDED"}`, pipeline, "codepipeline-pipeline-pipeline-execution-superseded"},
		{"CodePipeline Pipeline Execution State Change", pipeline, `{"state":"STOPPED"}`, "", ""},
		{"CodePipeline Stage Execution State Change", pipeline, `{"state":"RESUMED"}`, pipeline, "codepipeline-pipeline-stage-execution-resumed"},
		{"CodePipeline Action Execution State Change", pipeline, `{"state":"STARTED","type":{"category":"Build"}}`, pipeline, "codepipeline-pipeline-action-execution-started"},
		{"CodePipeline Action Execution State Change", pipeline, `{"state":"STARTED","type":{"category":"Approval"}}`, pipeline,
			"codepipeline-pipeline-action-execution-started codepipeline-pipeline-manual-approval-needed"},
		{"CodePipeline Action Execution State Change", pipeline, `{"state":"FAILED","type":{"category":"Approval"}}`, pipeline,
			"codepipeline-pipeline-action-execution-failed codepipeline-pipeline-manual-approval-failed"},
		{"Something Else", pipeline, `{"state":"STARTED"}`, "", ""},
	} {
		resource, ids := occurrences(&bus.Event{DetailType: tt.kind, Resources: []string{tt.first}, Detail: json.RawMessage(tt.detail), Region: "us-east-1", Account: account})
		if resource != tt.resource || strings.Join(ids, " ") != tt.want {
			t.Errorf("%s %s: %s of %s, want %s of %s", tt.kind, tt.detail, ids, resource, tt.want, tt.resource)
		}
	}
}

// topicsFake is SNS: one topic, that may be closed.
type topicsFake struct {
	closed bool
	texts  []string
}

func (f *topicsFake) Notify(_ *engine.Tx, who, source, topic, subject, text string) error {
	if who != principal || !strings.Contains(source, ":notificationrule/") || subject != "" || topic != topicARN || f.closed {
		return &wire.Error{Code: "AccessDenied", Message: "not authorized"}
	}
	f.texts = append(f.texts, text)
	return nil
}

func TestRulesPublish(t *testing.T) {
	e, _ := enginetest.New(t)
	b, f := bus.New(e, id.Random), &topicsFake{}
	s := New(Config{Engine: e, Bus: b, Site: site.Site{Account: account}, IDs: id.Random, Log: enginetest.Log(t), Topics: f})
	enginetest.Start(t, e)
	ctx := identity.WithRegion(identity.WithCaller(context.Background(), &identity.Caller{}), "us-east-1")
	made, err := s.CreateNotificationRule(ctx, &sdk.CreateNotificationRuleInput{Name: aws.String("web"), Resource: aws.String(pipeline), DetailType: types.DetailTypeBasic,
		EventTypeIds: []string{"codepipeline-pipeline-pipeline-execution-failed"}, Targets: []types.Target{{TargetType: aws.String("SNS"), TargetAddress: aws.String(topicARN)}}})
	if err != nil {
		t.Fatal(err)
	}
	emit := func(state, resource string) {
		t.Helper()
		err := e.Update(ctx, func(tx *engine.Tx) error {
			return b.Emit(tx, bus.Event{DetailType: "CodePipeline Pipeline Execution State Change", Source: "aws.codepipeline", Account: account, Region: "us-east-1",
				Resources: []string{resource}, Detail: json.RawMessage(`{"pipeline":"web","state":"` + state + `"}`)})
		})
		if err != nil {
			t.Fatal(err)
		}
		enginetest.Settle(t, e)
	}
	status := func(want types.TargetStatus) {
		t.Helper()
		out, err := s.DescribeNotificationRule(ctx, &sdk.DescribeNotificationRuleInput{Arn: made.Arn})
		if err != nil || len(out.Targets) != 1 || out.Targets[0].TargetStatus != want {
			t.Errorf("targets %+v, %v, want %s", out, err, want)
		}
	}
	emit("STARTED", pipeline)
	emit("FAILED", pipeline+"2")
	status(types.TargetStatusPending)
	emit("FAILED", pipeline)
	status(types.TargetStatusActive)
	want := `{"account":"000000000000","detailType":"CodePipeline Pipeline Execution State Change","region":"us-east-1","source":"aws.codepipeline","time":"2026-01-02T03:04:05Z",` +
		`"notificationRuleArn":"` + *made.Arn + `","detail":{"pipeline":"web","state":"FAILED"},"resources":["` + pipeline + `"],"additionalAttributes":{}}`
	if len(f.texts) != 1 || f.texts[0] != want {
		t.Errorf("published %q, want %s", f.texts, want)
	}
	f.closed = true
	emit("FAILED", pipeline)
	status(types.TargetStatusUnreachable)
	f.closed = false
	if _, err := s.UpdateNotificationRule(ctx, &sdk.UpdateNotificationRuleInput{Arn: made.Arn, Status: types.NotificationRuleStatusDisabled}); err != nil {
		t.Fatal(err)
	}
	if emit("FAILED", pipeline); len(f.texts) != 1 {
		t.Errorf("a rule that is off published %q", f.texts)
	}
}
