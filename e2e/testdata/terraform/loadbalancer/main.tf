# Load balancers: an application load balancer with everything, a minimal one,
# a network load balancer, and target groups, listeners, rules and targets of
# every kind that deployments declare.

variable "idle" { default = 60 }
variable "green" { default = 0 }
variable "path" { default = "/healthz" }
variable "answer" { default = "nothing here" }
variable "priority" { default = 20 }
variable "name" { default = "first" }

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

data "aws_elb_service_account" "this" {}
data "aws_lb_hosted_zone_id" "this" {}

resource "aws_security_group" "lb" {
  name   = "lb"
  vpc_id = data.aws_vpc.default.id
}

resource "aws_lb" "full" {
  name                                        = "full"
  internal                                    = false
  load_balancer_type                          = "application"
  ip_address_type                             = "ipv4"
  security_groups                             = [aws_security_group.lb.id]
  subnets                                     = data.aws_subnets.default.ids
  idle_timeout                                = var.idle
  client_keep_alive                           = 7200
  enable_deletion_protection                  = false
  enable_http2                                = true
  enable_cross_zone_load_balancing            = true
  desync_mitigation_mode                      = "strictest"
  drop_invalid_header_fields                  = true
  preserve_host_header                        = true
  enable_xff_client_port                      = true
  xff_header_processing_mode                  = "preserve"
  enable_tls_version_and_cipher_suite_headers = true
  enable_waf_fail_open                        = true
  access_logs {
    bucket  = "some-logs"
    prefix  = "lb"
    enabled = false
  }
  tags = { Name = var.name }
}

resource "aws_lb" "minimal" {
  internal = true
  subnets  = slice(sort(data.aws_subnets.default.ids), 0, 2)
}

resource "aws_s3_bucket" "logs" {
  bucket_prefix = "balancer-logs-"
  force_destroy = true
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "s3:PutObject", Resource = "${aws_s3_bucket.logs.arn}/by-account/*", Principal = { AWS = data.aws_elb_service_account.this.arn } },
      { Effect = "Allow", Action = "s3:PutObject", Resource = "${aws_s3_bucket.logs.arn}/by-service/*", Principal = { Service = "logdelivery.elasticloadbalancing.amazonaws.com" } },
    ]
  })
}

resource "aws_lb" "logged" {
  name    = "logged"
  subnets = slice(sort(data.aws_subnets.default.ids), 0, 2)
  access_logs {
    bucket  = aws_s3_bucket.logs.id
    prefix  = "by-account"
    enabled = true
  }
  connection_logs {
    bucket  = aws_s3_bucket.logs.id
    prefix  = "by-service"
    enabled = var.idle == 60
  }
  depends_on = [aws_s3_bucket_policy.logs]
}

resource "aws_lb" "network" {
  name               = "network"
  load_balancer_type = "network"
  internal           = true
  subnet_mapping {
    subnet_id            = sort(data.aws_subnets.default.ids)[0]
    private_ipv4_address = "172.31.0.77"
  }
  enable_cross_zone_load_balancing = true
  dns_record_client_routing_policy = "partial_availability_zone_affinity"
}

data "aws_lb" "full" {
  name       = "full"
  depends_on = [aws_lb.full]
}

data "aws_lbs" "all" {
  depends_on = [aws_lb.full, aws_lb.minimal]
}

