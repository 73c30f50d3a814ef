package sns

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// principal is who invokes functions.
const principal = "sns.amazonaws.com"

// event is what a function gets ("Invoking Lambda functions with Amazon SNS
// notifications"), with members in AWS's order. It spells two of them otherwise
// than messages on the web do.
type event struct {
	Records []record
}

type record struct {
	EventVersion         string
	EventSubscriptionARN string `json:"EventSubscriptionArn"`
	EventSource          string
	SNS                  recorded `json:"Sns"`
}

type recorded struct {
	SignatureVersion  string
	Timestamp         string
	Signature         string
	SigningCertURL    string `json:"SigningCertUrl"`
	MessageID         string `json:"MessageId"`
	Message           string
	MessageAttributes map[string]attribute
	Type              string
	UnsubscribeURL    string `json:"UnsubscribeUrl"`
	TopicARN          string `json:"TopicArn"`
	Subject           *string
}

// invoke hands a message to a function, which gets it later and may fail on its
// own account. The function's policy must let SNS in.
func (s *Service) invoke(ctx context.Context, t *topic, sub *subscription, m *message) error {
	e, err := s.wrap(ctx, t, sub, m)
	if err != nil {
		return err
	}
	r := recorded{SignatureVersion: e.SignatureVersion, Timestamp: e.Timestamp, Signature: e.Signature, SigningCertURL: e.SigningCertURL, MessageID: e.MessageID,
		Message: e.Message, MessageAttributes: e.MessageAttributes, Type: e.Type, UnsubscribeURL: e.UnsubscribeURL, TopicARN: e.TopicARN}
	if e.Subject != "" {
		r.Subject = &e.Subject
	}
	payload, err := json.Marshal(event{[]record{{EventVersion: "1.0", EventSubscriptionARN: s.subscriptionARN(sub), EventSource: "aws:sns", SNS: r}}})
	if err != nil {
		return err
	}
	err = s.Functions.Invoke(ctx, principal, e.TopicARN, sub.Endpoint, payload)
	var told *wire.Error
	if errors.As(err, &told) && told.Status < http.StatusInternalServerError && told.Code != "TooManyRequestsException" {
		return giveUp("%s: %s", told.Code, told.Message)
	}
	return err
}
