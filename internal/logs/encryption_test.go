package logs_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/store"
)

// inClear tells whether a text lies in the database as it is.
func inClear(t *testing.T, w world, text string) (found bool) {
	t.Helper()
	err := w.store.View(t.Context(), func(r store.Reader) error {
		for e, err := range r.Scan(store.Range{Prefix: store.Prefix("logs.event")}) {
			if err != nil {
				return err
			}
			found = found || bytes.Contains(e.Value, []byte(text))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestEncryption(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	const first, second, none = "arn:aws:kms:us-east-1:000000000000:key/first", "arn:aws:kms:us-east-1:000000000000:key/second", "arn:aws:kms:us-east-1:000000000000:key/none"
	w.kms.refuse(none, true)
	g := aws.String("g")
	_, err := w.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: g, KmsKeyId: aws.String(none)})
	refused(t, err, "InvalidParameterException", "The specified KMS key does not exist")
	if _, err := w.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: g, KmsKeyId: aws.String(first)}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: g, LogStreamName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	w.put(t, "g", "s", line(0, "secret one"), line(1, "secret two"))
	if inClear(t, w, "secret") {
		t.Error("events of a group with a key are in clear")
	}
	read := func() (string, error) {
		out, err := w.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: g})
		if err != nil {
			return "", err
		}
		var messages []string
		for _, e := range out.Events {
			messages = append(messages, *e.Message)
		}
		return strings.Join(messages, ", "), nil
	}
	if got, err := read(); got != "secret one, secret two" {
		t.Errorf("read %q, %v", got, err)
	}

	// Another key, none, and one again: what was written stays readable.
	if _, err := w.AssociateKmsKey(ctx, &cloudwatchlogs.AssociateKmsKeyInput{LogGroupName: g, KmsKeyId: aws.String(second)}); err != nil {
		t.Fatal(err)
	}
	w.put(t, "g", "s", line(2, "secret three"))
	if inClear(t, w, "secret") {
		t.Error("events under the second key are in clear")
	}
	if _, err := w.DisassociateKmsKey(ctx, &cloudwatchlogs.DisassociateKmsKeyInput{LogGroupName: g}); err != nil {
		t.Fatal(err)
	}
	w.put(t, "g", "s", line(3, "open four"))
	if !inClear(t, w, "open four") {
		t.Error("events without a key are not in clear")
	}
	if got, err := read(); got != "secret one, secret two, secret three, open four" {
		t.Errorf("read %q, %v", got, err)
	}
	groups := apptest.Must(w.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{}))(t)
	if size := int64(len("secret onesecret twosecret threeopen four") + 4*26); groups.LogGroups[0].KmsKeyId != nil || *groups.LogGroups[0].StoredBytes != size {
		t.Errorf("group %+v, want %d bytes", groups.LogGroups[0], size)
	}

	// A key that is disabled is of no use any more, after five minutes.
	if _, err := w.AssociateKmsKey(ctx, &cloudwatchlogs.AssociateKmsKeyInput{LogGroupName: g, KmsKeyId: aws.String(first)}); err != nil {
		t.Fatal(err)
	}
	w.kms.refuse(first, true)
	w.clock.Advance(5 * time.Minute)
	_, err = read()
	refused(t, err, "AccessDeniedException", "KMS key of log group g cannot be used")
	_, err = w.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: g, LogStreamName: aws.String("s"),
		LogEvents: []types.InputLogEvent{line(4, "five")}})
	refused(t, err, "AccessDeniedException", "KMS key of log group g cannot be used")
	err = w.engine.Update(ctx, func(tx *engine.Tx) error {
		return w.service.Append(tx, "us-east-1", "g", "s", []types.InputLogEvent{line(4, "five")})
	})
	if err != nil {
		t.Errorf("a build fails since the key of its log is disabled: %v", err)
	}
	w.kms.refuse(first, false)
	if got, err := read(); got != "secret one, secret two, secret three, open four" {
		t.Errorf("read %q, %v", got, err)
	}

	// Retention needs no key to delete and to count.
	w.kms.refuse(first, true)
	if _, err := w.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: g, RetentionInDays: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.clock.Advance(24 * time.Hour)
		enginetest.Settle(t, w.engine)
	}
	groups = apptest.Must(w.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{}))(t)
	if n := keys(t, w, "logs.event"); n != 0 || *groups.LogGroups[0].StoredBytes != 0 {
		t.Errorf("%d chunks left, %d bytes", n, *groups.LogGroups[0].StoredBytes)
	}
}
