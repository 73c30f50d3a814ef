# CodeDeploy's declarations for the three compute platforms.

variable "config" { default = "CodeDeployDefault.ECSAllAtOnce" }
variable "wait" { default = 5 }
variable "alarms" { default = true }
variable "events" { default = ["DEPLOYMENT_FAILURE"] }
variable "group" { default = "blue-green" }
variable "stage" { default = "staging" }
variable "triggers" { default = true }
variable "tag" { default = "first" }

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

resource "aws_lb" "web" {
  name    = "web"
  subnets = data.aws_subnets.default.ids
}

resource "aws_lb_target_group" "web" {
  for_each    = toset(["blue", "green"])
  name        = each.key
  port        = 8080
  protocol    = "HTTP"
  target_type = "ip"
  vpc_id      = data.aws_vpc.default.id
}

resource "aws_lb_listener" "web" {
  for_each          = { production = 18480, test = 18481 }
  load_balancer_arn = aws_lb.web.arn
  port              = each.value
  protocol          = "HTTP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web["blue"].arn
  }
  lifecycle {
    ignore_changes = [default_action]
  }
}

data "aws_iam_policy_document" "deploy" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["codedeploy.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "deploy" {
  name               = "deploy"
  assume_role_policy = data.aws_iam_policy_document.deploy.json
}

resource "aws_iam_role_policy_attachment" "deploy" {
  role       = aws_iam_role.deploy.name
  policy_arn = "arn:aws:iam::aws:policy/AWSCodeDeployRoleForECS"
}

resource "aws_sns_topic" "deployments" {
  name = "deployments"
}

# ECS: blue/green.

resource "aws_ecs_cluster" "web" {
  name = "web"
}

resource "aws_ecs_task_definition" "web" {
  family                   = "web"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  container_definitions    = jsonencode([{ name = "web", image = "slipway/placeholder:latest", portMappings = [{ containerPort = 8080 }] }])
}

resource "aws_ecs_service" "web" {
  name            = "web"
  cluster         = aws_ecs_cluster.web.id
  task_definition = aws_ecs_task_definition.web.arn
  desired_count   = 0
  launch_type     = "FARGATE"
  deployment_controller {
    type = "CODE_DEPLOY"
  }
  load_balancer {
    target_group_arn = aws_lb_target_group.web["blue"].arn
    container_name   = "web"
    container_port   = 8080
  }
  network_configuration {
    subnets = data.aws_subnets.default.ids
  }
  lifecycle {
    ignore_changes = [task_definition, load_balancer]
  }
  depends_on = [aws_lb_listener.web]
}

resource "aws_codedeploy_app" "ecs" {
  name             = "ecs"
  compute_platform = "ECS"
  tags             = { Stage = var.tag }
}

resource "aws_codedeploy_deployment_config" "canary" {
  deployment_config_name = "canary"
  compute_platform       = "ECS"
  traffic_routing_config {
    type = "TimeBasedCanary"
    time_based_canary {
      interval   = 10
      percentage = 20
    }
  }
}

resource "aws_codedeploy_deployment_group" "ecs" {
  app_name               = aws_codedeploy_app.ecs.name
  deployment_group_name  = var.group
  service_role_arn       = aws_iam_role.deploy.arn
  deployment_config_name = var.config
  deployment_style {
    deployment_option = "WITH_TRAFFIC_CONTROL"
    deployment_type   = "BLUE_GREEN"
  }
  ecs_service {
    cluster_name = aws_ecs_cluster.web.name
    service_name = aws_ecs_service.web.name
  }
  load_balancer_info {
    target_group_pair_info {
      prod_traffic_route {
        listener_arns = [aws_lb_listener.web["production"].arn]
      }
      test_traffic_route {
        listener_arns = [aws_lb_listener.web["test"].arn]
      }
      target_group {
        name = aws_lb_target_group.web["blue"].name
      }
      target_group {
        name = aws_lb_target_group.web["green"].name
      }
    }
  }
  blue_green_deployment_config {
    deployment_ready_option {
      action_on_timeout    = "STOP_DEPLOYMENT"
      wait_time_in_minutes = 60
    }
    terminate_blue_instances_on_deployment_success {
      action                           = "TERMINATE"
      termination_wait_time_in_minutes = var.wait
    }
  }
  auto_rollback_configuration {
    enabled = true
    events  = var.events
  }
  alarm_configuration {
    enabled                   = var.alarms
    alarms                    = ["errors", "latency"]
    ignore_poll_alarm_failure = true
  }
  dynamic "trigger_configuration" {
    for_each = var.triggers ? ["success", "failure"] : []
    content {
      trigger_name       = trigger_configuration.value
      trigger_events     = ["Deployment${title(trigger_configuration.value)}"]
      trigger_target_arn = aws_sns_topic.deployments.arn
    }
  }
  tags       = { Stage = var.tag }
  depends_on = [aws_codedeploy_deployment_config.canary]
}

