# The tutorial's chain as Terraform: a push to the repository is tested, built
# into an image, shipped to a staging service, approved by a person, and shipped
# to production. The same files work on AWS and on Slipway; README.md says how.
#
#   artifacts.tf   the bucket that stages hand their files over in
#   images.tf      the repository of container images
#   repository.tf  the repository of the source, and what a push sets off
#   build.tf       the build: test, docker build, docker push
#   services.tf    two clusters with one Fargate service each
#   pipeline.tf    the pipeline that ties them together
#   roles.tf       who may do what

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  region = var.region

  # Buckets by path (HOST/BUCKET) instead of by host name: AWS takes both, and
  # on your own machine a bucket has no name in the DNS.
  s3_use_path_style = true

  # These tags come on everything below.
  default_tags {
    tags = {
      Application = var.name
      ManagedBy   = "terraform"
    }
  }
}

# Who runs this, and where: names below are made of it.
data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id

  # One service each. Their order is that of the pipeline.
  stages = ["staging", "production"]
}
