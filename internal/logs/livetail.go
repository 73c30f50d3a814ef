package logs

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
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
	taken   []types.LiveTailSessionLogEvent
	sampled bool
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
		if !f.pattern.Match(e.message) {
			continue
		}
		if len(f.taken) == liveTailMost {
			f.sampled = true
			return
		}
		f.taken = append(f.taken, types.LiveTailSessionLogEvent{
			LogStreamName: aws.String(e.stream), LogGroupIdentifier: aws.String(identifier),
			Message: aws.String(e.message), Timestamp: aws.Int64(e.timestamp), IngestionTime: aws.Int64(e.ingestion),
		})
	}
}

// update takes over what was taken since the last one.
func (f *follower) update() *types.LiveTailSessionUpdate {
	f.mu.Lock()
	defer f.mu.Unlock()
	events, sampled := f.taken, f.sampled
	f.taken, f.sampled = nil, false
	slices.SortStableFunc(events, func(a, b types.LiveTailSessionLogEvent) int { return cmp.Compare(*a.Timestamp, *b.Timestamp) })
	return &types.LiveTailSessionUpdate{
		SessionMetadata: &types.LiveTailSessionMetadata{Sampled: sampled},
		SessionResults:  append([]types.LiveTailSessionLogEvent{}, events...),
	}
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

	out, err := wire.StartEventStream(ctx, w, "cloudwatchlogs", "StartLiveTail", nil)
	if err != nil {
		return err
	}
	err = out.Send(&types.StartLiveTailResponseStreamMemberSessionStart{Value: types.LiveTailSessionStart{
		RequestId:             aws.String(identity.RequestID(ctx)),
		SessionId:             aws.String(id.UUID(s.cfg.IDs)),
		LogGroupIdentifiers:   orEmpty(in.LogGroupIdentifiers),
		LogStreamNames:        orEmpty(in.LogStreamNames),
		LogStreamNamePrefixes: orEmpty(in.LogStreamNamePrefixes),
		LogEventFilterPattern: aws.String(aws.ToString(in.LogEventFilterPattern)),
	}})
	end := s.cfg.Clock.Now().Add(liveTailSession)
	for err == nil {
		tick := make(chan struct{})
		timer := s.cfg.Clock.AfterFunc(liveTailUpdate, func() { close(tick) })
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-tick:
		}
		if !s.cfg.Clock.Now().Before(end) {
			return out.Fail(&types.SessionTimeoutException{Message: aws.String("The live tail session has ended after 3 hours.")})
		}
		err = out.Send(&types.StartLiveTailResponseStreamMemberSessionUpdate{Value: *one.update()})
	}
	return err // wire.ErrBroken once the client has gone
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
