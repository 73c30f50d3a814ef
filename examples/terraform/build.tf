# What a build does is in the repository's buildspec.yml; what it runs in is
# here.
resource "aws_codebuild_project" "app" {
  name          = var.name
  description   = "Tests the application, builds its image and pushes it"
  service_role  = aws_iam_role.build.arn
  build_timeout = var.build_timeout

  source {
    type = "CODEPIPELINE"
  }

  artifacts {
    type = "CODEPIPELINE"
  }

  environment {
    type         = "LINUX_CONTAINER"
    compute_type = "BUILD_GENERAL1_SMALL"
    image        = "aws/codebuild/standard:7.0"

    # docker build needs a Docker daemon, and only privileged builds have one.
    privileged_mode = true

    environment_variable {
      name  = "ECR_REPOSITORY_URI"
      value = aws_ecr_repository.app.repository_url
    }
  }

  # Kept on the machine of the build, for the next one: sources, layers of
  # images, and what buildspec.yml lists under cache.paths.
  cache {
    type  = "LOCAL"
    modes = ["LOCAL_SOURCE_CACHE", "LOCAL_DOCKER_LAYER_CACHE", "LOCAL_CUSTOM_CACHE"]
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.build.name
    }
  }
}

# Made here, so that it has a retention: CodeBuild would make one that keeps
# everything.
resource "aws_cloudwatch_log_group" "build" {
  name              = "/aws/codebuild/${var.name}"
  retention_in_days = 14
}
