package iam

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// AWS's managed policies that people name in their templates. The names are
// AWS's, the documents our own: each allows what the name promises, on every
// resource, of the services that exist here.
const awsPrefix = "arn:aws:iam::aws:policy/"

// statement is one of a catalog document.
type statement struct {
	Effect    string
	Action    []string
	Resource  string
	Condition map[string]map[string][]string `json:",omitempty"`
}

func allow(actions ...string) statement {
	return statement{Effect: "Allow", Action: actions, Resource: "*"}
}

// pass allows handing roles to a service, as full-access policies do.
func pass(services ...string) statement {
	s := allow("iam:PassRole")
	s.Condition = map[string]map[string][]string{"StringEquals": {"iam:PassedToService": services}}
	return s
}

// catalog is by path and name. ids are stable: they appear in answers.
var catalog = sync.OnceValue(func() map[string]*managed {
	m := map[string]*managed{}
	add := func(name string, statements ...statement) {
		doc, err := json.Marshal(struct {
			Version   string
			Statement []statement
		}{"2012-10-17", statements})
		if err != nil {
			panic(err) // only strings are in it
		}
		path := "/"
		base := name
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			path, base = "/"+name[:i+1], name[i+1:]
		}
		// AWS's policies are older than any installation; the date tells nothing.
		made := time.Date(2015, 2, 6, 18, 39, 46, 0, time.UTC)
		m[awsPrefix+name] = &managed{
			Policy: types.Policy{
				PolicyName: aws.String(base), Path: aws.String(path), Arn: aws.String(awsPrefix + name),
				PolicyId: aws.String(catalogID(name)), DefaultVersionId: aws.String("v1"), IsAttachable: true,
				CreateDate: &made, UpdateDate: &made,
			},
			Versions: []types.PolicyVersion{{
				VersionId: aws.String("v1"), IsDefaultVersion: true, CreateDate: &made, Document: aws.String(string(doc)),
			}},
		}
	}

	read := []string{"Get*", "List*", "Describe*", "BatchGet*"}
	of := func(service string, names ...string) statement {
		s := allow()
		for _, n := range names {
			s.Action = append(s.Action, service+":"+n)
		}
		return s
	}

	add("AdministratorAccess", allow("*"))
	add("PowerUserAccess",
		statement{Effect: "Allow", Action: []string{
			"codebuild:*", "codecommit:*", "codedeploy:*", "codepipeline:*", "codeartifact:*", "codeconnections:*",
			"codestar-connections:*", "codestar-notifications:*", "ecr:*", "ecs:*", "elasticloadbalancing:*", "s3:*",
			"logs:*", "cloudwatch:*", "events:*", "secretsmanager:*", "ssm:*", "kms:*", "lambda:*", "cloudformation:*",
			"sns:*", "sqs:*", "ec2:*", "sts:*", "application-autoscaling:*", "states:*", "tag:*",
		}, Resource: "*"},
		allow("iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole", "iam:ListRoles"))
	add("ReadOnlyAccess", allow("*:Get*", "*:List*", "*:Describe*", "*:BatchGet*", "codecommit:GitPull",
		"codecommit:EvaluatePullRequestApprovalRules", "ecr:BatchCheck*", "logs:FilterLogEvents", "logs:StartQuery",
		"logs:StopQuery", "logs:TestMetricFilter", "logs:StartLiveTail", "s3:Head*"))
	add("job-function/ViewOnlyAccess", allow("*:List*", "*:Describe*"))
	add("IAMFullAccess", allow("iam:*"))
	add("IAMReadOnlyAccess", of("iam", "Get*", "List*", "Simulate*", "GenerateCredentialReport", "GenerateServiceLastAccessedDetails"))

	add("AWSCodePipeline_FullAccess", allow("codepipeline:*"), allow("codebuild:ListProjects", "codebuild:BatchGetProjects",
		"codecommit:ListBranches", "codecommit:ListRepositories", "codecommit:GetReferences", "codedeploy:Get*", "codedeploy:List*",
		"ecr:DescribeRepositories", "ecr:ListImages", "ecs:ListClusters", "ecs:ListServices", "iam:ListRoles", "iam:GetRole",
		"events:*", "s3:ListAllMyBuckets", "s3:GetBucketVersioning", "s3:CreateBucket", "s3:PutBucketPolicy", "s3:GetBucketPolicy",
		"s3:GetObject", "s3:ListBucket", "sns:ListTopics", "cloudformation:DescribeStacks", "cloudformation:ListStacks",
		"lambda:ListFunctions", "codestar-connections:*", "codeconnections:*"),
		pass("codepipeline.amazonaws.com", "events.amazonaws.com"))
	add("AWSCodePipeline_ReadOnlyAccess", of("codepipeline", read...))
	add("AWSCodePipelineApproverAccess", of("codepipeline", "GetPipeline", "GetPipelineState", "GetPipelineExecution",
		"ListPipelineExecutions", "ListPipelines", "PutApprovalResult"))
	add("AWSCodePipelineCustomActionAccess", of("codepipeline", "AcknowledgeJob", "GetJobDetails", "PollForJobs",
		"PutJobFailureResult", "PutJobSuccessResult"))
	add("AWSCodeBuildAdminAccess", allow("codebuild:*", "codecommit:GetBranch", "codecommit:GetCommit", "codecommit:GetRepository",
		"codecommit:ListBranches", "codecommit:ListRepositories", "ecr:DescribeRepositories", "ecr:ListImages", "events:*",
		"iam:GetRole", "iam:ListRoles", "logs:GetLogEvents", "logs:DeleteLogGroup", "s3:GetBucketLocation", "s3:ListAllMyBuckets",
		"ssm:PutParameter", "cloudwatch:GetMetricStatistics"), pass("codebuild.amazonaws.com"))
	add("AWSCodeBuildDeveloperAccess", allow("codebuild:StartBuild", "codebuild:StopBuild", "codebuild:StartBuildBatch",
		"codebuild:StopBuildBatch", "codebuild:RetryBuild", "codebuild:RetryBuildBatch", "codebuild:BatchGet*", "codebuild:GetResourcePolicy",
		"codebuild:DescribeTestCases", "codebuild:DescribeCodeCoverages", "codebuild:List*", "codecommit:GetBranch", "codecommit:GetCommit",
		"codecommit:GetRepository", "codecommit:ListBranches", "cloudwatch:GetMetricStatistics", "events:DescribeRule",
		"events:ListTargetsByRule", "events:ListRuleNamesByTarget", "logs:GetLogEvents", "s3:GetBucketLocation", "s3:ListAllMyBuckets"))
	add("AWSCodeBuildReadOnlyAccess", of("codebuild", append(read, "DescribeTestCases")...), allow("logs:GetLogEvents",
		"codecommit:GetBranch", "codecommit:GetCommit", "codecommit:GetRepository"))
	add("AWSCodeCommitFullAccess", allow("codecommit:*", "events:*", "sns:ListTopics", "iam:ListUsers", "iam:ListAccessKeys",
		"iam:ListServiceSpecificCredentials", "iam:CreateServiceSpecificCredential", "iam:UpdateServiceSpecificCredential",
		"iam:DeleteServiceSpecificCredential", "iam:ResetServiceSpecificCredential"))
	add("AWSCodeCommitPowerUser", of("codecommit", "AssociateApprovalRuleTemplateWithRepository", "BatchAssociateApprovalRuleTemplateWithRepositories",
		"BatchDisassociateApprovalRuleTemplateFromRepositories", "BatchGet*", "BatchDescribe*", "Create*", "DeleteBranch", "DeleteFile",
		"Describe*", "DisassociateApprovalRuleTemplateFromRepository", "EvaluatePullRequestApprovalRules", "Get*", "List*", "Merge*",
		"OverridePullRequestApprovalRules", "Put*", "Post*", "TagResource", "Test*", "UntagResource", "Update*", "GitPull", "GitPush"))
	add("AWSCodeCommitReadOnly", of("codecommit", append(read, "BatchDescribe*", "EvaluatePullRequestApprovalRules", "GitPull")...))
	add("AWSCodeDeployFullAccess", allow("codedeploy:*"))
	add("AWSCodeDeployReadOnlyAccess", of("codedeploy", read...))
	add("AWSCodeDeployDeployerAccess", of("codedeploy", append(read, "CreateDeployment", "RegisterApplicationRevision")...))
	deploy := allow("autoscaling:*", "ec2:Describe*", "ec2:TerminateInstances", "tag:GetResources", "sns:Publish",
		"cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm", "elasticloadbalancing:*")
	add("service-role/AWSCodeDeployRole", deploy)
	deployECS := []string{"ecs:DescribeServices", "ecs:CreateTaskSet", "ecs:UpdateServicePrimaryTaskSet", "ecs:DeleteTaskSet",
		"elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:ModifyListener",
		"elasticloadbalancing:DescribeRules", "elasticloadbalancing:ModifyRule", "lambda:InvokeFunction", "cloudwatch:DescribeAlarms",
		"sns:Publish", "s3:GetObject", "s3:GetObjectVersion"}
	add("AmazonECSInfrastructureRolePolicyForLoadBalancers", of("elasticloadbalancing", "DescribeListeners", "DescribeRules", "DescribeTargetGroups",
		"DescribeTargetHealth", "RegisterTargets", "DeregisterTargets", "ModifyListener", "ModifyRule"))
	add("AWSCodeDeployRoleForECS", allow(deployECS...), pass("ecs-tasks.amazonaws.com"))
	add("AWSCodeDeployRoleForECSLimited", allow(deployECS...), pass("ecs-tasks.amazonaws.com"))
	lambda := []string{"cloudwatch:DescribeAlarms", "lambda:UpdateAlias", "lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig",
		"lambda:InvokeFunction", "sns:Publish", "s3:GetObject", "s3:GetObjectVersion"}
	add("service-role/AWSCodeDeployRoleForLambda", allow(lambda...))
	add("service-role/AWSCodeDeployRoleForLambdaLimited", allow(lambda...))
	add("service-role/AWSCodeDeployRoleForCloudFormation", allow("lambda:InvokeFunction"))
	add("service-role/AmazonEC2RoleforAWSCodeDeploy", of("s3", "GetObject", "GetObjectVersion", "ListBucket"))
	add("AWSCodeArtifactAdminAccess", allow("codeartifact:*", "sts:GetServiceBearerToken"))
	add("AWSCodeArtifactReadOnlyAccess", of("codeartifact", append(read, "ReadFromRepository")...), allow("sts:GetServiceBearerToken"))
	add("AWSCodeStarFullAccess", allow("codestar:*", "ec2:DescribeKeyPairs", "cloudformation:Describe*", "cloudformation:ListStacks"))

	ecrRead := []string{"GetAuthorizationToken", "BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "GetRepositoryPolicy",
		"DescribeRepositories", "ListImages", "DescribeImages", "BatchGetImage", "GetLifecyclePolicy", "GetLifecyclePolicyPreview",
		"ListTagsForResource", "DescribeImageScanFindings"}
	add("AmazonEC2ContainerRegistryFullAccess", allow("ecr:*", "cloudtrail:LookupEvents"))
	add("AmazonEC2ContainerRegistryPowerUser", of("ecr", append(slices.Clone(ecrRead), "InitiateLayerUpload", "UploadLayerPart",
		"CompleteLayerUpload", "PutImage")...))
	add("AmazonEC2ContainerRegistryReadOnly", of("ecr", ecrRead...))
	add("AmazonEC2ContainerRegistryPullOnly", of("ecr", "GetAuthorizationToken", "BatchGetImage", "GetDownloadUrlForLayer", "BatchImportUpstreamImage"))

	add("service-role/AmazonECSTaskExecutionRolePolicy",
		of("ecr", "GetAuthorizationToken", "BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "BatchGetImage"),
		of("logs", "CreateLogStream", "PutLogEvents"))
	add("AmazonECS_FullAccess", allow("ecs:*", "application-autoscaling:*", "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms",
		"cloudwatch:GetMetricStatistics", "cloudwatch:PutMetricAlarm", "codedeploy:*", "ec2:Describe*", "elasticloadbalancing:*",
		"events:*", "iam:ListRoles", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfiles", "lambda:ListFunctions",
		"logs:CreateLogGroup", "logs:DescribeLogGroups", "logs:FilterLogEvents", "servicediscovery:*", "ssm:GetParameter*"),
		pass("ecs-tasks.amazonaws.com", "ecs.amazonaws.com", "ec2.amazonaws.com", "application-autoscaling.amazonaws.com"),
		allow("iam:CreateServiceLinkedRole"))
	add("service-role/AmazonEC2ContainerServiceforEC2Role", of("ecs", "CreateCluster", "DeregisterContainerInstance", "DiscoverPollEndpoint",
		"Poll", "RegisterContainerInstance", "StartTelemetrySession", "UpdateContainerInstancesState", "Submit*", "TagResource"),
		of("ecr", "GetAuthorizationToken", "BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "BatchGetImage"),
		of("logs", "CreateLogStream", "PutLogEvents"))
	add("service-role/AmazonEC2ContainerServiceEventsRole", allow("ecs:RunTask"), pass("ecs-tasks.amazonaws.com"))
	add("service-role/AmazonEC2ContainerServiceRole", allow("ec2:Describe*", "elasticloadbalancing:DeregisterTargets",
		"elasticloadbalancing:Describe*", "elasticloadbalancing:RegisterTargets"))
	add("ElasticLoadBalancingFullAccess", allow("elasticloadbalancing:*"))

	add("AmazonS3FullAccess", allow("s3:*", "s3-object-lambda:*"))
	add("AmazonS3ReadOnlyAccess", of("s3", "Get*", "List*", "Describe*"))
	add("CloudWatchLogsFullAccess", allow("logs:*", "cloudwatch:GenerateQuery"))
	add("CloudWatchLogsReadOnlyAccess", of("logs", append(slices.Clone(read), "FilterLogEvents", "StartQuery", "StopQuery", "TestMetricFilter",
		"StartLiveTail", "StopLiveTail")...))
	add("CloudWatchFullAccess", allow("cloudwatch:*", "logs:*", "sns:*", "autoscaling:Describe*", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole"))
	add("CloudWatchFullAccessV2", allow("cloudwatch:*", "logs:*", "sns:*", "autoscaling:Describe*", "events:*"))
	add("CloudWatchReadOnlyAccess", allow("cloudwatch:Describe*", "cloudwatch:Get*", "cloudwatch:List*", "logs:Get*", "logs:List*",
		"logs:Describe*", "logs:FilterLogEvents", "sns:Get*", "sns:List*"))
	add("CloudWatchAgentServerPolicy", allow("cloudwatch:PutMetricData", "logs:PutLogEvents", "logs:PutRetentionPolicy",
		"logs:DescribeLogStreams", "logs:DescribeLogGroups", "logs:CreateLogStream", "logs:CreateLogGroup", "ec2:DescribeTags", "ssm:GetParameter"))
	add("CloudWatchEventsFullAccess", allow("events:*"), pass("events.amazonaws.com"))
	add("AmazonEventBridgeFullAccess", allow("events:*", "schemas:*", "scheduler:*"), pass("events.amazonaws.com", "scheduler.amazonaws.com"))
	add("AmazonEventBridgeReadOnlyAccess", of("events", append(slices.Clone(read), "TestEventPattern")...))
	add("SecretsManagerReadWrite", allow("secretsmanager:*", "kms:DescribeKey", "kms:ListAliases", "kms:ListKeys",
		"lambda:ListFunctions", "tag:GetResources"))
	add("AmazonSSMFullAccess", allow("ssm:*", "cloudwatch:PutMetricData", "logs:*"))
	add("AmazonSSMReadOnlyAccess", of("ssm", "Describe*", "Get*", "List*"))
	add("AmazonSSMManagedInstanceCore", allow("ssm:DescribeAssociation", "ssm:GetDocument", "ssm:GetParameter", "ssm:GetParameters",
		"ssm:ListAssociations", "ssm:PutInventory", "ssm:UpdateInstanceInformation", "ssmmessages:*", "ec2messages:*"))
	add("AWSLambda_FullAccess", allow("lambda:*", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents",
		"iam:GetRole", "iam:ListRoles", "cloudformation:DescribeStacks"), pass("lambda.amazonaws.com"))
	add("service-role/AWSLambdaBasicExecutionRole", of("logs", "CreateLogGroup", "CreateLogStream", "PutLogEvents"))
	add("AWSCloudFormationFullAccess", allow("cloudformation:*"))
	add("AWSCloudFormationReadOnlyAccess", of("cloudformation", "Describe*", "EstimateTemplateCost", "Get*", "List*", "ValidateTemplate", "Detect*"))
	add("AmazonSNSFullAccess", allow("sns:*"))
	add("AmazonSQSFullAccess", allow("sqs:*"))
	addNeighbours(add, of, read)
	return m
})

// catalogID is a stable id of AWS's form for a name.
func catalogID(name string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	h := uint64(14695981039346656037) // FNV-1a
	b := []byte("ANPA")
	for i := range 17 {
		for j := range len(name) {
			h = (h ^ uint64(name[j]) ^ uint64(i)) * 1099511628211
		}
		b = append(b, alphabet[h>>32%32])
	}
	return string(b)
}

func awsPolicy(policyARN string) *managed {
	if !strings.HasPrefix(policyARN, awsPrefix) {
		return nil
	}
	return catalog()[policyARN]
}

func awsPolicies() []*managed {
	var out []*managed
	for _, m := range catalog() {
		out = append(out, m)
	}
	return out
}
