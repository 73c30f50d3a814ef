// Package sns is Amazon SNS as far as it can be declared: topics and
// subscriptions with all of their attributes, by AWS's rules.
//
// Messages are not delivered yet. What would have to deliver one — Publish,
// PublishBatch, ConfirmSubscription, which needs the token of a message — is
// not in the table of operations and answers by name that it is not there.
// A subscription is therefore in one of two states:
//
//	Subscribe ──▶ confirmed                         sqs, lambda, sms, firehose
//	Subscribe ──▶ pending ──48 hours──▶ gone        http, https, email, email-json
//
// as on AWS, where nobody confirmed.
package sns
