package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/aws/smithy-go/eventstream"
	"github.com/slipway-dev/slipway/internal/aws/model"
)

// EventStream is an answer of many messages (vnd.amazon.eventstream), for an
// Operation's Stream. Send and Fail may be called from several goroutines.
type EventStream struct {
	mu     sync.Mutex
	w      http.ResponseWriter
	flush  *http.ResponseController
	enc    *eventstream.Encoder
	stream *model.Shape // the union of events
	bound  bound
}

// StartEventStream begins the answer of an operation with an event stream in
// its output and sends the initial response. out holds the output's other
// members; nil if there are none. An error before that, as any before the first
// byte, may be returned by Stream for the gateway to answer.
func StartEventStream(ctx context.Context, w http.ResponseWriter, modelName, operation string, out any) (*EventStream, error) {
	m, err := model.Load(modelName)
	if err != nil {
		return nil, err
	}
	op := m.Operations[operation]
	if op == nil || op.Output == nil {
		return nil, fmt.Errorf("wire: %s %s has no output", modelName, operation)
	}
	s := &EventStream{w: w, flush: http.NewResponseController(w), enc: eventstream.NewEncoder()}
	s.bound.info = m.Info
	s.bound.model = func() (*model.Service, error) { return m, nil }
	for _, mem := range op.Output.Members {
		if mem.Shape.EventStream {
			s.stream = mem.Shape
		}
	}
	if s.stream == nil {
		return nil, fmt.Errorf("wire: %s %s has no event stream", modelName, operation)
	}
	payload := []byte("{}")
	if out != nil {
		v := reflect.ValueOf(out).Elem()
		n, err := s.bound.plans.compile(op.Output, v.Type())
		if err != nil {
			return nil, err
		}
		if payload, err = appendJSON(nil, n, v, nil); err != nil {
			return nil, err
		}
	}
	w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	setRequestID(ctx, w.Header(), JSON)
	w.WriteHeader(http.StatusOK)
	return s, s.message(payload, ":message-type", "event", ":event-type", "initial-response", ":content-type", "application/json")
}

// Send sends one event, a variant of the stream's union such as
// *types.StartLiveTailResponseStreamMemberSessionUpdate, and flushes it. The
// error is ErrBroken if the client has gone.
func (s *EventStream) Send(event any) error {
	v := reflect.ValueOf(event)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct || v.Elem().NumField() == 0 {
		return fmt.Errorf("wire: %T is no event", event)
	}
	v = v.Elem()
	_, name, _ := strings.Cut(v.Type().Name(), "Member")
	for _, m := range s.stream.Members {
		if goName(m.Name) != name {
			continue
		}
		n, err := s.bound.plans.compile(m.Shape, v.Field(0).Type())
		if err != nil {
			return err
		}
		payload, err := appendJSON(nil, n, v.Field(0), m)
		if err != nil {
			return err
		}
		return s.message(payload, ":message-type", "event", ":event-type", m.Name, ":content-type", "application/json")
	}
	return fmt.Errorf("wire: %T is no event of %s", event, s.stream.Name)
}

// Fail ends the stream with an error: one that the stream's model has as an
// exception event, another by its code, an internal one without its text.
func (s *EventStream) Fail(err error) error {
	if errors.Is(err, ErrBroken) {
		return err
	}
	f := s.bound.resolve(err, JSON)
	for _, m := range s.stream.Members {
		if f.shape != nil && m.Shape == f.shape {
			return s.message(f.appendJSON(nil), ":message-type", "exception", ":exception-type", m.Name, ":content-type", "application/json")
		}
	}
	return s.message(nil, ":message-type", "error", ":error-code", f.code, ":error-message", f.message)
}

func (s *EventStream) message(payload []byte, headers ...string) error {
	msg := eventstream.Message{Payload: payload}
	for i := 0; i < len(headers); i += 2 {
		msg.Headers.Set(headers[i], eventstream.StringValue(headers[i+1]))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var buf bytes.Buffer
	if err := s.enc.Encode(&buf, msg); err != nil {
		return fmt.Errorf("wire: event stream: %w", err)
	}
	if _, err := s.w.Write(buf.Bytes()); err != nil {
		return ErrBroken
	}
	if err := s.flush.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return ErrBroken
	}
	return nil
}
