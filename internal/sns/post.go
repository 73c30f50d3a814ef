package sns

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// postTimeout is how long a receiver has to answer.
const postTimeout = 15 * time.Second

// maxAnswer is how much of an answer is read, so that its connection can be
// used again.
const maxAnswer = 64 << 10

// userAgent is what receivers may know SNS by.
const userAgent = "Amazon Simple Notification Service Agent"

// post sends a message to an address on the web, as the developer guide's "HTTP
// /HTTPS message formats" has it.
func (s *Service) post(ctx context.Context, t *topic, sub *subscription, m *message) (answer, error) {
	raw := m.Kind == notification && sub.Attributes["RawMessageDelivery"] == "true"
	body := []byte(m.Text)
	if !raw {
		e, err := s.wrap(ctx, t, sub, m)
		if err != nil {
			return answer{}, err
		}
		if body, err = e.text(); err != nil {
			return answer{}, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, sub.Endpoint, bytes.NewReader(body))
	if err != nil {
		return answer{}, giveUp("the endpoint is no URL")
	}
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set("Content-Type", contentType(t, sub))
	r.Header["x-amz-sns-message-type"] = []string{m.Kind}
	r.Header["x-amz-sns-message-id"] = []string{m.ID}
	r.Header["x-amz-sns-topic-arn"] = []string{s.topicARN(t)}
	if m.Kind != confirmation {
		r.Header["x-amz-sns-subscription-arn"] = []string{s.subscriptionARN(sub)}
	}
	if raw {
		r.Header["x-amz-sns-rawdelivery"] = []string{"true"}
	}
	got, err := s.client.Do(r)
	if err != nil {
		return answer{}, unreached(err)
	}
	defer got.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(got.Body, maxAnswer))
	a := answer{got.StatusCode, got.Status}
	switch {
	case a.status/100 == 2:
		return a, nil
	case a.status == http.StatusTooManyRequests || a.status >= 500:
		return a, later("the endpoint answered %s", got.Status)
	default: // also redirects, which are not followed
		return a, giveUp("the endpoint answered %s", got.Status)
	}
}

// contentType is the subscription's, text by default.
func contentType(t *topic, sub *subscription) string {
	var p subscriptionDelivery
	_ = json.Unmarshal([]byte(effectiveSubscription(t.Attributes["DeliveryPolicy"], sub.Attributes["DeliveryPolicy"])), &p) // our own text
	if p.Request != nil && p.Request.HeaderContentType != nil {
		return *p.Request.HeaderContentType
	}
	return "text/plain; charset=UTF-8"
}
