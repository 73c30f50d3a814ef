# Functions of every kind of code, with what belongs to them.

variable "code" {
  default = "one.zip"
}
variable "memory" {
  default = 128
}
variable "timeout" {
  default = 3
}
variable "weight" {
  default = 0.1
}
variable "reserved" {
  default = 5
}
variable "retries" {
  default = 1
}
variable "team" {
  default = "web"
}

resource "aws_iam_role" "fn" {
  name = "fn"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.fn.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "minimal" {
  function_name = "minimal"
  role          = aws_iam_role.fn.arn
  runtime       = "python3.13"
  handler       = "app.handler"
  filename      = "${path.module}/one.zip"
}

resource "aws_cloudwatch_log_group" "full" {
  name              = "/lambda/full"
  retention_in_days = 7
}

resource "aws_lambda_layer_version" "lib" {
  layer_name               = "lib"
  description              = "what functions share"
  filename                 = "${path.module}/one.zip"
  source_code_hash         = filebase64sha256("${path.module}/one.zip")
  compatible_runtimes      = ["python3.12", "python3.13"]
  compatible_architectures = ["x86_64"]
  license_info             = "MIT"
}

resource "aws_lambda_layer_version" "kept" {
  layer_name   = "kept"
  s3_bucket    = aws_s3_object.code.bucket
  s3_key       = aws_s3_object.code.key
  skip_destroy = true
}

resource "aws_lambda_layer_version_permission" "lib" {
  layer_name     = aws_lambda_layer_version.lib.layer_name
  version_number = aws_lambda_layer_version.lib.version
  principal      = "123456789012"
  action         = "lambda:GetLayerVersion"
  statement_id   = "other-account"
}

data "aws_lambda_layer_version" "lib" {
  layer_name = aws_lambda_layer_version.lib.layer_name
}

resource "aws_lambda_function" "full" {
  function_name                  = "full"
  description                    = "has everything, with ${var.memory} MB"
  role                           = aws_iam_role.fn.arn
  runtime                        = "python3.13"
  handler                        = "app.handler"
  filename                       = "${path.module}/${var.code}"
  source_code_hash               = filebase64sha256("${path.module}/${var.code}")
  memory_size                    = var.memory
  timeout                        = var.timeout
  publish                        = true
  reserved_concurrent_executions = var.reserved
  architectures                  = ["x86_64"]
  environment {
    variables = {
      STAGE  = "production"
      MEMORY = var.memory
    }
  }
  dead_letter_config {
    target_arn = aws_sns_topic.ends.arn
  }
  layers = [aws_lambda_layer_version.lib.arn, aws_lambda_layer_version.kept.arn]
  ephemeral_storage {
    size = 1024
  }
  tracing_config {
    mode = "PassThrough"
  }
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.full.name
  }
  tags = { Team = var.team }
}

resource "aws_s3_bucket" "code" {
  bucket        = "lambda-code"
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "code" {
  bucket = aws_s3_bucket.code.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_object" "code" {
  bucket = aws_s3_bucket_versioning.code.bucket
  key    = "code.zip"
  source = "${path.module}/${var.code}"
  etag   = filemd5("${path.module}/${var.code}")
}

resource "aws_lambda_function" "stored" {
  function_name     = "stored"
  role              = aws_iam_role.fn.arn
  runtime           = "provided.al2023"
  handler           = "bootstrap"
  s3_bucket         = aws_s3_object.code.bucket
  s3_key            = aws_s3_object.code.key
  s3_object_version = aws_s3_object.code.version_id
  logging_config {
    log_format            = "JSON"
    application_log_level = var.memory > 128 ? "ERROR" : "INFO"
    system_log_level      = "WARN"
  }
}

resource "aws_lambda_function" "image" {
  function_name = "image"
  role          = aws_iam_role.fn.arn
  package_type  = "Image"
  image_uri     = "slipway/busybox:latest"
  timeout       = var.timeout
  image_config {
    command           = ["/bin/sh", "-c", "sleep ${var.timeout}"]
    working_directory = "/tmp"
  }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "what people get"
  function_name    = aws_lambda_function.full.function_name
  function_version = "1"
}

resource "aws_lambda_alias" "split" {
  name             = "split"
  function_name    = aws_lambda_function.full.arn
  function_version = aws_lambda_function.full.version
  dynamic "routing_config" {
    for_each = aws_lambda_function.full.version == "1" ? [] : [1]
    content {
      additional_version_weights = { "1" = var.weight }
    }
  }
}

resource "aws_cloudwatch_event_rule" "hourly" {
  name                = "hourly"
  schedule_expression = "rate(1 hour)"
}

resource "aws_lambda_permission" "rule" {
  statement_id  = "AllowEvents"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.full.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.hourly.arn
}

resource "aws_lambda_permission" "account" {
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.minimal.arn
  principal      = "sns.amazonaws.com"
  source_account = "000000000000"
}

resource "aws_lambda_permission" "prefix" {
  statement_id_prefix = "other-"
  action              = "lambda:GetFunction"
  function_name       = aws_lambda_function.minimal.function_name
  principal           = "arn:aws:iam::123456789012:root"
}

resource "aws_cloudwatch_event_target" "fn" {
  rule = aws_cloudwatch_event_rule.hourly.name
  arn  = aws_lambda_alias.live.arn
}

resource "aws_lambda_function_event_invoke_config" "full" {
  function_name                = aws_lambda_function.full.function_name
  maximum_event_age_in_seconds = 60
  maximum_retry_attempts       = var.retries
}

resource "aws_lambda_function_event_invoke_config" "live" {
  function_name          = aws_lambda_alias.live.function_name
  qualifier              = aws_lambda_alias.live.name
  maximum_retry_attempts = 0
  destination_config {
    on_failure {
      destination = aws_sns_topic.ends.arn
    }
    on_success {
      destination = "${aws_lambda_function.minimal.arn}:$LATEST"
    }
  }
}

resource "aws_sns_topic" "ends" {
  name = "ends"
}

resource "aws_lb_target_group" "fn" {
  name                               = "fn"
  target_type                        = "lambda"
  lambda_multi_value_headers_enabled = var.memory > 128
}

resource "aws_lambda_permission" "balancer" {
  statement_id  = "AllowBalancer"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.minimal.function_name
  principal     = "elasticloadbalancing.amazonaws.com"
  source_arn    = aws_lb_target_group.fn.arn
}

resource "aws_lb_target_group_attachment" "fn" {
  target_group_arn = aws_lb_target_group.fn.arn
  target_id        = aws_lambda_function.minimal.arn
  depends_on       = [aws_lambda_permission.balancer]
}

data "aws_lambda_function" "full" {
  function_name = aws_lambda_function.full.function_name
}

data "aws_lambda_alias" "live" {
  function_name = aws_lambda_function.full.function_name
  name          = aws_lambda_alias.live.name
}

resource "aws_lambda_invocation" "minimal" {
  function_name = aws_lambda_function.minimal.function_name
  input         = jsonencode({ n = 1 })
}

output "answer" {
  value = jsondecode(aws_lambda_invocation.minimal.result)["version"]
}
