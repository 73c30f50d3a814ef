package sns

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
)

// alarms is the one service whose calls have the topic's account as their source
// owner, for which the default policy of topics asks: alarms reach topics that
// were given no policy, while rules of EventBridge and notification rules do not.
const alarms = "cloudwatch.amazonaws.com"

// Notify publishes in the name of a service, as part of the service's own
// transition: principal is the service's (cloudwatch.amazonaws.com), source the
// ARN of the resource that it speaks for, subject "" for none. The topic must be
// in the region of the source, and its policy must let the service publish.
//
// Errors are *wire.Error where the topic is the reason: InvalidParameter, NotFound,
// AccessDenied.
func (s *Service) Notify(tx *engine.Tx, principal, source, topicARN, subject, text string) error {
	in := &types.PublishBatchRequestEntry{Message: &text}
	if subject != "" {
		in.Subject = &subject
	}
	d, err := draftOf(in)
	if err != nil {
		return err
	}
	from, _ := arn.Parse(source)
	caller := &identity.Caller{Kind: identity.Service, Account: s.Site.Account, ARN: principal, UserID: principal}
	ctx := identity.WithRegion(identity.WithCaller(context.Background(), caller), from.Region)
	t, err := s.topicOf(ctx, tx, &topicARN)
	if err != nil {
		return err
	}
	facts := map[string][]string{"aws:SourceAccount": {s.Site.Account}, "aws:SourceArn": {source}}
	if principal == alarms {
		facts["aws:SourceOwner"] = []string{s.Site.Account}
	}
	if err := s.Authorizer.Authorize(ctx, wire.Access{Action: "sns:Publish", Resource: topicARN, Policy: s.policyText(t), Context: facts}); err != nil {
		return err
	}
	var p published
	if _, err = s.publish(tx, t, d, &p); err != nil {
		return err
	}
	tx.AfterCommit(func() { s.count(ctx, t.Region, t.Name, p.data()...) })
	return nil
}
