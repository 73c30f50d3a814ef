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

resource "aws_security_group" "balancer" {
  name        = "${var.name}-balancer"
  description = "Who may reach the load balancer"
  vpc_id      = data.aws_vpc.default.id
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  for_each          = { production = var.port, test = var.port + 1 }
  security_group_id = aws_security_group.balancer.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_vpc_security_group_egress_rule" "balancer" {
  security_group_id = aws_security_group.balancer.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_lb" "app" {
  name               = var.name
  load_balancer_type = "application"
  subnets            = data.aws_subnets.default.ids
  security_groups    = [aws_security_group.balancer.id]
}

# Which of the two is production changes with every deployment; the names are
# only right for the first.
resource "aws_lb_target_group" "color" {
  for_each    = toset(["blue", "green"])
  name        = "${var.name}-${each.key}"
  target_type = "ip"
  vpc_id      = data.aws_vpc.default.id
  protocol    = "HTTP"
  port        = 8080

  # Requests on their way get this long when tasks go.
  deregistration_delay = 10

  health_check {
    path     = "/healthz"
    interval = 5
    timeout  = 2
  }
}

resource "aws_lb_listener" "production" {
  load_balancer_arn = aws_lb.app.arn
  port              = var.port
  protocol          = "HTTP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.color["blue"].arn
  }

  # CodeDeploy moves the traffic; Terraform must not move it back.
  lifecycle {
    ignore_changes = [default_action]
  }
}

# New tasks get their first requests here.
resource "aws_lb_listener" "test" {
  load_balancer_arn = aws_lb.app.arn
  port              = var.port + 1
  protocol          = "HTTP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.color["green"].arn
  }

  lifecycle {
    ignore_changes = [default_action]
  }
}
