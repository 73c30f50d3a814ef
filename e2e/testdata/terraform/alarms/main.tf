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

resource "aws_cloudwatch_metric_alarm" "anomaly" {
  alarm_name          = "anomaly"
  comparison_operator = "GreaterThanUpperThreshold"
  evaluation_periods  = 2
  threshold_metric_id = "band"

  metric_query {
    id          = "band"
    expression  = "ANOMALY_DETECTION_BAND(cpu)"
    label       = "CPU (expected)"
    return_data = true
  }
  metric_query {
    id          = "cpu"
    return_data = true
    metric {
      metric_name = "CPUUtilization"
      namespace   = "AWS/ECS"
      period      = 120
      stat        = "Average"
      dimensions  = { ServiceName = "web" }
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
