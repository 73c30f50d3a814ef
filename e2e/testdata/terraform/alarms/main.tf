# Alarms of every form that the provider can declare, and composites of them.
variable "threshold" { default = 5 }
variable "description" { default = "Errors of the service" }
variable "enabled" { default = true }
variable "operator" { default = "OR" }

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name                = "errors"
  alarm_description         = var.description
  comparison_operator       = "GreaterThanOrEqualToThreshold"
  evaluation_periods        = 3
  datapoints_to_alarm       = 2
  metric_name               = "HTTPCode_Target_5XX_Count"
  namespace                 = "AWS/ApplicationELB"
  period                    = 60
  statistic                 = "Sum"
  threshold                 = var.threshold
  unit                      = "Count"
  treat_missing_data        = "notBreaching"
  actions_enabled           = var.enabled
  alarm_actions             = ["arn:aws:sns:us-east-1:000000000000:ops"]
  ok_actions                = ["arn:aws:sns:us-east-1:000000000000:ops"]
  insufficient_data_actions = []
  dimensions                = { LoadBalancer = "app/web/1", TargetGroup = "targetgroup/web/1" }
  tags                      = { Kind = "errors" }
}

resource "aws_cloudwatch_metric_alarm" "minimal" {
  alarm_name          = "minimal"
  comparison_operator = "LessThanThreshold"
  evaluation_periods  = 1
  metric_name         = "HealthyHostCount"
  namespace           = "AWS/ApplicationELB"
  period              = 60
  statistic           = "Minimum"
}

resource "aws_cloudwatch_metric_alarm" "slow" {
  alarm_name                            = "slow"
  comparison_operator                   = "GreaterThanThreshold"
  evaluation_periods                    = 2
  metric_name                           = "TargetResponseTime"
  namespace                             = "AWS/ApplicationELB"
  period                                = 300
  extended_statistic                    = "p99.9"
  evaluate_low_sample_count_percentiles = "ignore"
  threshold                             = 0.5
}

resource "aws_cloudwatch_metric_alarm" "rate" {
  alarm_name          = "error-rate"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  threshold           = 10

  metric_query {
    id          = "rate"
    expression  = "100 * errors / requests"
    label       = "Error rate"
    return_data = true
  }
  metric_query {
    id = "requests"
    metric {
      metric_name = "RequestCount"
      namespace   = "AWS/ApplicationELB"
      period      = 120
      stat        = "Sum"
      unit        = "Count"
      dimensions  = { LoadBalancer = "app/web/1" }
    }
  }
  metric_query {
    id = "errors"
    metric {
      metric_name = "HTTPCode_ELB_5XX_Count"
      namespace   = "AWS/ApplicationELB"
      period      = 120
      stat        = "Sum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "trimmed" {
  alarm_name          = "trimmed"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  metric_name         = "Latency"
  namespace           = "App"
  period              = 10
  extended_statistic  = "TM(10%:90%)"
  threshold           = var.threshold
  treat_missing_data  = "breaching"
}

resource "aws_cloudwatch_metric_alarm" "worst" {
  alarm_name          = "worst-host"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 2
  threshold           = var.threshold

  metric_query {
    id          = "worst"
    expression  = "IF(MAX(FILL(METRICS(), 0)) > 1, MAX(METRICS(\"cpu\")), 0)"
    return_data = true
  }
  dynamic "metric_query" {
    for_each = toset(["a", "b"])
    content {
      id = "cpu_${metric_query.key}"
      metric {
        metric_name = "CPUUtilization"
        namespace   = "App"
        period      = 60
        stat        = "p90"
        dimensions  = { Host = metric_query.key }
      }
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "service" {
  alarm_name        = "service"
  alarm_description = var.description
  actions_enabled   = false
  alarm_actions     = ["arn:aws:sns:us-east-1:000000000000:ops"]
  alarm_rule        = "ALARM(${aws_cloudwatch_metric_alarm.errors.alarm_name}) ${var.operator} ALARM(\"${aws_cloudwatch_metric_alarm.rate.alarm_name}\")"
  tags              = { Kind = "composite" }

  actions_suppressor {
    alarm            = aws_cloudwatch_metric_alarm.minimal.alarm_name
    extension_period = 10
    wait_period      = 20
  }
}

resource "aws_cloudwatch_composite_alarm" "top" {
  alarm_name = "top"
  alarm_rule = "NOT ALARM(${aws_cloudwatch_composite_alarm.service.alarm_name})"
}

resource "aws_cloudwatch_dashboard" "service" {
  dashboard_name = "service"
  dashboard_body = jsonencode({
    widgets = [
      { type = "text", x = 0, y = 0, width = 6, height = 2, properties = { markdown = "# ${var.description}" } },
      { type = "metric", x = 0, y = 2, width = 12, height = 6, properties = {
        metrics = [["AWS/ApplicationELB", "RequestCount", "LoadBalancer", "app/web/1"]], period = 60, stat = "Sum", region = "us-east-1", title = "Requests"
      } },
    ]
  })
}
