package sns

import (
	"strings"
	"testing"
)

// The texts are those that SNS answered.
func TestFilterPolicies(t *testing.T) {
	for policy, want := range map[string]string{
		`{}`: "",
		`{"a":["x",1,true,null],"b":[{"prefix":"p"},{"exists":false}],"c":[{"anything-but":["x"]}]}`: "",
		`{"a":[{"numeric":[">",0,"<=",10]},{"numeric":["=",1]}],"b":[{"cidr":"10.0.0.0/8"}]}`:        "",
		`{"a":{"b":["x"]}}`:                   "Filter policy scope MessageAttributes does not support nested filter policy",
		`{invalid`:                            "FilterPolicy: failed to parse JSON.",
		`["a"]`:                               "FilterPolicy: failed to parse JSON.",
		`{"a":"x"}`:                           `FilterPolicy: "a" must be an object or an array`,
		`{"a":[]}`:                            "FilterPolicy: Empty arrays are not allowed",
		`{"a":[["x"]]}`:                       "FilterPolicy: Match value must be String, number, true, false, or null",
		`{"a":[{"wrong":true}]}`:              "FilterPolicy: Unrecognized match type wrong",
		`{"a":[{"suffix":"v","prefix":"w"}]}`: "FilterPolicy: Only one key allowed in match expression",
		`{"a":[{"suffix":100}]}`:              "FilterPolicy: suffix match pattern must be a string",
		`{"a":[{"exists":"no"}]}`:             "FilterPolicy: exists match pattern must be either true or false.",
		`{"a":[{"cidr":"x/y"}]}`:              "FilterPolicy: Malformed CIDR",
		`{"a":[{"anything-but":{"exists":true}}]}`:                                                "FilterPolicy: Unsupported anything-but pattern: exists",
		`{"a":[{"numeric":[]}]}`:                                                                  "FilterPolicy: Invalid member in numeric match: ]",
		`{"a":[{"numeric":[1,"<"]}]}`:                                                             "FilterPolicy: Invalid member in numeric match: 1",
		`{"a":[{"numeric":["operator"]}]}`:                                                        "FilterPolicy: Unrecognized numeric range operator: operator",
		`{"a":[{"numeric":["=","000"]}]}`:                                                         "FilterPolicy: Value of equals must be numeric",
		`{"a":[{"numeric":[">="]}]}`:                                                              "FilterPolicy: Value of >= must be numeric",
		`{"a":[{"numeric":[">=",1,">",2]}]}`:                                                      "FilterPolicy: Bad numeric range operator: >",
		`{"a":[{"numeric":["<",100,"<",10]}]}`:                                                    "FilterPolicy: Too many elements in numeric expression",
		`{"a":[{"numeric":[">",3,"<",1]}]}`:                                                       "FilterPolicy: Bottom must be less than top",
		`{"a":[{"numeric":[">",20,"<",30,"<",50]}]}`:                                              "FilterPolicy: Too many terms in numeric range expression",
		`{"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"]}`:                           "FilterPolicy: Filter policy can not have more than 5 keys",
		`{"a":["1","2","3","4","5","6"],"b":["1","2","3","4","5"],"c":["1","2","3","4","5","6"]}`: "FilterPolicy: Filter policy is too complex",
	} {
		got := ""
		if err := checkFilter(policy, ""); err != nil {
			got = reason(err)
		}
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s\n\tgave %q, want %q", policy, got, want)
		}
	}
	for policy, ok := range map[string]bool{
		`{"a":{"b":{"c":["1","2","3"]}},"d":{"e":["1","2","3","4"]}}`:                     true,  // 9 × 8
		`{"a":{"b":{"c":["1","2","3"]}},"d":{"e":["1","2","3","4","5","6","7","8","9"]}}`: false, // 9 × 18
		`{"source":["s"],"$or":[{"a":["1","2"]},{"b":["1"]}]}`:                            true,
	} {
		if err := checkFilter(policy, onBody); (err == nil) != ok {
			t.Errorf("%s: %v", policy, err)
		}
	}
}

