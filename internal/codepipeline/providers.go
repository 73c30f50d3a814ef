package codepipeline

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// dependencies are what the action providers share: how to make clients that
// act in an action's role, and where to write files.
type dependencies struct {
	s3         func(aws.Config) objectAPI
	codecommit func(aws.Config) commitAPI
	ecr        func(aws.Config) imageAPI
	codebuild  func(aws.Config) buildAPI
	ecs        func(aws.Config) serviceAPI
	codedeploy func(aws.Config) deploymentAPI
	lambda     func(aws.Config) functionAPI
	sns        func(aws.Config) topicAPI
	cloudwatch func(aws.Config) alarmAPI
	archives   Archiver
	connected  Connections
	tempDir    string
	account    string
	console    string // URL of the console, ending in a slash
}

func (s *Service) dependencies() *dependencies {
	return &dependencies{
		s3:         newS3,
		codecommit: func(c aws.Config) commitAPI { return codecommit.NewFromConfig(c) },
		ecr:        func(c aws.Config) imageAPI { return ecr.NewFromConfig(c) },
		codebuild:  func(c aws.Config) buildAPI { return codebuild.NewFromConfig(c) },
		ecs:        func(c aws.Config) serviceAPI { return ecs.NewFromConfig(c) },
		codedeploy: func(c aws.Config) deploymentAPI { return codedeploy.NewFromConfig(c) },
		lambda:     func(c aws.Config) functionAPI { return lambda.NewFromConfig(c) },
		sns:        func(c aws.Config) topicAPI { return sns.NewFromConfig(c) },
		cloudwatch: func(c aws.Config) alarmAPI { return cloudwatch.NewFromConfig(c) },
		archives:   s.cfg.Archives,
		connected:  s.cfg.Connections,
		tempDir:    s.cfg.TempDir,
		account:    s.cfg.Site.Account,
		console:    s.cfg.Site.URL + "/console/",
	}
}

// standardProviders are the action providers that exist, by category and name.
func standardProviders(d *dependencies) map[string]Action {
	return map[string]Action{
		"Source/CodeCommit":            commitSource{d},
		"Source/S3":                    objectSource{d},
		"Source/ECR":                   imageSource{d},
		"Source/" + connectionProvider: connectionSource{d},
		"Build/CodeBuild":              build{d},
		"Test/CodeBuild":               build{d},
		"Deploy/ECS":                   serviceDeploy{d},
		"Deploy/S3":                    objectDeploy{d},
		"Deploy/CodeDeploy":            revisionDeploy{d},
		"Deploy/CodeDeployToECS":       blueGreenDeploy{d},
		"Invoke/Lambda":                functionInvoke{d},
		"Approval/Manual":              approval{d},
		"Rule/" + alarmCheck:           alarmRule{d},
		"Rule/" + functionCheck:        functionInvoke{d},
		"Rule/" + deploymentWindow:     windowRule{},
	}
}
