package sns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Config is what the service needs; every member is required.
type Config struct {
	Engine *engine.Engine
	Site   site.Site
	IDs    id.Source
	Log    *slog.Logger
	// Box seals tokens and the private key of signatures.
	Box seal.Box
	// Authorizer decides whether a service may publish to a topic.
	Authorizer auth.Authorizer
	Metrics    Metrics
	Functions  Functions
	// Sessions are for the roles in which the status of deliveries is logged.
	Sessions session.Source
}

// Functions is Lambda. An error that is a *wire.Error is Lambda's answer.
type Functions interface {
	// Invoke accepts an event for a function, given by its ARN, that the function
	// gets later: from a principal, for the resource that source names.
	Invoke(ctx context.Context, principal, source, function string, payload []byte) error
}

// Metrics is CloudWatch, which counts what topics do.
type Metrics interface {
	Record(ctx context.Context, region, namespace string, data []metrics.MetricDatum) error
}

// Service implements SNS's API.
type Service struct {
	Config
	client    *http.Client
	throttles throttles

	signing sync.Mutex
	own     *signer // nil before the first signature
}

// New returns the service and registers its jobs.
func New(c Config) *Service {
	s := &Service{Config: c, client: newClient()}
	c.Engine.Handle(jobForget, engine.Options{}, s.forget)
	c.Engine.Handle(jobDeliver, engine.Options{Concurrency: deliverMost}, s.deliver)
	return s
}

// topic is what the store keeps of one.
type topic struct {
	Region, Name string
	// Attributes are those that were set, by their names in the API.
	Attributes map[string]string `json:",omitempty"`
	Tags       tag.Set           `json:",omitempty"`
	Archived   time.Time         `json:",omitzero"`  // since when it has an ArchivePolicy
	Confirmed  int               `json:",omitempty"` // subscriptions
	Pending    int               `json:",omitempty"`
	Deleted    int               `json:",omitempty"`
}

func (t *topic) fifo() bool { return t.Attributes["FifoTopic"] == "true" }

// subscription is what the store keeps of one.
type subscription struct {
	Region, Topic, ID  string
	Protocol, Endpoint string
	Pending            bool              `json:",omitempty"`
	Open               bool              `json:",omitempty"` // everyone may unsubscribe it
	Principal          string            // who subscribed
	Attributes         map[string]string `json:",omitempty"`
}

const (
	topics        store.Table[topic]        = "sns.topic"        // region, name
	subscriptions store.Table[subscription] = "sns.subscription" // region, topic, id
	endpoints     store.Table[string]       = "sns.endpoint"     // region, topic, protocol, endpoint → id
)

func (s *Service) topicARN(t *topic) string {
	return arn.New("sns", t.Region, s.Site.Account, t.Name)
}

func (s *Service) subscriptionARN(sub *subscription) string {
	return arn.New("sns", sub.Region, s.Site.Account, sub.Topic+":"+sub.ID)
}

// wrong is SNS's answer to a parameter that it does not take.
func wrong(format string, args ...any) error {
	return &wire.Error{Code: "InvalidParameter", Message: "Invalid parameter: " + fmt.Sprintf(format, args...)}
}

func invalid(v wire.Violation) error {
	return &wire.Error{Code: "ValidationError", Message: v.Message}
}

// resource is the region of an ARN of ours and what follows the account in it.
// The region must be that of the request, if it has one.
func (s *Service) resource(ctx context.Context, member string, value *string) (region, name string, err error) {
	text := aws.ToString(value)
	if n := strings.Count(text, ":") + 1; n < 6 {
		return "", "", wrong("%s Reason: An ARN must have at least 6 elements, not %d", member, n)
	}
	a, ok := arn.Parse(text)
	region, signed := identity.RegionOf(ctx)
	if !ok || a.Service != "sns" || signed && a.Region != region || a.Account != s.Site.Account {
		return "", "", wrong("%s", member)
	}
	return a.Region, a.Resource, nil
}

// topicOf reads the topic that an ARN names.
func (s *Service) topicOf(ctx context.Context, r store.Reader, value *string) (*topic, error) {
	region, name, err := s.resource(ctx, "TopicArn", value)
	if err != nil {
		return nil, err
	}
	if strings.Contains(name, ":") {
		return nil, wrong("TopicArn")
	}
	t, err := topics.Get(r, region, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &wire.Error{Code: "NotFound", Message: "Topic does not exist"}
	}
	return t, err
}

// subscriptionOf reads the subscription that an ARN names.
func (s *Service) subscriptionOf(ctx context.Context, r store.Reader, value *string) (*subscription, error) {
	region, rest, err := s.resource(ctx, "SubscriptionArn", value)
	if err != nil {
		return nil, err
	}
	name, id, _ := strings.Cut(rest, ":")
	if !isUUID(id) {
		return nil, wrong("SubscriptionId")
	}
	sub, err := subscriptions.Get(r, region, name, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &wire.Error{Code: "NotFound", Message: "Subscription does not exist"}
	}
	return sub, err
}

func isUUID(s string) bool {
	return len(s) == 36 && strings.Count(s, "-") == 4 && strings.Trim(s, "0123456789abcdef-") == ""
}

// changeTopic reads, changes and writes a topic in one transaction.
func (s *Service) changeTopic(ctx context.Context, value *string, f func(*engine.Tx, *topic) error) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		t, err := s.topicOf(ctx, tx, value)
		if err != nil {
			return err
		}
		if err := f(tx, t); err != nil {
			return err
		}
		return topics.Put(tx, t, t.Region, t.Name)
	})
}
