package eventbridge_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/service/eventbridge"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// TestRuleStoryV1 is the story of an older client.
func TestRuleStoryV1(t *testing.T) {
	c := eventbridge.New(apptest.Start(t).Older())
	put, err := c.PutRule(&eventbridge.PutRuleInput{Name: aws.String("old"), ScheduleExpression: aws.String("cron(0 12 ? * MON *)"), State: aws.String("DISABLED"),
		Description: aws.String("d"), Tags: []*eventbridge.Tag{{Key: aws.String("A"), Value: aws.String("1")}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.DescribeRule(&eventbridge.DescribeRuleInput{Name: aws.String("old")})
	if err != nil || *got.Arn != *put.RuleArn || *got.State != "DISABLED" || *got.ScheduleExpression != "cron(0 12 ? * MON *)" || got.EventPattern != nil {
		t.Errorf("%v, %v", got, err)
	}
	in := &eventbridge.PutTargetsInput{Rule: aws.String("old"), Targets: []*eventbridge.Target{{Id: aws.String("q"), Arn: aws.String("arn:aws:sqs:us-east-1:000000000000:q"),
		SqsParameters: &eventbridge.SqsParameters{MessageGroupId: aws.String("g")}, DeadLetterConfig: &eventbridge.DeadLetterConfig{Arn: aws.String("arn:aws:sqs:us-east-1:000000000000:d")},
		InputTransformer: &eventbridge.InputTransformer{InputPathsMap: map[string]*string{"a": aws.String("$.detail.a")}, InputTemplate: aws.String(`{"a":<a>}`)}}}}
	if out, err := c.PutTargets(in); err != nil || *out.FailedEntryCount != 0 {
		t.Fatal(out, err)
	}
	targets, err := c.ListTargetsByRule(&eventbridge.ListTargetsByRuleInput{Rule: aws.String("old")})
	if err != nil || len(targets.Targets) != 1 || targets.Targets[0].String() != in.Targets[0].String() {
		t.Errorf("%v, %v", targets, err)
	}
	tags, err := c.ListTagsForResource(&eventbridge.ListTagsForResourceInput{ResourceARN: put.RuleArn})
	if err != nil || len(tags.Tags) != 1 {
		t.Errorf("%v, %v", tags, err)
	}
	if _, err := c.RemoveTargets(&eventbridge.RemoveTargetsInput{Rule: aws.String("old"), Ids: aws.StringSlice([]string{"q"})}); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteRule(&eventbridge.DeleteRuleInput{Name: aws.String("old")}); err != nil {
		t.Error(err)
	}
	_, err = c.DescribeRule(&eventbridge.DescribeRuleInput{Name: aws.String("old")})
	if e := awserr.Error(nil); !errors.As(err, &e) || e.Code() != eventbridge.ErrCodeResourceNotFoundException {
		t.Errorf("after delete: %v", err)
	}
}
