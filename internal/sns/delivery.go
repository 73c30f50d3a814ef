package sns

import (
	"encoding/json"
	"slices"
	"strings"
)

// retries is the healthyRetryPolicy of a delivery policy: seconds and counts.
type retries struct {
	MinDelayTarget     *int    `json:"minDelayTarget,omitempty"`
	MaxDelayTarget     *int    `json:"maxDelayTarget,omitempty"`
	NumRetries         *int    `json:"numRetries,omitempty"`
	NumMaxDelayRetries *int    `json:"numMaxDelayRetries,omitempty"`
	NumNoDelayRetries  *int    `json:"numNoDelayRetries,omitempty"`
	NumMinDelayRetries *int    `json:"numMinDelayRetries,omitempty"`
	BackoffFunction    *string `json:"backoffFunction,omitempty"`
}

type throttle struct {
	MaxReceivesPerSecond *int `json:"maxReceivesPerSecond,omitempty"`
}

type request struct {
	HeaderContentType *string `json:"headerContentType,omitempty"`
}

// topicDelivery is a topic's DeliveryPolicy.
type topicDelivery struct {
	HTTP topicHTTP `json:"http"`
}

type topicHTTP struct {
	Retries              *retries  `json:"defaultHealthyRetryPolicy,omitempty"`
	Sickly               *retries  `json:"defaultSicklyRetryPolicy,omitempty"`
	DisableSubscriptions bool      `json:"disableSubscriptionOverrides"`
	Throttle             *throttle `json:"defaultThrottlePolicy,omitempty"`
	Request              *request  `json:"defaultRequestPolicy,omitempty"`
}

// subscriptionDelivery is a subscription's DeliveryPolicy.
type subscriptionDelivery struct {
	Guaranteed *bool     `json:"guaranteed,omitempty"`
	Retries    *retries  `json:"healthyRetryPolicy,omitempty"`
	Sickly     *retries  `json:"sicklyRetryPolicy,omitempty"`
	Throttle   *throttle `json:"throttlePolicy,omitempty"`
	Request    *request  `json:"requestPolicy,omitempty"`
}

func checkTopicDelivery(text string) error {
	if text == "" {
		return nil
	}
	var p topicDelivery
	if err := parseJSON(text, &p); err != nil {
		return wrong("DeliveryPolicy: failed to parse JSON. %v", err)
	}
	return checkDelivery("http.default", p.HTTP.Retries, p.HTTP.Throttle, p.HTTP.Request)
}

func checkSubscriptionDelivery(text string) error {
	if text == "" {
		return nil
	}
	var p subscriptionDelivery
	if err := parseJSON(text, &p); err != nil {
		return wrong("DeliveryPolicy: failed to parse JSON. %v", err)
	}
	return checkDelivery("", p.Retries, p.Throttle, p.Request)
}

// contentTypes are those of the developer guide's list for raw delivery.
var contentTypes = []string{
	"application/atom+xml", "application/json", "application/octet-stream", "application/soap+xml", "application/x-www-form-urlencoded",
	"application/xhtml+xml", "application/xml", "text/css", "text/csv", "text/html", "text/plain", "text/xml",
}

// checkDelivery applies the limits of the developer guide.
func checkDelivery(where string, r *retries, t *throttle, q *request) error {
	number := func(name string, v *int, least, most, otherwise int) (int, error) {
		if v == nil {
			return otherwise, nil
		}
		if *v < least || *v > most {
			return 0, wrong("DeliveryPolicy: %s%s must be from %d to %d", where, name, least, most)
		}
		return *v, nil
	}
	if t != nil {
		if _, err := number("ThrottlePolicy.maxReceivesPerSecond", t.MaxReceivesPerSecond, 1, 1<<30, 1); err != nil {
			return err
		}
	}
	if q != nil && q.HeaderContentType != nil {
		if kind, _, _ := strings.Cut(*q.HeaderContentType, ";"); !slices.Contains(contentTypes, strings.TrimSpace(kind)) {
			return wrong("DeliveryPolicy: %sRequestPolicy.headerContentType %s is not supported", where, *q.HeaderContentType)
		}
	}
	if r == nil {
		return nil
	}
	const name = "HealthyRetryPolicy."
	var at [6]int
	for i, f := range []struct {
		name                   string
		v                      *int
		least, most, otherwise int
	}{
		{"minDelayTarget", r.MinDelayTarget, 1, 3600, 20}, {"maxDelayTarget", r.MaxDelayTarget, 1, 3600, 20}, {"numRetries", r.NumRetries, 0, 100, 3},
		{"numMaxDelayRetries", r.NumMaxDelayRetries, 0, 100, 0}, {"numNoDelayRetries", r.NumNoDelayRetries, 0, 100, 0}, {"numMinDelayRetries", r.NumMinDelayRetries, 0, 100, 0},
	} {
		var err error
		if at[i], err = number(name+f.name, f.v, f.least, f.most, f.otherwise); err != nil {
			return err
		}
	}
	switch {
	case at[0] > at[1]:
		return wrong("DeliveryPolicy: %s%sminDelayTarget must not be above maxDelayTarget", where, name)
	case at[3]+at[4]+at[5] > at[2]:
		return wrong("DeliveryPolicy: %s%snumRetries must not be below the sum of the retries of all phases", where, name)
	case r.BackoffFunction != nil && !slices.Contains([]string{"linear", "arithmetic", "geometric", "exponential"}, *r.BackoffFunction):
		return wrong("DeliveryPolicy: %s%sbackoffFunction must be linear, arithmetic, geometric or exponential", where, name)
	}
	return nil
}

// effectiveDelivery fills a topic's DeliveryPolicy up with SNS's defaults.
func effectiveDelivery(text string) string {
	type effective struct {
		MinDelayTarget     int    `json:"minDelayTarget"`
		MaxDelayTarget     int    `json:"maxDelayTarget"`
		NumRetries         int    `json:"numRetries"`
		NumMaxDelayRetries int    `json:"numMaxDelayRetries"`
		NumNoDelayRetries  int    `json:"numNoDelayRetries"`
		NumMinDelayRetries int    `json:"numMinDelayRetries"`
		BackoffFunction    string `json:"backoffFunction"`
	}
	var p struct {
		HTTP struct {
			Retries              effective `json:"defaultHealthyRetryPolicy"`
			DisableSubscriptions bool      `json:"disableSubscriptionOverrides"`
			Throttle             *throttle `json:"defaultThrottlePolicy,omitempty"`
			Request              struct {
				HeaderContentType string `json:"headerContentType"`
			} `json:"defaultRequestPolicy"`
		} `json:"http"`
	}
	p.HTTP.Retries = effective{MinDelayTarget: 20, MaxDelayTarget: 20, NumRetries: 3, BackoffFunction: "linear"}
	p.HTTP.Request.HeaderContentType = "text/plain; charset=UTF-8"
	if text != "" {
		_ = json.Unmarshal([]byte(text), &p) // it was checked when it was set
	}
	return encode(p)
}
