# CodeBuild: projects with as little and with as much as they can have, and
# what belongs to them.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "change" {
  type    = bool
  default = false
}

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

resource "aws_iam_role" "build" {
  name = "build"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "codebuild.amazonaws.com" } }]
  })
}

resource "aws_s3_bucket" "artifacts" {
  bucket        = "codebuild-artifacts"
  force_destroy = true
}

resource "aws_kms_key" "artifacts" {
  description             = "encrypts artifacts"
  deletion_window_in_days = 7
}

# As little as there can be.
resource "aws_codebuild_project" "minimal" {
  name         = "minimal"
  service_role = aws_iam_role.build.arn
  description  = var.change ? "changed" : null

  artifacts {
    type = "NO_ARTIFACTS"
  }
  environment {
    compute_type = "BUILD_GENERAL1_SMALL"
    image        = "aws/codebuild/standard:7.0"
    type         = "LINUX_CONTAINER"
  }
  source {
    type      = "NO_SOURCE"
    buildspec = "version: 0.2\nphases:\n  build:\n    commands:\n      - ${var.change ? "false" : "true"}\n"
  }
}

# A project of a pipeline.
resource "aws_codebuild_project" "pipeline" {
  name                 = "pipeline"
  description          = "builds what the pipeline brings"
  service_role         = aws_iam_role.build.arn
  build_timeout        = var.change ? 30 : 20
  queued_timeout       = var.change ? 60 : 30
  project_visibility   = var.change ? "PRIVATE" : "PUBLIC_READ"
  resource_access_role = aws_iam_role.build.arn

  artifacts {
    type = "CODEPIPELINE"
  }
  cache {
    type  = "LOCAL"
    modes = var.change ? ["LOCAL_CUSTOM_CACHE"] : ["LOCAL_DOCKER_LAYER_CACHE", "LOCAL_SOURCE_CACHE", "LOCAL_CUSTOM_CACHE"]
  }
  environment {
    compute_type                = "BUILD_GENERAL1_MEDIUM"
    image                       = "aws/codebuild/amazonlinux2-x86_64-standard:5.0"
    type                        = "LINUX_CONTAINER"
    privileged_mode             = true
    image_pull_credentials_type = "CODEBUILD"

    environment_variable {
      name  = "STAGE"
      value = var.change ? "production" : "staging"
    }
    environment_variable {
      name  = "EMPTY"
      value = ""
    }
    environment_variable {
      name  = "PARAMETER"
      value = "/build/parameter"
      type  = "PARAMETER_STORE"
    }
    environment_variable {
      name  = "SECRET"
      value = "build/secret:key"
      type  = "SECRETS_MANAGER"
    }
  }
  logs_config {
    cloudwatch_logs {
      group_name  = "builds"
      stream_name = "pipeline"
    }
    s3_logs {
      status              = "ENABLED"
      location            = "${aws_s3_bucket.artifacts.id}/logs"
      encryption_disabled = var.change
    }
  }
  source {
    type      = "CODEPIPELINE"
    buildspec = "ci/buildspec.yml"
  }
  tags = {
    Name  = "pipeline"
    Stage = var.change ? "production" : "staging"
  }
}

