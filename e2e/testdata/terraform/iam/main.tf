# The identities of a team's pipeline, with every block of a role, a user and a
# policy.
variable "label" { default = "one" }
variable "hours" { default = 1 }
variable "actions" { default = ["logs:CreateLogStream", "logs:PutLogEvents"] }
variable "boundary" { default = true }
variable "status" { default = "Active" }
variable "managed" { default = ["AWSCodeBuildDeveloperAccess", "service-role/AmazonECSTaskExecutionRolePolicy"] }

data "aws_caller_identity" "me" {}
data "aws_partition" "this" {}
data "aws_region" "here" {}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["codebuild.${data.aws_partition.this.dns_suffix}", "codepipeline.${data.aws_partition.this.dns_suffix}"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.me.account_id]
    }
  }
  statement {
    sid     = "People"
    actions = ["sts:AssumeRole", "sts:TagSession"]
    principals {
      type        = "AWS"
      identifiers = [data.aws_caller_identity.me.account_id, aws_iam_user.renamed.arn]
    }
  }
}

data "aws_iam_policy_document" "build" {
  source_policy_documents = [jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "Base", Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::artifacts/*" }]
  })]
  statement {
    sid       = "Logs"
    actions   = var.actions
    resources = ["arn:${data.aws_partition.this.partition}:logs:${data.aws_region.here.name}:${data.aws_caller_identity.me.account_id}:*"]
  }
  statement {
    sid         = "Nothing"
    effect      = "Deny"
    not_actions = ["iam:*", "s3:*", "logs:*"]
    resources   = ["*"]
    condition {
      test     = "StringNotEqualsIfExists"
      variable = "aws:RequestedRegion"
      values   = ["us-east-1", "eu-west-1"]
    }
  }
}

# The smallest role.
resource "aws_iam_role" "plain" {
  name_prefix        = "plain-"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ecs-tasks.amazonaws.com" } }] })
}

# A role with all there is.
resource "aws_iam_role" "build" {
  name                  = "build"
  path                  = "/service-role/"
  description           = "Builds ${var.label}"
  assume_role_policy    = data.aws_iam_policy_document.trust.json
  max_session_duration  = var.hours * 3600
  permissions_boundary  = var.boundary ? aws_iam_policy.boundary.arn : null
  force_detach_policies = true
  tags                  = { Name = "build", Label = var.label }
}

resource "aws_iam_role_policy" "build" {
  name   = "build"
  role   = aws_iam_role.build.id
  policy = data.aws_iam_policy_document.build.json
}

resource "aws_iam_role_policy" "prefixed" {
  name_prefix = "more-"
  role        = aws_iam_role.build.name
  policy      = jsonencode({ Version = "2012-10-17", Statement = { Effect = "Allow", Action = var.actions, Resource = "*" } })
}

resource "aws_iam_role_policy_attachment" "managed" {
  for_each   = toset(var.managed)
  role       = aws_iam_role.build.name
  policy_arn = "arn:aws:iam::aws:policy/${each.value}"
}

resource "aws_iam_role_policy_attachment" "own" {
  role       = aws_iam_role.build.name
  policy_arn = aws_iam_policy.build.arn
}

# A role with its policies inside, and nobody else's.
resource "aws_iam_role" "inside" {
  name               = "inside"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = "*" } }] })
  inline_policy {
    name   = "one"
    policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = var.actions, Resource = "*" }] })
  }
  inline_policy {
    name   = "two"
    policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:*", Resource = ["arn:aws:s3:::a", "arn:aws:s3:::a/*"] }] })
  }
  managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
}

resource "aws_iam_role_policies_exclusive" "build" {
  role_name    = aws_iam_role.build.name
  policy_names = [aws_iam_role_policy.build.name, aws_iam_role_policy.prefixed.name]
}

# Policies: a document that changes makes a new version.
resource "aws_iam_policy" "build" {
  name        = "build"
  path        = "/ci/"
  description = "What builds may"
  policy      = data.aws_iam_policy_document.build.json
  tags        = { Label = var.label }
}

resource "aws_iam_policy" "boundary" {
  name_prefix = "boundary-"
  policy      = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }] })
}

resource "aws_iam_policy" "everywhere" {
  name   = "everywhere"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:List*", Resource = "*" }] })
}

resource "aws_iam_policy_attachment" "everywhere" {
  name       = "everywhere"
  policy_arn = aws_iam_policy.everywhere.arn
  roles      = [aws_iam_role.plain.name]
  users      = [aws_iam_user.ann.name]
  groups     = [aws_iam_group.others.name]
}

# People and their keys.
resource "aws_iam_user" "ann" {
  name                 = "ann"
  path                 = "/people/"
  force_destroy        = true
  permissions_boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
  tags                 = { Label = var.label }
}

# Who is renamed keeps the role's trust. (The provider cannot change a user's
# name and tags at once.)
resource "aws_iam_user" "renamed" {
  name = "renamed.${var.label}"
  path = "/${var.label}/"
}

resource "aws_iam_user" "robot" {
  name = "robot"
  tags = { Label = var.label }
}

resource "aws_iam_user_policy" "robot" {
  name   = "push"
  user   = aws_iam_user.robot.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = concat(["ecr:*"], var.actions), Resource = "*" }] })
}

resource "aws_iam_user_policy_attachment" "robot" {
  user       = aws_iam_user.robot.name
  policy_arn = "arn:aws:iam::aws:policy/AWSCodeCommitPowerUser"
}

resource "aws_iam_access_key" "robot" {
  user   = aws_iam_user.robot.name
  status = var.status
}

resource "aws_iam_service_specific_credential" "robot" {
  service_name = "codecommit.amazonaws.com"
  user_name    = aws_iam_user.robot.name
  status       = var.status
}

resource "aws_iam_group" "team" {
  name = "team"
  path = "/people/"
}

resource "aws_iam_group_policy" "team" {
  name   = "team"
  group  = aws_iam_group.team.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = var.actions, Resource = "*" }] })
}

resource "aws_iam_group_policy_attachment" "team" {
  group      = aws_iam_group.team.name
  policy_arn = "arn:aws:iam::aws:policy/AWSCodePipelineApproverAccess"
}

resource "aws_iam_group_membership" "team" {
  name  = "team"
  group = aws_iam_group.team.name
  users = [aws_iam_user.robot.name]
}

resource "aws_iam_user_group_membership" "ann" {
  user   = aws_iam_user.ann.name
  groups = [aws_iam_group.others.name]
}

resource "aws_iam_group" "others" {
  name = "others"
}

resource "aws_iam_group" "renamed" {
  name = "renamed-${var.label}"
  path = "/${var.label}/"
}

resource "aws_iam_instance_profile" "runner" {
  name = "runner"
  path = "/ci/"
  role = var.boundary ? aws_iam_role.build.name : aws_iam_role.plain.name
  tags = { Label = var.label }
}

resource "aws_iam_instance_profile" "plain" {
  name_prefix = "plain-"
}

resource "aws_iam_service_linked_role" "ecs" {
  aws_service_name = "ecs.amazonaws.com"
  description      = "For ECS ${var.label}"
}

resource "aws_iam_account_alias" "team" {
  account_alias = "the-team"
}

data "aws_iam_role" "build" {
  name = aws_iam_role.build.name
}

data "aws_iam_roles" "service" {
  path_prefix = "/service-role/"
  depends_on  = [aws_iam_role.build]
}

data "aws_iam_policy" "by_arn" {
  arn = aws_iam_policy.build.arn
}

data "aws_iam_policy" "by_name" {
  name = "AmazonEC2ContainerRegistryPowerUser"
}

data "aws_iam_user" "robot" {
  user_name = aws_iam_user.robot.name
}

data "aws_iam_users" "people" {
  path_prefix = "/people/"
  depends_on  = [aws_iam_user.ann]
}

data "aws_iam_group" "team" {
  group_name = aws_iam_group_membership.team.group
}

data "aws_iam_instance_profile" "runner" {
  name = aws_iam_instance_profile.runner.name
}

data "aws_iam_instance_profiles" "build" {
  role_name  = aws_iam_role.build.name
  depends_on = [aws_iam_instance_profile.runner]
}

data "aws_iam_access_keys" "robot" {
  user       = aws_iam_user.robot.name
  depends_on = [aws_iam_access_key.robot]
}

data "aws_iam_account_alias" "team" {
  depends_on = [aws_iam_account_alias.team]
}

data "aws_iam_session_context" "me" {
  arn = data.aws_caller_identity.me.arn
}

data "aws_iam_principal_policy_simulation" "robot" {
  action_names      = ["codecommit:GitPush", "iam:CreateUser"]
  policy_source_arn = aws_iam_user.robot.arn
  depends_on        = [aws_iam_user_policy_attachment.robot, aws_iam_user_policy.robot]
}

output "read" {
  value = [data.aws_iam_role.build.assume_role_policy, data.aws_iam_policy.by_name.arn, data.aws_iam_policy.by_arn.policy,
  data.aws_iam_principal_policy_simulation.robot.all_allowed, data.aws_iam_session_context.me.issuer_arn]
}
