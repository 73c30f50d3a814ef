# Public and private subnets as every tutorial has them, and the same as the
# common module writes it: gateways, routes apart and inside of tables, the
# defaults of a VPC taken over, the main table replaced.

variable "name" { default = "first" }
variable "onprem" { default = ["192.168.0.0/16"] }
variable "apart" { default = true }
variable "main" { default = "own" }

data "aws_availability_zones" "all" {}

locals {
  azs = slice(data.aws_availability_zones.all.names, 0, 2)
}

# The tutorial.
resource "aws_vpc" "tutorial" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.name }
}

resource "aws_subnet" "public" {
  count                   = 2
  vpc_id                  = aws_vpc.tutorial.id
  cidr_block              = "10.0.${count.index}.0/24"
  availability_zone       = local.azs[count.index]
  map_public_ip_on_launch = true
}

resource "aws_subnet" "private" {
  count             = 2
  vpc_id            = aws_vpc.tutorial.id
  cidr_block        = "10.0.${count.index + 10}.0/24"
  availability_zone = local.azs[count.index]
}

resource "aws_internet_gateway" "tutorial" {
  vpc_id = aws_vpc.tutorial.id
  tags   = { Name = var.name }
}

resource "aws_eip" "nat" {
  count  = 2
  domain = "vpc"
  tags   = { Name = "${var.name}-${count.index}" }
}

resource "aws_nat_gateway" "tutorial" {
  count         = 1
  allocation_id = aws_eip.nat[count.index].id
  subnet_id     = aws_subnet.public[count.index].id
  tags          = { Name = var.name }
  depends_on    = [aws_internet_gateway.tutorial]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.tutorial.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.tutorial.id
  }
  tags = { Name = "public ${var.name}" }
}

resource "aws_route_table" "private" {
  count  = 2
  vpc_id = aws_vpc.tutorial.id
  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.tutorial[0].id
  }
  dynamic "route" {
    for_each = var.onprem
    content {
      cidr_block = route.value
      gateway_id = aws_internet_gateway.tutorial.id
    }
  }
}

resource "aws_route_table_association" "public" {
  count          = 2
  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table_association" "private" {
  count          = 2
  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private[var.apart ? count.index : 0].id
}

# As the module has it.
resource "aws_vpc" "module" {
  cidr_block = "10.1.0.0/16"
}

resource "aws_default_security_group" "module" {
  vpc_id = aws_vpc.module.id
  tags   = { Name = "${var.name}-default" }
}

resource "aws_default_network_acl" "module" {
  default_network_acl_id = aws_vpc.module.default_network_acl_id
  subnet_ids             = null
  ingress {
    rule_no    = 100
    action     = "allow"
    from_port  = 0
    to_port    = 0
    protocol   = "-1"
    cidr_block = "0.0.0.0/0"
  }
  ingress {
    rule_no         = 101
    action          = "allow"
    from_port       = 0
    to_port         = 0
    protocol        = "-1"
    ipv6_cidr_block = "::/0"
  }
  dynamic "ingress" {
    for_each = var.onprem
    content {
      rule_no    = 200 + ingress.key
      action     = "deny"
      from_port  = 22
      to_port    = 22
      protocol   = "tcp"
      cidr_block = ingress.value
    }
  }
  egress {
    rule_no    = 100
    action     = "allow"
    from_port  = 0
    to_port    = 0
    protocol   = "-1"
    cidr_block = "0.0.0.0/0"
  }
  tags = { Name = "${var.name}-default" }
  lifecycle { ignore_changes = [subnet_ids] }
}

resource "aws_default_route_table" "module" {
  default_route_table_id = aws_vpc.module.default_route_table_id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.module.id
  }
  timeouts {
    create = "5m"
    update = "5m"
  }
  tags = { Name = "${var.name}-default" }
}

resource "aws_internet_gateway" "module" {
  tags = { Name = "apart" }
}

resource "aws_internet_gateway_attachment" "module" {
  internet_gateway_id = aws_internet_gateway.module.id
  vpc_id              = aws_vpc.module.id
}

resource "aws_subnet" "module" {
  vpc_id     = aws_vpc.module.id
  cidr_block = "10.1.0.0/24"
}

resource "aws_route_table" "module" {
  vpc_id     = aws_vpc.module.id
  tags       = { Name = "${var.name}-private" }
  depends_on = [aws_internet_gateway_attachment.module]
}

resource "aws_route" "module" {
  route_table_id         = aws_route_table.module.id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.private.id
  timeouts { create = "5m" }
}

resource "aws_route" "more" {
  route_table_id         = aws_route_table.module.id
  destination_cidr_block = "192.168.0.0/16"
  gateway_id             = var.apart ? aws_internet_gateway.module.id : null
  nat_gateway_id         = var.apart ? null : aws_nat_gateway.private.id
  depends_on             = [aws_internet_gateway_attachment.module]
}

resource "aws_nat_gateway" "private" {
  connectivity_type = "private"
  subnet_id         = aws_subnet.module.id
  private_ip        = "10.1.0.77"
}

resource "aws_route_table_association" "module" {
  subnet_id      = aws_subnet.module.id
  route_table_id = aws_route_table.module.id
}

# The main table is another one.
resource "aws_vpc" "main" {
  cidr_block = "10.2.0.0/16"
}

resource "aws_route_table" "own" {
  vpc_id = aws_vpc.main.id
}

resource "aws_route_table" "other" {
  vpc_id = aws_vpc.main.id
}

resource "aws_main_route_table_association" "main" {
  vpc_id         = aws_vpc.main.id
  route_table_id = var.main == "own" ? aws_route_table.own.id : aws_route_table.other.id
}

# And read again.
data "aws_nat_gateway" "tutorial" {
  subnet_id  = aws_subnet.public[0].id
  state      = "available"
  depends_on = [aws_nat_gateway.tutorial]
}

data "aws_eip" "nat" {
  id = aws_eip.nat[0].id
}

data "aws_route_table" "private" {
  subnet_id  = aws_subnet.private[0].id
  depends_on = [aws_route_table_association.private]
}

data "aws_internet_gateway" "tutorial" {
  filter {
    name   = "attachment.vpc-id"
    values = [aws_vpc.tutorial.id]
  }
  depends_on = [aws_internet_gateway.tutorial]
}

output "found" {
  value = [data.aws_nat_gateway.tutorial.public_ip, data.aws_eip.nat.public_ip, data.aws_route_table.private.route_table_id, data.aws_internet_gateway.tutorial.arn]
}
