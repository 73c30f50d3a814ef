package codestarnotifications_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codestarnotifications"
	"github.com/aws/aws-sdk-go-v2/service/codestarnotifications/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

const (
	pipeline = "arn:aws:codepipeline:us-east-1:000000000000:web"
	topic    = "arn:aws:sns:us-east-1:000000000000:alerts"
	other    = "arn:aws:sns:us-east-1:000000000000:others"
	slack    = "arn:aws:chatbot::000000000000:chat-configuration/slack-channel/team"
)

func create(name string) *codestarnotifications.CreateNotificationRuleInput {
	return &codestarnotifications.CreateNotificationRuleInput{
		Name: aws.String(name), Resource: aws.String(pipeline), DetailType: types.DetailTypeBasic, Status: types.NotificationRuleStatusEnabled,
		EventTypeIds: []string{"codepipeline-pipeline-pipeline-execution-failed", "codepipeline-pipeline-manual-approval-needed"},
		Targets:      []types.Target{{TargetType: aws.String("SNS"), TargetAddress: aws.String(topic)}},
		Tags:         map[string]string{"Team": "web"},
	}
}

func ids(events []types.EventTypeSummary) (list []string) {
	for _, e := range events {
		list = append(list, *e.EventTypeId)
	}
	return list
}

// The calls that Terraform's aws_codestarnotifications_notification_rule makes,
// in its order.
func TestRule(t *testing.T) {
	c, ctx := codestarnotifications.NewFromConfig(apptest.Start(t).Config()), t.Context()
	made, err := c.CreateNotificationRule(ctx, create("web"))
	if err != nil {
		t.Fatal(err)
	}
	arn := made.Arn
	rule, err := c.DescribeNotificationRule(ctx, &codestarnotifications.DescribeNotificationRuleInput{Arn: arn})
	if err != nil {
		t.Fatal(err)
	}
	if got := ids(rule.EventTypes); !slices.Equal(got, create("").EventTypeIds) || *rule.EventTypes[1].EventTypeName != "Manual approval: Needed" {
		t.Errorf("event types %v, %s", got, *rule.EventTypes[1].EventTypeName)
	}
	if *rule.Name != "web" || *rule.Resource != pipeline || rule.DetailType != types.DetailTypeBasic || rule.Status != types.NotificationRuleStatusEnabled ||
		len(rule.Targets) != 1 || *rule.Targets[0].TargetAddress != topic || *rule.Targets[0].TargetType != "SNS" ||
		rule.Targets[0].TargetStatus != types.TargetStatusPending || !maps.Equal(rule.Tags, map[string]string{"Team": "web"}) ||
		*rule.CreatedBy != "arn:aws:iam::000000000000:root" || rule.CreatedTimestamp == nil {
		t.Errorf("read back %+v", rule)
	}

	_, err = c.UpdateNotificationRule(ctx, &codestarnotifications.UpdateNotificationRuleInput{Arn: arn, Name: aws.String("web2"),
		DetailType: types.DetailTypeFull, Status: types.NotificationRuleStatusDisabled,
		EventTypeIds: []string{"codepipeline-pipeline-stage-execution-resumed"},
		Targets:      []types.Target{{TargetType: aws.String("AWSChatbotSlack"), TargetAddress: aws.String(slack)}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteTarget(ctx, &codestarnotifications.DeleteTargetInput{TargetAddress: aws.String(topic)}); err != nil {
		t.Errorf("a target that no rule names: %v", err)
	}
	if _, err := c.TagResource(ctx, &codestarnotifications.TagResourceInput{Arn: arn, Tags: map[string]string{"Stage": "prod", "Team": "x"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UntagResource(ctx, &codestarnotifications.UntagResourceInput{Arn: arn, TagKeys: []string{"Team"}}); err != nil {
		t.Fatal(err)
	}
	rule, err = c.DescribeNotificationRule(ctx, &codestarnotifications.DescribeNotificationRuleInput{Arn: arn})
	if err != nil {
		t.Fatal(err)
	}
	if *rule.Name != "web2" || rule.DetailType != types.DetailTypeFull || rule.Status != types.NotificationRuleStatusDisabled ||
		len(rule.Targets) != 1 || *rule.Targets[0].TargetAddress != slack || !maps.Equal(rule.Tags, map[string]string{"Stage": "prod"}) {
		t.Errorf("after the update %+v", rule)
	}
	tags, err := c.ListTagsForResource(ctx, &codestarnotifications.ListTagsForResourceInput{Arn: arn})
	if err != nil || !maps.Equal(tags.Tags, rule.Tags) {
		t.Errorf("tags %+v, %v", tags, err)
	}

	if _, err := c.DeleteNotificationRule(ctx, &codestarnotifications.DeleteNotificationRuleInput{Arn: arn}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteTarget(ctx, &codestarnotifications.DeleteTargetInput{TargetAddress: aws.String(slack)}); err != nil {
		t.Error(err)
	}
	_, err = c.DescribeNotificationRule(ctx, &codestarnotifications.DescribeNotificationRuleInput{Arn: arn})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) {
		t.Errorf("read after delete: %v", err)
	}
	if _, err := c.DeleteNotificationRule(ctx, &codestarnotifications.DeleteNotificationRuleInput{Arn: arn}); err != nil {
		t.Errorf("deleting nothing: %v", err)
	}
	if _, err := c.CreateNotificationRule(ctx, create("web2")); err != nil {
		t.Errorf("the name of a deleted rule: %v", err)
	}
}

func TestTargets(t *testing.T) {
	c, ctx := codestarnotifications.NewFromConfig(apptest.Start(t).Config()), t.Context()
	one, err := c.CreateNotificationRule(ctx, create("one"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateNotificationRule(ctx, create("two")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Subscribe(ctx, &codestarnotifications.SubscribeInput{Arn: one.Arn, Target: &types.Target{TargetType: aws.String("SNS"), TargetAddress: aws.String(other)}}); err != nil {
		t.Fatal(err)
	}
	rulesOf := func(address string) int {
		t.Helper()
		out, err := c.ListNotificationRules(ctx, &codestarnotifications.ListNotificationRulesInput{Filters: []types.ListNotificationRulesFilter{
			{Name: types.ListNotificationRulesFilterNameTargetAddress, Value: aws.String(address)},
			{Name: types.ListNotificationRulesFilterNameResource, Value: aws.String(pipeline)}}})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.NotificationRules)
	}
	if n, m := rulesOf(topic), rulesOf(other); n != 2 || m != 1 {
		t.Errorf("%d and %d rules", n, m)
	}
	_, err = c.DeleteTarget(ctx, &codestarnotifications.DeleteTargetInput{TargetAddress: aws.String(topic)})
	var refused *types.ValidationException
	if !errors.As(err, &refused) || *refused.Message != "The target cannot be deleted because it is subscribed to one or more notification rules." {
		t.Errorf("a target in use: %v", err)
	}
	if _, err := c.Unsubscribe(ctx, &codestarnotifications.UnsubscribeInput{Arn: one.Arn, TargetAddress: aws.String(other)}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteTarget(ctx, &codestarnotifications.DeleteTargetInput{TargetAddress: aws.String(topic), ForceUnsubscribeAll: true}); err != nil {
		t.Fatal(err)
	}
	if n := rulesOf(topic); n != 0 {
		t.Errorf("%d rules still name the deleted target", n)
	}
	left, err := c.ListTargets(ctx, &codestarnotifications.ListTargetsInput{Filters: []types.ListTargetsFilter{{Name: types.ListTargetsFilterNameTargetType, Value: aws.String("SNS")}}})
	if err != nil || len(left.Targets) != 1 || *left.Targets[0].TargetAddress != other {
		t.Errorf("targets %+v, %v", left, err)
	}
}

func TestPages(t *testing.T) {
	c, ctx := codestarnotifications.NewFromConfig(apptest.Start(t).Config()), t.Context()
	for i := range 7 {
		if _, err := c.CreateNotificationRule(ctx, create(fmt.Sprint("rule ", i))); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	rules := codestarnotifications.NewListNotificationRulesPaginator(c, &codestarnotifications.ListNotificationRulesInput{MaxResults: aws.Int32(2)})
	for rules.HasMorePages() {
		page, err := rules.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.NotificationRules {
			seen[*r.Arn] = true
		}
	}
	if len(seen) != 7 {
		t.Errorf("%d rules", len(seen))
	}
	var names []string
	events := codestarnotifications.NewListEventTypesPaginator(c, &codestarnotifications.ListEventTypesInput{MaxResults: aws.Int32(5),
		Filters: []types.ListEventTypesFilter{{Name: types.ListEventTypesFilterNameResourceType, Value: aws.String("pipeline")}}})
	for events.HasMorePages() {
		page, err := events.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, ids(page.EventTypes)...)
	}
	if len(names) != 18 || !slices.Contains(names, "codepipeline-pipeline-action-execution-canceled") {
		t.Errorf("%d event types %v", len(names), names)
	}
	_, err := c.ListTargets(ctx, &codestarnotifications.ListTargetsInput{NextToken: aws.String("foreign")})
	var token *types.InvalidNextTokenException
	if !errors.As(err, &token) {
		t.Errorf("a foreign token: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	c, ctx := codestarnotifications.NewFromConfig(apptest.Start(t).Config()), t.Context()
	if _, err := c.CreateNotificationRule(ctx, create("taken")); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*codestarnotifications.CreateNotificationRuleInput){
		"a taken name": func(in *codestarnotifications.CreateNotificationRuleInput) { in.Name = aws.String("taken") },
		"no such event": func(in *codestarnotifications.CreateNotificationRuleInput) {
			in.EventTypeIds[0] = "codepipeline-pipeline-x"
		},
		"another's event": func(in *codestarnotifications.CreateNotificationRuleInput) {
			in.EventTypeIds[0] = "codebuild-project-build-state-failed"
		},
		"a resource of none": func(in *codestarnotifications.CreateNotificationRuleInput) { in.Resource = aws.String(topic) },
		"another account's": func(in *codestarnotifications.CreateNotificationRuleInput) {
			in.Resource = aws.String("arn:aws:codepipeline:us-east-1:111111111111:web")
		},
		"a bad target": func(in *codestarnotifications.CreateNotificationRuleInput) {
			in.Targets[0].TargetAddress = aws.String(pipeline)
		},
		"a strange target": func(in *codestarnotifications.CreateNotificationRuleInput) {
			in.Targets[0].TargetType = aws.String("Pager")
		},
		"a target of no name": func(in *codestarnotifications.CreateNotificationRuleInput) {
			in.Targets[0].TargetAddress = aws.String("arn:aws:sns:us-east-1:000000000000:")
		},
		"reserved tags":       func(in *codestarnotifications.CreateNotificationRuleInput) { in.Tags["aws:x"] = "y" },
		"a name with a slash": func(in *codestarnotifications.CreateNotificationRuleInput) { in.Name = aws.String("/") },
	} {
		in := create("fine")
		edit(in)
		_, err := c.CreateNotificationRule(ctx, in)
		var taken *types.ResourceAlreadyExistsException
		var refused *types.ValidationException
		if !errors.As(err, &refused) && !errors.As(err, &taken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The same request with the same token makes one rule.
	in := create("once")
	in.ClientRequestToken = aws.String("token-1")
	first, err := c.CreateNotificationRule(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.CreateNotificationRule(ctx, in)
	if err != nil || *again.Arn != *first.Arn {
		t.Errorf("again: %+v, %v", again, err)
	}
	in.DetailType = types.DetailTypeFull
	if _, err := c.CreateNotificationRule(ctx, in); err == nil {
		t.Error("the token was taken for another request")
	}
	if _, err := c.Subscribe(ctx, &codestarnotifications.SubscribeInput{Arn: aws.String(*first.Arn + "0"),
		Target: &types.Target{TargetType: aws.String("SNS"), TargetAddress: aws.String(topic)}}); err == nil {
		t.Error("subscribed to no rule")
	}
}
