package sns

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // signature version 1
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

func TestNotification(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	arn := b.subscribe("http", r.URL+"/hook?a=b", nil)
	asked := r.take()
	if len(asked) != 1 {
		t.Fatalf("asked %d times", len(asked))
	}
	q := asked[0]
	if q.header.Get("X-Amz-Sns-Message-Type") != confirmation || q.header.Get("X-Amz-Sns-Topic-Arn") != *b.topic || q.header.Get("X-Amz-Sns-Subscription-Arn") != "" ||
		!strings.HasPrefix(q.SubscribeURL, "http://localhost:4566/?Action=ConfirmSubscription&") || !strings.Contains(q.Message, *b.topic) || q.Token == "" || q.UnsubscribeURL != "" {
		t.Errorf("to confirm: %+v", q)
	}
	b.verify(&q.envelope)
	b.publish(&sdk.PublishInput{Message: aws.String("too early")})
	if all := r.take(); len(all) != 0 {
		t.Errorf("before it was confirmed: %+v", all)
	}
	for range 2 { // a second time changes nothing
		if out, err := b.ConfirmSubscription(context.Background(), &sdk.ConfirmSubscriptionInput{TopicArn: b.topic, Token: &q.Token}); err != nil || *out.SubscriptionArn != arn {
			t.Fatalf("confirm: %v, %v", out, err)
		}
	}
	id := b.publish(&sdk.PublishInput{Subject: aws.String("Deployed"), Message: aws.String("version <2> & more"), MessageAttributes: map[string]types.MessageAttributeValue{
		"stage": {DataType: aws.String("String"), StringValue: aws.String("production")}, "raw": {DataType: aws.String("Binary"), BinaryValue: []byte{1, 2}}}})
	all := r.take()
	if len(all) != 1 {
		t.Fatalf("%d notifications", len(all))
	}
	n := all[0]
	if n.MessageID != id || n.Type != notification || n.Subject != "Deployed" || n.Message != "version <2> & more" || n.TopicARN != *b.topic || n.SignatureVersion != "1" ||
		n.Timestamp != "2026-01-02T03:04:05.000Z" || n.MessageAttributes["stage"] != (attribute{"String", "production"}) || n.MessageAttributes["raw"] != (attribute{"Binary", "AQI="}) {
		t.Errorf("got %+v", n)
	}
	for name, want := range map[string]string{"X-Amz-Sns-Message-Type": notification, "X-Amz-Sns-Message-Id": id, "X-Amz-Sns-Topic-Arn": *b.topic,
		"X-Amz-Sns-Subscription-Arn": arn, "Content-Type": "text/plain; charset=UTF-8", "User-Agent": userAgent, "X-Amz-Sns-Rawdelivery": ""} {
		if got := n.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(n.raw, `version <2> & more`) || !strings.Contains(n.UnsubscribeURL, "Action=Unsubscribe&SubscriptionArn=arn") {
		t.Errorf("body %s", n.raw)
	}
	b.verify(&n.envelope)
	b.set("SignatureVersion", "2")
	b.publish(&sdk.PublishInput{Message: aws.String("no subject")})
	n = r.take()[0]
	if n.SignatureVersion != "2" || strings.Contains(n.raw, "Subject") {
		t.Errorf("version 2: %s", n.raw)
	}
	b.verify(&n.envelope)
	b.want("NumberOfMessagesPublished", 3)
	b.want("NumberOfNotificationsDelivered", 2)

	// Whoever has a message may end the subscription.
	if _, err := b.Unsubscribe(context.Background(), &sdk.UnsubscribeInput{SubscriptionArn: &arn}); err != nil {
		t.Fatal(err)
	}
	b.publish(&sdk.PublishInput{Message: aws.String("nobody hears")})
	if all := r.take(); len(all) != 0 {
		t.Errorf("unsubscribed: %+v", all)
	}
	for _, token := range []string{"", "x", q.Token} { // of a subscription that is gone
		_, err := b.ConfirmSubscription(context.Background(), &sdk.ConfirmSubscriptionInput{TopicArn: b.topic, Token: &token})
		if err == nil || !strings.Contains(err.Error(), "Invalid parameter: Token") {
			t.Errorf("token %q: %v", token, err)
		}
	}
}

// set sets an attribute of the topic.
func (b *bench) set(name, value string) {
	b.t.Helper()
	if _, err := b.SetTopicAttributes(b.ctx, &sdk.SetTopicAttributesInput{TopicArn: b.topic, AttributeName: &name, AttributeValue: &value}); err != nil {
		b.t.Fatal(err)
	}
}

// verify does what a receiver does: it gets the certificate, puts together what
// was signed, and checks.
func (b *bench) verify(e *envelope) {
	b.t.Helper()
	w := httptest.NewRecorder()
	path, _ := strings.CutPrefix(e.SigningCertURL, "http://localhost:4566")
	b.Certificate().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	block, _ := pem.Decode(w.Body.Bytes())
	if block == nil {
		b.t.Fatalf("%s is no certificate: %s", path, w.Body)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		b.t.Fatal(err)
	}
	values := map[string]string{"Message": e.Message, "MessageId": e.MessageID, "SubscribeURL": e.SubscribeURL, "Subject": e.Subject, "Timestamp": e.Timestamp,
		"Token": e.Token, "TopicArn": e.TopicARN, "Type": e.Type}
	var text strings.Builder
	for _, name := range []string{"Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type"} {
		if values[name] != "" {
			text.WriteString(name + "\n" + values[name] + "\n")
		}
	}
	signature, err := base64.StdEncoding.DecodeString(e.Signature)
	if err != nil {
		b.t.Fatal(err)
	}
	if e.SignatureVersion == "1" {
		sum := sha1.Sum([]byte(text.String())) //nolint:gosec // as above
		err = rsa.VerifyPKCS1v15(c.PublicKey.(*rsa.PublicKey), crypto.SHA1, sum[:], signature)
	} else {
		sum := sha256.Sum256([]byte(text.String()))
		err = rsa.VerifyPKCS1v15(c.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], signature)
	}
	if err != nil {
		b.t.Errorf("the signature of %q does not verify: %v", text.String(), err)
	}
}

