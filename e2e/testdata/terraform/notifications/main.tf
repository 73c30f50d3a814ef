# Notification rules of each kind of resource. They name what need not exist
# yet, so this directory stands alone.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "status" {
  default = "ENABLED"
}

variable "detail" {
  default = "BASIC"
}

variable "topics" {
  default = ["alerts", "people"]
}

data "aws_caller_identity" "me" {}
data "aws_region" "here" {}

locals {
  scope = "${data.aws_region.here.name}:${data.aws_caller_identity.me.account_id}"
}

resource "aws_codestarnotifications_notification_rule" "pipeline" {
  name        = "pipeline ${var.status == "ENABLED" ? "on" : "off"}"
  resource    = "arn:aws:codepipeline:${local.scope}:web"
  detail_type = var.detail
  status      = var.status

  event_type_ids = [
    "codepipeline-pipeline-pipeline-execution-failed",
    "codepipeline-pipeline-pipeline-execution-superseded",
    "codepipeline-pipeline-manual-approval-needed",
  ]

  dynamic "target" {
    for_each = var.topics
    content {
      address = "arn:aws:sns:${local.scope}:${target.value}"
    }
  }

  tags = { Status = var.status }
}

resource "aws_codestarnotifications_notification_rule" "project" {
  name           = "project"
  resource       = "arn:aws:codebuild:${local.scope}:project/web"
  detail_type    = "FULL"
  event_type_ids = ["codebuild-project-build-state-failed", "codebuild-project-build-phase-success"]

  target {
    type    = "AWSChatbotSlack"
    address = "arn:aws:chatbot::${data.aws_caller_identity.me.account_id}:chat-configuration/slack-channel/team"
  }
}

resource "aws_codestarnotifications_notification_rule" "repository" {
  name           = "repository"
  resource       = "arn:aws:codecommit:${local.scope}:web"
  detail_type    = var.detail
  event_type_ids = ["codecommit-repository-pull-request-merged", "codecommit-repository-branches-and-tags-updated"]
}

resource "aws_codestarnotifications_notification_rule" "application" {
  name           = "application"
  resource       = "arn:aws:codedeploy:${local.scope}:application:web"
  detail_type    = "FULL"
  status         = "DISABLED"
  event_type_ids = ["codedeploy-application-deployment-failed"]

  target {
    address = "arn:aws:sns:${local.scope}:${var.topics[0]}"
  }
}
