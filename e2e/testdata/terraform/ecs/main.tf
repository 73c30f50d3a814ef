# A service that runs, as an ordinary team declares one.

variable "page" { default = "first" }
variable "level" { default = "disabled" }

data "aws_caller_identity" "me" {}
data "aws_region" "here" {}

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

data "aws_security_group" "default" {
  vpc_id = data.aws_vpc.default.id
  name   = "default"
}

resource "aws_ecs_cluster" "app" {
  name = "app"
  setting {
    name  = "containerInsights"
    value = var.level
  }
  tags = { Name = "app" }
}

resource "aws_ecs_cluster_capacity_providers" "app" {
  cluster_name       = aws_ecs_cluster.app.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    base              = 1
    weight            = 100
  }
}

data "aws_iam_policy_document" "tasks" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "execution" {
  name               = "execution"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_iam_role" "task" {
  name               = "task"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

resource "aws_cloudwatch_log_group" "app" {
  name              = "/ecs/app"
  retention_in_days = 7
}

resource "aws_ecs_task_definition" "app" {
  family                   = "app"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions = jsonencode([{
    name         = "app"
    image        = "slipway/placeholder:latest"
    essential    = true
    stopTimeout  = 2
    portMappings = [{ containerPort = 8080, hostPort = 8080, protocol = "tcp" }]
    environment = [
      { name = "STAGE", value = "production" },
      { name = "PAGE", value = var.page },
    ]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.app.name
        "awslogs-region"        = data.aws_region.here.name
        "awslogs-stream-prefix" = "app"
      }
    }
  }])
}

resource "aws_ecs_service" "app" {
  name                               = "app"
  cluster                            = aws_ecs_cluster.app.id
  task_definition                    = aws_ecs_task_definition.app.arn
  desired_count                      = 1
  launch_type                        = "FARGATE"
  platform_version                   = "LATEST"
  deployment_maximum_percent         = 200
  deployment_minimum_healthy_percent = 100
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"
  wait_for_steady_state              = true
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  deployment_controller {
    type = "ECS"
  }
  network_configuration {
    subnets          = data.aws_subnets.default.ids
    security_groups  = [data.aws_security_group.default.id]
    assign_public_ip = true
  }
  tags = { Page = var.page }
}

resource "aws_ecs_service" "spot" {
  name                  = "spot"
  cluster               = aws_ecs_cluster.app.arn
  task_definition       = "${aws_ecs_task_definition.app.family}:${aws_ecs_task_definition.app.revision}"
  desired_count         = 1
  force_new_deployment  = true
  wait_for_steady_state = true
  triggers              = { page = var.page }
  capacity_provider_strategy {
    capacity_provider = "FARGATE_SPOT"
    weight            = var.page == "first" ? 1 : 2
  }
  network_configuration {
    subnets = data.aws_subnets.default.ids
  }
  depends_on = [aws_ecs_cluster_capacity_providers.app]
}

data "aws_ecs_cluster" "app" {
  cluster_name = aws_ecs_cluster.app.name
}

data "aws_ecs_task_definition" "app" {
  task_definition = aws_ecs_task_definition.app.family
}

data "aws_ecs_service" "app" {
  service_name = aws_ecs_service.app.name
  cluster_arn  = aws_ecs_cluster.app.arn
}

data "aws_ecs_container_definition" "app" {
  task_definition = aws_ecs_task_definition.app.arn
  container_name  = "app"
}

output "described" {
  value = [data.aws_ecs_cluster.app.status, data.aws_ecs_task_definition.app.network_mode, data.aws_ecs_service.app.launch_type, data.aws_ecs_container_definition.app.image]
}
