package iam

import "slices"

// addNeighbours adds to the catalog what teams attach beside the policies of
// delivery: those of the services around it, whether they exist here or not, so
// that their Terraform applies. What such a policy allows, nobody can do here.
func addNeighbours(add func(name string, statements ...statement), of func(service string, names ...string) statement, read []string) {
	for name, services := range map[string][]string{
		"AmazonEC2FullAccess":                            {"ec2", "elasticloadbalancing", "cloudwatch", "autoscaling"},
		"AmazonVPCFullAccess":                            {"ec2"},
		"AmazonRDSFullAccess":                            {"rds"},
		"AmazonDynamoDBFullAccess":                       {"dynamodb"},
		"AmazonElastiCacheFullAccess":                    {"elasticache"},
		"AmazonElasticFileSystemFullAccess":              {"elasticfilesystem"},
		"AmazonRoute53FullAccess":                        {"route53", "route53domains"},
		"AWSCertificateManagerFullAccess":                {"acm"},
		"CloudFrontFullAccess":                           {"cloudfront"},
		"AmazonAPIGatewayAdministrator":                  {"apigateway"},
		"AmazonKinesisFullAccess":                        {"kinesis"},
		"AutoScalingFullAccess":                          {"autoscaling"},
		"AWSStepFunctionsFullAccess":                     {"states"},
		"AWSCloudTrail_FullAccess":                       {"cloudtrail"},
		"AWSWAFFullAccess":                               {"waf", "waf-regional", "wafv2"},
		"AmazonElasticContainerRegistryPublicFullAccess": {"ecr-public"},
		"AWSXrayFullAccess":                              {"xray"},
	} {
		var actions []string
		for _, s := range services {
			actions = append(actions, s+":*")
		}
		slices.Sort(actions)
		add(name, allow(actions...))
	}
	for name, service := range map[string]string{
		"AmazonEC2ReadOnlyAccess":               "ec2",
		"AmazonVPCReadOnlyAccess":               "ec2",
		"AmazonRDSReadOnlyAccess":               "rds",
		"AmazonDynamoDBReadOnlyAccess":          "dynamodb",
		"AmazonRoute53ReadOnlyAccess":           "route53",
		"AWSCertificateManagerReadOnly":         "acm",
		"AmazonSNSReadOnlyAccess":               "sns",
		"AmazonSQSReadOnlyAccess":               "sqs",
		"AWSLambda_ReadOnlyAccess":              "lambda",
		"ElasticLoadBalancingReadOnly":          "elasticloadbalancing",
		"AutoScalingReadOnlyAccess":             "autoscaling",
		"AWSStepFunctionsReadOnlyAccess":        "states",
		"CloudWatchEventsReadOnlyAccess":        "events",
		"AWSKeyManagementServicePowerUser":      "kms",
		"AmazonElasticFileSystemReadOnlyAccess": "elasticfilesystem",
	} {
		s := of(service, read...)
		if name == "AWSKeyManagementServicePowerUser" {
			s = allow("kms:CreateAlias", "kms:CreateKey", "kms:DeleteAlias", "kms:Describe*", "kms:GenerateRandom", "kms:Get*", "kms:List*",
				"kms:TagResource", "kms:UntagResource", "iam:ListGroups", "iam:ListRoles", "iam:ListUsers")
		}
		add(name, s)
	}
	add("SecurityAudit", allow("*:List*", "*:Describe*", "iam:Get*", "s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration"))
	add("job-function/SystemAdministrator", allow("cloudtrail:*", "cloudwatch:*", "codecommit:*", "codedeploy:*", "codepipeline:*", "ec2:*",
		"iam:Get*", "iam:List*", "kms:Describe*", "kms:List*", "lambda:*", "logs:*", "rds:*", "route53:*", "s3:*", "ses:*", "sns:*", "sqs:*"))
	add("job-function/SupportUser", allow("support:*", "*:List*", "*:Describe*"))
	add("job-function/Billing", allow("aws-portal:*", "billing:*", "budgets:*", "ce:*", "cur:*"))
	add("IAMUserChangePassword", allow("iam:ChangePassword", "iam:GetAccountPasswordPolicy"))
	add("IAMUserSSHKeys", of("iam", "DeleteSSHPublicKey", "GetSSHPublicKey", "ListSSHPublicKeys", "UpdateSSHPublicKey", "UploadSSHPublicKey"))
	add("ResourceGroupsandTagEditorFullAccess", allow("resource-groups:*", "tag:*", "*:Describe*", "*:List*"))
	add("AWSXRayDaemonWriteAccess", of("xray", "PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets", "GetSamplingStatisticSummaries"))
	add("CloudWatchAgentAdminPolicy", allow("cloudwatch:PutMetricData", "logs:*", "ec2:DescribeTags", "ssm:GetParameter", "ssm:PutParameter"))

	network := of("ec2", "CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface", "DescribeSubnets",
		"AssignPrivateIpAddresses", "UnassignPrivateIpAddresses")
	write := of("logs", "CreateLogGroup", "CreateLogStream", "PutLogEvents")
	add("AWSLambdaExecute", of("logs", "*"), of("s3", "GetObject", "PutObject"))
	add("service-role/AWSLambdaRole", of("lambda", "InvokeFunction"))
	add("service-role/AWSLambdaVPCAccessExecutionRole", write, network)
	add("service-role/AWSLambdaENIManagementAccess", network)
	add("service-role/AWSLambdaSQSQueueExecutionRole", write, of("sqs", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"))
	add("service-role/AWSLambdaDynamoDBExecutionRole", write, of("dynamodb", "DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"))
	add("service-role/AWSLambdaKinesisExecutionRole", write, of("kinesis", "DescribeStream", "DescribeStreamSummary", "GetRecords",
		"GetShardIterator", "ListShards", "ListStreams", "SubscribeToShard"))
	add("service-role/AmazonAPIGatewayPushToCloudWatchLogs", write, of("logs", "DescribeLogGroups", "DescribeLogStreams", "GetLogEvents", "FilterLogEvents"))
	add("service-role/AmazonEC2ContainerServiceAutoscaleRole", of("ecs", "DescribeServices", "UpdateService"), of("cloudwatch", "DescribeAlarms", "PutMetricAlarm"))
	add("service-role/AmazonECSInfrastructureRolePolicyForVolumes", of("ec2", "CreateVolume", "CreateTags", "Describe*", "AttachVolume", "DetachVolume", "DeleteVolume"))
	add("service-role/AWSAppRunnerServicePolicyForECRAccess", of("ecr", "GetDownloadUrlForLayer", "BatchGetImage", "DescribeImages",
		"GetAuthorizationToken", "BatchCheckLayerAvailability"))
	add("service-role/AmazonRDSEnhancedMonitoringRole", of("logs", "CreateLogGroup", "PutRetentionPolicy", "CreateLogStream", "PutLogEvents",
		"DescribeLogStreams", "GetLogEvents"))
	add("service-role/AmazonEC2RoleforSSM", allow("ssm:*", "ssmmessages:*", "ec2messages:*", "cloudwatch:PutMetricData", "logs:*", "s3:GetObject", "s3:PutObject"))
	add("service-role/AmazonSSMAutomationRole", allow("ssm:*", "ec2:*", "lambda:InvokeFunction", "cloudformation:*", "sns:Publish"))
	add("service-role/AWSConfigRole", allow("config:Put*", "*:Describe*", "*:Get*", "*:List*"))
	add("service-role/AmazonEBSCSIDriverPolicy", of("ec2", "CreateSnapshot", "AttachVolume", "DetachVolume", "ModifyVolume", "Describe*",
		"CreateTags", "DeleteTags", "CreateVolume", "DeleteVolume", "DeleteSnapshot"))
	add("AmazonSSMManagedEC2InstanceDefaultPolicy", allow("ssm:DescribeAssociation", "ssm:GetDocument", "ssm:ListAssociations",
		"ssm:UpdateInstanceInformation", "ssmmessages:*", "ec2messages:*"))
	add("AmazonEKSClusterPolicy", allow("autoscaling:Describe*", "autoscaling:UpdateAutoScalingGroup", "ec2:*", "elasticloadbalancing:*", "kms:DescribeKey"))
	add("AmazonEKSServicePolicy", allow("ec2:*", "eks:UpdateClusterVersion", "logs:*"))
	add("AmazonEKSVPCResourceController", network)
	add("AmazonEKSWorkerNodePolicy", allow("ec2:Describe*", "eks:DescribeCluster"))
	add("AmazonEKS_CNI_Policy", network, of("ec2", "AttachNetworkInterface", "DetachNetworkInterface", "ModifyNetworkInterfaceAttribute", "CreateTags"))
	add("AmazonEKSFargatePodExecutionRolePolicy", of("ecr", "GetAuthorizationToken", "BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "BatchGetImage"))
}
