package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// Limits of events, in bytes.
const (
	maxEvent      = 6291456
	maxAsyncEvent = 1 << 20
)

// event is what a function is invoked with.
type event struct {
	ID      string // of the request
	Name    name   // as it was invoked
	Payload []byte
	// ClientContext is JSON, as the function gets it.
	ClientContext string `json:",omitempty"`
}

// result is what came of an event.
type result struct {
	payload []byte
	failed  bool   // the function's error, in payload
	tail    string // the last 4 KB of the log
	version string
}

// Invoke runs a function and answers what it returns; with the type Event it
// accepts the event and answers at once, with DryRun it only checks.
func (s *Service) Invoke(ctx context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	n, err := s.named(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	switch {
	case aws.ToString(in.DurableExecutionName) != "":
		return nil, lacking("DurableExecutionName: durable executions are")
	case aws.ToString(in.TenantId) != "":
		return nil, lacking("TenantId: tenant isolation is")
	}
	e := &event{ID: identity.RequestID(ctx), Name: n, Payload: in.Payload}
	if e.ID == "" {
		e.ID = id.UUID(s.IDs)
	}
	if e.ClientContext, err = clientContext(in.ClientContext); err != nil {
		return nil, err
	}
	if err := e.check(in.InvocationType == types.InvocationTypeEvent); err != nil {
		return nil, err
	}
	switch in.InvocationType {
	case types.InvocationTypeDryRun:
		_, err := s.route(ctx, n)
		return &lambda.InvokeOutput{StatusCode: http.StatusNoContent}, err
	case types.InvocationTypeEvent:
		return &lambda.InvokeOutput{StatusCode: http.StatusAccepted}, s.accept(ctx, e)
	}
	r, err := s.execute(ctx, e)
	if err != nil {
		return nil, err
	}
	out := &lambda.InvokeOutput{StatusCode: http.StatusOK, ExecutedVersion: &r.version, Payload: r.payload}
	if r.failed {
		out.FunctionError = aws.String("Unhandled")
	}
	if in.LogType == types.LogTypeTail {
		out.LogResult = aws.String(base64.StdEncoding.EncodeToString([]byte(r.tail)))
	}
	return out, nil
}

// InvokeAsync is the older Invoke of the type Event.
func (s *Service) InvokeAsync(ctx context.Context, in *lambda.InvokeAsyncInput, _ ...func(*lambda.Options)) (*lambda.InvokeAsyncOutput, error) {
	payload, err := io.ReadAll(io.LimitReader(in.InvokeArgs, maxAsyncEvent+1))
	if err != nil {
		return nil, err
	}
	out, err := s.Invoke(ctx, &lambda.InvokeInput{FunctionName: in.FunctionName, InvocationType: types.InvocationTypeEvent, Payload: payload})
	if err != nil {
		return nil, err
	}
	return &lambda.InvokeAsyncOutput{Status: out.StatusCode}, nil
}

// check refuses what is no event. None is the empty object.
func (e *event) check(async bool) error {
	most := maxEvent
	if async {
		most = maxAsyncEvent
	}
	if len(e.Payload) == 0 {
		e.Payload = []byte("{}")
	}
	switch {
	case len(e.Payload) > most:
		return fail("RequestTooLarge", "Request must be smaller than %d bytes for the InvokeFunction operation", most)
	case !json.Valid(e.Payload):
		return fail("InvalidRequestContent", "Could not parse request body into json: the payload is not valid JSON")
	}
	return nil
}

func clientContext(encoded *string) (string, error) {
	if aws.ToString(encoded) == "" {
		return "", nil
	}
	b, err := base64.StdEncoding.DecodeString(*encoded)
	if err != nil || !json.Valid(b) {
		return "", fail("InvalidRequestContent", "Client context must be a valid Base64-encoded JSON object.")
	}
	return string(b), nil
}

// target is the version that an event goes to.
type target struct {
	*version
	Region, Function string
	Reserved         *int32
}

// route finds the version for the next event of a name.
func (s *Service) route(ctx context.Context, n name) (*target, error) {
	var t *target
	err := s.view(ctx, func(r store.Reader) error {
		at, err := s.find(r, n)
		if err != nil {
			return err
		}
		t = &target{at.version, at.Region, at.Name, at.Reserved}
		if at.version == &at.Latest {
			t.version = s.served(at.function)
		}
		if at.alias == nil || at.alias.RoutingConfig == nil {
			return nil
		}
		for number, weight := range at.alias.RoutingConfig.AdditionalVersionWeights {
			if s.split.second(*at.alias.AliasArn, weight) {
				t.version, err = s.numbered(r, at.function, number)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if t.State != types.StateActive {
		return nil, fail("ResourceConflict", "The operation cannot be performed at this time. The function is currently in the following state: %s", t.State)
	}
	return t, nil
}

// execute runs a function with an event to the end, even if nobody waits for it
// any more: AWS does not break off either.
func (s *Service) execute(ctx context.Context, e *event) (*result, error) {
	t, err := s.route(ctx, e.Name)
	if err != nil {
		return nil, err
	}
	if err := s.pool.enter(t); err != nil {
		s.count(t, e.Name, throttled, 0)
		return nil, err
	}
	type ending struct {
		*result
		error
	}
	done := make(chan ending, 1)
	s.busy.Go(func() {
		i, r, err := s.perform(t, e)
		s.pool.leave(t)
		done <- ending{r, err}
		if i != nil {
			s.pool.settle(i, t.timeout())
		}
	})
	select {
	case o := <-done:
		return o.result, o.error
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.ending.Done():
		return nil, &wire.Error{Code: "ServiceException", Message: "The server is ending.", Status: http.StatusInternalServerError}
	}
}

// perform gets an instance and gives it the event. The instance has answered,
// and waits to be settled.
func (s *Service) perform(t *target, e *event) (*instance, *result, error) {
	i, err := s.pool.acquire(s.ending, t)
	var broken *startError
	switch {
	case errors.As(err, &broken):
		s.count(t, e.Name, failed, 0)
		return nil, broken.result(e, t), nil
	case errors.Is(err, compute.ErrImage):
		return nil, nil, fail("InvalidRuntime", "The image %s, in which the function runs, cannot be had: %s", s.imageOf(t.version), err)
	case errors.Is(err, compute.ErrUnavailable), errors.Is(err, compute.ErrUnsupported):
		return nil, nil, &wire.Error{Code: "ServiceException", Message: "The container engine cannot run the function: " + err.Error(), Status: http.StatusInternalServerError}
	case err != nil:
		return nil, nil, err
	}
	r, took := i.invoke(e)
	s.pool.answered(i)
	if r.failed {
		s.count(t, e.Name, failed, took)
	} else {
		s.count(t, e.Name, succeeded, took)
	}
	return i, r, nil
}

// problem is the payload of an error that Lambda itself reports.
func problem(kind, request, message string) []byte {
	b, err := json.Marshal(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{kind, "RequestId: " + request + " Error: " + message})
	if err != nil {
		panic(err) // of strings only
	}
	return b
}

// timeout is how long an event may take.
func (t *target) timeout() time.Duration { return time.Duration(*t.Timeout) * time.Second }
