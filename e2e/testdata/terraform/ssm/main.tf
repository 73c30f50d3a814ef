# Parameters of every type and tier.
variable "value" { default = "v1" }
variable "description" { default = "The application's version" }
variable "large" { default = false }

resource "aws_kms_key" "parameters" {
  deletion_window_in_days = 7
}

resource "aws_ssm_parameter" "version" {
  name            = "/app/prod/version"
  type            = "String"
  value           = var.value
  description     = var.description
  allowed_pattern = "^v[0-9]+$"
  tags            = { Kind = "version" }
}

resource "aws_ssm_parameter" "minimal" {
  name  = "minimal"
  type  = "String"
  value = "x"
}

resource "aws_ssm_parameter" "subnets" {
  name           = "/app/prod/subnets"
  type           = "StringList"
  insecure_value = "subnet-1,subnet-2"
}

resource "aws_ssm_parameter" "password" {
  name  = "/app/prod/secrets/password"
  type  = "SecureString"
  value = "hunter2-${var.value}"
}

resource "aws_ssm_parameter" "keyed" {
  name   = "/app/prod/secrets/keyed"
  type   = "SecureString"
  key_id = aws_kms_key.parameters.arn
  value  = "hunter3"
  tier   = "Advanced"
}

resource "aws_ssm_parameter" "tiered" {
  name  = "/app/prod/tiered"
  type  = "String"
  tier  = "Intelligent-Tiering"
  value = var.large ? join("", [for i in range(1000) : "large "]) : "small"
}

data "aws_ssm_parameter" "password" {
  name       = aws_ssm_parameter.password.name
  depends_on = [aws_ssm_parameter.password]
}

data "aws_ssm_parameters_by_path" "prod" {
  path      = "/app/prod"
  recursive = true
  depends_on = [
    aws_ssm_parameter.version, aws_ssm_parameter.subnets, aws_ssm_parameter.password, aws_ssm_parameter.keyed, aws_ssm_parameter.tiered,
  ]
}

output "names" {
  value = data.aws_ssm_parameters_by_path.prod.names
}

output "password" {
  value     = data.aws_ssm_parameter.password.value
  sensitive = true
}
