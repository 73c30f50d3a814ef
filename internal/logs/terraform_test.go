package logs_test

import (
	"fmt"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// The calls that Terraform's aws_cloudwatch_log_group makes, in its order.
func TestTerraformGroup(t *testing.T) {
	c, ctx := cloudwatchlogs.NewFromConfig(apptest.Start(t).Config()), t.Context()
	name := aws.String("/aws/codebuild/build")
	tags := map[string]string{"Team": "web", "Empty": ""}
	if _, err := c.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: name, LogGroupClass: types.LogGroupClassStandard, Tags: tags}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: name, RetentionInDays: aws.Int32(14)}); err != nil {
		t.Fatal(err)
	}
	read := func() *types.LogGroup {
		t.Helper()
		out := apptest.Must(c.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: name}))(t)
		for _, g := range out.LogGroups {
			if *g.LogGroupName == *name {
				return &g
			}
		}
		return nil
	}
	g := read()
	if *g.Arn != "arn:aws:logs:us-east-1:000000000000:log-group:/aws/codebuild/build:*" || *g.RetentionInDays != 14 || g.KmsKeyId != nil || g.LogGroupClass != types.LogGroupClassStandard {
		t.Errorf("read back %+v", g)
	}
	listed := apptest.Must(c.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: g.LogGroupArn}))(t)
	if !maps.Equal(listed.Tags, tags) {
		t.Errorf("tags %v", listed.Tags)
	}
	// The provider of 2024 still lists, sets and removes tags by the name.
	older := apptest.Must(c.ListTagsLogGroup(ctx, &cloudwatchlogs.ListTagsLogGroupInput{LogGroupName: name}))(t)
	if !maps.Equal(older.Tags, tags) {
		t.Errorf("tags %v", older.Tags)
	}
	if _, err := c.TagLogGroup(ctx, &cloudwatchlogs.TagLogGroupInput{LogGroupName: name, Tags: map[string]string{"Team": "ops"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UntagResource(ctx, &cloudwatchlogs.UntagResourceInput{ResourceArn: g.LogGroupArn, TagKeys: []string{"Empty"}}); err != nil {
		t.Fatal(err)
	}
	listed = apptest.Must(c.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: g.LogGroupArn}))(t)
	if !maps.Equal(listed.Tags, map[string]string{"Team": "ops"}) {
		t.Errorf("tags %v", listed.Tags)
	}
	if _, err := c.DeleteRetentionPolicy(ctx, &cloudwatchlogs.DeleteRetentionPolicyInput{LogGroupName: name}); err != nil {
		t.Fatal(err)
	}
	if g := read(); g.RetentionInDays != nil {
		t.Errorf("retention %d", *g.RetentionInDays)
	}
	if _, err := c.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: name, LogStreamName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	streams := apptest.Must(c.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: name, LogStreamNamePrefix: aws.String("s")}))(t)
	if len(streams.LogStreams) != 1 || *streams.LogStreams[0].Arn != "arn:aws:logs:us-east-1:000000000000:log-group:/aws/codebuild/build:log-stream:s" {
		t.Errorf("streams %+v", streams.LogStreams)
	}
	if _, err := c.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: name}); err != nil {
		t.Fatal(err)
	}
	if g := read(); g != nil {
		t.Errorf("read after delete %+v", g)
	}
	_, err := c.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: name})
	refused(t, err, "ResourceNotFoundException", "log group")
	_, err = c.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: name})
	refused(t, err, "ResourceNotFoundException", "log group")
}

