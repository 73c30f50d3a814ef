package wire

import (
	"context"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/slipway-dev/slipway/internal/aws/model"
)

// clients are the SDK's, by the name of the model they speak.
var clients = map[string]any{
	"cloudwatch":     &cloudwatch.Client{},
	"cloudwatchlogs": &cloudwatchlogs.Client{},
	"codebuild":      &codebuild.Client{},
	"codecommit":     &codecommit.Client{},
	"codedeploy":     &codedeploy.Client{},
	"codepipeline":   &codepipeline.Client{},
	"ecr":            &ecr.Client{},
	"ecs":            &ecs.Client{},
	"eventbridge":    &eventbridge.Client{},
	"iam":            &iam.Client{},
	"kms":            &kms.Client{},
	"s3":             &s3.Client{},
	"secretsmanager": &secretsmanager.Client{},
	"ssm":            &ssm.Client{},
	"sts":            &sts.Client{},
}

// wholeService is a service with every operation of its SDK client.
func wholeService(t testing.TB, name string) Service {
	t.Helper()
	info, err := model.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	s := Service{Model: name}
	client := reflect.TypeOf(clients[name])
	for _, op := range info.OperationNames {
		m, ok := client.MethodByName(op)
		if !ok {
			t.Logf("%s: the SDK has no %s", name, op)
			continue
		}
		s.Operations = append(s.Operations, Operation{Name: op, Action: name + ":" + op,
			Input: m.Type.In(2).Elem(), Output: m.Type.Out(0).Elem(),
			Call: func(context.Context, any) (any, error) { return nil, nil }})
	}
	return s
}

// Every operation of every embedded model fits the SDK's types.
func TestEveryOperationCompiles(t *testing.T) {
	for name := range clients {
		t.Run(name, func(t *testing.T) {
			s := wholeService(t, name)
			for _, op := range s.Operations {
				b, err := Bind(Service{Model: name, Operations: []Operation{op}})
				if err != nil {
					t.Error(err)
					continue
				}
				if err := b.Check(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
