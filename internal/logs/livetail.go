package logs

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/logs/filter"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	liveTailUpdate  = time.Second
	liveTailMost    = 500 // events of one update; more are left out: "sampled"
	liveTailSession = 3 * time.Hour
)

// followers are the live tail sessions.
type followers struct {
	mu       sync.Mutex
	sessions map[*follower]bool
}

// follower is one session. It takes what fits its filters until the next
// update takes it over.
type follower struct {
	groups   map[string]string // id to the identifier that the client gave
	names    []string
	prefixes []string
	pattern  *filter.Pattern

	mu      sync.Mutex
	taken   []liveEvent
	sampled bool
}

// liveEvent has the wire's names.
type liveEvent struct {
	LogStreamName      string `json:"logStreamName"`
	LogGroupIdentifier string `json:"logGroupIdentifier"`
	Message            string `json:"message"`
	Timestamp          int64  `json:"timestamp"`
	IngestionTime      int64  `json:"ingestionTime"`
}

func (f *followers) add(one *follower) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sessions == nil {
		f.sessions = map[*follower]bool{}
	}
	f.sessions[one] = true
}

func (f *followers) remove(one *follower) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.sessions, one)
}

// publish hands committed events of one stream to those who follow.
func (f *followers) publish(groupID string, events []event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for one := range f.sessions {
		if identifier, ok := one.groups[groupID]; ok && one.wants(events[0].stream) {
			one.take(identifier, events)
		}
	}
}

func (f *follower) wants(stream string) bool {
	return len(f.names)+len(f.prefixes) == 0 || slices.Contains(f.names, stream) ||
		slices.ContainsFunc(f.prefixes, func(p string) bool { return strings.HasPrefix(stream, p) })
}

func (f *follower) take(identifier string, events []event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range events {
		if len(f.taken) == liveTailMost {
			f.sampled = true
			return
		}
		if f.pattern.Match(e.message) {
			f.taken = append(f.taken, liveEvent{e.stream, identifier, e.message, e.timestamp, e.ingestion})
		}
	}
}

func (f *follower) update() (events []liveEvent, sampled bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	events, sampled = f.taken, f.sampled
	f.taken, f.sampled = nil, false
	if events == nil {
		events = []liveEvent{}
	}
	slices.SortStableFunc(events, func(a, b liveEvent) int { return int(a.Timestamp - b.Timestamp) })
	return events, sampled
}

// startLiveTail answers StartLiveTail: an event stream of what is logged from
// now on, one update a second, for three hours at most.
func (s *Service) startLiveTail(ctx context.Context, input any, w http.ResponseWriter) error {
	in := input.(*cloudwatchlogs.StartLiveTailInput)
	one, err := s.newFollower(ctx, in)
	if err != nil {
		return err
	}
	s.followers.add(one)
	defer s.followers.remove(one)

	w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	out := liveWriter{w: w, encoder: eventstream.NewEncoder()}
	out.event("initial-response", struct{}{})
	out.event("sessionStart", map[string]any{
		"requestId":             identity.RequestID(ctx),
		"sessionId":             id.UUID(s.cfg.IDs),
		"logGroupIdentifiers":   orEmpty(in.LogGroupIdentifiers),
		"logStreamNames":        orEmpty(in.LogStreamNames),
		"logStreamNamePrefixes": orEmpty(in.LogStreamNamePrefixes),
		"logEventFilterPattern": aws.ToString(in.LogEventFilterPattern),
	})
	end := s.cfg.Clock.Now().Add(liveTailSession)
	for out.err == nil {
		tick := make(chan struct{})
		timer := s.cfg.Clock.AfterFunc(liveTailUpdate, func() { close(tick) })
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-tick:
		}
		if !s.cfg.Clock.Now().Before(end) {
			out.exception("SessionTimeoutException", "The live tail session has ended after 3 hours.")
			return nil
		}
		events, sampled := one.update()
		out.event("sessionUpdate", map[string]any{
			"sessionMetadata": map[string]bool{"sampled": sampled},
			"sessionResults":  events,
		})
	}
	return nil // the client has gone
}

func (s *Service) newFollower(ctx context.Context, in *cloudwatchlogs.StartLiveTailInput) (*follower, error) {
	pattern, err := filter.Parse(aws.ToString(in.LogEventFilterPattern))
	if err != nil {
		return nil, invalidParameter(err.Error())
	}
	switch streamsGiven := len(in.LogStreamNames) + len(in.LogStreamNamePrefixes); {
	case len(in.LogStreamNames) > 0 && len(in.LogStreamNamePrefixes) > 0:
		return nil, invalidParameter("logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.")
	case streamsGiven > 0 && len(in.LogGroupIdentifiers) != 1:
		return nil, invalidParameter("Log streams can be given only with a single log group.")
	}
	one := &follower{groups: map[string]string{}, names: in.LogStreamNames, prefixes: in.LogStreamNamePrefixes, pattern: pattern}
	return one, s.cfg.Engine.View(ctx, func(r store.Reader) error {
		for _, identifier := range in.LogGroupIdentifiers {
			if !strings.HasPrefix(identifier, "arn:") {
				return invalidParameter("The log group must be specified by its ARN: " + identifier)
			}
			g, err := s.identified(ctx, r, identifier)
			if err != nil {
				return err
			}
			one.groups[g.ID] = identifier
		}
		return nil
	})
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// liveWriter writes messages of an event stream until one fails.
type liveWriter struct {
	w       http.ResponseWriter
	encoder *eventstream.Encoder
	err     error
}

func (l *liveWriter) event(kind string, payload any) {
	l.message(payload, eventstream.Headers{
		{Name: ":message-type", Value: eventstream.StringValue("event")},
		{Name: ":event-type", Value: eventstream.StringValue(kind)},
	})
}

func (l *liveWriter) exception(kind, text string) {
	l.message(map[string]string{"message": text}, eventstream.Headers{
		{Name: ":message-type", Value: eventstream.StringValue("exception")},
		{Name: ":exception-type", Value: eventstream.StringValue(kind)},
	})
}

func (l *liveWriter) message(payload any, h eventstream.Headers) {
	if l.err != nil {
		return
	}
	body, err := json.Marshal(payload)
	if err == nil {
		h = append(h, eventstream.Header{Name: ":content-type", Value: eventstream.StringValue("application/json")})
		err = l.encoder.Encode(l.w, eventstream.Message{Headers: h, Payload: body})
	}
	if err == nil {
		err = http.NewResponseController(l.w).Flush()
	}
	l.err = err
}