resource "aws_lb_target_group" "blue" {
  name                          = "blue"
  port                          = 8080
  protocol                      = "HTTP"
  protocol_version              = "HTTP1"
  vpc_id                        = data.aws_vpc.default.id
  target_type                   = "ip"
  deregistration_delay          = "5"
  slow_start                    = 30
  load_balancing_algorithm_type = "round_robin"
  health_check {
    enabled             = true
    path                = var.path
    port                = "traffic-port"
    protocol            = "HTTP"
    matcher             = "200-299"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
  stickiness {
    type            = "lb_cookie"
    cookie_duration = 3600
    enabled         = true
  }
  tags = { Name = "blue ${var.name}" }
}

resource "aws_lb_target_group" "green" {
  name        = "green"
  port        = 8080
  protocol    = "HTTP"
  vpc_id      = data.aws_vpc.default.id
  target_type = "ip"
}

resource "aws_lb_target_group" "sticky" {
  name_prefix = "st-"
  port        = 443
  protocol    = "HTTPS"
  vpc_id      = data.aws_vpc.default.id
  stickiness {
    type            = "app_cookie"
    cookie_name     = "session"
    cookie_duration = 600
  }
  lifecycle { create_before_destroy = true }
}

resource "aws_lb_target_group" "grpc" {
  name             = "grpc"
  port             = 50051
  protocol         = "HTTP"
  protocol_version = "GRPC"
  target_type      = "ip"
  vpc_id           = data.aws_vpc.default.id
  health_check {
    matcher = "0-99"
  }
}

resource "aws_lb_target_group" "tcp" {
  name               = "tcp"
  port               = 5432
  protocol           = "TCP"
  target_type        = "ip"
  vpc_id             = data.aws_vpc.default.id
  preserve_client_ip = "false"
  proxy_protocol_v2  = true
  health_check {
    protocol = "TCP"
    port     = "5432"
  }
  stickiness {
    type    = "source_ip"
    enabled = true
  }
}

resource "aws_lb_target_group" "function" {
  name                               = "function"
  target_type                        = "lambda"
  lambda_multi_value_headers_enabled = true
}

data "aws_lb_target_group" "blue" {
  name       = "blue"
  depends_on = [aws_lb_target_group.blue]
}

resource "aws_lb_target_group_attachment" "blue" {
  target_group_arn = aws_lb_target_group.blue.arn
  target_id        = "10.0.0.5"
  port             = 8081
}

resource "aws_lb_target_group_attachment" "green" {
  target_group_arn  = aws_lb_target_group.green.arn
  target_id         = "192.168.7.7"
  availability_zone = "all"
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.full.arn
  port              = 18180
  protocol          = "HTTP"
  default_action {
    type = "redirect"
    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.full.arn
  port              = 18443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = "arn:aws:acm:us-east-1:000000000000:certificate/11111111-2222-3333-4444-555555555555"
  default_action {
    type = "forward"
    forward {
      target_group {
        arn    = aws_lb_target_group.blue.arn
        weight = 100
      }
      target_group {
        arn    = aws_lb_target_group.green.arn
        weight = var.green
      }
      stickiness {
        enabled  = true
        duration = 600
      }
    }
  }
  tags = { Name = var.name }
}

resource "aws_iam_server_certificate" "example" {
  name             = "example"
  path             = "/balancers/"
  certificate_body = file("${path.module}/example.crt")
  private_key      = file("${path.module}/example.key") # made for this scenario
  tags             = { Name = var.name }
}

resource "aws_lb_listener" "given" {
  load_balancer_arn = aws_lb.full.arn
  port              = 18444
  protocol          = "HTTPS"
  certificate_arn   = aws_iam_server_certificate.example.arn
  default_action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      status_code  = "200"
    }
  }
}

resource "aws_lb_listener_certificate" "more" {
  listener_arn    = aws_lb_listener.https.arn
  certificate_arn = "arn:aws:acm:us-east-1:000000000000:certificate/99999999-2222-3333-4444-555555555555"
}

resource "aws_lb_listener" "simple" {
  load_balancer_arn = aws_lb.minimal.arn
  port              = 18181
  protocol          = "HTTPS" # as gRPC needs
  certificate_arn   = "arn:aws:acm:us-east-1:000000000000:certificate/11111111-2222-3333-4444-555555555555"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.grpc.arn
  }
}

resource "aws_lb_listener" "tcp" {
  load_balancer_arn = aws_lb.network.arn
  port              = 15432
  protocol          = "TCP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.tcp.arn
  }
}

data "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.full.arn
  port              = 18443
  depends_on        = [aws_lb_listener.https]
}

resource "aws_lb_listener_rule" "static" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 10
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.sticky.arn
  }
  condition {
    path_pattern { values = ["/static/*", "/img/*"] }
  }
  condition {
    host_header { values = ["*.example.com"] }
  }
}

resource "aws_lb_listener_rule" "fixed" {
  listener_arn = aws_lb_listener.https.arn
  priority     = var.priority
  action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      message_body = var.answer
      status_code  = "404"
    }
  }
  condition {
    http_header {
      http_header_name = "X-Test"
      values           = ["a*", "b?"]
    }
  }
  condition {
    http_request_method { values = ["GET", "HEAD"] }
  }
  tags = { Name = var.name }
}

resource "aws_lb_listener_rule" "query" {
  listener_arn = aws_lb_listener.https.arn
  action {
    type = "redirect"
    redirect {
      host        = "new.#{host}"
      path        = "/moved/#{path}"
      query       = "from=old&#{query}"
      status_code = "HTTP_302"
    }
  }
  condition {
    query_string {
      key   = "version"
      value = "v1"
    }
    query_string {
      value = "bar"
    }
  }
  condition {
    source_ip { values = ["10.0.0.0/8", "192.168.1.0/24"] }
  }
  depends_on = [aws_lb_listener_rule.fixed, aws_lb_listener_rule.static]
}

resource "aws_lb_listener_rule" "function" {
  listener_arn = aws_lb_listener.http.arn
  priority     = 1
  action {
    type  = "forward"
    order = 1
    forward {
      target_group { arn = aws_lb_target_group.function.arn }
    }
  }
  condition {
    path_pattern { values = ["/f"] }
  }
}

output "found" {
  value = {
    dns    = data.aws_lb.full.dns_name
    port   = data.aws_lb_listener.https.port
    health = data.aws_lb_target_group.blue.health_check
  }
}
