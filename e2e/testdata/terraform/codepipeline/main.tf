# Pipelines of both types with what they can have, a webhook of each kind, and
# action types of the account's own.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "mode" {
  default = "QUEUED"
}

variable "branch" {
  default = "main"
}

variable "level" {
  default = "low"
}

data "aws_caller_identity" "me" {}

resource "aws_s3_bucket" "artifacts" {
  bucket        = "pipeline-artifacts"
  force_destroy = true
}

resource "aws_iam_role" "pipeline" {
  name = "pipeline"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "codepipeline.amazonaws.com" }
    }]
  })
}

resource "aws_codecommit_repository" "web" {
  repository_name = "web"
}

resource "aws_sns_topic" "approvals" {
  name = "approvals"
}

# The least that a pipeline has.
resource "aws_codepipeline" "minimal" {
  name     = "minimal"
  role_arn = aws_iam_role.pipeline.arn

  artifact_store {
    location = aws_s3_bucket.artifacts.bucket
    type     = "S3"
  }

  stage {
    name = "Source"
    action {
      name             = "Source"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeCommit"
      version          = "1"
      output_artifacts = ["source"]
      configuration = {
        RepositoryName       = aws_codecommit_repository.web.repository_name
        BranchName           = var.branch
        PollForSourceChanges = "false"
      }
    }
  }

  stage {
    name = "Build"
    action {
      name            = "Build"
      category        = "Build"
      owner           = "AWS"
      provider        = "CodeBuild"
      version         = "1"
      input_artifacts = ["source"]
      configuration   = { ProjectName = "web" }
    }
  }
}

# Everything else.
resource "aws_codepipeline" "full" {
  name           = "full"
  role_arn       = aws_iam_role.pipeline.arn
  pipeline_type  = "V2"
  execution_mode = var.mode

  artifact_store {
    location = aws_s3_bucket.artifacts.bucket
    type     = "S3"
    region   = "us-east-1"
    encryption_key {
      id   = "arn:aws:kms:us-east-1:${data.aws_caller_identity.me.account_id}:alias/artifacts"
      type = "KMS"
    }
  }

  artifact_store {
    location = "pipeline-artifacts-west"
    type     = "S3"
    region   = "eu-west-1"
  }

  variable {
    name          = "environment"
    default_value = "staging"
    description   = "Where to"
  }

  variable {
    name = "ticket"
  }

  stage {
    name = "Source"

    action {
      name             = "Code"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeCommit"
      version          = "1"
      namespace        = "source"
      output_artifacts = ["code"]
      configuration = {
        RepositoryName       = aws_codecommit_repository.web.repository_name
        BranchName           = var.branch
        OutputArtifactFormat = "CODE_ZIP"
        PollForSourceChanges = "false"
      }
    }

    action {
      name             = "Image"
      category         = "Source"
      owner            = "AWS"
      provider         = "ECR"
      version          = "1"
      output_artifacts = ["image"]
      configuration    = { RepositoryName = "base", ImageTag = "latest" }
    }

    action {
      name             = "Data"
      category         = "Source"
      owner            = "AWS"
      provider         = "S3"
      version          = "1"
      output_artifacts = ["data"]
      configuration = {
        S3Bucket             = aws_s3_bucket.artifacts.bucket
        S3ObjectKey          = "data.zip"
        PollForSourceChanges = "false"
      }
    }

    on_failure {
      result = "RETRY"
      retry_configuration {
        retry_mode = "FAILED_ACTIONS"
      }
    }
  }

  stage {
    name = "Build"

    action {
      name             = "Build"
      category         = "Build"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      namespace        = "build"
      input_artifacts  = ["code", "image"]
      output_artifacts = ["built"]
      run_order        = 2
      role_arn         = aws_iam_role.pipeline.arn
      configuration = {
        ProjectName   = "web"
        PrimarySource = "code"
        EnvironmentVariables = jsonencode([
          { name = "COMMIT", value = "#{source.CommitId}", type = "PLAINTEXT" },
          { name = "STAGE", value = "#{variables.environment}" },
        ])
      }
    }

    action {
      name            = "Check"
      category        = "Test"
      owner           = "AWS"
      provider        = "CodeBuild"
      version         = "1"
      region          = "eu-west-1"
      input_artifacts = ["code"]
      run_order       = 1
      configuration   = { ProjectName = "check" }
    }
  }

  stage {
    name = "Release"

    action {
      name               = "Approve"
      category           = "Approval"
      owner              = "AWS"
      provider           = "Manual"
      version            = "1"
      run_order          = 1
      timeout_in_minutes = var.level == "low" ? 60 : 120
      configuration = {
        NotificationArn    = aws_sns_topic.approvals.arn
        CustomData         = "#{source.CommitMessage} for #{variables.ticket}"
        ExternalEntityLink = "https://example.com/#{source.CommitId}"
      }
    }

    action {
      name            = "Service"
      category        = "Deploy"
      owner           = "AWS"
      provider        = "ECS"
      version         = "1"
      input_artifacts = ["built"]
      run_order       = 2
      configuration = {
        ClusterName       = "web"
        ServiceName       = "web"
        FileName          = "images.json"
        DeploymentTimeout = "15"
      }
    }

    action {
      name            = "Site"
      category        = "Deploy"
      owner           = "AWS"
      provider        = "S3"
      version         = "1"
      input_artifacts = ["data"]
      run_order       = 2
      configuration = {
        BucketName   = aws_s3_bucket.artifacts.bucket
        Extract      = "true"
        ObjectKey    = "site"
        CacheControl = "max-age=60"
      }
    }

    before_entry {
      condition {
        result = "SKIP"
        rule {
          name = "Branch"
          rule_type_id {
            category = "Rule"
            owner    = "AWS"
            provider = "VariableCheck"
            version  = "1"
          }
          configuration = {
            Variable = "#{source.BranchName}"
            Operator = "EQ"
            Value    = var.branch
          }
        }
      }
    }

    on_success {
      condition {
        result = "FAIL"
        rule {
          name = "Healthy"
          rule_type_id {
            category = "Rule"
            owner    = "AWS"
            provider = "CloudWatchAlarm"
            version  = "1"
          }
          configuration = {
            AlarmName   = "production-${var.branch}"
            AlarmStates = "ALARM,INSUFFICIENT_DATA"
            WaitTime    = "60"
          }
        }
        rule {
          name = "Window"
          rule_type_id {
            category = "Rule"
            owner    = "AWS"
            provider = "DeploymentWindow"
            version  = "1"
          }
          configuration = {
            Cron     = "* * 9-17 ? * MON-FRI *"
            TimeZone = "Europe/Berlin"
          }
        }
        rule {
          name = "Version"
          rule_type_id {
            category = "Rule"
            provider = "VariableCheck"
          }
          configuration = {
            Variable = "#{build.VERSION}"
            Operator = "MATCHES"
            Value    = "v[0-9.]+"
          }
        }
      }
    }

    on_failure {
      result = "ROLLBACK"
    }
  }

  tags = { Level = var.level }
}

