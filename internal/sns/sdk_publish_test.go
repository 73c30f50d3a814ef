package sns_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// hook is a receiver on the web that confirms as AWS's developer guide says: it
// visits the SubscribeURL.
type hook struct {
	*httptest.Server
	messages chan map[string]any
	seen     sync.Map // ids: what comes again after a crash is known by them
}

func newHook(t *testing.T) *hook {
	h := &hook{messages: make(chan map[string]any, 100)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m map[string]any
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		if m["Type"] == "SubscriptionConfirmation" {
			if body, status := visit(t, fmt.Sprint(m["SubscribeURL"])); status != http.StatusOK || !strings.Contains(body, "<SubscriptionArn>"+fmt.Sprint(m["TopicArn"])) {
				t.Errorf("confirmed with %d: %s", status, body)
			}
		}
		if _, again := h.seen.LoadOrStore(m["MessageId"], true); !again {
			h.messages <- m
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func visit(t *testing.T, url string) (body string, status int) {
	t.Helper()
	answer, err := http.Get(url) //nolint:gosec,noctx // of the test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), answer.StatusCode
}

// next is the next message of a type.
func (h *hook) next(t *testing.T, kind string) map[string]any {
	t.Helper()
	select {
	case m := <-h.messages:
		if m["Type"] != kind {
			t.Fatalf("got %v, want a %s", m, kind)
		}
		return m
	case <-time.After(20 * time.Second):
		t.Fatalf("no %s came", kind)
		return nil
	}
}

func TestPublish(t *testing.T) {
	ctx, server, h := context.Background(), apptest.Start(t), newHook(t)
	c := sns.NewFromConfig(server.Config())
	topic := apptest.Must(c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("deploys")}))(t).TopicArn
	sub := apptest.Must(c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("http"), Endpoint: &h.URL, ReturnSubscriptionArn: true}))(t).SubscriptionArn
	h.next(t, "SubscriptionConfirmation")
	all := apptest.Must(c.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: sub}))(t).Attributes
	if all["PendingConfirmation"] != "false" || all["ConfirmationWasAuthenticated"] != "false" {
		t.Errorf("after the visit: %v", all)
	}
	sent := apptest.Must(c.Publish(ctx, &sns.PublishInput{TopicArn: topic, Subject: aws.String("Hello"), Message: aws.String("world"),
		MessageAttributes: map[string]types.MessageAttributeValue{"n": {DataType: aws.String("Number"), StringValue: aws.String("1")}}}))(t)
	m := h.next(t, "Notification")
	if m["MessageId"] != *sent.MessageId || m["Message"] != "world" || m["Subject"] != "Hello" {
		t.Errorf("got %v", m)
	}
	if body, status := visit(t, fmt.Sprint(m["SigningCertURL"])); status != http.StatusOK || !strings.HasPrefix(body, "-----BEGIN CERTIFICATE-----") {
		t.Errorf("certificate: %d %s", status, body)
	}

	// The certificate and what is confirmed outlive the server; so would a message.
	server.Restart()
	c = sns.NewFromConfig(server.Config())
	batch := apptest.Must(c.PublishBatch(ctx, &sns.PublishBatchInput{TopicArn: topic, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
		{Id: aws.String("one"), Message: aws.String("1")}, {Id: aws.String("two"), Message: aws.String("2"), Subject: aws.String(strings.Repeat("x", 101))}}}))(t)
	if len(batch.Successful) != 1 || len(batch.Failed) != 1 || *batch.Failed[0].Id != "two" {
		t.Errorf("batch %+v", batch)
	}
	if after := h.next(t, "Notification"); after["SigningCertURL"] != m["SigningCertURL"] || after["Message"] != "1" {
		t.Errorf("after the restart: %v", after)
	}

	if body, status := visit(t, fmt.Sprint(m["UnsubscribeURL"])); status != http.StatusOK {
		t.Errorf("unsubscribed with %d: %s", status, body)
	}
	_, err := c.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: sub})
	fails(t, err, "NotFound", "Subscription does not exist")

	// What was confirmed with a signature may be bound to it.
	form := url.Values{"Action": {"Unsubscribe"}, "Version": {"2010-03-31"}}
	queue := apptest.Must(c.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:000000000000:jobs")}))(t).SubscriptionArn
	form.Set("SubscriptionArn", *queue)
	if body, status := visit(t, server.URL+"/?"+form.Encode()); status != http.StatusForbidden || !strings.Contains(body, "AuthorizationError") {
		t.Errorf("a stranger unsubscribed a queue with %d: %s", status, body)
	}
	if body, status := visit(t, server.URL+"/?Action=Publish&Version=2010-03-31&Message=x&TopicArn="+url.QueryEscape(*topic)); status != http.StatusForbidden || !strings.Contains(body, "MissingAuthenticationToken") {
		t.Errorf("a stranger published with %d: %s", status, body)
	}
}

// A topic's policy lets in whom no other policy does, and keeps out.
func TestTopicPolicy(t *testing.T) {
	ctx, server := context.Background(), apptest.Start(t, apptest.Enforce)
	c := sns.NewFromConfig(server.Config())
	topic := apptest.Must(c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("deploys")}))(t).TopicArn
	users := iam.NewFromConfig(server.Config())
	user := apptest.Must(users.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ci")}))(t).User
	key := apptest.Must(users.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("ci")}))(t).AccessKey
	ci := sns.NewFromConfig(server.ConfigFor(aws.Credentials{AccessKeyID: *key.AccessKeyId, SecretAccessKey: *key.SecretAccessKey}))
	publish := func() error {
		_, err := ci.Publish(ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("hello")})
		return err
	}
	set := func(statement string) {
		t.Helper()
		_, err := c.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: topic, AttributeName: aws.String("Policy"),
			AttributeValue: aws.String(`{"Version":"2012-10-17","Statement":[` + statement + `]}`)})
		if err != nil {
			t.Fatal(err)
		}
	}
	fails(t, publish(), "AuthorizationError", "is not authorized to perform: sns:Publish on resource: "+*topic)
	set(`{"Effect":"Allow","Principal":{"AWS":"` + *user.Arn + `"},"Action":"SNS:Publish","Resource":"` + *topic + `"}`)
	if err := publish(); err != nil {
		t.Error(err)
	}
	set(`{"Effect":"Deny","Principal":"*","Action":"SNS:Publish","Resource":"` + *topic + `"}`)
	if _, err := users.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("ci"), PolicyName: aws.String("all"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sns:*","Resource":"*"}]}`)}); err != nil {
		t.Fatal(err)
	}
	fails(t, publish(), "AuthorizationError", "with an explicit deny in a resource-based policy")
}