# All blocks.
resource "aws_codebuild_project" "everything" {
  name                   = "everything"
  description            = "all there is"
  service_role           = aws_iam_role.build.arn
  badge_enabled          = !var.change
  build_timeout          = 480
  queued_timeout         = 5
  concurrent_build_limit = var.change ? 4 : 3
  encryption_key         = var.change ? aws_kms_key.artifacts.arn : "arn:aws:kms:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:alias/one"
  source_version         = var.change ? "main" : "refs/heads/feature"

  artifacts {
    type                   = "S3"
    artifact_identifier    = "primary"
    location               = aws_s3_bucket.artifacts.bucket
    name                   = "out"
    namespace_type         = "BUILD_ID"
    packaging              = var.change ? "NONE" : "ZIP"
    path                   = "builds"
    encryption_disabled    = var.change
    override_artifact_name = true
    bucket_owner_access    = "FULL"
  }
  secondary_artifacts {
    type                   = "S3"
    artifact_identifier    = "docs"
    location               = aws_s3_bucket.artifacts.bucket
    name                   = "docs"
    path                   = "docs"
    packaging              = "ZIP"
    namespace_type         = "BUILD_ID"
    encryption_disabled    = true
    override_artifact_name = true
    bucket_owner_access    = "READ_ONLY"
  }
  dynamic "secondary_artifacts" {
    for_each = var.change ? [] : [1]
    content {
      type                = "S3"
      artifact_identifier = "coverage"
      location            = aws_s3_bucket.artifacts.bucket
    }
  }

  dynamic "build_batch_config" {
    for_each = var.change ? [] : [1]
    content {
      service_role      = aws_iam_role.build.arn
      combine_artifacts = true
      timeout_in_mins   = 60
      restrictions {
        compute_types_allowed  = ["BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM"]
        maximum_builds_allowed = 10
      }
    }
  }

  cache {
    type     = var.change ? "NO_CACHE" : "S3"
    location = var.change ? null : "${aws_s3_bucket.artifacts.bucket}/cache"
  }

  environment {
    compute_type                = "BUILD_GENERAL1_LARGE"
    image                       = "registry.example.com/team/builder:1.2.3"
    type                        = "LINUX_CONTAINER"
    image_pull_credentials_type = "SERVICE_ROLE"
    certificate                 = var.change ? null : "${aws_s3_bucket.artifacts.arn}/ca.pem"
    registry_credential {
      credential          = "arn:aws:secretsmanager:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:secret:registry-AbCdEf"
      credential_provider = "SECRETS_MANAGER"
    }
    environment_variable {
      name  = "PLAIN"
      value = "text"
      type  = "PLAINTEXT"
    }
  }

  file_system_locations {
    identifier    = "share"
    location      = "fs-12345678.efs.${data.aws_region.current.name}.amazonaws.com:/shared"
    mount_options = "nfsvers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2"
    mount_point   = "/mnt/share"
    type          = "EFS"
  }

  logs_config {
    cloudwatch_logs {
      status = "DISABLED"
    }
    s3_logs {
      status              = "ENABLED"
      location            = "${aws_s3_bucket.artifacts.id}/logs"
      bucket_owner_access = "FULL"
    }
  }

  source {
    type                = "GITHUB"
    location            = "https://github.com/example/repository.git"
    buildspec           = var.change ? "buildspec.ci.yml" : null
    git_clone_depth     = 1
    report_build_status = true
    insecure_ssl        = false
    git_submodules_config {
      fetch_submodules = true
    }
    build_status_config {
      context    = "continuous-integration"
      target_url = "https://example.com/builds"
    }
    auth {
      type     = "OAUTH"
      resource = aws_codebuild_source_credential.github.arn
    }
  }
  secondary_sources {
    source_identifier = "config"
    type              = "CODECOMMIT"
    location          = "https://git-codecommit.${data.aws_region.current.name}.amazonaws.com/v1/repos/config"
    git_clone_depth   = 5
    git_submodules_config {
      fetch_submodules = true
    }
  }
  secondary_sources {
    source_identifier = "assets"
    type              = "S3"
    location          = "${aws_s3_bucket.artifacts.bucket}/assets/"
  }
  secondary_sources {
    source_identifier   = "tools"
    type                = "GITHUB_ENTERPRISE"
    location            = "https://git.example.com/team/tools.git"
    report_build_status = true
    insecure_ssl        = true
    build_status_config {
      context = "tools"
    }
  }
  secondary_source_version {
    source_identifier = "config"
    source_version    = var.change ? "main" : "develop"
  }

  dynamic "vpc_config" {
    for_each = var.change ? [] : [1]
    content {
      vpc_id             = "vpc-12345678"
      subnets            = ["subnet-12345678", "subnet-87654321"]
      security_group_ids = ["sg-12345678"]
    }
  }

  tags = {
    Name = "everything"
  }
}

# Each of the other sources.
resource "aws_codebuild_project" "source" {
  for_each = {
    codecommit = { type = "CODECOMMIT", location = "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/app" }
    bitbucket  = { type = "BITBUCKET", location = "https://bitbucket.org/example/repository.git" }
    gitlab     = { type = "GITLAB", location = "https://gitlab.com/example/group/repository.git" }
    selfhosted = { type = "GITLAB_SELF_MANAGED", location = "https://gitlab.example.com/example/repository.git" }
    enterprise = { type = "GITHUB_ENTERPRISE", location = "https://github.example.com/example/repository.git" }
    github     = { type = "GITHUB", location = "https://github.com/example/other" }
    s3         = { type = "S3", location = "codebuild-artifacts/source.zip" }
  }
  name          = "source-${each.key}"
  service_role  = aws_iam_role.build.arn
  badge_enabled = each.key == "codecommit"

  artifacts {
    type     = "S3"
    location = aws_s3_bucket.artifacts.bucket
  }
  environment {
    compute_type = var.change ? "BUILD_GENERAL1_MEDIUM" : "BUILD_GENERAL1_SMALL"
    image        = "aws/codebuild/standard:7.0"
    type         = "LINUX_CONTAINER"
  }
  source {
    type            = each.value.type
    location        = each.value.location
    git_clone_depth = var.change ? 0 : 2

    dynamic "auth" {
      for_each = each.key == "gitlab" ? [1] : []
      content {
        type     = "CODECONNECTIONS"
        resource = aws_codeconnections_connection.gitlab.arn
      }
    }
  }
}

resource "aws_codeconnections_connection" "gitlab" {
  name          = "builds"
  provider_type = "GitLab"
}