resource "aws_codepipeline" "parallel" {
  name           = "parallel"
  role_arn       = aws_iam_role.pipeline.arn
  pipeline_type  = "V2"
  execution_mode = "PARALLEL"

  artifact_store {
    location = aws_s3_bucket.artifacts.bucket
    type     = "S3"
  }

  stage {
    name = "Source"
    action {
      name             = "Data"
      category         = "Source"
      owner            = "AWS"
      provider         = "S3"
      version          = "1"
      output_artifacts = ["data"]
      configuration    = { S3Bucket = aws_s3_bucket.artifacts.bucket, S3ObjectKey = "data.zip" }
    }
  }

  # A job worker's: nothing here can do it.
  stage {
    name = "Compile"
    action {
      name             = "Compile"
      category         = aws_codepipeline_custom_action_type.full.category
      owner            = aws_codepipeline_custom_action_type.full.owner
      provider         = aws_codepipeline_custom_action_type.full.provider_name
      version          = aws_codepipeline_custom_action_type.full.version
      input_artifacts  = ["data"]
      output_artifacts = ["out"]
      configuration    = { ProjectName = "site", Level = var.level }
    }
  }
}

resource "aws_codepipeline_custom_action_type" "minimal" {
  category      = "Test"
  provider_name = "Lint"
  version       = "1"

  input_artifact_details {
    minimum_count = 0
    maximum_count = 1
  }

  output_artifact_details {
    minimum_count = 0
    maximum_count = 0
  }
}

resource "aws_codepipeline_custom_action_type" "full" {
  category      = "Build"
  provider_name = "Jenkins"
  version       = "1"

  configuration_property {
    name        = "ProjectName"
    description = "Which project"
    key         = true
    queryable   = true
    required    = true
    secret      = false
    type        = "String"
  }

  configuration_property {
    name     = "Level"
    key      = false
    required = false
    secret   = false
  }

  configuration_property {
    name     = "Password"
    key      = false
    required = false
    secret   = true
    type     = "String"
  }

  input_artifact_details {
    minimum_count = 0
    maximum_count = 5
  }

  output_artifact_details {
    minimum_count = 0
    maximum_count = 5
  }

  settings {
    entity_url_template    = "https://ci.example.com/job/{Config:ProjectName}/"
    execution_url_template = "https://ci.example.com/job/{Config:ProjectName}/{ExternalExecutionId}/"
    revision_url_template  = "https://ci.example.com/changes/{RevisionId}"
  }

  tags = { Level = var.level }
}

