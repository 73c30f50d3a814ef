package sns

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
)

// Publish takes a message for a topic's subscribers. Each delivery is a job of
// the same transaction, so that a message that was accepted is delivered, or
// its failure is told, whatever happens to this process.
//
// Errors: InvalidParameter, ParameterValueInvalid for attributes, NotFound.
func (s *Service) Publish(ctx context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	arn := in.TopicArn
	switch {
	case in.PhoneNumber != nil && (in.TopicArn != nil || in.TargetArn != nil), in.TopicArn != nil && in.TargetArn != nil:
		return nil, wrong("Only one of TopicArn, TargetArn and PhoneNumber may be given")
	case in.PhoneNumber != nil:
		return nil, wrong("PhoneNumber Reason: sending SMS is not implemented by Slipway")
	case in.TopicArn == nil && in.TargetArn == nil:
		return nil, wrong("TopicArn or TargetArn Reason: no value for required parameter")
	case in.TargetArn != nil:
		if strings.Contains(*in.TargetArn, ":endpoint/") {
			return nil, wrong("TargetArn Reason: platform endpoints are not implemented by Slipway")
		}
		arn = in.TargetArn
	}
	d, err := draftOf(entry(in))
	if err != nil {
		return nil, err
	}
	out := &sns.PublishOutput{}
	var p published
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		t, err := s.topicOf(ctx, tx, arn)
		if err != nil {
			return err
		}
		p = published{topic: t}
		id, err := s.publish(tx, t, d, &p)
		out.MessageId = &id
		return err
	})
	if err != nil {
		return nil, err
	}
	s.count(ctx, p.topic.Region, p.topic.Name, p.data()...)
	return out, nil
}

// published is what a Publish did, for its metrics.
type published struct {
	topic              *topic
	messages, filtered int
	bytes              []float64
}

func (p *published) data() []metrics.MetricDatum {
	list := []metrics.MetricDatum{
		datum("NumberOfMessagesPublished", float64(p.messages), metrics.StandardUnitCount),
	}
	for _, n := range p.bytes {
		list = append(list, datum("PublishSize", n, metrics.StandardUnitBytes))
	}
	if p.filtered > 0 {
		list = append(list, datum("NumberOfNotificationsFilteredOut", float64(p.filtered), metrics.StandardUnitCount))
	}
	return list
}

// publish enqueues a delivery for each subscription that wants the message, and
// returns the message's id.
func (s *Service) publish(tx *engine.Tx, t *topic, d *draft, p *published) (string, error) {
	if t.fifo() { // whose only subscribers are queues
		return "", wrong("TopicArn Reason: publishing to FIFO topics is not implemented by Slipway")
	}
	m := message{ID: id.UUID(s.IDs), Kind: notification, Subject: d.subject, Attributes: d.attributes, Time: tx.Now()}
	p.messages++
	p.bytes = append(p.bytes, float64(len(d.text)))
	attributes := asEvent(d.attributes)
	for sub, err := range subscriptions.All(tx, t.Region, t.Name) {
		if err != nil {
			return "", err
		}
		if sub.Pending {
			continue
		}
		m.Text = d.forProtocol(sub.Protocol)
		wanted, err := sub.wants(m.Text, attributes)
		if err != nil {
			return "", err
		}
		if !wanted {
			p.filtered++
			continue
		}
		if err := s.enqueue(tx, sub, m); err != nil {
			return "", err
		}
	}
	return m.ID, nil
}

var batchID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

const maxBatch = 10

// PublishBatch takes up to ten messages. Those that are wrong are told one by
// one; the others are published.
//
// Errors: NotFound, EmptyBatchRequest, TooManyEntriesInBatchRequest,
// BatchEntryIdsNotDistinct, InvalidBatchEntryId, BatchRequestTooLong.
func (s *Service) PublishBatch(ctx context.Context, in *sns.PublishBatchInput, _ ...func(*sns.Options)) (*sns.PublishBatchOutput, error) {
	if err := checkBatch(in.PublishBatchRequestEntries); err != nil {
		return nil, err
	}
	out := &sns.PublishBatchOutput{}
	var p published
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		t, err := s.topicOf(ctx, tx, in.TopicArn)
		if err != nil {
			return err
		}
		p = published{topic: t}
		out.Successful, out.Failed = []types.PublishBatchResultEntry{}, []types.BatchResultErrorEntry{}
		for i := range in.PublishBatchRequestEntries {
			e := &in.PublishBatchRequestEntries[i]
			message := ""
			d, err := draftOf(e)
			if err == nil {
				message, err = s.publish(tx, t, d, &p)
			}
			var told *wire.Error
			switch {
			case errors.As(err, &told):
				out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: &told.Code, Message: &told.Message, SenderFault: true})
			case err != nil:
				return err
			default:
				out.Successful = append(out.Successful, types.PublishBatchResultEntry{Id: e.Id, MessageId: &message})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if p.messages > 0 {
		s.count(ctx, p.topic.Region, p.topic.Name, p.data()...)
	}
	return out, nil
}

// checkBatch refuses a batch as a whole; the messages are SNS's.
func checkBatch(entries []types.PublishBatchRequestEntry) error {
	switch {
	case len(entries) == 0:
		return &types.EmptyBatchRequestException{Message: aws.String("The batch request doesn't contain any entries.")}
	case len(entries) > maxBatch:
		return &types.TooManyEntriesInBatchRequestException{Message: aws.String("The batch request contains more entries than permissible.")}
	}
	seen, bytes := map[string]bool{}, 0
	for i := range entries {
		id := aws.ToString(entries[i].Id)
		switch {
		case !batchID.MatchString(id):
			return &types.InvalidBatchEntryIdException{Message: aws.String("The Id of a batch entry in a batch request doesn't abide by the specification.")}
		case seen[id]:
			return &types.BatchEntryIdsNotDistinctException{Message: aws.String("Two or more batch entries in the request have the same Id.")}
		}
		seen[id] = true
		bytes += size(&entries[i])
	}
	if bytes > maxMessage {
		return &types.BatchRequestTooLongException{Message: aws.String("The length of all the messages put together is more than the limit.")}
	}
	return nil
}
