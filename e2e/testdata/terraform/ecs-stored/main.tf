# Everything that clusters, task definitions and services can be told, on
# services that want no tasks: what is declared must come back as it was sent.

variable "insights" { default = "enabled" }
variable "logging" { default = "OVERRIDE" }
variable "maximum" { default = 200 }
variable "port" { default = 8080 }
variable "alarms" { default = true }
variable "registries" { default = ["srv-one"] }
variable "tag" { default = "first" }

locals {
  account   = "000000000000"
  namespace = "arn:aws:servicediscovery:us-east-1:${local.account}:namespace/ns-0123456789abcdef"
}

resource "aws_ecs_cluster" "minimal" {
  name = "minimal"
}

resource "aws_ecs_cluster" "full" {
  name = "full"
  configuration {
    execute_command_configuration {
      kms_key_id = "arn:aws:kms:us-east-1:${local.account}:key/11111111-2222-3333-4444-555555555555"
      logging    = var.logging
      dynamic "log_configuration" {
        for_each = var.logging == "OVERRIDE" ? [1] : []
        content {
          cloud_watch_encryption_enabled = true
          cloud_watch_log_group_name     = "/ecs/exec"
          s3_bucket_name                 = "sessions"
          s3_bucket_encryption_enabled   = true
          s3_key_prefix                  = "exec"
        }
      }
    }
    managed_storage_configuration {
      fargate_ephemeral_storage_kms_key_id = "arn:aws:kms:us-east-1:${local.account}:key/11111111-2222-3333-4444-555555555555"
    }
  }
  service_connect_defaults {
    namespace = local.namespace
  }
  setting {
    name  = "containerInsights"
    value = var.insights
  }
  tags = { Stage = var.tag }
}

resource "aws_ecs_cluster_capacity_providers" "full" {
  cluster_name       = aws_ecs_cluster.full.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    base              = 1
    weight            = 1
  }
  default_capacity_provider_strategy {
    capacity_provider = "FARGATE_SPOT"
    weight            = 3
  }
}

resource "aws_ecs_cluster_capacity_providers" "none" {
  cluster_name = aws_ecs_cluster.minimal.name
}

# Task definitions. Their documents have other orders and fewer members than
# the answers.

resource "aws_ecs_task_definition" "minimal" {
  family                = "minimal"
  container_definitions = jsonencode([{ name = "a", image = "busybox", memory = 64 }])
  skip_destroy          = true
}

