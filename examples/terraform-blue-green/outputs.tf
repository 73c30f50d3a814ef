output "url" {
  description = "Production."
  value       = "http://${aws_lb.app.dns_name}:${var.port}/"
}

output "image_repository" {
  description = "Push here, with the tag latest, to deploy."
  value       = aws_ecr_repository.app.repository_url
}

output "config_clone_url" {
  description = "taskdef.json and appspec.yaml go here."
  value       = aws_codecommit_repository.config.clone_url_http
}

output "execution_role" {
  description = "The executionRoleArn of taskdef.json."
  value       = aws_iam_role.execution.arn
}

output "task_role" {
  description = "The taskRoleArn of taskdef.json."
  value       = aws_iam_role.task.arn
}