# Lambda.

resource "aws_codedeploy_app" "lambda" {
  name             = "lambda"
  compute_platform = "Lambda"
}

resource "aws_codedeploy_deployment_config" "linear" {
  deployment_config_name = "linear"
  compute_platform       = "Lambda"
  traffic_routing_config {
    type = "TimeBasedLinear"
    time_based_linear {
      interval   = 10
      percentage = 20
    }
  }
}

resource "aws_codedeploy_deployment_config" "at_once" {
  deployment_config_name = "at-once"
  compute_platform       = "Lambda"
  traffic_routing_config {
    type = "AllAtOnce"
  }
}

resource "aws_codedeploy_deployment_group" "lambda" {
  app_name               = aws_codedeploy_app.lambda.name
  deployment_group_name  = "functions"
  service_role_arn       = aws_iam_role.deploy.arn
  deployment_config_name = aws_codedeploy_deployment_config.linear.id
  deployment_style {
    deployment_option = "WITH_TRAFFIC_CONTROL"
    deployment_type   = "BLUE_GREEN"
  }
}

# Instances.

resource "aws_codedeploy_app" "server" {
  name = "server"
}

resource "aws_codedeploy_deployment_config" "hosts" {
  deployment_config_name = "hosts"
  minimum_healthy_hosts {
    type  = "HOST_COUNT"
    value = 2
  }
}

resource "aws_codedeploy_deployment_config" "zones" {
  deployment_config_name = "zones"
  minimum_healthy_hosts {
    type  = "FLEET_PERCENT"
    value = 75
  }
  zonal_config {
    first_zone_monitor_duration_in_seconds = 300
    monitor_duration_in_seconds            = 60
    minimum_healthy_hosts_per_zone {
      type  = "FLEET_PERCENT"
      value = 50
    }
  }
}

resource "aws_codedeploy_deployment_group" "minimal" {
  app_name              = aws_codedeploy_app.server.name
  deployment_group_name = "minimal"
  service_role_arn      = aws_iam_role.deploy.arn
}

resource "aws_codedeploy_deployment_group" "filters" {
  app_name                    = aws_codedeploy_app.server.name
  deployment_group_name       = "filters"
  service_role_arn            = aws_iam_role.deploy.arn
  deployment_config_name      = aws_codedeploy_deployment_config.zones.id
  autoscaling_groups          = ["web"]
  outdated_instances_strategy = var.stage == "staging" ? "UPDATE" : "IGNORE"
  termination_hook_enabled    = true
  ec2_tag_filter {
    key   = "Stage"
    type  = "KEY_AND_VALUE"
    value = var.stage
  }
  ec2_tag_filter {
    key  = "Web"
    type = "KEY_ONLY"
  }
  on_premises_instance_tag_filter {
    type  = "VALUE_ONLY"
    value = var.stage
  }
}

resource "aws_codedeploy_deployment_group" "sets" {
  app_name              = aws_codedeploy_app.server.name
  deployment_group_name = "sets"
  service_role_arn      = aws_iam_role.deploy.arn
  ec2_tag_set {
    ec2_tag_filter {
      key   = "Stage"
      type  = "KEY_AND_VALUE"
      value = var.stage
    }
    ec2_tag_filter {
      key   = "Stage"
      type  = "KEY_AND_VALUE"
      value = "canary"
    }
  }
  ec2_tag_set {
    ec2_tag_filter {
      key  = "Web"
      type = "KEY_ONLY"
    }
  }
}

resource "aws_codedeploy_deployment_group" "fleet" {
  app_name               = aws_codedeploy_app.server.name
  deployment_group_name  = "fleet"
  service_role_arn       = aws_iam_role.deploy.arn
  deployment_config_name = "CodeDeployDefault.HalfAtATime"
  deployment_style {
    deployment_option = "WITH_TRAFFIC_CONTROL"
    deployment_type   = "BLUE_GREEN"
  }
  load_balancer_info {
    target_group_info {
      name = var.stage
    }
  }
  blue_green_deployment_config {
    deployment_ready_option {
      action_on_timeout = "CONTINUE_DEPLOYMENT"
    }
    green_fleet_provisioning_option {
      action = "DISCOVER_EXISTING"
    }
    terminate_blue_instances_on_deployment_success {
      action = "KEEP_ALIVE"
    }
  }
}

resource "aws_codedeploy_deployment_group" "classic" {
  app_name              = aws_codedeploy_app.server.name
  deployment_group_name = "classic"
  service_role_arn      = aws_iam_role.deploy.arn
  deployment_style {
    deployment_option = "WITH_TRAFFIC_CONTROL"
    deployment_type   = "IN_PLACE"
  }
  load_balancer_info {
    elb_info {
      name = "classic"
    }
  }
}
