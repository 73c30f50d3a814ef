package sns

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
)

func TestFilters(t *testing.T) {
	b := newBench(t)
	text := func(kind, v string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &kind, StringValue: &v}
	}
	attributes := map[string]types.MessageAttributeValue{"stage": text("String", "production"), "cost": text("Number", "12.5"), "ip": text("String", "10.0.0.7"),
		"tags": text("String.Array", `["a","b",1,true,null]`), "bytes": {DataType: aws.String("Binary"), BinaryValue: []byte("x")}}
	const body = `{"detail":{"state":"FAILED","n":[1,2],"list":[{"a":"x"},{"a":"y"}]},"ok":true}`
	for policy, want := range map[string]bool{
		``:                                true,
		`{"stage":["production","test"]}`: true,
		`{"stage":["test"]}`:              false,
		`{"stage":[{"prefix":"prod"}]}`:   true,
		`{"stage":[{"suffix":"tion"}]}`:   true,
		`{"stage":[{"suffix":"x"}]}`:      false,
		`{"stage":[{"equals-ignore-case":"PRODUCTION"}]}`: true,
		`{"stage":[{"wildcard":"p*n"}]}`:                  true,
		`{"stage":[{"anything-but":["test"]}]}`:           true,
		`{"stage":[{"anything-but":"production"}]}`:       false,
		`{"stage":[{"anything-but":{"prefix":"prod"}}]}`:  false,
		`{"missing":[{"anything-but":"x"}]}`:              false,
		`{"missing":[{"exists":false}]}`:                  true,
		`{"stage":[{"exists":true}]}`:                     true,
		`{"bytes":[{"exists":true}]}`:                     true,
		`{"bytes":["x"]}`:                                 false,
		`{"cost":[{"numeric":[">",10,"<=",12.5]}]}`:       true,
		`{"cost":[{"numeric":["=",12.5]}]}`:               true,
		`{"cost":[{"numeric":["<",12.5]}]}`:               false,
		`{"cost":["12.5"]}`:                               false,
		`{"ip":[{"cidr":"10.0.0.0/24"}]}`:                 true,
		`{"ip":[{"cidr":"10.0.1.0/24"}]}`:                 false,
		`{"tags":["b"]}`:                                  true,
		`{"tags":["c"]}`:                                  false,
		`{"stage":["production"],"tags":["c"]}`:           false,
		`{"$or":[{"stage":["test"]},{"tags":["a"]}]}`:     true,
		`body{"detail":{"state":[{"prefix":"FAIL"}]}}`:    true,
		`body{"detail":{"state":["SUCCEEDED"]}}`:          false,
		`body{"detail":{"n":[{"numeric":["=",2]}]}}`:      true,
		`body{"detail":{"list":{"a":["y"]}}}`:             true,
		`body{"ok":[true],"stage":[{"exists":false}]}`:    true,
	} {
		sub := &subscription{Attributes: map[string]string{"FilterPolicy": policy}}
		if rest, found := strings.CutPrefix(policy, "body"); found {
			sub.Attributes = map[string]string{"FilterPolicy": rest, "FilterPolicyScope": onBody}
		}
		if err := checkFilter(sub.Attributes["FilterPolicy"], sub.Attributes["FilterPolicyScope"]); err != nil {
			t.Errorf("%s: %v", policy, err)
		}
		if got, err := sub.wants(body, asEvent(attributes)); err != nil || got != want {
			t.Errorf("%s: %v, %v", policy, got, err)
		}
	}
	sub := &subscription{Attributes: map[string]string{"FilterPolicy": `{"a":["b"]}`, "FilterPolicyScope": onBody}}
	if got, err := sub.wants("no JSON", asEvent(nil)); got || err != nil {
		t.Errorf("a body that is no JSON: %v, %v", got, err)
	}
	r := newReceiver(t)
	b.confirmed(r, map[string]string{"FilterPolicy": `{"stage":["production"]}`})
	b.publish(&sdk.PublishInput{Message: aws.String("other")})
	b.publish(&sdk.PublishInput{Message: aws.String("mine"), MessageAttributes: attributes})
	if all := r.take(); len(all) != 1 || all[0].Message != "mine" {
		t.Errorf("through the filter: %+v", all)
	}
	b.want("NumberOfNotificationsFilteredOut", 1)
}

