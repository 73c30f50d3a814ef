# Services that CodeDeploy or an external deployer deploys, and task sets with
# tasks that run.

variable "scale" { default = 50 }
variable "count_of_own" { default = 2 }
variable "grace" { default = 0 }
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

data "aws_security_group" "default" {
  vpc_id = data.aws_vpc.default.id
  name   = "default"
}

resource "aws_lb" "web" {
  name    = "web"
  subnets = data.aws_subnets.default.ids
}

resource "aws_lb_target_group" "web" {
  for_each             = toset(["blue", "green", "own"])
  name                 = each.key
  port                 = 8080
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = data.aws_vpc.default.id
  deregistration_delay = 1
  health_check {
    interval = 5
    timeout  = 2
  }
}

resource "aws_lb_listener" "web" {
  for_each          = { blue = 18484, own = 18485 }
  load_balancer_arn = aws_lb.web.arn
  port              = each.value
  protocol          = "HTTP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web[each.key].arn
  }
}

resource "aws_ecs_cluster" "web" {
  name = "web"
}

resource "aws_ecs_cluster_capacity_providers" "web" {
  cluster_name       = aws_ecs_cluster.web.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
}

resource "aws_ecs_task_definition" "web" {
  family                   = "web"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  container_definitions = jsonencode([{
    name         = "web", image = "slipway/placeholder:latest", stopTimeout = 2
    portMappings = [{ containerPort = 8080 }]
  }])
}

resource "aws_ecs_service" "deployed" {
  name                              = "deployed"
  cluster                           = aws_ecs_cluster.web.id
  task_definition                   = aws_ecs_task_definition.web.arn
  desired_count                     = 1
  launch_type                       = "FARGATE"
  health_check_grace_period_seconds = var.grace
  propagate_tags                    = "SERVICE"
  deployment_controller {
    type = "CODE_DEPLOY"
  }
  load_balancer {
    target_group_arn = aws_lb_target_group.web["blue"].arn
    container_name   = "web"
    container_port   = 8080
  }
  network_configuration {
    subnets          = data.aws_subnets.default.ids
    security_groups  = [data.aws_security_group.default.id]
    assign_public_ip = true
  }
  lifecycle {
    ignore_changes = [task_definition, load_balancer]
  }
  tags       = { Stage = var.tag }
  depends_on = [aws_lb_listener.web]
}

resource "aws_ecs_service" "own" {
  name          = "own"
  cluster       = aws_ecs_cluster.web.id
  desired_count = var.count_of_own
  deployment_controller {
    type = "EXTERNAL"
  }
  tags = { Stage = var.tag }
}

resource "aws_ecs_task_set" "minimal" {
  service         = aws_ecs_service.own.id
  cluster         = aws_ecs_cluster.web.id
  task_definition = aws_ecs_task_definition.web.arn
  network_configuration {
    subnets = data.aws_subnets.default.ids
  }
  scale {
    value = 0
  }
}

resource "aws_ecs_task_set" "spot" {
  service         = aws_ecs_service.own.id
  cluster         = aws_ecs_cluster.web.id
  task_definition = aws_ecs_task_definition.web.arn
  external_id     = "spot"
  capacity_provider_strategy {
    capacity_provider = "FARGATE_SPOT"
    base              = 1
    weight            = 2
  }
  network_configuration {
    subnets = data.aws_subnets.default.ids
  }
  service_registries {
    registry_arn   = "arn:aws:servicediscovery:us-east-1:000000000000:service/srv-one"
    container_name = "web"
    container_port = 8080
  }
  scale {
    value = 0
  }
  force_delete = true
  depends_on   = [aws_ecs_cluster_capacity_providers.web]
}

resource "aws_ecs_task_set" "full" {
  service          = aws_ecs_service.own.id
  cluster          = aws_ecs_cluster.web.id
  task_definition  = aws_ecs_task_definition.web.arn
  external_id      = "v1"
  launch_type      = "FARGATE"
  platform_version = "1.4.0"
  load_balancer {
    target_group_arn = aws_lb_target_group.web["own"].arn
    container_name   = "web"
    container_port   = 8080
  }
  network_configuration {
    subnets          = data.aws_subnets.default.ids
    security_groups  = [data.aws_security_group.default.id]
    assign_public_ip = true
  }
  scale {
    unit  = "PERCENT"
    value = var.scale
  }
  force_delete              = true
  wait_until_stable         = true
  wait_until_stable_timeout = "2m"
  tags                      = { Stage = var.tag }
  depends_on                = [aws_lb_listener.web]
}
