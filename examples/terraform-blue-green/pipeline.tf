# What the stages hand over.
resource "aws_s3_bucket" "artifacts" {
  bucket        = "${var.name}-artifacts-${data.aws_caller_identity.current.account_id}"
  force_destroy = true
}

resource "aws_s3_bucket_versioning" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_codepipeline" "app" {
  name          = var.name
  pipeline_type = "V2"
  role_arn      = aws_iam_role.pipeline.arn

  # A deployment under way ends before the next one begins.
  execution_mode = "QUEUED"

  artifact_store {
    type     = "S3"
    location = aws_s3_bucket.artifacts.bucket
  }

  stage {
    name = "Source"
    action {
      name             = "Image"
      category         = "Source"
      owner            = "AWS"
      provider         = "ECR"
      version          = "1"
      output_artifacts = ["image"] # imageDetail.json: the digest that was pushed
      configuration = {
        RepositoryName = aws_ecr_repository.app.name
        ImageTag       = "latest"
      }
    }
    action {
      name             = "Config"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeCommit"
      version          = "1"
      output_artifacts = ["config"]
      configuration = {
        RepositoryName       = aws_codecommit_repository.config.repository_name
        BranchName           = "main"
        PollForSourceChanges = "false" # only images deploy
      }
    }
  }

  stage {
    name = "DeployProduction"
    action {
      name            = "BlueGreen"
      category        = "Deploy"
      owner           = "AWS"
      provider        = "CodeDeployToECS"
      version         = "1"
      input_artifacts = ["config", "image"]
      configuration = {
        ApplicationName                = aws_codedeploy_app.app.name
        DeploymentGroupName            = aws_codedeploy_deployment_group.production.deployment_group_name
        TaskDefinitionTemplateArtifact = "config"
        AppSpecTemplateArtifact        = "config"
        Image1ArtifactName             = "image"
        Image1ContainerName            = "IMAGE1_NAME" # <IMAGE1_NAME> in taskdef.json
      }
    }
  }

  depends_on = [aws_iam_role_policy.pipeline, aws_iam_role_policy_attachment.deploy]
}
