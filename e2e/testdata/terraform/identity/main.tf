# Who and where we are, and what policies say.
data "aws_caller_identity" "me" {}
data "aws_region" "here" {}
data "aws_partition" "this" {}

variable "description" {
  default = "The role of builds"
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["codebuild.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "build" {
  name               = "build"
  description        = var.description
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

output "me" {
  value = "${data.aws_partition.this.partition}:${data.aws_caller_identity.me.account_id}:${data.aws_region.here.name}"
}
