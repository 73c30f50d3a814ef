resource "aws_ecr_repository" "app" {
  name = var.name

  # The build moves the tag latest, so tags cannot be immutable. What is
  # deployed is the commit's own tag.
  image_tag_mutability = "MUTABLE"
  force_delete         = true
}

# Without this, every image is kept and paid for, for ever.
resource "aws_ecr_lifecycle_policy" "app" {
  repository = aws_ecr_repository.app.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "keep the last ${var.keep_images} images"
      selection = {
        tagStatus   = "any"
        countType   = "imageCountMoreThan"
        countNumber = var.keep_images
      }
      action = { type = "expire" }
    }]
  })
}
