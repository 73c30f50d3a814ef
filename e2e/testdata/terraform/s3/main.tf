# Buckets with every configuration that pipelines, logs and sites need, but for
# lifecycles: the provider watches each of those for a minute.
variable "days" { default = 30 }
variable "status" { default = "Enabled" }
variable "body" { default = "first" }
variable "algorithm" { default = "AES256" }
variable "acl" { default = "private" }
variable "label" { default = "one" }

data "aws_canonical_user_id" "me" {}
data "aws_caller_identity" "me" {}

# The smallest one, named by Terraform.
resource "aws_s3_bucket" "plain" {
  bucket_prefix = "plain-"
}

# The artifacts of pipelines: all that good practice asks for.
resource "aws_s3_bucket" "artifacts" {
  bucket        = "artifacts-of-pipelines"
  force_destroy = true
  tags          = { Name = "artifacts", Label = var.label }
}

resource "aws_s3_bucket_versioning" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id
  versioning_configuration { status = var.status }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = var.algorithm }
    bucket_key_enabled = true
  }
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  bucket                  = aws_s3_bucket.artifacts.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id
  rule { object_ownership = "BucketOwnerEnforced" }
}

data "aws_iam_policy_document" "artifacts" {
  statement {
    sid       = "TLSOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.artifacts.arn, "${aws_s3_bucket.artifacts.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
  statement {
    sid       = "Account${var.label}"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.artifacts.arn}/*"]
    principals {
      type        = "AWS"
      identifiers = [data.aws_caller_identity.me.account_id]
    }
  }
}

resource "aws_s3_bucket_policy" "artifacts" {
  bucket     = aws_s3_bucket.artifacts.id
  policy     = data.aws_iam_policy_document.artifacts.json
  depends_on = [aws_s3_bucket_public_access_block.artifacts]
}

resource "aws_s3_bucket_notification" "artifacts" {
  bucket      = aws_s3_bucket.artifacts.id
  eventbridge = true
  topic {
    id            = "zips"
    topic_arn     = "arn:aws:sns:us-east-1:000000000000:uploads"
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "in/"
    filter_suffix = ".zip"
  }
  queue {
    queue_arn = "arn:aws:sqs:us-east-1:000000000000:uploads"
    events    = ["s3:ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated"]
  }
  lambda_function {
    lambda_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:thumbnail"
    events              = ["s3:ObjectCreated:Put"]
    filter_suffix       = ".png"
  }
}

resource "aws_s3_bucket_notification" "plain" {
  bucket      = aws_s3_bucket.plain.id
  eventbridge = true
}

# A bucket that keeps the access logs of the other, with the old access lists.
resource "aws_s3_bucket" "logs" {
  bucket        = "access-logs-of-artifacts"
  force_destroy = true
}

resource "aws_s3_bucket_ownership_controls" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule { object_ownership = "BucketOwnerPreferred" }
}

resource "aws_s3_bucket_acl" "logs" {
  bucket     = aws_s3_bucket.logs.id
  acl        = "log-delivery-write"
  depends_on = [aws_s3_bucket_ownership_controls.logs]
}

resource "aws_s3_bucket_logging" "artifacts" {
  bucket        = aws_s3_bucket.artifacts.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "${var.label}/"
}

resource "aws_s3_bucket_logging" "plain" {
  bucket        = aws_s3_bucket.plain.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = ""
  target_object_key_format {
    partitioned_prefix { partition_date_source = "EventTime" }
  }
}

# A site, read by browsers of other origins.
resource "aws_s3_bucket" "site" {
  bucket        = "site-of-the-team"
  force_destroy = true
}

resource "aws_s3_bucket_public_access_block" "site" {
  bucket = aws_s3_bucket.site.id
}

resource "aws_s3_bucket_ownership_controls" "site" {
  bucket = aws_s3_bucket.site.id
  rule { object_ownership = "ObjectWriter" }
}

resource "aws_s3_bucket_acl" "site" {
  bucket = aws_s3_bucket.site.id
  access_control_policy {
    owner { id = data.aws_canonical_user_id.me.id }
    grant {
      permission = "FULL_CONTROL"
      grantee {
        id   = data.aws_canonical_user_id.me.id
        type = "CanonicalUser"
      }
    }
    grant {
      permission = "READ"
      grantee {
        type = "Group"
        uri  = "http://acs.amazonaws.com/groups/global/AllUsers"
      }
    }
  }
  depends_on = [aws_s3_bucket_ownership_controls.site, aws_s3_bucket_public_access_block.site]
}

resource "aws_s3_bucket" "canned" {
  bucket = "canned-access"
}

resource "aws_s3_bucket_ownership_controls" "canned" {
  bucket = aws_s3_bucket.canned.id
  rule { object_ownership = "ObjectWriter" }
}

resource "aws_s3_bucket_acl" "canned" {
  bucket     = aws_s3_bucket.canned.id
  acl        = var.acl
  depends_on = [aws_s3_bucket_ownership_controls.canned]
}

resource "aws_s3_bucket_cors_configuration" "site" {
  bucket = aws_s3_bucket.site.id
  cors_rule {
    id              = "assets"
    allowed_headers = ["*"]
    allowed_methods = ["GET", "HEAD"]
    allowed_origins = ["https://*.example.com"]
    expose_headers  = ["ETag"]
    max_age_seconds = 60 * var.days
  }
  cors_rule {
    allowed_methods = ["PUT"]
    allowed_origins = ["https://upload.example.com"]
  }
}

# Everything inside the bucket, as modules of before 2022 still write it.
resource "aws_s3_bucket" "old" {
  bucket        = "configured-inside"
  force_destroy = true

  versioning { enabled = true }
  server_side_encryption_configuration {
    rule {
      apply_server_side_encryption_by_default { sse_algorithm = "aws:kms" }
    }
  }
  lifecycle_rule {
    id      = "old"
    enabled = true
    prefix  = "old/"
    expiration { days = var.days }
    noncurrent_version_expiration { days = 3 }
  }
  cors_rule {
    allowed_methods = ["GET"]
    allowed_origins = ["*"]
  }
  logging {
    target_bucket = aws_s3_bucket.logs.id
    target_prefix = "old/"
  }
}

resource "aws_s3_object" "text" {
  bucket        = aws_s3_bucket.artifacts.id
  key           = "dir/hello world.txt"
  content       = var.body
  content_type  = "text/plain"
  cache_control = "max-age=60"
  metadata      = { one = "1", label = var.label }
  tags          = { Kind = var.label }
  depends_on    = [aws_s3_bucket_versioning.artifacts, aws_s3_bucket_server_side_encryption_configuration.artifacts]
}

resource "aws_s3_object" "file" {
  bucket = aws_s3_bucket.artifacts.id
  key    = "main.tf"
  source = "${path.module}/main.tf"
  etag   = filemd5("${path.module}/main.tf")
}

resource "aws_s3_object" "encoded" {
  bucket                 = aws_s3_bucket.artifacts.id
  key                    = "encoded.bin"
  content_base64         = base64encode(var.body)
  storage_class          = "STANDARD_IA"
  server_side_encryption = "aws:kms"
  checksum_algorithm     = "SHA256"
  force_destroy          = true
}

# A key of KMS for all objects of a bucket, and for one.
resource "aws_kms_key" "site" {
  description             = "The site"
  deletion_window_in_days = 7
}

resource "aws_s3_bucket_server_side_encryption_configuration" "site" {
  bucket = aws_s3_bucket.site.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.site.arn
    }
  }
}

resource "aws_s3_object" "index" {
  bucket             = aws_s3_bucket.site.id
  key                = "index.html"
  content            = "<p>${var.body}</p>"
  content_type       = "text/html"
  acl                = "public-read"
  kms_key_id         = aws_kms_key.site.arn
  bucket_key_enabled = true
  source_hash        = md5(var.body)
  depends_on         = [aws_s3_bucket_acl.site, aws_s3_bucket_server_side_encryption_configuration.site]
}

resource "aws_s3_object" "directory" {
  bucket = aws_s3_bucket.plain.id
  key    = "directory/"
}

resource "aws_s3_object_copy" "copy" {
  bucket = aws_s3_bucket.plain.id
  key    = "copied.tf"
  source = "${aws_s3_object.file.bucket}/${aws_s3_object.file.key}"
}

data "aws_s3_bucket" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id
}

data "aws_s3_bucket_policy" "artifacts" {
  bucket = aws_s3_bucket_policy.artifacts.id
}

data "aws_s3_object" "text" {
  bucket = aws_s3_object.text.bucket
  key    = aws_s3_object.text.key
}

data "aws_s3_objects" "all" {
  bucket     = aws_s3_bucket.artifacts.id
  depends_on = [aws_s3_object.text, aws_s3_object.file]
}

output "read" {
  value = [data.aws_s3_bucket.artifacts.arn, data.aws_s3_object.text.body, length(data.aws_s3_objects.all.keys), data.aws_s3_bucket_policy.artifacts.policy]
}