// A group with a key of the real KMS, in the order of the provider.
func TestTerraformGroupWithKey(t *testing.T) {
	srv, ctx := apptest.Start(t), t.Context()
	c, k := cloudwatchlogs.NewFromConfig(srv.Config()), kms.NewFromConfig(srv.Config())
	key := apptest.Must(k.CreateKey(ctx, &kms.CreateKeyInput{}))(t).KeyMetadata
	name, stream := aws.String("g"), aws.String("s")
	if _, err := c.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: name, KmsKeyId: key.Arn}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: name, LogStreamName: stream}); err != nil {
		t.Fatal(err)
	}
	now := aws.Int64(time.Now().UnixMilli())
	if _, err := c.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: name, LogStreamName: stream, LogEvents: []types.InputLogEvent{{Message: aws.String("hello"), Timestamp: now}}}); err != nil {
		t.Fatal(err)
	}
	out := apptest.Must(c.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: name, LogStreamName: stream, StartFromHead: aws.Bool(true)}))(t)
	if messages(out.Events) != "hello" {
		t.Errorf("events %q", messages(out.Events))
	}
	groups := apptest.Must(c.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: name}))(t)
	if aws.ToString(groups.LogGroups[0].KmsKeyId) != *key.Arn {
		t.Errorf("key %s", aws.ToString(groups.LogGroups[0].KmsKeyId))
	}
	if _, err := k.DisableKey(ctx, &kms.DisableKeyInput{KeyId: key.KeyId}); err != nil {
		t.Fatal(err)
	}
	_, err := c.AssociateKmsKey(ctx, &cloudwatchlogs.AssociateKmsKeyInput{LogGroupName: name, KmsKeyId: key.Arn})
	refused(t, err, "InvalidParameterException", "The specified KMS key does not exist or is not allowed")
	if _, err := c.DisassociateKmsKey(ctx, &cloudwatchlogs.DisassociateKmsKeyInput{LogGroupName: name}); err != nil {
		t.Fatal(err)
	}
}

