resource "aws_codepipeline" "app" {
  name          = var.name
  pipeline_type = "V2"
  role_arn      = aws_iam_role.pipeline.arn

  # A newer push overtakes an older one that waits before the same stage.
  execution_mode = "SUPERSEDED"

  artifact_store {
    type     = "S3"
    location = aws_s3_bucket.artifacts.bucket
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
        RepositoryName       = aws_codecommit_repository.app.repository_name
        BranchName           = var.branch
        PollForSourceChanges = "false" # the rule in repository.tf starts it
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
      input_artifacts  = ["source"]
      output_artifacts = ["image"] # imagedefinitions.json: which image to deploy
      configuration = {
        ProjectName = aws_codebuild_project.app.name
      }
    }
  }

  stage {
    name = "DeployStaging"
    action {
      name            = "Deploy"
      category        = "Deploy"
      owner           = "AWS"
      provider        = "ECS"
      version         = "1"
      input_artifacts = ["image"]
      configuration = {
        ClusterName = aws_ecs_cluster.stage["staging"].name
        ServiceName = aws_ecs_service.app["staging"].name
      }
    }
  }

  stage {
    name = "Approve"
    action {
      name     = "Approve"
      category = "Approval"
      owner    = "AWS"
      provider = "Manual"
      version  = "1"
      configuration = {
        CustomData = "Look at staging. Is it good enough for production?"
      }
    }
  }

  stage {
    name = "DeployProduction"
    action {
      name            = "Deploy"
      category        = "Deploy"
      owner           = "AWS"
      provider        = "ECS"
      version         = "1"
      input_artifacts = ["image"]
      configuration = {
        ClusterName = aws_ecs_cluster.stage["production"].name
        ServiceName = aws_ecs_service.app["production"].name
      }
    }
  }

  # What a role may do must be said before it does it.
  depends_on = [aws_iam_role_policy.pipeline, aws_iam_role_policy.build]
}
