resource "aws_codecommit_repository" "app" {
  repository_name = var.name
  description     = "The application of the tutorial"
}

# A push is an event. The pipeline does not have to ask again and again whether
# there was one (see PollForSourceChanges in pipeline.tf): the event starts it.
resource "aws_cloudwatch_event_rule" "push" {
  name        = "${var.name}-push"
  description = "A push to ${var.branch} of ${var.name}"
  event_pattern = jsonencode({
    source        = ["aws.codecommit"]
    "detail-type" = ["CodeCommit Repository State Change"]
    resources     = [aws_codecommit_repository.app.arn]
    detail = {
      event         = ["referenceCreated", "referenceUpdated"]
      referenceType = ["branch"]
      referenceName = [var.branch]
    }
  })
}

resource "aws_cloudwatch_event_target" "push" {
  rule     = aws_cloudwatch_event_rule.push.name
  arn      = aws_codepipeline.app.arn
  role_arn = aws_iam_role.push.arn
}
