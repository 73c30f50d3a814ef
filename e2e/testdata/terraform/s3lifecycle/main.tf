# Lifecycles with every filter and every action. The provider watches each for
# almost a minute until it believes it.
variable "days" { default = 30 }
variable "minimum" { default = "varies_by_storage_class" }

resource "aws_s3_bucket" "artifacts" {
  bucket = "artifacts-that-expire"
}

resource "aws_s3_bucket_versioning" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket" "plain" {
  bucket = "plain-that-expires"
}

resource "aws_s3_bucket" "inside" {
  bucket = "configured-inside-to-expire"
  lifecycle_rule {
    id                                     = "all"
    enabled                                = true
    abort_incomplete_multipart_upload_days = 3
    expiration { days = var.days }
  }
  lifecycle_rule {
    id      = "tagged"
    enabled = false
    prefix  = "tmp/"
    tags    = { kind = "scratch" }
    transition {
      days          = 60
      storage_class = "STANDARD_IA"
    }
    noncurrent_version_transition {
      days          = var.days
      storage_class = "GLACIER"
    }
    noncurrent_version_expiration { days = 90 }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  rule {
    id     = "everything"
    status = "Enabled"
    filter {}
    expiration { days = var.days }
    noncurrent_version_expiration { noncurrent_days = 7 }
    abort_incomplete_multipart_upload { days_after_initiation = 1 }
  }
  rule {
    id     = "by prefix"
    status = "Enabled"
    filter { prefix = "logs/" }
    transition {
      days          = var.days
      storage_class = "STANDARD_IA"
    }
    transition {
      days          = 90
      storage_class = "GLACIER_IR"
    }
    expiration { days = 365 }
  }
  rule {
    id     = "by tag"
    status = "Disabled"
    filter {
      tag {
        key   = "kind"
        value = "scratch"
      }
    }
    expiration { date = "2040-01-01T00:00:00Z" }
  }
  rule {
    id     = "by size"
    status = "Enabled"
    filter { object_size_greater_than = 500 }
    noncurrent_version_transition {
      noncurrent_days           = 30
      newer_noncurrent_versions = 3
      storage_class             = "STANDARD_IA"
    }
    noncurrent_version_expiration {
      noncurrent_days           = 60
      newer_noncurrent_versions = 5
    }
  }
  rule {
    id     = "by small size"
    status = "Enabled"
    filter { object_size_less_than = 64000 }
    expiration { days = 3650 }
  }
  rule {
    id     = "by all of it"
    status = "Enabled"
    filter {
      and {
        prefix                   = "reports/"
        object_size_greater_than = 1
        object_size_less_than    = 1000000
        tags                     = { team = "a", kind = "report" }
      }
    }
    expiration { days = 400 }
  }
  rule {
    id     = "markers"
    status = "Enabled"
    filter { prefix = "old/" }
    expiration { expired_object_delete_marker = true }
  }
}

# Rules as they were written before filters, and small objects that move too.
resource "aws_s3_bucket_lifecycle_configuration" "plain" {
  bucket                                 = aws_s3_bucket.plain.id
  transition_default_minimum_object_size = var.minimum
  rule {
    id     = "old style"
    prefix = "tmp/"
    status = "Enabled"
    transition {
      date          = "2039-01-01T00:00:00Z"
      storage_class = "GLACIER"
    }
    transition {
      date          = "2040-01-01T00:00:00Z"
      storage_class = "DEEP_ARCHIVE"
    }
  }
  rule {
    id     = "intelligent"
    status = "Enabled"
    transition {
      days          = 0
      storage_class = "INTELLIGENT_TIERING"
    }
  }
}
