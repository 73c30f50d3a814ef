# Secrets with and without values, under AWS's key and under one of our own.
variable "description" { default = "The database of production" }
variable "password" { default = "hunter2" }
variable "stages" { default = ["AWSCURRENT"] }

resource "aws_kms_key" "secrets" {
  deletion_window_in_days = 7
}

resource "aws_secretsmanager_secret" "db" {
  name                    = "prod/db"
  description             = var.description
  kms_key_id              = aws_kms_key.secrets.arn
  recovery_window_in_days = 7
  tags                    = { Kind = "database" }
}

resource "aws_secretsmanager_secret_version" "db" {
  secret_id     = aws_secretsmanager_secret.db.id
  secret_string = jsonencode({ username = "app", password = var.password })
}

resource "aws_secretsmanager_secret_policy" "db" {
  secret_arn          = aws_secretsmanager_secret.db.arn
  block_public_policy = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Read"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::000000000000:root" }
      Action    = "secretsmanager:GetSecretValue"
      Resource  = "*"
    }]
  })
}

# Gone at destroy, so that the name is free at once.
resource "aws_secretsmanager_secret" "token" {
  name                    = "token"
  recovery_window_in_days = 0
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::000000000000:root" }
      Action    = "secretsmanager:*"
      Resource  = "*"
    }]
  })
}

resource "aws_secretsmanager_secret_version" "token" {
  secret_id     = aws_secretsmanager_secret.token.id
  secret_binary = base64encode("binary")
}

resource "aws_secretsmanager_secret" "empty" {
  name_prefix = "empty-"
}

resource "aws_secretsmanager_secret" "staged" {
  name                    = "staged"
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "staged" {
  secret_id      = aws_secretsmanager_secret.staged.id
  secret_string  = "blue"
  version_stages = var.stages
}

data "aws_secretsmanager_secret" "db" {
  name       = aws_secretsmanager_secret.db.name
  depends_on = [aws_secretsmanager_secret_policy.db]
}

data "aws_secretsmanager_secret_version" "db" {
  secret_id  = aws_secretsmanager_secret.db.id
  depends_on = [aws_secretsmanager_secret_version.db]
}

data "aws_secretsmanager_secrets" "databases" {
  filter {
    name   = "name"
    values = ["prod/"]
  }
  depends_on = [aws_secretsmanager_secret.db]
}

data "aws_secretsmanager_random_password" "new" {
  password_length = 40
}

output "found" {
  value = length(data.aws_secretsmanager_secrets.databases.arns)
}

output "username" {
  value     = jsondecode(data.aws_secretsmanager_secret_version.db.secret_string).username
  sensitive = true
}
