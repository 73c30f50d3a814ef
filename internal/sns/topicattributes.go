package sns

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// feedback are the attributes about the delivery status of a protocol.
var feedback = regexp.MustCompile(`^(?:HTTP|Firehose|Lambda|Application|SQS)(SuccessFeedbackRoleArn|FailureFeedbackRoleArn|SuccessFeedbackSampleRate)$`)

// reason is the text of an error of wrong without its beginning.
func reason(err error) string {
	var e *wire.Error
	if errors.As(err, &e) {
		return strings.TrimPrefix(e.Message, "Invalid parameter: ")
	}
	return err.Error()
}

// setTopic sets an attribute of a topic by SNS's rules for it.
func (s *Service) setTopic(t *topic, name, value string) error {
	if m := feedback.FindStringSubmatch(name); m != nil {
		return t.setFeedback(name, m[1], value)
	}
	switch name {
	case "DisplayName":
		if len([]rune(value)) > 100 || strings.ContainsAny(value, "\n\r\x00") {
			return wrong("DisplayName: must be at most 100 characters, without line breaks")
		}
		t.set(name, value)
		return nil
	case "Policy":
		if value == "" { // a topic always has a policy
			return wrong("Policy is empty")
		}
		policy, err := checkPolicy(value)
		if err != nil {
			return err
		}
		t.set(name, policy)
		return nil
	case "DeliveryPolicy":
		if err := checkTopicDelivery(value); err != nil {
			return err
		}
		t.set(name, value)
		return nil
	case "KmsMasterKeyId":
		if len(value) > 2048 || strings.ContainsAny(value, " \n") {
			return wrong("KmsMasterKeyId: not the id, alias or ARN of a key")
		}
		t.set(name, value)
		return nil
	case "SignatureVersion":
		return t.setOneOf(name, value, "1", "2")
	case "TracingConfig":
		if t.fifo() && value == "Active" {
			return wrong("TracingConfig: Active is only supported on standard topics")
		}
		return t.setOneOf(name, value, "PassThrough", "Active")
	case "ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy":
		if !t.fifo() {
			return wrong("%s: only for FIFO topics", name)
		}
		return t.setFIFO(name, value, s.Engine.Now())
	}
	return wrong("AttributeName")
}

func (t *topic) set(name, value string) {
	if value == "" {
		delete(t.Attributes, name)
		return
	}
	if t.Attributes == nil {
		t.Attributes = map[string]string{}
	}
	t.Attributes[name] = value
}

func (t *topic) setOneOf(name, value string, known ...string) error {
	for _, k := range append(known, "") {
		if value == k {
			t.set(name, value)
			return nil
		}
	}
	return wrong("%s: Invalid value [%s]. Must be one of %s.", name, value, strings.Join(known, ", "))
}

func (t *topic) setFeedback(name, kind, value string) error {
	switch {
	case value == "":
	case kind == "SuccessFeedbackSampleRate":
		if n, err := strconv.Atoi(value); err != nil || n < 0 || n > 100 {
			return wrong("%s: Invalid value [%s]. Must be a whole number from 0 to 100.", name, value)
		}
	default:
		if a, ok := arn.Parse(value); !ok || a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/") {
			return wrong("%s: not the ARN of a role", name)
		}
	}
	t.set(name, value)
	return nil
}

// setFIFO is for what only FIFO topics have.
func (t *topic) setFIFO(name, value string, now time.Time) error {
	switch name {
	case "ContentBasedDeduplication":
		return t.setOneOf(name, value, "true", "false")
	case "FifoThroughputScope":
		return t.setOneOf(name, value, "Topic", "MessageGroup")
	}
	if value == "" || value == "{}" {
		t.set(name, "")
		return nil
	}
	var p struct{ MessageRetentionPeriod json.Number }
	if err := parseJSON(value, &p); err != nil {
		return wrong("ArchivePolicy: failed to parse JSON. %v", err)
	}
	if days, err := p.MessageRetentionPeriod.Int64(); err != nil || days < 1 || days > 365 {
		return wrong("ArchivePolicy: MessageRetentionPeriod must be from 1 to 365 days")
	}
	if t.Attributes[name] == "" {
		t.Archived = now
	}
	t.set(name, value)
	return nil
}

// parseJSON reads one JSON value whose members are all known.
func parseJSON(text string, into any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	return decode(d, into)
}

// decode reads the one value that a text must be.
func decode(d *json.Decoder, into any) error {
	if err := d.Decode(into); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after the value")
	}
	return nil
}
