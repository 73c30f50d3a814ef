package logs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// stream is a log stream as it is kept.
type stream struct {
	types.LogStream
	ID  string // 16 hexadecimal digits
	Seq uint64 // of the last event; the first is 1
}

const streams store.Table[stream] = "logs.stream"

func getStream(r store.Reader, g *group, name string) (*stream, error) {
	st, err := streams.Get(r, g.ID, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, noStream()
	}
	return st, err
}

func (st *stream) name() string { return aws.ToString(st.LogStreamName) }

// lastKey is the stream's place among those of the group by its last event;
// one without events comes first.
func (st *stream) lastKey(g *group) string {
	return store.Key("logs.last", g.ID, fmt.Sprintf("%016x", aws.ToInt64(st.LastEventTimestamp)), st.name())
}

// CreateLogStream makes a stream.
func (s *Service) CreateLogStream(ctx context.Context, in *cloudwatchlogs.CreateLogStreamInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogStreamOutput, error) {
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		g, err := getGroup(tx, identity.Region(ctx), aws.ToString(in.LogGroupName))
		if err != nil {
			return err
		}
		switch _, err := streams.Get(tx, g.ID, aws.ToString(in.LogStreamName)); {
		case err == nil:
			return &types.ResourceAlreadyExistsException{Message: aws.String("The specified log stream already exists")}
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		_, err = s.newStream(tx, g, aws.ToString(in.LogStreamName))
		return err
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.CreateLogStreamOutput{}, nil
}

func (s *Service) newStream(tx store.Tx, g *group, name string) (*stream, error) {
	st := &stream{
		ID: id.Hex(s.cfg.IDs, 16),
		LogStream: types.LogStream{
			LogStreamName: aws.String(name),
			Arn:           aws.String(aws.ToString(g.LogGroupArn) + ":log-stream:" + name),
			CreationTime:  aws.Int64(s.cfg.Engine.Now().UnixMilli()),
			StoredBytes:   aws.Int64(0), // of streams it is always 0 since 2019
		},
	}
	return st, errors.Join(streams.Put(tx, st, g.ID, name), tx.Put(st.lastKey(g), nil))
}

// DeleteLogStream takes the stream out of sight; a job erases its events.
func (s *Service) DeleteLogStream(ctx context.Context, in *cloudwatchlogs.DeleteLogStreamInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DeleteLogStreamOutput, error) {
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		g, err := getGroup(tx, identity.Region(ctx), aws.ToString(in.LogGroupName))
		if err != nil {
			return err
		}
		st, err := getStream(tx, g, aws.ToString(in.LogStreamName))
		if err != nil {
			return err
		}
		return errors.Join(
			streams.Delete(tx, g.ID, st.name()),
			tx.Delete(st.lastKey(g)),
			tx.Enqueue(engine.NewJob{Kind: eraseJob, ID: st.ID, Payload: erase{Group: g.ID, Stream: st.ID}}))
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DeleteLogStreamOutput{}, nil
}

// DescribeLogStreams lists the streams of a group by name or last event.
func (s *Service) DescribeLogStreams(ctx context.Context, in *cloudwatchlogs.DescribeLogStreamsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogStreamsOutput, error) {
	prefix := aws.ToString(in.LogStreamNamePrefix)
	byTime := in.OrderBy == types.OrderByLastEventTime
	if byTime && in.LogStreamNamePrefix != nil {
		return nil, invalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	out := &cloudwatchlogs.DescribeLogStreamsOutput{LogStreams: []types.LogStream{}}
	limit := intOr(in.Limit, describeLimit)
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		g, err := s.group(ctx, r, in.LogGroupName, in.LogGroupIdentifier)
		if err != nil {
			return err
		}
		scope := store.Key("DescribeLogStreams", g.ID, prefix, string(in.OrderBy), fmt.Sprint(aws.ToBool(in.Descending)))
		rg := store.Range{Prefix: streams.Key(g.ID, prefix), Reverse: aws.ToBool(in.Descending)}
		if byTime {
			rg.Prefix = store.Prefix("logs.last", g.ID)
		}
		if rg.Start, err = start(scope, in.NextToken); err != nil {
			return err
		}
		for e, err := range r.Scan(rg) {
			if err != nil {
				return err
			}
			if len(out.LogStreams) == limit {
				out.NextToken = aws.String(wire.EncodeToken(scope, e.Key))
				return nil
			}
			st, err := streams.Get(r, g.ID, e.Key[strings.LastIndex(e.Key, store.Separator)+1:])
			if err != nil {
				return err
			}
			st.UploadSequenceToken = aws.String(st.sequenceToken())
			out.LogStreams = append(out.LogStreams, st.LogStream)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// sequenceToken is ignored when it comes back; old agents pass it on.
func (st *stream) sequenceToken() string {
	return fmt.Sprintf("49%054d", st.Seq)
}