resource "aws_ecs_task_definition" "bridge" {
  family             = "bridge"
  network_mode       = "bridge"
  ipc_mode           = "task"
  pid_mode           = "host"
  track_latest       = true
  task_role_arn      = "arn:aws:iam::${local.account}:role/task"
  execution_role_arn = "arn:aws:iam::${local.account}:role/execution"
  placement_constraints {
    type       = "memberOf"
    expression = "attribute:ecs.availability-zone in [us-east-1a, us-east-1b]"
  }
  volume {
    name      = "host"
    host_path = "/ecs/data"
  }
  volume {
    name = "scratch"
  }
  volume {
    name = "shared"
    docker_volume_configuration {
      scope         = "shared"
      autoprovision = true
      driver        = "local"
      driver_opts   = { type = "tmpfs", device = "tmpfs" }
      labels        = { kind = "cache" }
    }
  }
  container_definitions = jsonencode([
    {
      name                   = "web"
      image                  = "nginx:1.27"
      cpu                    = 10
      memory                 = 256
      memoryReservation      = 128
      essential              = true
      command                = ["nginx", "-g", "daemon off;"]
      entryPoint             = ["/docker-entrypoint.sh"]
      workingDirectory       = "/srv"
      user                   = "1000:1000"
      hostname               = "web"
      links                  = ["cache:redis"]
      dnsServers             = ["10.0.0.2"]
      dnsSearchDomains       = ["internal"]
      extraHosts             = [{ hostname = "db", ipAddress = "10.0.0.3" }]
      dockerLabels           = { team = "web", app = "shop" }
      dockerSecurityOptions  = ["no-new-privileges"]
      privileged             = false
      readonlyRootFilesystem = true
      interactive            = true
      pseudoTerminal         = true
      startTimeout           = 30
      stopTimeout            = 30
      portMappings = [
        { containerPort = 443, hostPort = 8443 },
        { containerPort = 80, hostPort = 0, protocol = "tcp" },
      ]
      environment = [
        { name = "ZED", value = "last" },
        { name = "ALPHA", value = "first" },
        { name = "EMPTY", value = "" },
      ]
      environmentFiles = [{ type = "s3", value = "arn:aws:s3:::config/web.env" }]
      secrets = [
        { name = "TOKEN", valueFrom = "arn:aws:secretsmanager:us-east-1:${local.account}:secret:token-AbCdEf:key::" },
        { name = "PASSWORD", valueFrom = "arn:aws:ssm:us-east-1:${local.account}:parameter/web/password" },
      ]
      mountPoints = [
        { sourceVolume = "scratch", containerPath = "/scratch", readOnly = false },
        { sourceVolume = "host", containerPath = "/data", readOnly = true },
      ]
      volumesFrom    = [{ sourceContainer = "cache", readOnly = true }]
      dependsOn      = [{ containerName = "cache", condition = "HEALTHY" }]
      ulimits        = [{ name = "nofile", softLimit = 1024, hardLimit = 4096 }]
      systemControls = [{ namespace = "net.core.somaxconn", value = "1024" }]
      linuxParameters = {
        initProcessEnabled = true
        sharedMemorySize   = 64
        maxSwap            = 128
        swappiness         = 60
        capabilities       = { add = ["SYS_PTRACE"], drop = ["NET_RAW"] }
        tmpfs              = [{ containerPath = "/run", size = 16, mountOptions = ["noexec"] }]
        devices            = [{ hostPath = "/dev/fuse", containerPath = "/dev/fuse", permissions = ["read", "write"] }]
      }
      logConfiguration = {
        logDriver     = "awsfirelens"
        options       = { Name = "cloudwatch" }
        secretOptions = [{ name = "key", valueFrom = "arn:aws:ssm:us-east-1:${local.account}:parameter/key" }]
      }
      resourceRequirements  = [{ type = "GPU", value = "1" }]
      repositoryCredentials = { credentialsParameter = "arn:aws:secretsmanager:us-east-1:${local.account}:secret:hub-AbCdEf" }
    },
    {
      name               = "cache"
      image              = "redis"
      memory             = 64
      essential          = false
      healthCheck        = { command = ["CMD-SHELL", "redis-cli ping"], startPeriod = 5 }
      restartPolicy      = { enabled = true, ignoredExitCodes = [0], restartAttemptPeriod = 60 }
      versionConsistency = "disabled"
    },
    {
      name                  = "log"
      image                 = "fluentbit"
      memory                = 64
      firelensConfiguration = { type = "fluentbit", options = { "enable-ecs-log-metadata" = "true" } }
    },
  ])
  tags = { Stage = var.tag }
}

resource "aws_ecs_task_definition" "fargate" {
  family                   = "fargate"
  task_role_arn            = "arn:aws:iam::${local.account}:role/task"
  requires_compatibilities = ["FARGATE", "EC2"]
  network_mode             = "awsvpc"
  cpu                      = "1024"
  memory                   = "2048"
  enable_fault_injection   = true
  ephemeral_storage {
    size_in_gib = 50
  }
  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }
  proxy_configuration {
    type           = "APPMESH"
    container_name = "proxy"
    properties = {
      AppPorts         = "8080"
      EgressIgnoredIPs = "169.254.170.2,169.254.169.254"
      IgnoredUID       = "1337"
      ProxyEgressPort  = 15001
      ProxyIngressPort = 15000
    }
  }
  volume {
    name = "files"
    efs_volume_configuration {
      file_system_id          = "fs-0123456789abcdef0"
      root_directory          = "/"
      transit_encryption      = "ENABLED"
      transit_encryption_port = 2999
      authorization_config {
        access_point_id = "fsap-0123456789abcdef0"
        iam             = "ENABLED"
      }
    }
  }
  volume {
    name                = "disk"
    configure_at_launch = true
  }
  container_definitions = jsonencode([
    {
      name         = "app"
      image        = "app"
      portMappings = [{ containerPort = 8080, name = "http", appProtocol = "http" }, { containerPort = 9090 }]
      mountPoints  = [{ sourceVolume = "files", containerPath = "/files" }, { sourceVolume = "disk", containerPath = "/disk" }]
    },
    { name = "proxy", image = "envoy", essential = true, user = "1337" },
  ])
}

