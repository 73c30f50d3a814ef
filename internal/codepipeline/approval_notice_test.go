package codepipeline

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
)

type fakeTopic struct {
	sent []*sns.PublishInput
	err  error
}

func (f *fakeTopic) Publish(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	f.sent = append(f.sent, in)
	return &sns.PublishOutput{}, f.err
}

func TestNotice(t *testing.T) {
	topic := &fakeTopic{}
	a := approval{&dependencies{console: "http://localhost/console/", sns: func(aws.Config) topicAPI { return topic }}}
	w := &Work{ActionExecutionID: "token", Pipeline: "web", Stage: "Review", Action: "Ask", Region: "us-east-1", Deadline: time.Date(2026, 7, 7, 20, 22, 30, 0, time.UTC),
		Configuration: map[string]string{"NotificationArn": "arn:aws:sns:us-east-1:000000000000:t", "CustomData": "look"},
		Session:       func(context.Context) (aws.Config, error) { return aws.Config{}, nil }}
	r, err := a.Step(t.Context(), w)
	if err != nil || r.Token != "token" || r.Summary != "" || r.Memo == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	var n struct {
		Approval map[string]*string
	}
	if err := json.Unmarshal([]byte(*topic.sent[0].Message), &n); err != nil {
		t.Fatal(err)
	}
	if x := n.Approval; *x["expires"] != "2026-07-07T20:22Z" || *x["token"] != "token" || *x["customData"] != "look" || x["externalEntityLink"] != nil ||
		*topic.sent[0].Subject != "APPROVAL NEEDED: AWS CodePipeline web for action Ask" {
		t.Errorf("sent %s %s", *topic.sent[0].Subject, *topic.sent[0].Message)
	}
	w.Memo = json.RawMessage("{}") // after a restart
	if _, err := a.Step(t.Context(), w); err != nil || len(topic.sent) != 1 {
		t.Errorf("sent %d times, %v", len(topic.sent), err)
	}
	w.Memo = nil
	for _, c := range []struct {
		err  error
		code string
	}{{&snstypes.NotFoundException{}, configurationError}, {&snstypes.AuthorizationErrorException{}, permissionError},
		{&smithy.GenericAPIError{Code: "InvalidParameter"}, configurationError}} {
		topic.err = c.err
		_, err := a.Step(t.Context(), w)
		if f := refusal(err); f == nil || f.Code != c.code {
			t.Errorf("%T: %v", c.err, err)
		}
	}
}
