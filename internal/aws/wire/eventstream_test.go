package wire_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

func TestEventStream(t *testing.T) {
	tail := func(ctx context.Context, in any, w http.ResponseWriter) error {
		if in.(*cloudwatchlogs.StartLiveTailInput).LogGroupIdentifiers[0] == "arn:none" {
			return &types.ResourceNotFoundException{Message: aws.String("no such group")}
		}
		s, err := wire.StartEventStream(ctx, w, "cloudwatchlogs", "StartLiveTail", nil)
		if err != nil {
			return err
		}
		for _, event := range []types.StartLiveTailResponseStream{
			&types.StartLiveTailResponseStreamMemberSessionStart{Value: types.LiveTailSessionStart{SessionId: aws.String("s1")}},
			&types.StartLiveTailResponseStreamMemberSessionUpdate{Value: types.LiveTailSessionUpdate{
				SessionResults: []types.LiveTailSessionLogEvent{{Message: aws.String("hello"), Timestamp: aws.Int64(1700000000123)}}}},
		} {
			if err := s.Send(event); err != nil {
				return err
			}
		}
		return s.Fail(&types.SessionTimeoutException{Message: aws.String("too long")})
	}
	client := cloudwatchlogs.NewFromConfig(serve(t, wire.Service{Model: "cloudwatchlogs", Operations: []wire.Operation{{
		Name: "StartLiveTail", Action: "logs:StartLiveTail", Input: reflect.TypeFor[cloudwatchlogs.StartLiveTailInput](),
		Output: reflect.TypeFor[cloudwatchlogs.StartLiveTailOutput](), Stream: tail,
	}}}), func(o *cloudwatchlogs.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
			return s.Initialize.Add(middleware.InitializeMiddlewareFunc("no host prefix",
				func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
					return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
				}), middleware.Before)
		})
	})
	out, err := client.StartLiveTail(ctx(t), &cloudwatchlogs.StartLiveTailInput{LogGroupIdentifiers: []string{"arn:x"}})
	if err != nil {
		t.Fatal(err)
	}
	stream := out.GetStream()
	defer stream.Close()
	if start, ok := (<-stream.Events()).(*types.StartLiveTailResponseStreamMemberSessionStart); !ok || *start.Value.SessionId != "s1" {
		t.Errorf("got %+v", start)
	}
	if up, ok := (<-stream.Events()).(*types.StartLiveTailResponseStreamMemberSessionUpdate); !ok ||
		*up.Value.SessionResults[0].Message != "hello" || *up.Value.SessionResults[0].Timestamp != 1700000000123 {
		t.Errorf("got %+v", up)
	}
	if ev, more := <-stream.Events(); more {
		t.Errorf("got %+v", ev)
	}
	var timeout *types.SessionTimeoutException
	if err := stream.Err(); !errors.As(err, &timeout) {
		t.Errorf("got %v", err)
	}

	_, err = client.StartLiveTail(ctx(t), &cloudwatchlogs.StartLiveTailInput{LogGroupIdentifiers: []string{"arn:none"}})
	var none *types.ResourceNotFoundException
	if !errors.As(err, &none) {
		t.Errorf("got %v", err)
	}
}