func TestRaw(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	b.confirmed(r, map[string]string{"RawMessageDelivery": "true", "DeliveryPolicy": `{"requestPolicy":{"headerContentType":"application/json"}}`})
	b.publish(&sdk.PublishInput{Message: aws.String(`{"a":1}`)})
	n := r.take()[0]
	if n.raw != `{"a":1}` || n.header.Get("X-Amz-Sns-Rawdelivery") != "true" || n.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %q with %v", n.raw, n.header)
	}
}

// By the default policy a delivery is tried four times, 20 seconds apart.
func TestRetries(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	b.confirmed(r, nil)
	r.answer(http.StatusInternalServerError)
	id := b.publish(&sdk.PublishInput{Message: aws.String("hello")})
	for try := 1; try <= 4; try++ {
		if all := r.take(); len(all) != 1 || all[0].MessageID != id {
			t.Fatalf("try %d: %d requests", try, len(all))
		}
		b.clock.Advance(20*time.Second - time.Millisecond)
		b.settle()
		if all := r.take(); len(all) != 0 {
			t.Fatalf("try %d came early", try+1)
		}
		b.clock.Advance(time.Millisecond)
		b.settle()
	}
	b.clock.Advance(time.Hour)
	b.settle()
	if all := r.take(); len(all) != 0 {
		t.Errorf("after the last: %d requests", len(all))
	}
	b.want("NumberOfNotificationsFailed", 1)

	b.publish(&sdk.PublishInput{Message: aws.String("again")})
	r.take()
	r.answer(http.StatusNoContent)
	b.clock.Advance(20 * time.Second)
	b.settle()
	if all := r.take(); len(all) != 1 {
		t.Errorf("after the receiver came back: %d requests", len(all))
	}
	b.want("NumberOfNotificationsDelivered", 1)
	// What the receiver refuses is not tried again; redirects are not followed.
	for i, status := range []int{http.StatusNotFound, http.StatusFound} {
		r.answer(status)
		b.publish(&sdk.PublishInput{Message: aws.String("refused")})
		b.clock.Advance(time.Hour)
		b.settle()
		if all := r.take(); len(all) != 1 {
			t.Errorf("%d: %d requests", status, len(all))
		}
		b.want("NumberOfNotificationsFailed", float64(2+i))
	}
}

