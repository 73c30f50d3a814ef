package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	cbtypes "github.com/aws/aws-sdk-go-v2/service/codebuild/types"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	cptypes "github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// exists tells whether an error says that the thing was there before, which a
// second demonstration on one server takes as done.
func exists(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "EntityAlreadyExists", "BucketAlreadyOwnedByYou", "RepositoryAlreadyExistsException",
		"RepositoryNameExistsException", "ResourceAlreadyExistsException", "PipelineNameInUseException",
		"ApplicationAlreadyExistsException", "DeploymentGroupAlreadyExistsException":
		return true
	}
	return false
}

func (d *Demo) bucket() string { return "hello-artifacts-" + d.account }

func (d *Demo) roleARN(role string) string { return "arn:aws:iam::" + d.account + ":role/" + role }

func (d *Demo) imageURI() string { return fmt.Sprintf("%s/%s", d.cfgHost(), d.app) }

// part is one of the things that setup makes.
type part struct {
	what string
	make func(context.Context) error
}

// setup makes everything the pipeline needs, in the order a person would.
func (d *Demo) setup(ctx context.Context) error {
	parts := []part{
		{"S3 bucket for artifacts, versioned", d.makeBucket},
		{"IAM roles and policies", d.makeRoles},
		{"ECR repository", d.makeImageRepository},
		{"CodeCommit repository", d.makeRepository},
		{"log group", d.makeLogGroup},
		{"CodeBuild project", d.makeProject},
		{"ECS clusters staging and production, a Fargate service each", d.makeServices},
		{"pipeline Source → Build → DeployStaging → Approve → DeployProduction", d.makePipeline},
	}
	if b := d.blueGreen; b != nil {
		parts = slices.Insert(parts, 6, part{"load balancer with a blue and a green target group", b.makeBalancer})
		parts = slices.Insert(parts, 8, part{"alarm on errors, CodeDeploy application and deployment group", b.makeDeployments})
	}
	for _, part := range parts {
		if err := part.make(ctx); err != nil && !exists(err) {
			return fmt.Errorf("%s: %w", part.what, err)
		}
		d.say("   %s", part.what)
	}
	return nil
}

func (d *Demo) makeBucket(ctx context.Context) error {
	if _, err := d.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(d.bucket())}); err != nil && !exists(err) {
		return err
	}
	_, err := d.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket:                  aws.String(d.bucket()),
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	})
	return err
}

