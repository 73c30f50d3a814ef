package sns

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// maxMessage is how many bytes a message may have with its attributes, and all
// messages of a batch together.
const maxMessage = 256 << 10

// Kinds of messages, as receivers see them.
const (
	notification = "Notification"
	confirmation = "SubscriptionConfirmation"
)

// message is what a subscriber gets.
type message struct {
	ID, Kind   string
	Subject    string `json:",omitempty"`
	Text       string
	Attributes map[string]types.MessageAttributeValue `json:",omitempty"`
	Time       time.Time
	Token      string `json:",omitempty"` // of a confirmation
}

// draft is a message before it is anybody's.
type draft struct {
	subject    string
	text       string
	structured map[string]json.RawMessage // by protocol, of MessageStructure json
	attributes map[string]types.MessageAttributeValue
}

// draftOf checks a message by SNS's rules.
func draftOf(in *types.PublishBatchRequestEntry) (*draft, error) {
	d := &draft{subject: aws.ToString(in.Subject), text: aws.ToString(in.Message), attributes: in.MessageAttributes}
	switch {
	case d.text == "":
		return nil, wrong("Empty message")
	case size(in) > maxMessage:
		return nil, wrong("Message too long")
	case in.Subject != nil && !validSubject(d.subject):
		return nil, wrong("Subject")
	}
	if err := checkAttributes(in.MessageAttributes); err != nil {
		return nil, err
	}
	switch aws.ToString(in.MessageStructure) {
	case "":
		return d, nil
	case "json":
	default:
		return nil, wrong("MessageStructure: Invalid value [%s]. Must be json.", *in.MessageStructure)
	}
	if json.Unmarshal([]byte(d.text), &d.structured) != nil || d.structured == nil {
		return nil, wrong("Message Structure - JSON message body failed to parse")
	}
	if d.text, _ = d.member("default"); d.text == "" {
		return nil, wrong("Message Structure - No default entry in JSON message body")
	}
	return d, nil
}

// validSubject is the rule of the API's reference: one line, no controls.
func validSubject(s string) bool {
	return s != "" && len([]rune(s)) <= 100 && !strings.ContainsFunc(s, unicode.IsControl)
}

// size is what counts towards the limit.
func size(in *types.PublishBatchRequestEntry) int {
	n := len(aws.ToString(in.Message))
	for name, v := range in.MessageAttributes {
		n += len(name) + len(aws.ToString(v.DataType)) + len(aws.ToString(v.StringValue)) + len(v.BinaryValue)
	}
	return n
}

// member is the text for a protocol; values that are no texts are ignored.
func (d *draft) member(protocol string) (text string, ok bool) {
	raw, ok := d.structured[protocol]
	return text, ok && json.Unmarshal(raw, &text) == nil
}

// forProtocol is the text that subscribers of a protocol get.
func (d *draft) forProtocol(protocol string) string {
	if text, ok := d.member(protocol); ok {
		return text
	}
	return d.text
}

// entry is a Publish as the only message of a batch.
func entry(in *sns.PublishInput) *types.PublishBatchRequestEntry {
	return &types.PublishBatchRequestEntry{Message: in.Message, Subject: in.Subject, MessageStructure: in.MessageStructure, MessageAttributes: in.MessageAttributes,
		MessageDeduplicationId: in.MessageDeduplicationId, MessageGroupId: in.MessageGroupId}
}

// isHTTP tells whether a subscriber is an address on the web.
func isHTTP(protocol string) bool { return protocol == "http" || protocol == "https" }
