output "clone_url" {
  description = "Push the application here."
  value       = aws_codecommit_repository.app.clone_url_http
}

output "image_repository" {
  value = aws_ecr_repository.app.repository_url
}

output "pipeline" {
  value = aws_codepipeline.app.name
}

output "approve" {
  description = "Approves what waits, once you have looked at staging."
  value       = "aws codepipeline put-approval-result --pipeline-name ${aws_codepipeline.app.name} --stage-name Approve --action-name Approve --result summary=good,status=Approved --token TOKEN # the token: aws codepipeline get-pipeline-state --name ${aws_codepipeline.app.name}"
}
