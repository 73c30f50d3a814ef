package sns

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strings"
)

// stamp is how SNS writes times.
const stamp = "2006-01-02T15:04:05.000Z"

// attribute is a message attribute as receivers see it.
type attribute struct{ Type, Value string }

// envelope is the JSON around a message that is not delivered raw, with members
// in SNS's order.
type envelope struct {
	Type              string
	MessageID         string `json:"MessageId"`
	Token             string `json:",omitempty"`
	TopicARN          string `json:"TopicArn"`
	Subject           string `json:",omitempty"`
	Message           string
	SubscribeURL      string `json:",omitempty"`
	Timestamp         string
	SignatureVersion  string
	Signature         string
	SigningCertURL    string
	UnsubscribeURL    string               `json:",omitempty"`
	MessageAttributes map[string]attribute `json:",omitempty"`
}

// signed is what the signature covers, as every validator puts it together:
// name and value of each member, a line each, in the order of their names.
func (e *envelope) signed() []byte {
	lines := []string{"Message", e.Message, "MessageId", e.MessageID}
	if e.Type == notification {
		if e.Subject != "" {
			lines = append(lines, "Subject", e.Subject)
		}
		lines = append(lines, "Timestamp", e.Timestamp)
	} else {
		lines = append(lines, "SubscribeURL", e.SubscribeURL, "Timestamp", e.Timestamp, "Token", e.Token)
	}
	lines = append(lines, "TopicArn", e.TopicARN, "Type", e.Type)
	return []byte(strings.Join(lines, "\n") + "\n")
}

// wrap puts a message into its envelope and signs that.
func (s *Service) wrap(ctx context.Context, t *topic, sub *subscription, m *message) (*envelope, error) {
	e := &envelope{
		Type: m.Kind, MessageID: m.ID, Token: m.Token, TopicARN: s.topicARN(t), Subject: m.Subject, Message: m.Text,
		Timestamp: m.Time.UTC().Format(stamp), MessageAttributes: shown(m.Attributes),
	}
	if m.Kind == notification {
		e.UnsubscribeURL = s.link(url.Values{"Action": {"Unsubscribe"}, "SubscriptionArn": {s.subscriptionARN(sub)}})
	} else {
		e.SubscribeURL = s.link(url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {e.TopicARN}, "Token": {m.Token}})
	}
	return e, s.sign(ctx, t, e)
}

// text is the envelope as it is sent.
func (e *envelope) text() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(e)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// link is the URL of one of the operations that need no signature.
func (s *Service) link(form url.Values) string {
	form.Set("Version", "2010-03-31") // by which an unsigned request is known to be SNS's
	return s.Site.URL + "/?" + form.Encode()
}
