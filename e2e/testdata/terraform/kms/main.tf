# Keys of every kind that a pipeline's Terraform declares, and what is
# encrypted with them.
variable "description" { default = "Artifacts" }
variable "rotation" { default = true }
variable "period" { default = 365 }
variable "enabled" { default = true }
variable "target" { default = "artifacts" }

data "aws_caller_identity" "me" {}

resource "aws_kms_key" "artifacts" {
  description             = var.description
  deletion_window_in_days = 7
  enable_key_rotation     = var.rotation
  rotation_period_in_days = var.rotation ? var.period : null
  policy = jsonencode({
    Version = "2012-10-17"
    Id      = "artifacts"
    Statement = [{
      Sid       = "Account"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root" }
      Action    = "kms:*"
      Resource  = "*"
      }, {
      Sid       = "Logs"
      Effect    = "Allow"
      Principal = { Service = "logs.us-east-1.amazonaws.com" }
      Action    = ["kms:Encrypt*", "kms:Decrypt*", "kms:GenerateDataKey*"]
      Resource  = "*"
      Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:*:*:*" } }
    }]
  })
  tags = { Name = "artifacts", Changed = var.description }
}

resource "aws_kms_key" "minimal" {}

resource "aws_kms_key" "switched" {
  description         = "on and off"
  is_enabled          = var.enabled
  enable_key_rotation = true
}

resource "aws_kms_key" "signing" {
  description              = "signs releases"
  key_usage                = "SIGN_VERIFY"
  customer_master_key_spec = "ECC_NIST_P256"
}

resource "aws_kms_key" "regions" {
  multi_region = true
}

resource "aws_kms_alias" "app" {
  name          = "alias/app"
  target_key_id = var.target == "artifacts" ? aws_kms_key.artifacts.key_id : aws_kms_key.minimal.arn
}

resource "aws_kms_alias" "prefixed" {
  name_prefix   = "alias/app-"
  target_key_id = aws_kms_key.artifacts.arn
}

resource "aws_kms_ciphertext" "password" {
  key_id    = aws_kms_key.artifacts.key_id
  plaintext = "hunter2"
  context   = { app = "web" }
}

data "aws_kms_key" "by_alias" {
  key_id = aws_kms_alias.app.name
}

data "aws_kms_alias" "ssm" {
  name = "alias/aws/ssm"
}

data "aws_kms_alias" "app" {
  name = aws_kms_alias.app.name
}

data "aws_kms_public_key" "signing" {
  key_id = aws_kms_key.signing.arn
}

data "aws_kms_secrets" "password" {
  secret {
    name    = "password"
    payload = aws_kms_ciphertext.password.ciphertext_blob
    context = { app = "web" }
  }
}

output "alias" {
  value = data.aws_kms_alias.ssm.target_key_arn
}

output "key" {
  value = data.aws_kms_key.by_alias.arn
}

output "password" {
  value     = data.aws_kms_secrets.password.plaintext["password"]
  sensitive = true
}
