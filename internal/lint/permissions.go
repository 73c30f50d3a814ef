package lint

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// need is one permission that an action cannot do without.
type need struct {
	action   string
	resource string // an ARN whose region and account may be *, or *
	// anywhere says that the resource is not known: a permission on any will do.
	anywhere bool
}

// needs are the permissions of a pipeline's action in its role, as AWS lists
// them per provider:
// https://docs.aws.amazon.com/codepipeline/latest/userguide/how-to-custom-role.html
// Actions of other providers need nothing that is known here.
func needs(d *types.PipelineDeclaration, a *types.ActionDeclaration) []need {
	if a.ActionTypeId == nil || a.ActionTypeId.Owner == types.ActionOwnerCustom {
		return nil
	}
	const unknown = "\x00"
	c := func(key string) string {
		if v := a.Configuration[key]; v != "" && !strings.Contains(v, "#{") {
			return v
		}
		return unknown
	}
	on := func(resource string, actions ...string) (out []need) {
		n := need{resource: strings.ReplaceAll(resource, unknown, "*"), anywhere: strings.Contains(resource, unknown)}
		for _, n.action = range actions {
			out = append(out, n)
		}
		return out
	}
	bucket := unknown
	if d.ArtifactStore != nil && aws.ToString(d.ArtifactStore.Location) != "" {
		bucket = *d.ArtifactStore.Location
	}
	// Keys of artifacts begin with the pipeline's name, of 20 characters at most.
	name := aws.ToString(d.Name)
	artifact := "arn:aws:s3:::" + bucket + "/" + name[:min(20, len(name))] + "/artifact/object"
	read, write := on(artifact, "s3:GetObject"), on(artifact, "s3:PutObject")
	switch string(a.ActionTypeId.Category) + "/" + aws.ToString(a.ActionTypeId.Provider) {
	case "Source/CodeCommit":
		return append(write, on("arn:aws:codecommit:*:*:"+c("RepositoryName"), "codecommit:GetBranch", "codecommit:GetCommit",
			"codecommit:UploadArchive", "codecommit:GetUploadArchiveStatus")...)
	case "Source/S3":
		return append(write, append(on("arn:aws:s3:::"+c("S3Bucket")+"/"+c("S3ObjectKey"), "s3:GetObject"),
			on("arn:aws:s3:::"+c("S3Bucket"), "s3:GetBucketVersioning")...)...)
	case "Source/ECR":
		return append(write, on("arn:aws:ecr:*:*:repository/"+c("RepositoryName"), "ecr:DescribeImages")...)
	case "Source/CodeStarSourceConnection":
		// Both names of the action are good for both kinds of ARN.
		return append(write, on(c("ConnectionArn"), "codestar-connections:UseConnection")...)
	case "Build/CodeBuild", "Test/CodeBuild":
		return on("arn:aws:codebuild:*:*:project/"+c("ProjectName"), "codebuild:StartBuild", "codebuild:BatchGetBuilds")
	case "Deploy/ECS":
		return append(read, append(on("arn:aws:ecs:*:*:service/"+c("ClusterName")+"/"+c("ServiceName"), "ecs:DescribeServices", "ecs:UpdateService"),
			on("*", "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition")...)...)
	case "Deploy/S3":
		key := c("ObjectKey")
		if a.Configuration["Extract"] == "true" {
			key = unknown
		}
		return append(read, on("arn:aws:s3:::"+c("BucketName")+"/"+key, "s3:PutObject")...)
	case "Deploy/CodeDeploy", "Deploy/CodeDeployToECS":
		application := c("ApplicationName")
		out := append(read, on("arn:aws:codedeploy:*:*:deploymentgroup:"+application+"/"+c("DeploymentGroupName"), "codedeploy:CreateDeployment", "codedeploy:GetDeployment")...)
		out = append(out, on("arn:aws:codedeploy:*:*:application:"+application, "codedeploy:GetApplicationRevision", "codedeploy:RegisterApplicationRevision")...)
		out = append(out, on("*", "codedeploy:GetDeploymentConfig")...)
		if aws.ToString(a.ActionTypeId.Provider) == "CodeDeployToECS" {
			out = append(out, on("*", "ecs:RegisterTaskDefinition")...)
		}
		return out
	case "Invoke/Lambda":
		return on("arn:aws:lambda:*:*:function:"+c("FunctionName"), "lambda:InvokeFunction")
	case "Approval/Manual":
		if topic := a.Configuration["NotificationArn"]; topic != "" {
			return on(topic, "sns:Publish")
		}
	}
	return nil
}
