# Repositories with nothing and with everything, their policies, and an image
# that is pushed with the password Terraform reads.
variable "mutability" { default = "IMMUTABLE" }
variable "scan" { default = true }
variable "tier" { default = "one" }
variable "puller" { default = "codebuild.amazonaws.com" }

resource "aws_ecr_repository" "minimal" {
  name = "minimal"
}

resource "aws_ecr_repository" "full" {
  name                 = "team/app"
  image_tag_mutability = var.mutability
  force_delete         = true
  image_scanning_configuration {
    scan_on_push = var.scan
  }
  encryption_configuration {
    encryption_type = "AES256"
  }
  tags = { Tier = var.tier }
}

resource "aws_ecr_repository" "sealed" {
  name = "team/sealed"
  encryption_configuration {
    encryption_type = "KMS"
  }
}

resource "aws_kms_key" "images" {}

resource "aws_ecr_repository" "keyed" {
  name = "team/keyed"
  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.images.arn
  }
}

data "aws_ecr_lifecycle_policy_document" "full" {
  rule {
    priority    = 1
    description = "untagged ones go after two weeks"
    selection {
      tag_status   = "untagged"
      count_type   = "sinceImagePushed"
      count_unit   = "days"
      count_number = 14
    }
    action { type = "expire" }
  }
  rule {
    priority = 2
    selection {
      tag_status       = "tagged"
      tag_pattern_list = ["prod*", "*-rc"]
      count_type       = "imageCountMoreThan"
      count_number     = 30
    }
    action { type = "expire" }
  }
}

resource "aws_ecr_lifecycle_policy" "document" {
  repository = aws_ecr_repository.full.name
  policy     = data.aws_ecr_lifecycle_policy_document.full.json
}

resource "aws_ecr_lifecycle_policy" "written" {
  repository = aws_ecr_repository.minimal.name
  policy     = <<-EOF
    {
      "rules": [
        { "rulePriority": 2, "description": "the rest",
          "selection": { "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 100 },
          "action": { "type": "expire" } },
        { "rulePriority": 1,
          "selection": { "tagStatus": "tagged", "tagPrefixList": ["v", "release"], "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 90 },
          "action": { "type": "expire" } }
      ]
    }
  EOF
}

data "aws_iam_policy_document" "pull" {
  statement {
    sid     = "pull"
    actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    principals {
      type        = "Service"
      identifiers = [var.puller]
    }
  }
}

resource "aws_ecr_repository_policy" "full" {
  repository = aws_ecr_repository.full.name
  policy     = data.aws_iam_policy_document.pull.json
}

data "aws_ecr_authorization_token" "login" {}

resource "terraform_data" "image" {
  triggers_replace = aws_ecr_repository.full.repository_url
  provisioner "local-exec" {
    command = "sh ${path.module}/push.sh ${aws_ecr_repository.full.repository_url} v1"
    environment = {
      PASSWORD = data.aws_ecr_authorization_token.login.password
    }
  }
}

data "aws_ecr_image" "tagged" {
  repository_name = aws_ecr_repository.full.name
  image_tag       = "v1"
  depends_on      = [terraform_data.image]
  lifecycle {
    postcondition {
      condition     = self.image_size_in_bytes == 2 + 5 && contains(self.image_tags, "v1")
      error_message = "the image that was pushed is not the one that is read"
    }
  }
}

data "aws_ecr_image" "newest" {
  repository_name = aws_ecr_repository.full.name
  most_recent     = true
  depends_on      = [terraform_data.image]
}

data "aws_ecr_repository" "full" {
  name       = aws_ecr_repository.full.name
  depends_on = [terraform_data.image]
}

data "aws_ecr_repositories" "all" {
  depends_on = [aws_ecr_repository.keyed]
}

output "image" {
  value = "${data.aws_ecr_image.tagged.image_digest} ${data.aws_ecr_image.newest.image_uri} ${join(",", data.aws_ecr_repository.full.most_recent_image_tags)}"
}
