package logs_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/logs"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
	"github.com/slipway-dev/slipway/internal/store/memory"
)

// world is the service behind the wire, without authentication, and the SDK's
// client of it.
type world struct {
	*cloudwatchlogs.Client
	service *logs.Service
	kms     *keyring
	engine  *engine.Engine
	store   store.Store
	clock   *clock.Fake
	armed   chan bool // the service has set a timer
}

// armedClock tells when a timer has been set.
type armedClock struct {
	*clock.Fake
	armed chan bool
}

func (c armedClock) AfterFunc(d time.Duration, f func()) clock.Timer {
	t := c.Fake.AfterFunc(d, f)
	c.armed <- true
	return t
}

func start(t *testing.T) world {
	w := world{store: memory.New(), kms: &keyring{}, clock: clock.NewFake(enginetest.Epoch), armed: make(chan bool, 100)}
	w.engine = enginetest.On(t, w.store, w.clock)
	w.service = logs.New(logs.Config{
		Engine: w.engine,
		Site:   site.Site{Account: "000000000000", Region: "us-east-1"},
		Clock:  armedClock{w.clock, w.armed},
		IDs:    &id.Sequence{},
		Log:    enginetest.Log(t),
		Keys:   w.kms,
	})
	enginetest.Start(t, w.engine)
	bound, err := wire.Bind(w.service.Wire())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx := identity.WithRequestID(identity.WithRegion(r.Context(), "us-east-1"), "request")
		r = r.WithContext(ctx)
		if err := answer(ctx, bound, rw, r); err != nil {
			if f := bound.EncodeError(rw, r, err); f.Internal {
				t.Errorf("internal error: %v", err)
			}
		}
	}))
	t.Cleanup(server.Close)
	w.Client = cloudwatchlogs.New(cloudwatchlogs.Options{
		Region:       "us-east-1",
		HTTPClient:   &http.Client{Transport: ownBody{}},
		BaseEndpoint: aws.String(server.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
	return w
}

// ownBody sends a copy of the request's body. The SDK rewinds its own as soon as
// there is an answer; if the transport is not quite done with it, it takes the
// request for broken and closes the connection under the event stream.
type ownBody struct{}

func (ownBody) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return http.DefaultTransport.RoundTrip(r)
}

func answer(ctx context.Context, bound *wire.Bound, w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	call, err := bound.Find(r, body)
	if err != nil {
		return err
	}
	in, err := call.Decode(r, body)
	if err != nil {
		return err
	}
	if call.Operation.Access != nil {
		call.Operation.Access(ctx, in)
	}
	if call.Operation.Stream != nil {
		return call.Operation.Stream(ctx, in, w)
	}
	out, err := call.Operation.Call(ctx, in)
	if err != nil {
		return err
	}
	return call.Encode(w, r, out)
}

// disableHostPrefix keeps the SDK from putting "stream-" before the host.
func disableHostPrefix(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("DisableHostPrefix",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
		}), middleware.Before)
}
