# A service that CodeDeploy has deployed: what it changed is ignored, and nothing
# else has changed.

variable "stage" { default = "first" }

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
  load_balancer_arn = aws_lb.web.arn
  port              = 18482
  protocol          = "HTTP"
  default_action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      status_code  = "404"
    }
  }
}

# The way to the service is a rule, whose weights CodeDeploy changes.
resource "aws_lb_listener_rule" "web" {
  listener_arn = aws_lb_listener.web.arn
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web["blue"].arn
  }
  condition {
    path_pattern {
      values = ["/*"]
    }
  }
  lifecycle {
    ignore_changes = [action]
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
  depends_on = [aws_lb_listener_rule.web]
}

resource "aws_codedeploy_app" "web" {
  name             = "web"
  compute_platform = "ECS"
}

resource "aws_codedeploy_deployment_group" "web" {
  app_name               = aws_codedeploy_app.web.name
  deployment_group_name  = "web"
  service_role_arn       = aws_iam_role.deploy.arn
  deployment_config_name = "CodeDeployDefault.ECSAllAtOnce"
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
        listener_arns = [aws_lb_listener.web.arn]
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
      action_on_timeout = "CONTINUE_DEPLOYMENT"
    }
    terminate_blue_instances_on_deployment_success {
      action = "TERMINATE"
    }
  }
  depends_on = [aws_iam_role_policy_attachment.deploy]
}

# The next version, each revision of which is deployed.
resource "aws_ecs_task_definition" "next" {
  family                   = "next"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  container_definitions = jsonencode([{
    name        = "web", image = "slipway/placeholder:latest", portMappings = [{ containerPort = 8080 }],
    environment = [{ name = "STAGE", value = var.stage }]
  }])
  skip_destroy = true
  provisioner "local-exec" {
    environment = {
      REVISION = jsonencode({ revisionType = "AppSpecContent", appSpecContent = { content = jsonencode({
        version = 0
        Resources = [{ TargetService = { Type = "AWS::ECS::Service", Properties = {
          TaskDefinition   = self.arn
          LoadBalancerInfo = { ContainerName = "web", ContainerPort = 8080 }
        } } }]
      }) } })
      TO = "--application-name ${aws_codedeploy_app.web.name} --deployment-group-name ${aws_codedeploy_deployment_group.web.deployment_group_name}"
    }
    command = "aws deploy wait deployment-successful --deployment-id $(aws deploy create-deployment $TO --revision \"$REVISION\" --query deploymentId --output text)"
  }
}
