# Networks: the default VPC as it is found, a declared one with everything in
# it that a deployment names, and security groups in each of the three ways in
# which their rules are declared.

variable "office" { default = "10.9.0.0/16" }
variable "hostnames" { default = false }
variable "web_description" { default = "the web" }
variable "port" { default = 8080 }
variable "name" { default = "first" }

data "aws_availability_zones" "all" {
  state = "available"
}

data "aws_availability_zone" "a" {
  name = data.aws_availability_zones.all.names[0]
}

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
  filter {
    name   = "default-for-az"
    values = ["true"]
  }
}

data "aws_subnet" "default" {
  for_each = toset(data.aws_subnets.default.ids)
  id       = each.value
}

data "aws_subnet" "a" {
  vpc_id            = data.aws_vpc.default.id
  availability_zone = data.aws_availability_zones.all.names[0]
  default_for_az    = true
}

data "aws_security_group" "default" {
  vpc_id = data.aws_vpc.default.id
  name   = "default"
}

data "aws_route_table" "main" {
  vpc_id = data.aws_vpc.default.id
  filter {
    name   = "association.main"
    values = ["true"]
  }
}

data "aws_route_tables" "all" {
  vpc_id = data.aws_vpc.default.id
}

data "aws_internet_gateway" "default" {
  filter {
    name   = "attachment.vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

data "aws_network_acls" "default" {
  vpc_id = data.aws_vpc.default.id
}

data "aws_regions" "all" {}

resource "aws_default_vpc" "this" {
  tags = { Name = "default ${var.name}" }
}

resource "aws_vpc" "this" {
  cidr_block           = "10.20.0.0/16"
  enable_dns_hostnames = var.hostnames
  enable_dns_support   = true
  instance_tenancy     = "default"
  tags                 = { Name = var.name }
}

resource "aws_vpc" "minimal" {
  cidr_block = "10.30.0.0/24"
}

resource "aws_subnet" "public" {
  count                   = 2
  vpc_id                  = aws_vpc.this.id
  cidr_block              = cidrsubnet(aws_vpc.this.cidr_block, 8, count.index)
  availability_zone       = data.aws_availability_zones.all.names[count.index]
  map_public_ip_on_launch = true
  tags                    = { Name = "public-${count.index}", Tier = "public" }
}

resource "aws_subnet" "private" {
  vpc_id                                      = aws_vpc.this.id
  cidr_block                                  = "10.20.16.0/20"
  availability_zone_id                        = data.aws_availability_zone.a.zone_id
  map_public_ip_on_launch                     = var.hostnames
  enable_resource_name_dns_a_record_on_launch = true
  private_dns_hostname_type_on_launch         = "resource-name"
}

data "aws_subnets" "public" {
  filter {
    name   = "vpc-id"
    values = [aws_vpc.this.id]
  }
  tags       = { Tier = "public" }
  depends_on = [aws_subnet.public]
}

data "aws_route_table" "declared" {
  vpc_id = aws_vpc.this.id
}

# Rules in the group itself.
resource "aws_security_group" "inline" {
  name        = "inline"
  description = "rules inside"
  vpc_id      = aws_vpc.this.id

  ingress {
    description = var.web_description
    from_port   = 80
    to_port     = 80
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0", var.office]
  }
  ingress {
    from_port        = 443
    to_port          = 443
    protocol         = "6"
    cidr_blocks      = ["0.0.0.0/0"]
    ipv6_cidr_blocks = ["::/0"]
  }
  ingress {
    from_port = 0
    to_port   = 0
    protocol  = "-1"
    self      = true
  }
  ingress {
    from_port       = var.port
    to_port         = var.port + 9
    protocol        = "tcp"
    security_groups = [aws_security_group.apart.id]
  }
  ingress {
    from_port   = 8
    to_port     = -1
    protocol    = "icmp"
    cidr_blocks = [aws_vpc.this.cidr_block]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
  tags = { Name = "inline" }
}

# Rules as aws_security_group_rule.
resource "aws_security_group" "apart" {
  name_prefix = "apart-"
  vpc_id      = aws_vpc.this.id
  lifecycle { create_before_destroy = true }
}

resource "aws_security_group_rule" "in" {
  security_group_id = aws_security_group.apart.id
  type              = "ingress"
  description       = var.web_description
  from_port         = 8000
  to_port           = 8080
  protocol          = "tcp"
  cidr_blocks       = ["10.0.0.0/8", "192.168.0.0/16"]
}

resource "aws_security_group_rule" "self" {
  security_group_id = aws_security_group.apart.id
  type              = "ingress"
  from_port         = 53
  to_port           = 53
  protocol          = "udp"
  self              = true
}

resource "aws_security_group_rule" "out" {
  security_group_id        = aws_security_group.apart.id
  type                     = "egress"
  from_port                = 0
  to_port                  = 65535
  protocol                 = "tcp"
  source_security_group_id = aws_vpc.this.default_security_group_id
}

data "aws_security_group" "default_of_this" {
  vpc_id = aws_vpc.this.id
  name   = "default"
}

# Rules as the newer resources, in the default VPC.
resource "aws_security_group" "newer" {
  name   = "newer"
  vpc_id = aws_default_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "web" {
  security_group_id = aws_security_group.newer.id
  description       = var.web_description
  cidr_ipv4         = var.office
  from_port         = 80
  to_port           = 80
  ip_protocol       = "tcp"
  tags              = { Name = "web ${var.name}" }
}

resource "aws_vpc_security_group_ingress_rule" "group" {
  security_group_id            = aws_security_group.newer.id
  referenced_security_group_id = data.aws_security_group.default.id
  ip_protocol                  = "-1"
}

resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.newer.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_egress_rule" "six" {
  security_group_id = aws_security_group.newer.id
  cidr_ipv6         = "::/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

data "aws_vpc_security_group_rules" "newer" {
  filter {
    name   = "group-id"
    values = [aws_security_group.newer.id]
  }
  depends_on = [aws_vpc_security_group_ingress_rule.web]
}

data "aws_vpc_security_group_rule" "web" {
  security_group_rule_id = aws_vpc_security_group_ingress_rule.web.id
}

resource "aws_ec2_tag" "more" {
  resource_id = data.aws_subnet.a.id
  key         = "kubernetes.io/role/internal-elb"
  value       = "1"
}

output "found" {
  value = {
    vpc     = data.aws_vpc.default.cidr_block
    subnets = length(data.aws_subnets.default.ids)
    public  = length(data.aws_subnets.public.ids)
    zone    = data.aws_subnet.a.availability_zone
    main    = data.aws_route_table.main.id
    gateway = data.aws_internet_gateway.default.id
  }
}
