package sns

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/iam/policy"
	"github.com/slipway-dev/slipway/internal/store"
)

// document is the form of a topic's policy, with members in AWS's order.
type document struct {
	Version   string `json:",omitempty"`
	ID        string `json:"Id,omitempty"`
	Statement []json.RawMessage
}

// statement is what is looked at, or written, in a policy.
type statement struct {
	Sid       string         `json:",omitempty"`
	Effect    string         `json:",omitempty"`
	Principal any            `json:",omitempty"`
	Action    any            `json:",omitempty"`
	Resource  any            `json:",omitempty"`
	Condition map[string]any `json:",omitempty"`
}

// ownerActions are what the default policy lets the topic's owner do.
var ownerActions = []string{"SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
	"SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish"}

// defaultPolicy is that of a topic which was given none.
func (s *Service) defaultPolicy(t *topic) string {
	return encode(document{Version: "2008-10-17", ID: "__default_policy_ID", Statement: []json.RawMessage{json.RawMessage(encode(statement{
		Sid: "__default_statement_ID", Effect: "Allow", Principal: map[string]string{"AWS": "*"}, Action: ownerActions,
		Resource:  s.topicARN(t),
		Condition: map[string]any{"StringEquals": map[string]string{"AWS:SourceOwner": s.Site.Account}},
	}))}})
}

// policyOf is the policy of the topic that an ARN names, "" if there is none.
func (s *Service) policyOf(ctx context.Context, arn *string) (text string) {
	_ = s.Engine.View(ctx, func(r store.Reader) error { // the operation itself will tell what is wrong
		t, err := s.topicOf(ctx, r, arn)
		if err == nil {
			text = s.policyText(t)
		}
		return err
	})
	return text
}

func (s *Service) policyText(t *topic) string {
	text := t.Attributes["Policy"]
	if text == "" {
		return s.defaultPolicy(t)
	}
	if _, err := policy.Parse(text, policy.Resource); err != nil { // kept before it was looked at this closely
		s.Log.Warn("the policy of a topic cannot be read and permits nothing", "topic", s.topicARN(t), "err", err)
		return ""
	}
	return text
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, lists and maps of our own
	}
	return string(b)
}

// checkPolicy refuses what is no policy of a topic, and returns it compact, as
// SNS gives it back.
func checkPolicy(text string) (string, error) {
	var d struct {
		Statement json.RawMessage
	}
	broken := wrong("Policy Error: null")
	if len(text) > 30720 || json.Unmarshal([]byte(text), &d) != nil {
		return "", broken
	}
	if bytes.HasPrefix(d.Statement, []byte("{")) { // one may stand without brackets
		d.Statement = slices.Concat([]byte("["), d.Statement, []byte("]"))
	}
	var list []struct {
		Effect                  string
		Principal, NotPrincipal json.RawMessage
		Action, NotAction       any
	}
	if json.Unmarshal(d.Statement, &list) != nil || len(list) == 0 {
		return "", broken
	}
	for _, st := range list {
		actions := slices.Concat(texts(st.Action), texts(st.NotAction))
		if st.Effect != "Allow" && st.Effect != "Deny" || st.Principal == nil && st.NotPrincipal == nil || len(actions) == 0 {
			return "", broken
		}
		for _, a := range actions {
			if a != "*" && !strings.HasPrefix(strings.ToLower(a), "sns:") {
				return "", wrong("Policy statement action out of service scope!")
			}
		}
	}
	if _, err := policy.Parse(text, policy.Resource); err != nil {
		return "", wrong("Policy Error: %v", err)
	}
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(text)); err != nil {
		return "", broken
	}
	return out.String(), nil
}

// texts are the strings of a member that is one or a list.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, e := range v {
			text, _ := e.(string)
			out = append(out, text)
		}
		return out
	}
	return nil
}

// permissions takes the policy of a topic apart, and puts it back changed.
func (s *Service) permissions(t *topic, change func([]json.RawMessage) ([]json.RawMessage, error)) error {
	text := t.Attributes["Policy"]
	if text == "" {
		text = s.defaultPolicy(t)
	}
	var d document
	var err error
	if err = json.Unmarshal([]byte(text), &d); err != nil {
		return wrong("Policy Error: a policy whose Statement is not a list cannot be added to")
	}
	if d.Statement, err = change(d.Statement); err != nil {
		return err
	}
	t.set("Policy", encode(d))
	return nil
}

func labelled(label string) func(json.RawMessage) bool {
	return func(raw json.RawMessage) bool {
		var st statement
		return json.Unmarshal(raw, &st) == nil && st.Sid == label
	}
}

// oneOrAll writes a list of one as that one, as SNS does.
func oneOrAll(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// AddPermission adds a statement for other accounts to the topic's policy.
func (s *Service) AddPermission(ctx context.Context, in *sns.AddPermissionInput, _ ...func(*sns.Options)) (*sns.AddPermissionOutput, error) {
	if len(in.AWSAccountId) == 0 || len(in.ActionName) == 0 || aws.ToString(in.Label) == "" {
		return nil, wrong("Label, AWSAccountId and ActionName are needed")
	}
	var who, what []string
	for _, account := range in.AWSAccountId {
		if len(account) != 12 || strings.Trim(account, "0123456789") != "" {
			return nil, wrong("AWSAccountId: %s is not an account", account)
		}
		who = append(who, "arn:aws:iam::"+account+":root")
	}
	for _, action := range in.ActionName {
		if action != "*" && action != "Receive" && !slices.Contains(ownerActions, "SNS:"+action) {
			return nil, wrong("Policy statement action out of service scope!")
		}
		what = append(what, "SNS:"+action)
	}
	return &sns.AddPermissionOutput{}, s.changeTopic(ctx, in.TopicArn, func(_ *engine.Tx, t *topic) error {
		return s.permissions(t, func(list []json.RawMessage) ([]json.RawMessage, error) {
			if slices.ContainsFunc(list, labelled(*in.Label)) {
				return nil, wrong("Statement already exists")
			}
			return append(list, json.RawMessage(encode(statement{
				Sid: *in.Label, Effect: "Allow", Principal: map[string]any{"AWS": oneOrAll(who)},
				Action: oneOrAll(what), Resource: s.topicARN(t),
			}))), nil
		})
	})
}

// RemovePermission takes a statement out of the topic's policy; an unknown
// label is no error.
func (s *Service) RemovePermission(ctx context.Context, in *sns.RemovePermissionInput, _ ...func(*sns.Options)) (*sns.RemovePermissionOutput, error) {
	return &sns.RemovePermissionOutput{}, s.changeTopic(ctx, in.TopicArn, func(_ *engine.Tx, t *topic) error {
		return s.permissions(t, func(list []json.RawMessage) ([]json.RawMessage, error) {
			return slices.DeleteFunc(list, labelled(aws.ToString(in.Label))), nil
		})
	})
}
