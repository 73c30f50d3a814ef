# Whoever pushes here deploys: by hand, or by the build of another pipeline.
resource "aws_ecr_repository" "app" {
  name         = var.name
  force_delete = true # also with images in it: this is for learning
}

resource "aws_ecr_lifecycle_policy" "app" {
  repository = aws_ecr_repository.app.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "keep the last 30"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 30 }
      action       = { type = "expire" }
    }]
  })
}

# How an image is run and how tasks are replaced is code, too: taskdef.json and
# appspec.yaml of ../blue-green.
resource "aws_codecommit_repository" "config" {
  repository_name = "${var.name}-config"
  description     = "taskdef.json and appspec.yaml"
}

# A pushed image starts the pipeline.
resource "aws_cloudwatch_event_rule" "push" {
  name = "${var.name}-image"
  event_pattern = jsonencode({
    source      = ["aws.ecr"]
    detail-type = ["ECR Image Action"]
    detail = {
      action-type     = ["PUSH"]
      result          = ["SUCCESS"]
      repository-name = [aws_ecr_repository.app.name]
      image-tag       = ["latest"]
    }
  })
}

resource "aws_cloudwatch_event_target" "push" {
  rule     = aws_cloudwatch_event_rule.push.name
  arn      = aws_codepipeline.app.arn
  role_arn = aws_iam_role.push.arn
}