func TestSchedules(t *testing.T) {
	b := newBench(t)
	for _, tt := range []struct {
		policy string
		want   []time.Duration // seconds
	}{
		{``, []time.Duration{20, 20, 20}},
		{`{"healthyRetryPolicy":{"numRetries":0}}`, nil},
		{`{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":60,"numRetries":9,"numNoDelayRetries":2,"numMinDelayRetries":1,"numMaxDelayRetries":3,"backoffFunction":"linear"}}`,
			[]time.Duration{0, 0, 1, 1, 31, 60, 60, 60, 60}},
		{`{"healthyRetryPolicy":{"minDelayTarget":10,"maxDelayTarget":80,"numRetries":4,"backoffFunction":"geometric"}}`, []time.Duration{10, 20, 40, 80}},
		{`{"healthyRetryPolicy":{"minDelayTarget":10,"maxDelayTarget":80,"numRetries":4,"backoffFunction":"exponential"}}`, []time.Duration{10, 20, 40, 80}},
		{`{"healthyRetryPolicy":{"minDelayTarget":10,"maxDelayTarget":70,"numRetries":4,"backoffFunction":"arithmetic"}}`, []time.Duration{10, 20, 40, 70}},
		{`{"healthyRetryPolicy":{"minDelayTarget":1200,"maxDelayTarget":1200,"numRetries":100}}`, []time.Duration{1200, 1200, 1200}}, // an hour in all
	} {
		s := b.policy(&topic{}, &subscription{Protocol: "https", Attributes: map[string]string{"DeliveryPolicy": tt.policy}})
		for i := 1; ; i++ {
			d, ok := s.wait(i)
			if ok != (i <= len(tt.want)) || ok && d.Round(time.Second) != tt.want[i-1]*time.Second {
				t.Errorf("%s: retry %d after %v, %v", tt.policy, i, d, ok)
			}
			if !ok {
				break
			}
		}
	}
}

