package codepipeline

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// kind is one type of action that pipelines here may use: how many artifacts
// it takes and makes, and which configuration it knows (AWS's "Action
// structure reference").
type kind struct {
	category        types.ActionCategory
	provider        string
	inputs, outputs span
	properties      []property
	timeout         time.Duration
}

// catalog finds an action type; nil if it does not exist here.
type catalog func(id *types.ActionTypeId) *kind

type span struct{ min, max int32 }

type property struct {
	name     string
	required bool
	about    string
	// secret values are never shown, queryable ones tell job workers which
	// jobs are theirs, number and boolean say what a value must be: custom
	// actions have these.
	secret, queryable bool
	form              types.ActionConfigurationPropertyType
	// refuse names the feature that setting this property would need and
	// which does not exist here; only the value "false" is let through.
	refuse string
}

// kinds are AWS's action types, in the order ListActionTypes shows them. All
// belong to the owner AWS and have version 1. Those without a provider here,
// and anything else a pipeline names, are refused when they are declared.
var kinds = []kind{
	{types.ActionCategorySource, "CodeCommit", span{0, 0}, span{1, 1}, []property{
		{name: "RepositoryName", required: true, about: "The name of the repository"},
		{name: "BranchName", required: true, about: "The branch whose newest commit is used"},
		{name: "PollForSourceChanges", about: "Start at every push; true if absent"},
		{name: "OutputArtifactFormat", about: "CODE_ZIP"},
	}, time.Hour},
	{types.ActionCategorySource, "S3", span{0, 0}, span{1, 1}, []property{
		{name: "S3Bucket", required: true, about: "A versioned bucket"},
		{name: "S3ObjectKey", required: true, about: "The archive's key"},
		{name: "PollForSourceChanges", about: "Start at every new version; true if absent"},
		{name: "AllowOverrideForS3ObjectKey", about: "Whether an execution may name another key; false if absent"},
	}, time.Hour},
	{types.ActionCategorySource, connectionProvider, span{0, 0}, span{1, 1}, []property{
		{name: "ConnectionArn", required: true, about: "The connection to the provider of the repository"},
		{name: "FullRepositoryId", required: true, about: "The owner and name of the repository: owner/name"},
		{name: "BranchName", required: true, about: "The branch whose newest commit is used"},
		{name: "OutputArtifactFormat", about: "CODE_ZIP, or CODEBUILD_CLONE_REF for a full clone; CODE_ZIP if absent"},
		{name: "DetectChanges", about: "Start at every push to the branch; true if absent"},
	}, time.Hour},
	{types.ActionCategorySource, "ECR", span{0, 0}, span{1, 1}, []property{
		{name: "RepositoryName", required: true, about: "The name of the repository"},
		{name: "ImageTag", about: "latest if absent"},
	}, time.Hour},
	{types.ActionCategoryBuild, "CodeBuild", span{1, 5}, span{0, 5}, buildProperties, 36 * time.Hour},
	{types.ActionCategoryTest, "CodeBuild", span{1, 5}, span{0, 5}, buildProperties, 8 * time.Hour},
	{types.ActionCategoryDeploy, "ECS", span{1, 1}, span{0, 0}, []property{
		{name: "ClusterName", required: true, about: "The cluster's name"},
		{name: "ServiceName", required: true, about: "The service's name"},
		{name: "FileName", about: "The image definitions in the input; imagedefinitions.json if absent"},
		{name: "DeploymentTimeout", about: "Minutes, at most 60"},
	}, time.Hour},
	{types.ActionCategoryDeploy, "S3", span{1, 1}, span{0, 0}, []property{
		{name: "BucketName", required: true, about: "The bucket to write to"},
		{name: "Extract", required: true, about: "true uploads each file of the input, false the input itself"},
		{name: "ObjectKey", about: "The key, or with Extract a prefix of all keys"},
		{name: "KMSEncryptionKeyARN", about: "The key that encrypts the objects"},
		{name: "CannedACL", about: "A canned ACL for the objects"},
		{name: "CacheControl", about: "Cache-Control of the objects"},
	}, 90 * time.Minute},
	{types.ActionCategoryDeploy, "CodeDeploy", span{1, 1}, span{0, 0}, deploymentProperties, 5 * 24 * time.Hour},
	{types.ActionCategoryDeploy, "CodeDeployToECS", span{1, 5}, span{0, 0}, append(slices.Clone(deploymentProperties), []property{
		{name: "TaskDefinitionTemplateArtifact", required: true, about: "The input that holds the task definition's template"},
		{name: "TaskDefinitionTemplatePath", about: "The template's file; taskdef.json if absent"},
		{name: "AppSpecTemplateArtifact", required: true, about: "The input that holds the AppSpec"},
		{name: "AppSpecTemplatePath", about: "The AppSpec's file; appspec.yaml if absent"},
		{name: "Image1ArtifactName", about: "The input with the imageDetail.json of the first image"},
		{name: "Image1ContainerName", about: "Its placeholder in the template, without the angle brackets"},
		{name: "Image2ArtifactName", about: "The input with the imageDetail.json of the second image"},
		{name: "Image2ContainerName", about: "Its placeholder in the template, without the angle brackets"},
		{name: "Image3ArtifactName", about: "The input with the imageDetail.json of the third image"},
		{name: "Image3ContainerName", about: "Its placeholder in the template, without the angle brackets"},
		{name: "Image4ArtifactName", about: "The input with the imageDetail.json of the fourth image"},
		{name: "Image4ContainerName", about: "Its placeholder in the template, without the angle brackets"},
	}...), 5 * 24 * time.Hour},
	{types.ActionCategoryInvoke, "Lambda", span{0, 5}, span{0, 5}, []property{
		{name: "FunctionName", required: true, about: "The function's name or ARN"},
		{name: "UserParameters", about: "Text for the function"},
	}, 24 * time.Hour},
	{types.ActionCategoryApproval, "Manual", span{0, 0}, span{0, 0}, []property{
		{name: "NotificationArn", about: "An Amazon SNS topic to notify"},
		{name: "CustomData", about: "Words for the reviewer"},
		{name: "ExternalEntityLink", about: "A link for the reviewer"},
	}, 7 * 24 * time.Hour},
}