func TestBadMessages(t *testing.T) {
	b := newBench(t)
	attr := func(name, kind, value string) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{name: {DataType: &kind, StringValue: &value}}
	}
	for want, in := range map[string]*sdk.PublishInput{
		"InvalidParameter: Invalid parameter: Empty message":                                                {Message: aws.String("")},
		"InvalidParameter: Invalid parameter: Message too long":                                             {Message: aws.String(strings.Repeat("x", maxMessage+1))},
		"InvalidParameter: Invalid parameter: Subject":                                                      {Message: aws.String("m"), Subject: aws.String("a\nb")},
		"InvalidParameter: Invalid parameter: MessageStructure":                                             {Message: aws.String("m"), MessageStructure: aws.String("xml")},
		"InvalidParameter: Invalid parameter: Message Structure - JSON message body failed to parse":        {Message: aws.String("m"), MessageStructure: aws.String("json")},
		"InvalidParameter: Invalid parameter: Message Structure - No default entry in JSON message body":    {Message: aws.String(`{"http":"m"}`), MessageStructure: aws.String("json")},
		"ParameterValueInvalid: The message attribute 'a' has an invalid message attribute type":            {Message: aws.String("m"), MessageAttributes: attr("a", "Text", "x")},
		"ParameterValueInvalid: Could not cast message attribute 'a' value to number":                       {Message: aws.String("m"), MessageAttributes: attr("a", "Number", "x")},
		"ParameterValueInvalid: The message attribute 'a' must contain non-empty message attribute value":   {Message: aws.String("m"), MessageAttributes: attr("a", "String", "")},
		"ParameterValueInvalid: The message attribute 'a' with type 'Binary' must use field 'Binary'":       {Message: aws.String("m"), MessageAttributes: attr("a", "Binary", "x")},
		"ParameterValueInvalid: Invalid non-alphanumeric character was found in the message attribute name": {Message: aws.String("m"), MessageAttributes: attr("a b", "String", "x")},
	} {
		in.TopicArn = b.topic
		if _, err := b.Publish(b.ctx, in); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for want, in := range map[string]*sdk.PublishInput{
		"PhoneNumber Reason: sending SMS is not implemented": {Message: aws.String("m"), PhoneNumber: aws.String("+15551234567")},
		"TopicArn or TargetArn Reason":                       {Message: aws.String("m")},
		"platform endpoints are not implemented":             {Message: aws.String("m"), TargetArn: aws.String("arn:aws:sns:us-east-1:000000000000:endpoint/GCM/a/b")},
		"Topic does not exist":                               {Message: aws.String("m"), TopicArn: aws.String(*b.topic + "s")},
	} {
		if _, err := b.Publish(b.ctx, in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	fifo, err := b.CreateTopic(b.ctx, &sdk.CreateTopicInput{Name: aws.String("orders.fifo"), Attributes: map[string]string{"FifoTopic": "true"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Publish(b.ctx, &sdk.PublishInput{TopicArn: fifo.TopicArn, Message: aws.String("m"), MessageGroupId: aws.String("g")}); err == nil || !strings.Contains(err.Error(), "FIFO topics is not implemented") {
		t.Errorf("to a FIFO topic: %v", err)
	}
	b.want("NumberOfMessagesPublished", 0)
}

func TestBatch(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	b.confirmed(r, nil)
	one := func(id, text string) types.PublishBatchRequestEntry {
		return types.PublishBatchRequestEntry{Id: &id, Message: &text}
	}
	out, err := b.PublishBatch(b.ctx, &sdk.PublishBatchInput{TopicArn: b.topic, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{one("a", "A"), one("b", ""), one("c", "C")}})
	if err != nil || len(out.Successful) != 2 || len(out.Failed) != 1 || *out.Failed[0].Id != "b" || *out.Failed[0].Code != "InvalidParameter" || !out.Failed[0].SenderFault {
		t.Fatalf("%+v, %v", out, err)
	}
	b.settle()
	if all := r.take(); len(all) != 2 {
		t.Errorf("%d notifications", len(all))
	}
	var empty *types.EmptyBatchRequestException
	var many *types.TooManyEntriesInBatchRequestException
	var twice *types.BatchEntryIdsNotDistinctException
	var long *types.BatchRequestTooLongException
	var name *types.InvalidBatchEntryIdException
	half := strings.Repeat("x", maxMessage/2+1)
	for _, tt := range []struct {
		entries []types.PublishBatchRequestEntry
		want    any
	}{
		{nil, &empty}, {make([]types.PublishBatchRequestEntry, 11), &many}, {[]types.PublishBatchRequestEntry{one("a", "A"), one("a", "B")}, &twice},
		{[]types.PublishBatchRequestEntry{one("a", half), one("b", half)}, &long}, {[]types.PublishBatchRequestEntry{one("a b", "A")}, &name},
	} {
		if _, err := b.PublishBatch(b.ctx, &sdk.PublishBatchInput{TopicArn: b.topic, PublishBatchRequestEntries: tt.entries}); !errors.As(err, tt.want) {
			t.Errorf("got %v, want %T", err, tt.want)
		}
	}
}

func TestStructured(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	b.confirmed(r, nil)
	b.publish(&sdk.PublishInput{MessageStructure: aws.String("json"), Message: aws.String(`{"default":"for all","http":"for the web","sms":1}`)})
	b.publish(&sdk.PublishInput{MessageStructure: aws.String("json"), Message: aws.String(`{"default":"for all","https":"for others","http":1}`)})
	if all := r.take(); len(all) != 2 || all[0].Message != "for the web" || all[1].Message != "for all" {
		t.Errorf("got %+v", all)
	}
}

func TestNotify(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	b.confirmed(r, nil)
	notify := func(principal, topic string) error {
		defer b.settle()
		return b.Engine.Update(b.ctx, func(tx *engine.Tx) error {
			return b.Notify(tx, principal, "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a", topic, "ALARM", "text")
		})
	}
	if err := notify(alarms, *b.topic); err != nil {
		t.Fatal(err)
	}
	if all := r.take(); len(all) != 1 || all[0].Subject != "ALARM" || all[0].Message != "text" {
		t.Errorf("got %+v", all)
	}
	a := b.asked[0]
	if a.Action != "sns:Publish" || a.Resource != *b.topic || !strings.Contains(a.Policy, "__default_policy_ID") || a.Context["aws:SourceOwner"][0] != "000000000000" {
		t.Errorf("asked %+v", a)
	}
	b.refuse = &wire.Error{Code: "AccessDenied", Message: "no"}
	if err := notify("events.amazonaws.com", *b.topic); !errors.Is(err, b.refuse) || b.asked[1].Context["aws:SourceOwner"] != nil {
		t.Errorf("refused: %v, %+v", err, b.asked[1])
	}
	if err := notify(alarms, *b.topic+"s"); !isNotFound(err) {
		t.Errorf("no topic: %v", err)
	}
	if all := r.take(); len(all) != 0 {
		t.Errorf("got %+v", all)
	}
}

func TestRawProtocols(t *testing.T) {
	b := newBench(t)
	for protocol, ok := range map[string]bool{"sqs": true, "http": true, "firehose": true, "lambda": false, "email": false, "sms": false} {
		err := b.setSubscription(&topic{}, &subscription{Protocol: protocol}, "RawMessageDelivery", aws.String("false"))
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "Delivery protocol ["+protocol+"] does not support raw message delivery.") {
			t.Errorf("%s: %v", protocol, err)
		}
	}
}
