# Repositories with nothing and with everything, triggers, and approval rules.
variable "name" { default = "site" }
variable "description" { default = "The site" }
variable "tier" { default = "one" }
variable "key" { default = 0 }
variable "approvals" { default = 2 }
variable "branch" { default = null }

resource "aws_codecommit_repository" "minimal" {
  repository_name = "minimal"
}

resource "aws_kms_key" "code" {
  count = 2
}

resource "aws_codecommit_repository" "full" {
  repository_name = var.name
  description     = var.description
  kms_key_id      = aws_kms_key.code[var.key].arn
  default_branch  = "main"
  tags            = { Tier = var.tier }
}

# Has a branch, so that the default one can be set and read back.
resource "aws_codecommit_repository" "grown" {
  repository_name = "grown"
  default_branch  = var.branch
}

resource "terraform_data" "commit" {
  triggers_replace = aws_codecommit_repository.grown.repository_id
  provisioner "local-exec" {
    command = "sh ${path.module}/commit.sh grown main next"
  }
}

resource "aws_sns_topic" "pushes" {
  name = "pushes"
}

resource "aws_codecommit_trigger" "minimal" {
  repository_name = aws_codecommit_repository.minimal.repository_name
  trigger {
    name            = "all"
    events          = ["all"]
    destination_arn = aws_sns_topic.pushes.arn
  }
}

resource "aws_codecommit_trigger" "full" {
  repository_name = aws_codecommit_repository.grown.repository_name
  trigger {
    name            = "main"
    branches        = ["main", "release/1.0"]
    events          = ["updateReference", "createReference"]
    destination_arn = aws_sns_topic.pushes.arn
    custom_data     = "from the story"
  }
  trigger {
    name            = "gone"
    events          = ["deleteReference"]
    destination_arn = "arn:aws:lambda:us-east-1:000000000000:function:notify"
  }
}

resource "aws_codecommit_approval_rule_template" "minimal" {
  name = "one-of-us"
  content = jsonencode({
    Version    = "2018-11-08"
    Statements = [{ Type = "Approvers", NumberOfApprovalsNeeded = 1 }]
  })
}

resource "aws_codecommit_approval_rule_template" "full" {
  name        = "reviewers-of-${var.name}"
  description = var.description
  content = jsonencode({
    Version               = "2018-11-08"
    DestinationReferences = ["refs/heads/main"]
    Statements = [{
      Type                    = "Approvers"
      NumberOfApprovalsNeeded = var.approvals
      ApprovalPoolMembers     = ["arn:aws:sts::000000000000:assumed-role/Reviewers/*"]
    }]
  })
}

resource "aws_codecommit_approval_rule_template_association" "minimal" {
  approval_rule_template_name = aws_codecommit_approval_rule_template.minimal.name
  repository_name             = aws_codecommit_repository.minimal.repository_name
}

data "aws_codecommit_repository" "full" {
  repository_name = aws_codecommit_repository.full.repository_name
}

data "aws_codecommit_approval_rule_template" "full" {
  name = aws_codecommit_approval_rule_template.full.name
}

output "read" {
  value = "${data.aws_codecommit_repository.full.clone_url_http} ${data.aws_codecommit_approval_rule_template.full.rule_content_sha256}"
}
