# The network that every account has in every region.
data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

resource "aws_security_group" "service" {
  name        = "${var.name}-service"
  description = "Who may reach the services"
  vpc_id      = data.aws_vpc.default.id
}

resource "aws_vpc_security_group_ingress_rule" "http" {
  security_group_id = aws_security_group.service.id
  description       = "HTTP from within the VPC"
  cidr_ipv4         = data.aws_vpc.default.cidr_block
  ip_protocol       = "tcp"
  from_port         = 8080
  to_port           = 8080
}

resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.service.id
  description       = "Images and logs"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_cloudwatch_log_group" "service" {
  for_each          = toset(local.stages)
  name              = "/ecs/${var.name}-${each.key}"
  retention_in_days = 14
}

resource "aws_ecs_cluster" "stage" {
  for_each = toset(local.stages)
  name     = "${var.name}-${each.key}"
}

resource "aws_ecs_task_definition" "app" {
  for_each                 = toset(local.stages)
  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = "256"
  memory                   = "512"
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  container_definitions = jsonencode([{
    name         = var.name
    image        = var.first_image
    essential    = true
    stopTimeout  = 10
    portMappings = [{ containerPort = 8080, protocol = "tcp" }]
    environment  = [{ name = "STAGE", value = each.key }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.service[each.key].name
        awslogs-region        = var.region
        awslogs-stream-prefix = var.name
      }
    }
  }])
}

resource "aws_ecs_service" "app" {
  for_each        = toset(local.stages)
  name            = var.name
  cluster         = aws_ecs_cluster.stage[each.key].id
  task_definition = aws_ecs_task_definition.app[each.key].arn
  desired_count   = var.replicas
  launch_type     = "FARGATE"

  # New tasks first, then the old ones go: nobody notices a deployment.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  # A version that does not start is taken back.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = data.aws_subnets.default.ids
    security_groups  = [aws_security_group.service.id]
    assign_public_ip = true
  }

  # The pipeline deploys newer revisions than the one above; Terraform must not
  # take them back at the next apply.
  lifecycle {
    ignore_changes = [task_definition]
  }
}