resource "aws_ecs_task_definition" "windows" {
  family                   = "windows"
  requires_compatibilities = ["EC2"]
  container_definitions    = jsonencode([{ name = "a", image = "iis", cpu = 512, memory = 1024 }])
  runtime_platform {
    operating_system_family = "WINDOWS_SERVER_2022_CORE"
    cpu_architecture        = "X86_64"
  }
  volume {
    name = "share"
    fsx_windows_file_server_volume_configuration {
      file_system_id = "fs-0123456789abcdef0"
      root_directory = "\\data"
      authorization_config {
        credentials_parameter = "arn:aws:secretsmanager:us-east-1:${local.account}:secret:ad-AbCdEf"
        domain                = "example.com"
      }
    }
  }
}

# Services.

resource "aws_ecs_service" "minimal" {
  name            = "minimal"
  cluster         = aws_ecs_cluster.minimal.id
  task_definition = aws_ecs_task_definition.minimal.arn
}

resource "aws_ecs_service" "rolling" {
  name                               = "rolling"
  cluster                            = aws_ecs_cluster.full.id
  task_definition                    = aws_ecs_task_definition.fargate.arn
  desired_count                      = 0
  launch_type                        = "FARGATE"
  platform_version                   = "1.4.0"
  deployment_maximum_percent         = var.maximum
  deployment_minimum_healthy_percent = 50
  enable_execute_command             = true
  enable_ecs_managed_tags            = true
  propagate_tags                     = "TASK_DEFINITION"
  availability_zone_rebalancing      = "ENABLED"
  alarms {
    enable      = var.alarms
    rollback    = true
    alarm_names = ["errors", "latency"]
  }
  deployment_circuit_breaker {
    enable   = true
    rollback = false
  }
  network_configuration {
    subnets         = data.aws_subnets.default.ids
    security_groups = [for g in aws_security_group.tasks : g.id]
  }
  dynamic "service_registries" {
    for_each = var.registries
    content {
      registry_arn   = "arn:aws:servicediscovery:us-east-1:${local.account}:service/${service_registries.value}"
      container_name = "app"
      container_port = 8080
    }
  }
  service_connect_configuration {
    enabled   = true
    namespace = local.namespace
    log_configuration {
      log_driver = "awslogs"
      options    = { "awslogs-group" = "/ecs/connect", "awslogs-region" = "us-east-1" }
      secret_option {
        name       = "key"
        value_from = "arn:aws:ssm:us-east-1:${local.account}:parameter/key"
      }
    }
    service {
      port_name             = "http"
      discovery_name        = "app"
      ingress_port_override = 15000
      client_alias {
        port     = var.port
        dns_name = "app.local"
      }
      timeout {
        idle_timeout_seconds        = 120
        per_request_timeout_seconds = 15
      }
      tls {
        kms_key  = "arn:aws:kms:us-east-1:${local.account}:key/11111111-2222-3333-4444-555555555555"
        role_arn = "arn:aws:iam::${local.account}:role/connect"
        issuer_cert_authority {
          aws_pca_authority_arn = "arn:aws:acm-pca:us-east-1:${local.account}:certificate-authority/11111111-2222-3333-4444-555555555555"
        }
      }
    }
  }
  volume_configuration {
    name = "disk"
    managed_ebs_volume {
      role_arn         = "arn:aws:iam::${local.account}:role/volumes"
      encrypted        = true
      file_system_type = "ext4"
      volume_type      = "gp3"
      iops             = 3000
      throughput       = 125
      size_in_gb       = 10
      tag_specifications {
        resource_type  = "volume"
        propagate_tags = "SERVICE"
        tags           = { Use = "disk" }
      }
    }
  }
  vpc_lattice_configurations {
    role_arn         = "arn:aws:iam::${local.account}:role/lattice"
    target_group_arn = "arn:aws:vpc-lattice:us-east-1:${local.account}:targetgroup/tg-0123456789abcdef0"
    port_name        = "http"
  }
  tags = { Stage = var.tag }
}

