package eventbridge

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
)

// maxEntries is the bytes of all entries of a PutEvents together.
const maxEntries = 256 << 10

// PutEvents puts events of the caller's own on buses. What is refused is in the
// answer, in the order of the entries; the others go on their way.
//
// Errors: ResourceNotFoundException; ValidationException if there is too much.
func (s *Service) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	if in.EndpointId != nil {
		return nil, validation("Global endpoints are not implemented by Slipway.")
	}
	size := 0
	for _, e := range in.Entries {
		size += len(aws.ToString(e.Source)) + len(aws.ToString(e.DetailType)) + len(aws.ToString(e.Detail)) + len(strings.Join(e.Resources, ""))
		if e.Time != nil {
			size += 14
		}
	}
	if size > maxEntries {
		return nil, validation("Total size of the entries in the request is over the limit.")
	}
	region := identity.Region(ctx)
	out := &eventbridge.PutEventsOutput{}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		out.Entries, out.FailedEntryCount = make([]types.PutEventsResultEntry, len(in.Entries)), 0
		for i, e := range in.Entries {
			if code, message := checkEntry(&e); code != "" {
				out.Entries[i] = types.PutEventsResultEntry{ErrorCode: &code, ErrorMessage: &message}
				out.FailedEntryCount++
				continue
			}
			name := busName(e.EventBusName)
			if _, err := s.findBus(ctx, tx, name); err != nil {
				var gone *types.ResourceNotFoundException
				if !errors.As(err, &gone) {
					return err
				}
				out.Entries[i] = types.PutEventsResultEntry{ErrorCode: aws.String("ResourceNotFoundException"), ErrorMessage: gone.Message}
				out.FailedEntryCount++
				continue
			}
			ev := bus.Event{ID: id.UUID(s.IDs), Version: "0", DetailType: *e.DetailType, Source: *e.Source, Account: s.Site.Account,
				Time: tx.Now().Truncate(time.Second), Region: region, Resources: e.Resources, Detail: json.RawMessage(*e.Detail)}
			if e.Time != nil {
				ev.Time = e.Time.UTC().Truncate(time.Second)
			}
			if ev.Resources == nil {
				ev.Resources = []string{}
			}
			if err := tx.Enqueue(engine.NewJob{Kind: jobMatch, ID: ev.ID, Payload: put{Region: region, Bus: name, Event: ev}}); err != nil {
				return err
			}
			out.Entries[i] = types.PutEventsResultEntry{EventId: aws.String(ev.ID)}
		}
		return nil
	})
	return out, err
}

func checkEntry(e *types.PutEventsRequestEntry) (code, message string) {
	var object map[string]json.RawMessage
	switch {
	case aws.ToString(e.Source) == "":
		return "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."
	case aws.ToString(e.DetailType) == "":
		return "InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is a required argument."
	case aws.ToString(e.Detail) == "":
		return "InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument."
	case strings.HasPrefix(*e.Source, "aws."):
		return "NotAuthorizedForSourceException", "Not authorized for the source."
	case json.Unmarshal([]byte(*e.Detail), &object) != nil || object == nil:
		return "MalformedDetail", "Detail is malformed."
	}
	return "", ""
}

// checkEvent checks the event of TestEventPattern: an envelope, not only a
// detail.
func checkEvent(text string) error {
	var ev map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &ev) != nil || ev == nil {
		return validation("Parameter Event is not valid. Reason: it is not a JSON object.")
	}
	for _, member := range []string{"id", "account", "source", "time", "region", "resources", "detail-type"} {
		if ev[member] == nil {
			return validation("Parameter Event is not valid. Reason: the member %s is missing.", member)
		}
	}
	return nil
}