func (d *Demo) makeRoles(ctx context.Context) error {
	artifacts := fmt.Sprintf(`{"Effect":"Allow","Action":["s3:GetObject","s3:GetObjectVersion","s3:PutObject","s3:GetBucketVersioning","s3:ListBucket"],"Resource":["arn:aws:s3:::%[1]s","arn:aws:s3:::%[1]s/*"]}`, d.bucket())
	for _, role := range []struct{ name, service, statements string }{
		{d.buildRole, "codebuild.amazonaws.com", artifacts + `,
			{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"},
			{"Effect":"Allow","Action":"ecr:GetAuthorizationToken","Resource":"*"},
			{"Effect":"Allow","Action":["ecr:BatchCheckLayerAvailability","ecr:BatchGetImage","ecr:CompleteLayerUpload","ecr:GetDownloadUrlForLayer","ecr:InitiateLayerUpload","ecr:PutImage","ecr:UploadLayerPart"],"Resource":"arn:aws:ecr:*:` + d.account + `:repository/` + d.app + `"}`},
		{d.pipelineRole, "codepipeline.amazonaws.com", artifacts + `,
			{"Effect":"Allow","Action":["codecommit:GetBranch","codecommit:GetCommit","codecommit:UploadArchive","codecommit:GetUploadArchiveStatus","codecommit:CancelUploadArchive"],"Resource":"arn:aws:codecommit:*:` + d.account + `:` + d.app + `"},
			{"Effect":"Allow","Action":["codebuild:StartBuild","codebuild:BatchGetBuilds","codebuild:StopBuild"],"Resource":"*"},
			{"Effect":"Allow","Action":["codedeploy:CreateDeployment","codedeploy:GetDeployment","codedeploy:GetDeploymentConfig","codedeploy:GetApplicationRevision","codedeploy:RegisterApplicationRevision"],"Resource":"*"},
			{"Effect":"Allow","Action":["ecs:DescribeServices","ecs:DescribeTaskDefinition","ecs:DescribeTasks","ecs:ListTasks","ecs:RegisterTaskDefinition","ecs:TagResource","ecs:UpdateService"],"Resource":"*"},
			{"Effect":"Allow","Action":"iam:PassRole","Resource":["` + d.roleARN(d.executionRole) + `","` + d.roleARN(d.taskRole) + `"],"Condition":{"StringEquals":{"iam:PassedToService":"ecs-tasks.amazonaws.com"}}}`},
		{d.taskRole, "ecs-tasks.amazonaws.com", `{"Effect":"Allow","Action":"sts:GetCallerIdentity","Resource":"*"}`},
		{d.executionRole, "ecs-tasks.amazonaws.com", ""},
	} {
		_, err := d.iam.CreateRole(ctx, &iam.CreateRoleInput{
			RoleName:                 aws.String(role.name),
			AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + role.service + `"},"Action":"sts:AssumeRole"}]}`),
		})
		if err != nil && !exists(err) {
			return err
		}
		if role.statements == "" {
			_, err = d.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{
				RoleName: aws.String(role.name), PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"),
			})
		} else {
			_, err = d.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
				RoleName: aws.String(role.name), PolicyName: aws.String("hello"),
				PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[` + role.statements + `]}`),
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Demo) makeImageRepository(ctx context.Context) error {
	_, err := d.ecr.CreateRepository(ctx, &ecr.CreateRepositoryInput{
		RepositoryName: aws.String(d.app), ImageTagMutability: ecrtypes.ImageTagMutabilityMutable,
	})
	if err != nil && !exists(err) {
		return err
	}
	_, err = d.ecr.PutLifecyclePolicy(ctx, &ecr.PutLifecyclePolicyInput{
		RepositoryName:      aws.String(d.app),
		LifecyclePolicyText: aws.String(`{"rules":[{"rulePriority":1,"description":"keep last 30 images","selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":30},"action":{"type":"expire"}}]}`),
	})
	return err
}

func (d *Demo) makeRepository(ctx context.Context) error {
	_, err := d.git.CreateRepository(ctx, &codecommit.CreateRepositoryInput{
		RepositoryName: aws.String(d.app), RepositoryDescription: aws.String("The application of the tutorial"),
	})
	return err
}

func (d *Demo) makeLogGroup(ctx context.Context) error {
	_, err := d.logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/ecs/" + d.app)})
	return err
}

func (d *Demo) makeProject(ctx context.Context) error {
	_, err := d.build.CreateProject(ctx, &codebuild.CreateProjectInput{
		Name:        aws.String(d.projectName),
		Description: aws.String("Tests the application, builds its image and pushes it"),
		ServiceRole: aws.String(d.roleARN(d.buildRole)),
		Source:      &cbtypes.ProjectSource{Type: cbtypes.SourceTypeCodepipeline},
		Artifacts:   &cbtypes.ProjectArtifacts{Type: cbtypes.ArtifactsTypeCodepipeline},
		Environment: &cbtypes.ProjectEnvironment{
			Type: cbtypes.EnvironmentTypeLinuxContainer, ComputeType: cbtypes.ComputeTypeBuildGeneral1Small,
			Image: aws.String(buildImage), PrivilegedMode: aws.Bool(true),
			EnvironmentVariables: []cbtypes.EnvironmentVariable{{Name: aws.String("ECR_REPOSITORY_URI"), Value: aws.String(d.imageURI())}},
		},
		TimeoutInMinutes: aws.Int32(20),
		Cache: &cbtypes.ProjectCache{Type: cbtypes.CacheTypeLocal, Modes: []cbtypes.CacheMode{
			cbtypes.CacheModeLocalSourceCache, cbtypes.CacheModeLocalDockerLayerCache, cbtypes.CacheModeLocalCustomCache,
		}},
	})
	return err
}

// makeServices starts each service with a placeholder, as the first image does
// not exist before the first push.
func (d *Demo) makeServices(ctx context.Context) error {
	for _, cluster := range clusters {
		if _, err := d.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String(cluster)}); err != nil {
			return err
		}
		found, err := d.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{d.app}})
		if err != nil {
			return err
		}
		count := aws.Int32(1)
		if cluster == production && d.blueGreen != nil {
			count = aws.Int32(2)
		}
		if len(found.Services) == 1 && aws.ToString(found.Services[0].Status) == "ACTIVE" {
			if found.Services[0].DesiredCount == 0 { // as a demonstration before this one left it
				_, err := d.ecs.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String(d.app), DesiredCount: count})
				if err != nil {
					return err
				}
			}
			continue
		}
		task, err := d.ecs.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
			Family: aws.String(d.app + "-" + cluster), Cpu: aws.String("256"), Memory: aws.String("512"),
			NetworkMode: ecstypes.NetworkModeAwsvpc, RequiresCompatibilities: []ecstypes.Compatibility{ecstypes.CompatibilityFargate},
			ExecutionRoleArn: aws.String(d.roleARN(d.executionRole)), TaskRoleArn: aws.String(d.roleARN(d.taskRole)),
			ContainerDefinitions: []ecstypes.ContainerDefinition{{
				Name: aws.String(name), Image: aws.String(placeholder), Essential: aws.Bool(true),
				PortMappings: []ecstypes.PortMapping{{ContainerPort: aws.Int32(servicePort)}},
				Environment:  []ecstypes.KeyValuePair{{Name: aws.String("STAGE"), Value: aws.String(cluster)}},
				LogConfiguration: &ecstypes.LogConfiguration{LogDriver: ecstypes.LogDriverAwslogs, Options: map[string]string{
					"awslogs-group": "/ecs/" + d.app, "awslogs-region": d.cfg.Region, "awslogs-stream-prefix": cluster,
				}},
				StopTimeout: aws.Int32(2),
			}},
		})
		if err != nil {
			return err
		}
		in := &ecs.CreateServiceInput{
			Cluster: aws.String(cluster), ServiceName: aws.String(d.app), DesiredCount: count,
			TaskDefinition: task.TaskDefinition.TaskDefinitionArn, LaunchType: ecstypes.LaunchTypeFargate,
			NetworkConfiguration: &ecstypes.NetworkConfiguration{AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{
				Subnets: []string{"subnet-00000000000000001"}, AssignPublicIp: ecstypes.AssignPublicIpEnabled,
			}},
			DeploymentConfiguration: &ecstypes.DeploymentConfiguration{
				MinimumHealthyPercent: aws.Int32(100), MaximumPercent: aws.Int32(200),
				DeploymentCircuitBreaker: &ecstypes.DeploymentCircuitBreaker{Enable: true, Rollback: true},
			},
		}
		if cluster == production && d.blueGreen != nil {
			d.blueGreen.serve(in)
		}
		if _, err = d.ecs.CreateService(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

func (d *Demo) makePipeline(ctx context.Context) error {
	if _, err := d.pipeline.GetPipeline(ctx, &codepipeline.GetPipelineInput{Name: aws.String(d.pipelineName)}); err == nil {
		return nil
	}
	type config = map[string]string
	action := func(name string, category cptypes.ActionCategory, provider string, c config, in, out string) cptypes.ActionDeclaration {
		a := cptypes.ActionDeclaration{
			Name: aws.String(name), Configuration: c, RunOrder: aws.Int32(1),
			ActionTypeId: &cptypes.ActionTypeId{Category: category, Owner: cptypes.ActionOwnerAws, Provider: aws.String(provider), Version: aws.String("1")},
		}
		if in != "" {
			a.InputArtifacts = []cptypes.InputArtifact{{Name: aws.String(in)}}
		}
		if out != "" {
			a.OutputArtifacts = []cptypes.OutputArtifact{{Name: aws.String(out)}}
		}
		return a
	}
	stage := func(name string, a cptypes.ActionDeclaration) cptypes.StageDeclaration {
		return cptypes.StageDeclaration{Name: aws.String(name), Actions: []cptypes.ActionDeclaration{a}}
	}
	deploy := action("Deploy", cptypes.ActionCategoryDeploy, "ECS", config{"ClusterName": production, "ServiceName": d.app}, "BuildOutput", "")
	if d.blueGreen != nil {
		deploy = action("Deploy", cptypes.ActionCategoryDeploy, "CodeDeployToECS", config{"ApplicationName": d.app, "DeploymentGroupName": production,
			"TaskDefinitionTemplateArtifact": "BuildOutput", "AppSpecTemplateArtifact": "BuildOutput",
			"Image1ArtifactName": "BuildOutput", "Image1ContainerName": "IMAGE1_NAME"}, "BuildOutput", "")
	}
	_, err := d.pipeline.CreatePipeline(ctx, &codepipeline.CreatePipelineInput{Pipeline: &cptypes.PipelineDeclaration{
		Name: aws.String(d.pipelineName), RoleArn: aws.String(d.roleARN(d.pipelineRole)),
		ArtifactStore: &cptypes.ArtifactStore{Type: cptypes.ArtifactStoreTypeS3, Location: aws.String(d.bucket())},
		Stages: []cptypes.StageDeclaration{
			stage("Source", action("Source", cptypes.ActionCategorySource, "CodeCommit", config{"RepositoryName": d.app, "BranchName": "main"}, "", "SourceOutput")),
			stage("Build", action("Build", cptypes.ActionCategoryBuild, "CodeBuild", config{"ProjectName": d.projectName}, "SourceOutput", "BuildOutput")),
			stage("DeployStaging", action("Deploy", cptypes.ActionCategoryDeploy, "ECS", config{"ClusterName": "staging", "ServiceName": d.app}, "BuildOutput", "")),
			stage("Approve", action("Approve", cptypes.ActionCategoryApproval, "Manual", config{"CustomData": approvalMessage, "ExternalEntityLink": d.endpoint() + "/v1/repos/" + d.app}, "", "")),
			stage("DeployProduction", deploy),
		},
	}})
	return err
}