func TestMetricFilters(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.make(t, "g")
	w.make(t, "h")
	transformation := func(change func(*types.MetricTransformation)) []types.MetricTransformation {
		m := types.MetricTransformation{MetricName: aws.String("Errors"), MetricNamespace: aws.String("Build"), MetricValue: aws.String("1"), Unit: types.StandardUnitCount}
		change(&m)
		return []types.MetricTransformation{m}
	}
	put := func(group, name, pattern string, m []types.MetricTransformation) error {
		_, err := w.PutMetricFilter(ctx, &cloudwatchlogs.PutMetricFilterInput{LogGroupName: &group, FilterName: &name, FilterPattern: &pattern, MetricTransformations: m})
		return err
	}
	plain := func(*types.MetricTransformation) {}
	for _, bad := range []struct {
		pattern string
		change  func(*types.MetricTransformation)
		text    string
	}{
		{"{ $.a = ", plain, "pattern"},
		{"ERROR", func(m *types.MetricTransformation) { m.MetricValue = aws.String("many") }, "metric value"},
		{"ERROR", func(m *types.MetricTransformation) { m.MetricValue = aws.String("$.size") }, "filter pattern"},
		{"ERROR", func(m *types.MetricTransformation) { m.Dimensions = map[string]string{"a": "$.a"} }, "dimensions"},
		{"{ $.a = 1 }", func(m *types.MetricTransformation) {
			m.Dimensions, m.DefaultValue = map[string]string{"a": "$.a"}, aws.Float64(0)
		}, "mutually exclusive"},
	} {
		refused(t, put("g", "bad", bad.pattern, transformation(bad.change)), "InvalidParameterException", bad.text)
	}
	refused(t, put("missing", "f", "ERROR", transformation(plain)), "ResourceNotFoundException", "log group")

	want := transformation(func(m *types.MetricTransformation) { m.DefaultValue = aws.Float64(0) })
	for range 2 { // to replace one is no second one
		if err := put("g", "errors", "?ERROR ?FATAL", want); err != nil {
			t.Fatal(err)
		}
	}
	if err := put("h", "errors", "", transformation(func(m *types.MetricTransformation) { m.MetricName = aws.String("All") })); err != nil {
		t.Fatal(err)
	}
	out := apptest.Must(w.DescribeMetricFilters(ctx, &cloudwatchlogs.DescribeMetricFiltersInput{LogGroupName: aws.String("g"), FilterNamePrefix: aws.String("err")}))(t)
	if len(out.MetricFilters) != 1 || *out.MetricFilters[0].FilterPattern != "?ERROR ?FATAL" || *out.MetricFilters[0].CreationTime != at(0) || !reflect.DeepEqual(out.MetricFilters[0].MetricTransformations, want) {
		t.Errorf("read back %+v", out.MetricFilters)
	}
	count := func() string {
		var counts []int32
		for _, g := range apptest.Must(w.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{}))(t).LogGroups {
			counts = append(counts, *g.MetricFilterCount)
		}
		return fmt.Sprint(counts)
	}
	if got := count(); got != "[1 1]" {
		t.Errorf("counts %s", got)
	}
	pages := cloudwatchlogs.NewDescribeMetricFiltersPaginator(w, &cloudwatchlogs.DescribeMetricFiltersInput{Limit: aws.Int32(1)})
	n := 0
	for pages.HasMorePages() {
		n += len(apptest.Must(pages.NextPage(ctx))(t).MetricFilters)
	}
	out = apptest.Must(w.DescribeMetricFilters(ctx, &cloudwatchlogs.DescribeMetricFiltersInput{MetricName: aws.String("All"), MetricNamespace: aws.String("Build")}))(t)
	if n != 2 || len(out.MetricFilters) != 1 || *out.MetricFilters[0].LogGroupName != "h" {
		t.Errorf("%d in pages, by metric %+v", n, out.MetricFilters)
	}
	if _, err := w.DeleteMetricFilter(ctx, &cloudwatchlogs.DeleteMetricFilterInput{LogGroupName: aws.String("g"), FilterName: aws.String("errors")}); err != nil {
		t.Fatal(err)
	}
	_, err := w.DeleteMetricFilter(ctx, &cloudwatchlogs.DeleteMetricFilterInput{LogGroupName: aws.String("g"), FilterName: aws.String("errors")})
	refused(t, err, "ResourceNotFoundException", "metric filter")
	if got := count(); got != "[0 1]" {
		t.Errorf("counts %s", got)
	}
	if _, err := w.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("h")}); err != nil {
		t.Fatal(err)
	}
	if n := keys(t, w, "logs.metricfilter"); n != 0 {
		t.Errorf("%d filters left", n)
	}
}

func TestResourcePolicies(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:us-east-1:000000000000:log-group:/aws/events/*:*"}]}`
	put := func(name, document string) error {
		_, err := w.PutResourcePolicy(ctx, &cloudwatchlogs.PutResourcePolicyInput{PolicyName: &name, PolicyDocument: &document})
		return err
	}
	refused(t, put("p", "{"), "InvalidParameterException", "MalformedPolicyDocument")
	for i := range 10 {
		if err := put(fmt.Sprint("p", i), document); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, put("one more", document), "LimitExceededException", "limit")
	if err := put("p3", document); err != nil {
		t.Errorf("to replace one: %v", err)
	}
	out := apptest.Must(w.DescribeResourcePolicies(ctx, &cloudwatchlogs.DescribeResourcePoliciesInput{}))(t)
	if len(out.ResourcePolicies) != 10 || *out.ResourcePolicies[0].PolicyName != "p0" || *out.ResourcePolicies[0].PolicyDocument != document || *out.ResourcePolicies[0].LastUpdatedTime != at(0) {
		t.Errorf("read back %+v", out.ResourcePolicies)
	}
	if _, err := w.DeleteResourcePolicy(ctx, &cloudwatchlogs.DeleteResourcePolicyInput{PolicyName: aws.String("p0")}); err != nil {
		t.Fatal(err)
	}
	_, err := w.DeleteResourcePolicy(ctx, &cloudwatchlogs.DeleteResourcePolicyInput{PolicyName: aws.String("p0")})
	refused(t, err, "ResourceNotFoundException", "p0")
}