resource "aws_ecs_service" "strategy" {
  name                 = "strategy"
  cluster              = aws_ecs_cluster.full.id
  task_definition      = aws_ecs_task_definition.fargate.family
  desired_count        = 0
  force_new_deployment = true
  capacity_provider_strategy {
    capacity_provider = "FARGATE"
    base              = 1
    weight            = 1
  }
  capacity_provider_strategy {
    capacity_provider = "FARGATE_SPOT"
    weight            = var.tag == "first" ? 2 : 4
  }
  network_configuration {
    subnets          = slice(data.aws_subnets.default.ids, 0, 1)
    assign_public_ip = true
  }
  volume_configuration {
    name = "disk"
    managed_ebs_volume {
      role_arn   = "arn:aws:iam::${local.account}:role/volumes"
      size_in_gb = 10
    }
  }
  depends_on = [aws_ecs_cluster_capacity_providers.full]
  lifecycle {
    ignore_changes = [task_definition]
  }
}

resource "aws_ecs_service" "balanced" {
  name                              = "balanced"
  cluster                           = aws_ecs_cluster.full.id
  task_definition                   = aws_ecs_task_definition.fargate.arn
  desired_count                     = 0
  launch_type                       = "FARGATE"
  health_check_grace_period_seconds = var.tag == "first" ? 60 : 0
  network_configuration {
    subnets = data.aws_subnets.default.ids
  }
  dynamic "load_balancer" {
    for_each = var.tag == "first" ? { http = 8080 } : { http = 8080, metrics = 9090 }
    content {
      target_group_arn = aws_lb_target_group.app[load_balancer.key].arn
      container_name   = "app"
      container_port   = load_balancer.value
    }
  }
  depends_on = [aws_lb_listener.app]
}

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

resource "aws_security_group" "tasks" {
  for_each = toset(["tasks", "more"])
  name     = each.key
  vpc_id   = data.aws_vpc.default.id
}

resource "aws_lb" "app" {
  name    = "app"
  subnets = data.aws_subnets.default.ids
}

resource "aws_lb_target_group" "app" {
  for_each    = toset(["http", "metrics"])
  name        = each.key
  port        = 8080
  protocol    = "HTTP"
  target_type = "ip"
  vpc_id      = data.aws_vpc.default.id
}

resource "aws_lb_listener" "app" {
  for_each          = { http = 18482, metrics = 18483 }
  load_balancer_arn = aws_lb.app.arn
  port              = each.value
  protocol          = "HTTP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.app[each.key].arn
  }
}

resource "aws_ecs_service" "placed" {
  name            = "placed"
  cluster         = aws_ecs_cluster.minimal.id
  task_definition = aws_ecs_task_definition.bridge.arn
  desired_count   = 0
  ordered_placement_strategy {
    type  = "spread"
    field = "attribute:ecs.availability-zone"
  }
  ordered_placement_strategy {
    type  = "binpack"
    field = "memory"
  }
  placement_constraints {
    type = "distinctInstance"
  }
}

resource "aws_ecs_service" "daemon" {
  name                               = "daemon"
  cluster                            = aws_ecs_cluster.minimal.id
  task_definition                    = aws_ecs_task_definition.windows.arn
  scheduling_strategy                = "DAEMON"
  deployment_minimum_healthy_percent = 0
}

resource "aws_ecs_service" "external" {
  name          = "external"
  cluster       = aws_ecs_cluster.minimal.id
  desired_count = 0
  deployment_controller {
    type = "EXTERNAL"
  }
  tags = { Stage = var.tag }
}

data "aws_ecs_clusters" "all" {
  depends_on = [aws_ecs_cluster.full, aws_ecs_cluster.minimal]
}

data "aws_ecs_cluster" "full" {
  cluster_name = aws_ecs_cluster.full.name
}