resource "aws_codepipeline_webhook" "signed" {
  name            = "signed"
  authentication  = "GITHUB_HMAC"
  target_action   = "Source"
  target_pipeline = aws_codepipeline.minimal.name

  authentication_configuration {
    secret_token = "a-word-of-our-own"
  }

  filter {
    json_path    = "$.ref"
    match_equals = var.level == "low" ? "refs/heads/{BranchName}" : "refs/heads/release"
  }

  filter {
    json_path    = "$.repository.full_name"
    match_equals = "octo/web"
  }

  tags = { Level = var.level }
}

resource "aws_codepipeline_webhook" "from" {
  name            = "from"
  authentication  = "IP"
  target_action   = "Source"
  target_pipeline = aws_codepipeline.minimal.name

  authentication_configuration {
    allowed_ip_range = "192.0.2.0/24"
  }

  filter {
    json_path    = "$.ref"
    match_equals = "refs/heads/{BranchName}"
  }
}

resource "aws_codepipeline_webhook" "open" {
  name            = "open"
  authentication  = "UNAUTHENTICATED"
  target_action   = "Source"
  target_pipeline = aws_codepipeline.minimal.name

  filter {
    json_path    = "$.ref"
    match_equals = "refs/heads/{BranchName}"
  }
}

output "url" {
  value = aws_codepipeline_webhook.signed.url
}

# Sources behind a connection: V1 looks at the branch, V2 has triggers.
resource "aws_codestarconnections_connection" "github" {
  name          = "github"
  provider_type = "GitHub"
}

resource "aws_codepipeline" "connected" {
  for_each = toset(["V1", "V2"])

  name          = "connected-${each.key}"
  role_arn      = aws_iam_role.pipeline.arn
  pipeline_type = each.key

  artifact_store {
    location = aws_s3_bucket.artifacts.bucket
    type     = "S3"
  }

  stage {
    name = "Source"
    action {
      name             = "Source"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeStarSourceConnection"
      version          = "1"
      output_artifacts = ["code"]
      configuration = {
        ConnectionArn        = aws_codestarconnections_connection.github.arn
        FullRepositoryId     = "octo/web"
        BranchName           = var.branch
        OutputArtifactFormat = each.key == "V1" ? "CODE_ZIP" : "CODEBUILD_CLONE_REF"
        DetectChanges        = each.key == "V1" ? "true" : "false"
      }
    }
  }

  stage {
    name = "Build"
    action {
      name            = "Build"
      category        = "Build"
      owner           = "AWS"
      provider        = "CodeBuild"
      version         = "1"
      input_artifacts = ["code"]
      configuration   = { ProjectName = "web" }
    }
  }
}

resource "aws_codepipeline" "triggered" {
  name          = "triggered"
  role_arn      = aws_iam_role.pipeline.arn
  pipeline_type = "V2"

  artifact_store {
    location = aws_s3_bucket.artifacts.bucket
    type     = "S3"
  }

  dynamic "trigger" {
    for_each = ["Web", "Docs"]
    content {
      provider_type = "CodeStarSourceConnection"
      git_configuration {
        source_action_name = trigger.value

        push {
          branches {
            includes = [var.branch, "release/**"]
            excludes = ["release/old-*"]
          }
          file_paths {
            includes = ["src/**", "*.{js,ts}"]
            excludes = ["**/*.md"]
          }
        }

        push {
          tags {
            includes = ["v[0-9]*"]
            excludes = ["v0.*"]
          }
        }

        pull_request {
          events = var.level == "low" ? ["OPEN", "UPDATED"] : ["OPEN", "UPDATED", "CLOSED"]
          branches {
            includes = ["main"]
          }
          file_paths {
            excludes = ["docs/**"]
          }
        }
      }
    }
  }

  stage {
    name = "Source"

    dynamic "action" {
      for_each = ["Web", "Docs"]
      content {
        name             = action.value
        category         = "Source"
        owner            = "AWS"
        provider         = "CodeStarSourceConnection"
        version          = "1"
        output_artifacts = [lower(action.value)]
        configuration = {
          ConnectionArn    = aws_codestarconnections_connection.github.arn
          FullRepositoryId = "octo/${lower(action.value)}"
          BranchName       = var.branch
        }
      }
    }
  }

  stage {
    name = "Build"
    action {
      name            = "Build"
      category        = "Build"
      owner           = "AWS"
      provider        = "CodeBuild"
      version         = "1"
      input_artifacts = ["web", "docs"]
      configuration   = { ProjectName = "web", PrimarySource = "web" }
    }
  }
}
