# Topics with nothing and with everything, FIFO topics, a policy of its own, and
# subscriptions of each kind that can be declared.
variable "display" { default = "Deploys" }
variable "retries" { default = 3 }
variable "kinds" { default = ["deploy"] }
variable "tier" { default = "one" }
variable "raw" { default = false }
variable "full" { default = true }

data "aws_caller_identity" "me" {}

resource "aws_iam_role" "feedback" {
  name = "sns-feedback"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "sns.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_sns_topic" "minimal" {}

resource "aws_sns_topic" "prefixed" {
  name_prefix = "alerts-"
}

resource "aws_sns_topic" "full" {
  name                                     = "deploys"
  display_name                             = var.display
  kms_master_key_id                        = "alias/aws/sns"
  signature_version                        = 2
  tracing_config                           = "Active"
  http_success_feedback_role_arn           = aws_iam_role.feedback.arn
  http_success_feedback_sample_rate        = 50
  http_failure_feedback_role_arn           = var.full ? aws_iam_role.feedback.arn : null
  lambda_success_feedback_role_arn         = aws_iam_role.feedback.arn
  lambda_success_feedback_sample_rate      = 100
  lambda_failure_feedback_role_arn         = aws_iam_role.feedback.arn
  sqs_success_feedback_role_arn            = aws_iam_role.feedback.arn
  sqs_success_feedback_sample_rate         = 1
  sqs_failure_feedback_role_arn            = aws_iam_role.feedback.arn
  firehose_success_feedback_role_arn       = aws_iam_role.feedback.arn
  firehose_success_feedback_sample_rate    = 10
  firehose_failure_feedback_role_arn       = aws_iam_role.feedback.arn
  application_success_feedback_role_arn    = aws_iam_role.feedback.arn
  application_success_feedback_sample_rate = 10
  application_failure_feedback_role_arn    = aws_iam_role.feedback.arn
  delivery_policy = jsonencode({
    http = {
      defaultHealthyRetryPolicy    = { minDelayTarget = 20, maxDelayTarget = 20, numRetries = var.retries, numMaxDelayRetries = 0, numNoDelayRetries = 0, numMinDelayRetries = 0, backoffFunction = "linear" }
      disableSubscriptionOverrides = false
      defaultRequestPolicy         = { headerContentType = "application/json" }
    }
  })
  tags = { Tier = var.tier }
}

resource "aws_sns_topic" "inline" {
  name = "inline"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "events", Effect = "Allow", Principal = { Service = "events.amazonaws.com" }
      Action    = "sns:Publish", Resource = "arn:aws:sns:us-east-1:${data.aws_caller_identity.me.account_id}:inline"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.me.account_id } }
    }]
  })
}

resource "aws_sns_topic" "fifo" {
  name                        = "orders.fifo"
  fifo_topic                  = true
  content_based_deduplication = var.full
  fifo_throughput_scope       = "MessageGroup"
  archive_policy              = jsonencode({ MessageRetentionPeriod = "30" })
}

resource "aws_sns_topic" "fifo_minimal" {
  fifo_topic = true
}

data "aws_iam_policy_document" "topic" {
  policy_id = "__default_policy_ID"
  statement {
    sid       = "notifications"
    actions   = ["SNS:Publish", "SNS:Subscribe", "SNS:Receive"]
    resources = [aws_sns_topic.full.arn]
    principals {
      type        = "Service"
      identifiers = ["codestar-notifications.amazonaws.com", "cloudwatch.amazonaws.com"]
    }
  }
  statement {
    sid       = "owner-${var.tier}"
    actions   = ["SNS:Publish"]
    resources = [aws_sns_topic.full.arn]
    principals {
      type        = "AWS"
      identifiers = [data.aws_caller_identity.me.account_id]
    }
    condition {
      test     = "StringEquals"
      variable = "AWS:SourceOwner"
      values   = [data.aws_caller_identity.me.account_id]
    }
  }
}

resource "aws_sns_topic_policy" "full" {
  arn    = aws_sns_topic.full.arn
  policy = data.aws_iam_policy_document.topic.json
}

locals {
  queue = "arn:aws:sqs:us-east-1:${data.aws_caller_identity.me.account_id}:jobs"
}

resource "aws_sns_topic_subscription" "queue" {
  topic_arn            = aws_sns_topic.full.arn
  protocol             = "sqs"
  endpoint             = local.queue
  raw_message_delivery = var.raw
  filter_policy        = jsonencode({ kind = var.kinds })
  redrive_policy       = jsonencode({ deadLetterTargetArn = "${local.queue}-dead" })
}

resource "aws_sns_topic_subscription" "body" {
  topic_arn           = aws_sns_topic.minimal.arn
  protocol            = "sqs"
  endpoint            = local.queue
  filter_policy_scope = "MessageBody"
  filter_policy       = jsonencode({ detail = { state = [{ prefix = "FAIL" }, { "anything-but" = "STARTED" }] } })
}

resource "aws_sns_topic_subscription" "dropped" {
  topic_arn      = aws_sns_topic.prefixed.arn
  protocol       = "lambda"
  endpoint       = "arn:aws:lambda:us-east-1:${data.aws_caller_identity.me.account_id}:function:notify"
  filter_policy  = var.full ? jsonencode({ kind = ["deploy"] }) : null
  redrive_policy = var.full ? jsonencode({ deadLetterTargetArn = "${local.queue}-dead" }) : null
}

resource "aws_sns_topic_subscription" "fifo" {
  topic_arn = aws_sns_topic.fifo.arn
  protocol  = "sqs"
  endpoint  = "${local.queue}.fifo"
}

resource "aws_sns_topic_subscription" "mail" {
  topic_arn = aws_sns_topic.full.arn
  protocol  = "email"
  endpoint  = "ops@example.com"
}

resource "aws_sns_topic_subscription" "hook" {
  topic_arn = aws_sns_topic.full.arn
  protocol  = "https"
  endpoint  = "https://example.com/hook"
  delivery_policy = jsonencode({
    healthyRetryPolicy = { minDelayTarget = 5, maxDelayTarget = 30, numRetries = var.retries, numMaxDelayRetries = 1, backoffFunction = "exponential" }
    throttlePolicy     = { maxReceivesPerSecond = 10 }
  })
}

resource "aws_sns_topic_subscription" "stream" {
  topic_arn             = aws_sns_topic.full.arn
  protocol              = "firehose"
  endpoint              = "arn:aws:firehose:us-east-1:${data.aws_caller_identity.me.account_id}:deliverystream/events"
  subscription_role_arn = aws_iam_role.feedback.arn
}

resource "aws_sns_topic_subscription" "phone" {
  topic_arn = aws_sns_topic.full.arn
  protocol  = "sms"
  endpoint  = "+15551234567"
}

data "aws_sns_topic" "full" {
  name = aws_sns_topic.full.name
}

output "data_arn" {
  value = data.aws_sns_topic.full.arn
}
