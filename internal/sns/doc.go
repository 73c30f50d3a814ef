// Package sns is Amazon SNS: topics, their subscriptions, and the delivery of
// what is published.
//
// # The life of a subscription
//
//	Subscribe ──▶ confirmed                                  sqs, lambda, sms, firehose
//	Subscribe ──▶ pending ── ConfirmSubscription ──▶ confirmed    http, https
//	                 └─────── 48 hours ──▶ gone                  email, too
//
// # The life of a message
//
//	Publish, one transaction:  filter policies ──▶ a job for each subscription
//	job:  deliver ── 2xx ──▶ done
//	         │ 429, 5xx, no answer ──▶ again, as the delivery policy says
//	         └ anything else, or too often ──▶ NumberOfNotificationsFailed, a line in the log
//
// A delivery may happen twice, as on AWS: receivers know a message by its id.
//
// Messages for http and https are really sent, signed with a certificate of the
// installation's own, which SigningCertURL answers. Validators that insist on a
// certificate of amazonaws.com refuse it, as they must. Addresses that are
// link-local or of a cloud's metadata service get nothing, redirects are not
// followed.
//
// A function gets the message as an asynchronous invocation, if its policy lets
// SNS in. A subscription of another protocol is kept as AWS keeps one whose
// queue or stream is gone: each delivery fails, by name. Nobody is asked by mail,
// so that those subscriptions stay pending. FIFO topics, whose subscribers are
// queues, take no messages. A topic's key and tracing, and the dead-letter queues
// of its subscriptions, are kept and not used. The UnsubscribeConfirmation that
// AWS sends to an endpoint after the end of its subscription is not sent.
package sns