var deploymentProperties = []property{
	{name: "ApplicationName", required: true, about: "The application in CodeDeploy"},
	{name: "DeploymentGroupName", required: true, about: "Its deployment group"},
}

var buildProperties = []property{
	{name: "ProjectName", required: true, about: "The name of the build project"},
	{name: "PrimarySource", about: "The input that holds the buildspec; required with several inputs"},
	{name: "BatchEnabled", about: "Batch builds", refuse: "Batch builds"},
	{name: "CombineArtifacts", about: "Combined artifacts of batch builds", refuse: "Batch builds"},
	{name: "EnvironmentVariables", about: "A JSON array of name, value and type"},
}

// connectionProvider is the source that every provider of connections shares.
const connectionProvider = "CodeStarSourceConnection"

// kindOf finds one of AWS's action types; nil if it does not exist.
func kindOf(id *types.ActionTypeId) *kind {
	if id.Owner != types.ActionOwnerAws || aws.ToString(id.Version) != "1" {
		return nil
	}
	for i := range kinds {
		if kinds[i].category == id.Category && kinds[i].provider == aws.ToString(id.Provider) {
			return &kinds[i]
		}
	}
	return nil
}

func (k *kind) property(name string) *property {
	for i := range k.properties {
		if k.properties[i].name == name {
			return &k.properties[i]
		}
	}
	return nil
}

// actionType is how ListActionTypes shows it.
func (k *kind) actionType() types.ActionType {
	t := types.ActionType{
		Id: &types.ActionTypeId{Category: k.category, Owner: types.ActionOwnerAws,
			Provider: aws.String(k.provider), Version: aws.String("1")},
		InputArtifactDetails:          &types.ArtifactDetails{MinimumCount: k.inputs.min, MaximumCount: k.inputs.max},
		OutputArtifactDetails:         &types.ArtifactDetails{MinimumCount: k.outputs.min, MaximumCount: k.outputs.max},
		ActionConfigurationProperties: []types.ActionConfigurationProperty{},
		Settings:                      &types.ActionTypeSettings{},
	}
	for _, p := range k.properties {
		t.ActionConfigurationProperties = append(t.ActionConfigurationProperties, types.ActionConfigurationProperty{
			Name: aws.String(p.name), Required: p.required, Key: p.required, Description: aws.String(p.about),
			Type: types.ActionConfigurationPropertyTypeString,
		})
	}
	return t
}
