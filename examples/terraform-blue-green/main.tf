# Blue/green as Terraform: every image that is pushed to the repository replaces
# the tasks of a service behind a load balancer. CodeDeploy starts the new tasks
# beside the old ones, moves a tenth of the traffic, then all of it, and takes it
# back by itself when users see errors. The same files work on AWS and on
# Slipway; README.md says how.
#
#   images.tf        the image repository, and the repository with taskdef.json and appspec.yaml
#   balancer.tf      the load balancer: a blue and a green target group, two listeners
#   service.tf       the cluster, the service, and what it begins with
#   deployments.tf   CodeDeploy: how traffic moves, and the alarm that brings it back
#   pipeline.tf      what a pushed image sets off
#   roles.tf         who may do what

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  region            = var.region
  s3_use_path_style = true # on your own machine a bucket has no name in the DNS

  default_tags {
    tags = {
      Application = var.name
      ManagedBy   = "terraform"
    }
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