func TestDeliveryPolicies(t *testing.T) {
	for policy, want := range map[string]string{
		``: "",
		`{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":5,"maxDelayTarget":6,"numRetries":1}}}`: "",
		`{"http":{"defaultHealthyRetryPolicy":null}}`:                                                   "",
		`{"http":{"defaultRequestPolicy":{"headerContentType":"application/json"}}}`:                    "",
		`{"http":{"defaultRequestPolicy":{"headerContentType":"application/evil"}}}`:                    "headerContentType",
		`{"http":{"defaultHealthyRetryPolicy":{"numRetries":101}}}`:                                     "numRetries must be from 0 to 100",
		`{"http":{"defaultHealthyRetryPolicy":{"numRetries":1,"numNoDelayRetries":2}}}`:                 "sum of the retries",
		`{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":30,"maxDelayTarget":6}}}`:               "minDelayTarget",
		`{"http":{"defaultHealthyRetryPolicy":{"backoffFunction":"quick"}}}`:                            "backoffFunction",
		`{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":0}}}`:                                 "maxReceivesPerSecond",
		`{"https":{}}`: "unknown field",
		`{`:            "failed to parse",
	} {
		err := checkTopicDelivery(policy)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n\tgave %v, want %q", policy, err, want)
		}
	}
	const defaults = `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`
	if got := effectiveDelivery(""); got != defaults {
		t.Errorf("without a policy: %s", got)
	}
	const own = `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":5,"maxDelayTarget":6,"numRetries":1},"disableSubscriptionOverrides":true}}`
	if got := effectiveDelivery(own); !strings.Contains(got, `"minDelayTarget":5,"maxDelayTarget":6,"numRetries":1,"numMaxDelayRetries":0`) || !strings.Contains(got, "text/plain") {
		t.Errorf("filled up: %s", got)
	}
	subscriber := `{"healthyRetryPolicy":{"numRetries":9}}`
	if got := effectiveSubscription("", subscriber); !strings.Contains(got, `"numRetries":9`) || !strings.Contains(got, `"minDelayTarget":20`) {
		t.Errorf("of a subscription: %s", got)
	}
	if got := effectiveSubscription(own, subscriber); strings.Contains(got, `"numRetries":9`) {
		t.Errorf("overridden where the topic forbids it: %s", got)
	}
}

func TestPolicies(t *testing.T) {
	one := func(members string) string {
		return `{"Version":"2012-10-17","Statement":[{` + members + `}]}`
	}
	for policy, want := range map[string]string{
		one(`"Effect":"Allow","Principal":{"AWS":"*"},"Action":"SNS:Publish","Resource":"*"`):                   "",
		`{"Statement":{"Effect":"Deny","Principal":"*","Action":["sns:Publish","SNS:Receive"],"Resource":"*"}}`: "",
		one(`"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:Publish","s3:GetObject"],"Resource":"*"`):  "Policy statement action out of service scope!",
		one(`"Effect":"Allow","Action":"SNS:Publish","Resource":"*"`):                                           "Policy Error",
		one(`"Effect":"Maybe","Principal":"*","Action":"SNS:Publish"`):                                          "Policy Error",
		`{"Version":"2012-10-17"}`: "Policy Error",
		`{"Statement":[]}`:         "Policy Error",
		`no policy`:                "Policy Error",
	} {
		_, err := checkPolicy(policy)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n\tgave %v, want %q", policy, err, want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	const queue = "arn:aws:sqs:us-east-1:000000000000:jobs"
	standard, fifo := &topic{}, &topic{Attributes: map[string]string{"FifoTopic": "true"}}
	for _, tt := range []struct {
		topic              *topic
		protocol, endpoint string
		pending            bool
		want               string
	}{
		{standard, "sqs", queue, false, ""},
		{fifo, "sqs", queue + ".fifo", false, ""},
		{standard, "lambda", "arn:aws:lambda:us-east-1:000000000000:function:f", false, ""},
		{standard, "firehose", "arn:aws:firehose:us-east-1:000000000000:deliverystream/s", false, ""},
		{standard, "https", "https://example.com/hook?a=b", true, ""},
		{standard, "email", "ops@example.com", true, ""},
		{standard, "sms", "+15551234567", false, ""},
		{standard, "sqs", "http://localhost/queue", false, "SQS endpoint ARN"},
		{standard, "sqs", queue + ".fifo", false, "FIFO SQS Queues can not be subscribed to standard SNS topics"},
		{fifo, "email", "ops@example.com", false, "Invalid protocol type: email"},
		{standard, "https", "http://example.com", false, "Endpoint must match the specified protocol"},
		{standard, "http", "http://", false, "Endpoint must match the specified protocol"},
		{standard, "email", "Ops <ops@example.com>", false, "Email address"},
		{standard, "email", "ops", false, "Email address"},
		{standard, "lambda", queue, false, "Lambda endpoint ARN"},
		{standard, "sms", "+15551234567.", false, "Invalid SMS endpoint: +15551234567."},
		{standard, "sms", "+15--551234567", false, "Invalid SMS endpoint"},
		{standard, "application", "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/a/b", false, "Endpoint does not exist"},
		{standard, "carrier-pigeon", "home", false, "Amazon SNS does not support this protocol string: carrier-pigeon"},
	} {
		pending, err := checkEndpoint(tt.topic, tt.protocol, tt.endpoint)
		if pending != tt.pending || (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: pending %v, %v", tt.protocol, tt.endpoint, pending, err)
		}
	}
}
