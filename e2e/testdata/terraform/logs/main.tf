# Log groups of builds and tasks, with all that is said of them.
variable "days" { default = 7 }
variable "label" { default = "one" }
variable "encrypted" { default = true }
variable "pattern" { default = "ERROR" }

data "aws_caller_identity" "me" {}

resource "aws_kms_key" "logs" {
  description             = "Log groups"
  deletion_window_in_days = 7
}

resource "aws_cloudwatch_log_group" "plain" {
  name_prefix = "plain-"
}

resource "aws_cloudwatch_log_group" "build" {
  name              = "/aws/codebuild/build"
  retention_in_days = var.days
  kms_key_id        = var.encrypted ? aws_kms_key.logs.arn : null
  tags              = { Name = "build", Label = var.label }
}

resource "aws_cloudwatch_log_group" "tasks" {
  name              = "/ecs/tasks"
  retention_in_days = var.encrypted ? 0 : 1
  kms_key_id        = var.encrypted ? null : aws_kms_key.logs.arn
  log_group_class   = "STANDARD"
}

resource "aws_cloudwatch_log_group" "archive" {
  name            = "archive"
  log_group_class = "INFREQUENT_ACCESS"
  skip_destroy    = true
}

resource "aws_cloudwatch_log_stream" "build" {
  name           = "build/${var.days > 0 ? "stream" : ""}"
  log_group_name = aws_cloudwatch_log_group.build.name
}

resource "aws_cloudwatch_log_metric_filter" "errors" {
  name           = "errors"
  pattern        = var.pattern
  log_group_name = aws_cloudwatch_log_group.build.name
  metric_transformation {
    name          = "Errors"
    namespace     = "Build/${var.label}"
    value         = "1"
    default_value = "0"
    unit          = "Count"
  }
}

resource "aws_cloudwatch_log_metric_filter" "latency" {
  name           = "latency"
  pattern        = "{ $.latency = * }"
  log_group_name = aws_cloudwatch_log_group.tasks.name
  metric_transformation {
    name       = "Latency"
    namespace  = "Tasks"
    value      = "$.latency"
    dimensions = { Route = "$.route" }
  }
}

data "aws_iam_policy_document" "events" {
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:aws:logs:us-east-1:${data.aws_caller_identity.me.account_id}:log-group:/aws/events/*:*"]
    principals {
      type        = "Service"
      identifiers = var.encrypted ? ["events.amazonaws.com", "delivery.logs.amazonaws.com"] : ["events.amazonaws.com"]
    }
  }
}

resource "aws_cloudwatch_log_resource_policy" "events" {
  policy_name     = "events"
  policy_document = data.aws_iam_policy_document.events.json
}

data "aws_cloudwatch_log_group" "build" {
  name = aws_cloudwatch_log_group.build.name
}

data "aws_cloudwatch_log_groups" "codebuild" {
  log_group_name_prefix = "/aws/codebuild/"
  depends_on            = [aws_cloudwatch_log_group.build]
}

output "read" {
  value = [data.aws_cloudwatch_log_group.build.retention_in_days, data.aws_cloudwatch_log_groups.codebuild.arns]
}