# What only AWS's own machines are.
resource "aws_codebuild_project" "elsewhere" {
  for_each = {
    arm     = { type = "ARM_CONTAINER", compute = "BUILD_GENERAL1_LARGE", image = "aws/codebuild/amazonlinux2-aarch64-standard:3.0" }
    gpu     = { type = "LINUX_GPU_CONTAINER", compute = "BUILD_GENERAL1_LARGE", image = "aws/codebuild/standard:7.0" }
    lambda  = { type = "LINUX_LAMBDA_CONTAINER", compute = "BUILD_LAMBDA_2GB", image = "aws/codebuild/amazonlinux-x86_64-lambda-standard:go1.21" }
    windows = { type = "WINDOWS_SERVER_2019_CONTAINER", compute = "BUILD_GENERAL1_MEDIUM", image = "aws/codebuild/windows-base:2019-1.0" }
  }
  name         = "elsewhere-${each.key}"
  service_role = aws_iam_role.build.arn

  artifacts {
    type = "NO_ARTIFACTS"
  }
  environment {
    compute_type = each.value.compute
    image        = each.value.image
    type         = each.value.type
  }
  source {
    type      = "NO_SOURCE"
    buildspec = jsonencode({ version = "0.2", phases = { build = { commands = ["true"] } } })
  }
}

resource "aws_codebuild_source_credential" "github" {
  auth_type   = "PERSONAL_ACCESS_TOKEN"
  server_type = "GITHUB"
  token       = "ghp_0123456789abcdef0123456789abcdef0123"
}

resource "aws_codebuild_source_credential" "bitbucket" {
  auth_type   = "BASIC_AUTH"
  server_type = "BITBUCKET"
  user_name   = "builder"
  token       = "app-password"
}

# Registered by hand.
resource "aws_codebuild_webhook" "everything" {
  project_name    = aws_codebuild_project.everything.name
  build_type      = var.change ? "BUILD_BATCH" : "BUILD"
  manual_creation = true
  filter_group {
    filter {
      type    = "EVENT"
      pattern = var.change ? "PUSH" : "PUSH, PULL_REQUEST_CREATED"
    }
    filter {
      type    = "HEAD_REF"
      pattern = "^refs/heads/main$"
    }
    filter {
      type                    = "FILE_PATH"
      pattern                 = "^docs/"
      exclude_matched_pattern = true
    }
  }
  dynamic "filter_group" {
    for_each = var.change ? [1] : []
    content {
      filter {
        type    = "EVENT"
        pattern = "RELEASED"
      }
    }
  }
}

resource "aws_codebuild_webhook" "branches" {
  project_name  = aws_codebuild_project.source["github"].name
  branch_filter = var.change ? null : "^main$"
  depends_on    = [aws_codebuild_source_credential.github]
}

resource "aws_codebuild_webhook" "bitbucket" {
  project_name = aws_codebuild_project.source["bitbucket"].name
  depends_on   = [aws_codebuild_source_credential.bitbucket]
}

# A webhook of a whole organization.
resource "aws_codebuild_project" "organization" {
  name         = "organization"
  service_role = aws_iam_role.build.arn
  artifacts {
    type = "NO_ARTIFACTS"
  }
  environment {
    compute_type = "BUILD_GENERAL1_SMALL"
    image        = "aws/codebuild/standard:7.0"
    type         = "LINUX_CONTAINER"
  }
  source {
    type     = "GITHUB"
    location = "CODEBUILD_DEFAULT_WEBHOOK_SOURCE_LOCATION"
  }
}

resource "aws_codebuild_webhook" "organization" {
  project_name = aws_codebuild_project.organization.name
  build_type   = "BUILD"
  scope_configuration {
    name  = "example"
    scope = "GITHUB_ORGANIZATION"
  }
  filter_group {
    filter {
      type    = "EVENT"
      pattern = "WORKFLOW_JOB_QUEUED"
    }
  }
  depends_on = [aws_codebuild_source_credential.github]
}

resource "aws_codebuild_report_group" "plain" {
  name = "plain"
  type = "TEST"
  export_config {
    type = "NO_EXPORT"
  }
}

resource "aws_codebuild_report_group" "exported" {
  name           = "exported"
  type           = "CODE_COVERAGE"
  delete_reports = var.change
  export_config {
    type = "S3"
    s3_destination {
      bucket              = aws_s3_bucket.artifacts.id
      encryption_disabled = false
      encryption_key      = "arn:aws:kms:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:alias/aws/s3"
      packaging           = var.change ? "ZIP" : "NONE"
      path                = "/reports"
    }
  }
  tags = { Name = var.change ? "two" : "one" }
}

resource "aws_codebuild_resource_policy" "shared" {
  resource_arn = aws_codebuild_report_group.plain.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Id      = "default"
    Statement = [{
      Sid       = "default"
      Effect    = "Allow"
      Principal = { AWS = data.aws_caller_identity.current.account_id }
      Action    = concat(["codebuild:BatchGetReportGroups"], var.change ? ["codebuild:ListReportsForReportGroup"] : [])
      Resource  = aws_codebuild_report_group.plain.arn
    }]
  })
}
