package gateway_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/gateway"
	"github.com/slipway-dev/slipway/internal/id"
)

func confirm(ctx context.Context, in *sns.ConfirmSubscriptionInput, _ ...func(*sns.Options)) (*sns.ConfirmSubscriptionOutput, error) {
	if _, signed := identity.Maybe(ctx); signed {
		return nil, &wire.Error{Code: "Signed", Message: "somebody called"}
	}
	return &sns.ConfirmSubscriptionOutput{SubscriptionArn: aws.String(*in.TopicArn + ":" + *in.Token)}, nil
}

func publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error) {
	return &sns.PublishOutput{}, nil
}

// Only what is marked so needs no signature, and nobody is asked for permission.
func TestUnsigned(t *testing.T) {
	r := &rules{}
	g := gateway.New(gateway.Config{Keys: keys{}, Auth: r, Clock: clock.System, IDs: id.Random, Log: slog.New(slog.DiscardHandler)})
	open := wire.Op("sns:ConfirmSubscription", confirm, nil)
	open.Unsigned = true
	if err := g.Register(wire.Service{Model: "sns", Operations: []wire.Operation{open, wire.Op("sns:Publish", publish, nil)}}); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"Action=ConfirmSubscription&TopicArn=a:b&Token=c": "<SubscriptionArn>a:b:c</SubscriptionArn>",
		"Action=ConfirmSubscription&TopicArn=a:b":         "ValidationError",
		"Action=Publish&TopicArn=a:b&Message=c":           "MissingAuthenticationToken",
		"Action=Subscribe&TopicArn=a:b":                   "InvalidAction",
	} {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/?Version=2010-03-31&"+query, nil))
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want %s", query, w.Code, w.Body, want)
		}
	}
	if len(r.asked) != 0 {
		t.Errorf("asked for %v", r.asked)
	}
}
