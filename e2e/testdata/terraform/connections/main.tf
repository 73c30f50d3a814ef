# Connections to git providers and the hosts of self-managed ones, by the older
# and the newer resources.
variable "team" {
  default = "delivery"
}

variable "endpoint" {
  default = "https://git.example.com"
}

resource "aws_codestarconnections_connection" "github" {
  name          = "github"
  provider_type = "GitHub"
}

resource "aws_codestarconnections_connection" "bitbucket" {
  name          = "bitbucket"
  provider_type = "Bitbucket"
  tags          = { Team = var.team }
}

resource "aws_codestarconnections_host" "minimal" {
  name              = "enterprise"
  provider_type     = "GitHubEnterpriseServer"
  provider_endpoint = var.endpoint
}

resource "aws_codestarconnections_host" "vpc" {
  name              = "In the VPC"
  provider_type     = "GitLabSelfManaged"
  provider_endpoint = "https://gitlab.internal:8443"
  vpc_configuration {
    vpc_id             = "vpc-0123456789abcdef0"
    subnet_ids         = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    security_group_ids = ["sg-0123456789abcdef0"]
  }
}

resource "aws_codestarconnections_connection" "enterprise" {
  name     = "enterprise"
  host_arn = aws_codestarconnections_host.minimal.arn
}

data "aws_codestarconnections_connection" "by_arn" {
  arn = aws_codestarconnections_connection.bitbucket.arn
}

data "aws_codestarconnections_connection" "by_name" {
  name       = "github"
  depends_on = [aws_codestarconnections_connection.github]
}

resource "aws_codeconnections_connection" "gitlab" {
  name          = "gitlab"
  provider_type = "GitLab"
  tags          = { Team = var.team }
}

# Its endpoint stays: version 5.100.0 of the provider sends UpdateHost without
# what has changed.
resource "aws_codeconnections_host" "minimal" {
  name              = "lab"
  provider_type     = "GitLabSelfManaged"
  provider_endpoint = "https://gitlab.example.com"
}

resource "aws_codeconnections_host" "vpc" {
  name              = "lab-in-vpc"
  provider_type     = "GitHubEnterpriseServer"
  provider_endpoint = "https://github.internal"
  tags              = { Team = var.team }
  vpc_configuration {
    vpc_id             = "vpc-0123456789abcdef0"
    subnet_ids         = ["subnet-0123456789abcdef0"]
    security_group_ids = ["sg-0123456789abcdef0", "sg-0123456789abcdef1"]
  }
}

resource "aws_codeconnections_connection" "lab" {
  name     = "lab"
  host_arn = aws_codeconnections_host.minimal.arn
}

output "status" {
  value = "${data.aws_codestarconnections_connection.by_name.connection_status} ${data.aws_codestarconnections_connection.by_arn.provider_type}"
}
