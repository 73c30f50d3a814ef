# Rules by pattern and by schedule, targets of every kind that works, buses.
variable "description" { default = "A push" }
variable "schedule" { default = "rate(5 minutes)" }
variable "enabled" { default = "ENABLED" }

data "aws_caller_identity" "me" {}

resource "aws_iam_role" "events" {
  name = "events"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "events.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_cloudwatch_event_rule" "push" {
  name        = "push"
  description = var.description
  role_arn    = aws_iam_role.events.arn
  state       = var.enabled
  event_pattern = jsonencode({
    source        = ["aws.codecommit"]
    "detail-type" = ["CodeCommit Repository State Change"]
    detail        = { event = ["referenceCreated", "referenceUpdated"], referenceName = [{ prefix = "release/" }, "main"] }
  })
  tags = { A = "1" }
}

resource "aws_cloudwatch_event_rule" "clock" {
  name_prefix         = "clock-"
  schedule_expression = var.schedule
}

resource "aws_cloudwatch_event_target" "pipeline" {
  rule     = aws_cloudwatch_event_rule.push.name
  arn      = "arn:aws:codepipeline:us-east-1:${data.aws_caller_identity.me.account_id}:app"
  role_arn = aws_iam_role.events.arn
}

resource "aws_cloudwatch_event_target" "build" {
  rule      = aws_cloudwatch_event_rule.clock.name
  target_id = "nightly"
  arn       = "arn:aws:codebuild:us-east-1:${data.aws_caller_identity.me.account_id}:project/app"
  role_arn  = aws_iam_role.events.arn
  input     = jsonencode({ environmentVariablesOverride = [{ name = "NIGHTLY", value = var.schedule, type = "PLAINTEXT" }] })
  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 3
  }
}

resource "aws_cloudwatch_log_group" "events" {
  name = "/aws/events/all"
}

resource "aws_cloudwatch_event_target" "log" {
  rule = aws_cloudwatch_event_rule.push.name
  arn  = aws_cloudwatch_log_group.events.arn
  input_transformer {
    input_paths    = { name = "$.detail.referenceName", time = "$.time" }
    input_template = "{\"timestamp\": <time>, \"message\": \"pushed <name>\"}"
  }
}

resource "aws_cloudwatch_event_target" "task" {
  rule     = aws_cloudwatch_event_rule.clock.name
  arn      = "arn:aws:ecs:us-east-1:${data.aws_caller_identity.me.account_id}:cluster/app"
  role_arn = aws_iam_role.events.arn
  ecs_target {
    task_definition_arn = "arn:aws:ecs:us-east-1:${data.aws_caller_identity.me.account_id}:task-definition/app:1"
    task_count          = 1
    launch_type         = "FARGATE"
    network_configuration {
      subnets          = ["subnet-00000000000000001"]
      assign_public_ip = true
    }
  }
}

resource "aws_cloudwatch_event_bus" "orders" {
  name = "orders"
}

resource "aws_cloudwatch_event_permission" "orders" {
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  principal      = "111122223333"
  statement_id   = "partner"
}

resource "aws_cloudwatch_event_rule" "orders" {
  name           = "all"
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  event_pattern  = jsonencode({ source = [{ "anything-but" = "test" }] })
}

resource "aws_cloudwatch_event_target" "orders" {
  rule           = aws_cloudwatch_event_rule.orders.name
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  arn            = aws_cloudwatch_log_group.events.arn
  input_path     = "$.detail"
}

# What may be declared, though its kind of target is not there: see the log.
resource "aws_cloudwatch_event_target" "topic" {
  rule      = aws_cloudwatch_event_rule.push.name
  target_id = "topic"
  arn       = "arn:aws:sns:us-east-1:${data.aws_caller_identity.me.account_id}:pushes"
}

resource "aws_cloudwatch_event_target" "queue" {
  rule      = aws_cloudwatch_event_rule.push.name
  target_id = "queue"
  arn       = "arn:aws:sqs:us-east-1:${data.aws_caller_identity.me.account_id}:pushes.fifo"
  sqs_target { message_group_id = "all" }
  dead_letter_config { arn = "arn:aws:sqs:us-east-1:${data.aws_caller_identity.me.account_id}:dead" }
}

resource "aws_cloudwatch_event_target" "function" {
  rule          = aws_cloudwatch_event_rule.push.name
  arn           = "arn:aws:lambda:us-east-1:${data.aws_caller_identity.me.account_id}:function:pushed"
  force_destroy = true
}

resource "aws_cloudwatch_event_rule" "both" {
  name                = "both"
  schedule_expression = "cron(0/15 8-17 ? * MON-FRI *)"
  event_pattern       = jsonencode({ source = ["aws.cloudwatch"], "detail-type" = ["CloudWatch Alarm State Change"], detail = { state = { value = ["ALARM"] } } })
  force_destroy       = true
}

resource "aws_cloudwatch_event_target" "bus" {
  rule     = aws_cloudwatch_event_rule.both.name
  arn      = aws_cloudwatch_event_bus.audit.arn
  role_arn = aws_iam_role.events.arn
}

resource "aws_cloudwatch_event_bus" "audit" {
  name        = "audit"
  description = var.description
  tags        = { A = "1" }
  dead_letter_config { arn = "arn:aws:sqs:us-east-1:${data.aws_caller_identity.me.account_id}:dead" }
}

resource "aws_cloudwatch_event_bus_policy" "audit" {
  event_bus_name = aws_cloudwatch_event_bus.audit.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "partner", Effect = "Allow", Action = "events:PutEvents", Resource = aws_cloudwatch_event_bus.audit.arn
      Principal = { AWS = "arn:aws:iam::111122223333:root" }
      Condition = { StringEquals = { "events:source" = "partner" } }
    }]
  })
}

data "aws_cloudwatch_event_bus" "orders" {
  name = aws_cloudwatch_event_bus.orders.name
}

data "aws_cloudwatch_event_buses" "all" {
  depends_on = [aws_cloudwatch_event_bus.orders, aws_cloudwatch_event_bus.audit]
}

output "orders" { value = data.aws_cloudwatch_event_bus.orders.arn }
output "buses" { value = length(data.aws_cloudwatch_event_buses.all.event_buses) }
