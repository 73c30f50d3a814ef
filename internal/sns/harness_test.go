package sns

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
)

// bench is the service with what it needs of others.
type bench struct {
	*Service
	t     *testing.T
	ctx   context.Context
	clock *clock.Fake
	topic *string

	mu      sync.Mutex
	counted map[string]float64
	refuse  error         // what the authorizer says
	asked   []wire.Access // what it was asked
	invoked []string      // payloads
	logged  []string      // requests of Logs
}

func (b *bench) Credentials(context.Context, session.Request) (aws.Credentials, error) {
	return aws.Credentials{}, errors.New("not asked for")
}

// Config is for clients of b, in one role.
func (b *bench) Config(_ context.Context, r session.Request) (aws.Config, error) {
	if r.RoleARN != feedbackRole || r.Service != principal || r.SourceARN != *b.topic {
		return aws.Config{}, &wire.Error{Code: "AccessDenied", Message: "not that role"}
	}
	return aws.Config{Region: r.Region, HTTPClient: b, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "s"}, nil
	})}, nil
}

const feedbackRole = "arn:aws:iam::000000000000:role/feedback"

// Do is CloudWatch Logs, where no group is there at first.
func (b *bench) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	b.mu.Lock()
	defer b.mu.Unlock()
	status, text := http.StatusOK, "{}"
	if len(b.logged) == 0 {
		status, text = http.StatusBadRequest, `{"__type":"ResourceNotFoundException"}`
	}
	b.logged = append(b.logged, action+" "+string(body))
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

// Invoke is Lambda, with one function.
func (b *bench) Invoke(_ context.Context, who, source, function string, payload []byte) error {
	if who != principal || source != *b.topic || !strings.HasSuffix(function, ":function:f") {
		return &wire.Error{Code: "ResourceNotFoundException", Message: "Function not found: " + function, Status: http.StatusNotFound}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.invoked = append(b.invoked, string(payload))
	return nil
}

func newBench(t *testing.T) *bench {
	e, c := enginetest.New(t)
	b := &bench{t: t, clock: c, counted: map[string]float64{}}
	b.Service = New(Config{Engine: e, IDs: id.Random, Log: enginetest.Log(t), Site: site.Site{Account: "000000000000", Region: "us-east-1", URL: "http://localhost:4566"},
		Box: seal.New(make([]byte, 32)).For("sns"), Authorizer: b, Metrics: b, Functions: b, Sessions: b})
	enginetest.Start(t, e)
	b.ctx = identity.WithRegion(identity.WithCaller(context.Background(), &identity.Caller{}), "us-east-1")
	out, err := b.CreateTopic(b.ctx, &sdk.CreateTopicInput{Name: aws.String("deploys")})
	if err != nil {
		t.Fatal(err)
	}
	b.topic = out.TopicArn
	return b
}

func (b *bench) Authorize(_ context.Context, checks ...wire.Access) error {
	b.asked = append(b.asked, checks...)
	return b.refuse
}

func (b *bench) Record(_ context.Context, _, namespace string, data []metrics.MetricDatum) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range data {
		if namespace != "AWS/SNS" || len(d.Dimensions) != 1 || *d.Dimensions[0].Value != "deploys" {
			b.t.Errorf("counted %s of %v in %s", *d.MetricName, d.Dimensions, namespace)
		}
		b.counted[*d.MetricName] += *d.Value
	}
	return nil
}

func (b *bench) want(metric string, n float64) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.counted[metric] != n {
		b.t.Errorf("%s is %v, want %v", metric, b.counted[metric], n)
	}
}

// settle waits until nothing is left to do now.
func (b *bench) settle() {
	b.t.Helper()
	enginetest.Settle(b.t, b.Engine)
}

func (b *bench) subscribe(protocol, endpoint string, attributes map[string]string) string {
	b.t.Helper()
	out, err := b.Subscribe(b.ctx, &sdk.SubscribeInput{TopicArn: b.topic, Protocol: &protocol, Endpoint: &endpoint, Attributes: attributes, ReturnSubscriptionArn: true})
	if err != nil {
		b.t.Fatal(err)
	}
	b.settle()
	return *out.SubscriptionArn
}

func (b *bench) publish(in *sdk.PublishInput) string {
	b.t.Helper()
	in.TopicArn = b.topic
	out, err := b.Publish(b.ctx, in)
	if err != nil {
		b.t.Fatal(err)
	}
	b.settle()
	return *out.MessageId
}

// got is one request that a receiver had.
type got struct {
	header http.Header
	raw    string
	envelope
}

// receiver keeps what it gets, and answers with a status.
type receiver struct {
	URL    string
	mu     sync.Mutex
	status int
	all    []got
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: http.StatusOK}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		g := got{header: q.Header, raw: string(body)}
		if strings.HasPrefix(g.raw, "{") {
			if err := json.Unmarshal(body, &g.envelope); err != nil {
				t.Errorf("%s: %v", body, err)
			}
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all = append(r.all, g)
		w.Header().Set("Location", "http://169.254.169.254/") // for statuses that redirect
		w.WriteHeader(r.status)
	}))
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// take returns what came since the last take.
func (r *receiver) take() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.all
	r.all = nil
	return out
}

// confirmed subscribes a receiver and confirms with the token that it got.
func (b *bench) confirmed(r *receiver, attributes map[string]string) string {
	b.t.Helper()
	arn := b.subscribe("http", r.URL+"/hook", attributes)
	all := r.take()
	if len(all) != 1 || all[0].Type != confirmation {
		b.t.Fatalf("to confirm: %+v", all)
	}
	// Nobody need sign.
	out, err := b.ConfirmSubscription(context.Background(), &sdk.ConfirmSubscriptionInput{TopicArn: b.topic, Token: &all[0].Token})
	if err != nil || *out.SubscriptionArn != arn {
		b.t.Fatalf("confirmed %v, %v", out, err)
	}
	return arn
}