func TestForbiddenAddresses(t *testing.T) {
	for address, ok := range map[string]bool{
		"127.0.0.1:80": true, "10.0.0.1:80": true, "[::1]:80": true, "93.184.216.34:443": true, "169.254.169.254:80": false, "169.254.170.2:80": false,
		"[fe80::1%eth0]:80": false, "[::ffff:169.254.169.254]:80": false, "[fd00:ec2::254]:80": false, "0.0.0.0:80": false, "[::]:80": false, "224.0.0.1:80": false,
		"100.100.100.200:80": false,
	} {
		if err := permitted(address); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	b := newBench(t)
	b.subscribe("http", "http://user:secret@169.254.169.254/latest?token=secret", nil) // gives up, once
	arns, err := b.ListSubscriptions(b.ctx, &sdk.ListSubscriptionsInput{})
	if err != nil || len(arns.Subscriptions) != 1 || *arns.Subscriptions[0].Endpoint != "http://user:****@169.254.169.254/latest?token=secret" {
		t.Errorf("shown: %+v, %v", arns, err)
	}
}

// What cannot be delivered fails by name, and the others get the message.
func TestUndelivered(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	b.confirmed(r, nil)
	b.subscribe("sqs", "arn:aws:sqs:us-east-1:000000000000:jobs", nil)
	b.subscribe("sms", "+15551234567", nil)
	b.subscribe("email", "ops@example.com", nil) // pending, so that it is not even tried
	b.publish(&sdk.PublishInput{Message: aws.String("hello")})
	if all := r.take(); len(all) != 1 {
		t.Errorf("%d notifications", len(all))
	}
	b.want("NumberOfNotificationsDelivered", 1)
	b.want("NumberOfNotificationsFailed", 2)
}

func TestFunctions(t *testing.T) {
	b := newBench(t)
	const functions = "arn:aws:lambda:us-east-1:000000000000:function:"
	arn := b.subscribe("lambda", functions+"f", nil)
	b.subscribe("lambda", functions+"missing", nil)
	id := b.publish(&sdk.PublishInput{Message: aws.String("hello")})
	if len(b.invoked) != 1 {
		t.Fatalf("invoked with %q", b.invoked)
	}
	var e event
	if err := json.Unmarshal([]byte(b.invoked[0]), &e); err != nil {
		t.Fatal(err)
	}
	r := e.Records[0]
	if r.EventSource != "aws:sns" || r.EventSubscriptionARN != arn || r.SNS.MessageID != id || r.SNS.Message != "hello" || r.SNS.Subject != nil || r.SNS.Type != notification ||
		!strings.Contains(b.invoked[0], `"Subject":null`) || !strings.Contains(b.invoked[0], `"MessageAttributes":{}`) || !strings.Contains(b.invoked[0], `"SigningCertUrl":"http`) {
		t.Errorf("invoked with %s", b.invoked[0])
	}
	b.want("NumberOfNotificationsDelivered", 1)
	b.want("NumberOfNotificationsFailed", 1) // at once: it will not appear
}

// Two a second, whatever comes at once.
func TestThrottle(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	b.confirmed(r, map[string]string{"DeliveryPolicy": `{"throttlePolicy":{"maxReceivesPerSecond":2}}`})
	b.clock.Advance(time.Second) // the confirmation was one, too
	for range 5 {
		b.publish(&sdk.PublishInput{Message: aws.String("hello")})
	}
	for i, want := range []int{1, 1, 1, 1, 1, 0} {
		if all := r.take(); len(all) != want {
			t.Errorf("after %d half seconds: %d requests", i, len(all))
		}
		b.clock.Advance(500 * time.Millisecond)
		b.settle()
	}
}

// The status of deliveries is logged in the topic's roles.
func TestFeedback(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	b.set("HTTPSuccessFeedbackRoleArn", feedbackRole)
	b.set("HTTPFailureFeedbackRoleArn", feedbackRole)
	b.confirmed(r, nil)
	b.publish(&sdk.PublishInput{Message: aws.String("hello")}) // a rate of none
	if len(b.logged) != 0 {
		t.Fatalf("logged %q", b.logged)
	}
	b.set("HTTPSuccessFeedbackSampleRate", "100")
	id := b.publish(&sdk.PublishInput{Message: aws.String("hello")})
	r.answer(http.StatusForbidden)
	b.publish(&sdk.PublishInput{Message: aws.String("hello")})
	if len(b.logged) != 5 {
		t.Fatalf("logged %q", b.logged)
	}
	for i, want := range []string{"PutLogEvents", `CreateLogGroup {"logGroupName":"sns/us-east-1/000000000000/deploys"}`, `CreateLogStream {"logGroupName":"sns/us-east-1/000000000000/deploys","logStreamName":"2026/01/02"}`,
		`\"messageMD5Sum\":\"5d41402abc4b2a76b9719d911017c592\",\"messageId\":\"` + id, `\"attempts\":1,\"statusCode\":403},\"status\":\"FAILURE\"`} {
		if !strings.Contains(b.logged[i], want) {
			t.Errorf("logged %s, want %s", b.logged[i], want)
		}
	}
	if !strings.Contains(b.logged[3], `\"attempts\":1,\"statusCode\":200},\"status\":\"SUCCESS\"`) || !strings.Contains(b.logged[4], "deploys/Failure") {
		t.Errorf("logged %s and %s", b.logged[3], b.logged[4])
	}
}
