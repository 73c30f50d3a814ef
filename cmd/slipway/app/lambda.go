package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/ecr"
	"github.com/slipway-dev/slipway/internal/lambda"
	"github.com/slipway-dev/slipway/internal/runtimeapi"
)

// runtimeImage is the build image in which functions that are no images run.
const runtimeImage = "aws/codebuild/standard:7.0"

// addLambda makes Lambda, whose instances are containers of the compute adapter.
func addLambda(a *App) error {
	dir, err := a.dir("lambda")
	if err != nil {
		return err
	}
	image, ok := a.Images[runtimeImage]
	if !ok {
		image = a.Images["aws/codebuild/standard:*"]
	}
	a.lambda = lambda.New(lambda.Config{
		Engine: a.engine, Site: a.site, Clock: a.Clock, IDs: a.IDs, Log: a.Log.With("part", "lambda"),
		Sessions: a.sessions, Compute: a.compute, Metrics: a.cloudwatch, Objects: a.objects, Authorizer: a.authorizer,
		Registry: registryLogin{a.images, a.site.Account},
		Secrets:  a.keys.For("lambda.environment"), Tokens: a.keys.For("lambda.instance"), URLs: a.keys.For("lambda.code"), Events: a.keys.For("lambda.event"),
		Executable: a.Executable, Socket: filepath.Join(a.Data, runDir, socketFile), Dir: dir, Image: image, Path: os.Getenv("PATH"),
	})
	a.gateway.Mount(runtimeapi.Path, a.lambda.Instances())
	a.gateway.Mount(lambda.PathCode, a.lambda.Code())
	a.onStart(a.lambda.Start)
	a.onStop(a.lambda.Stop)
	return a.serve(a.lambda.Wire())
}

// functions are Lambda's for services that are made before it.
type functions struct{ app *App }

func (f functions) Invoke(ctx context.Context, principal, source, function string, payload []byte) error {
	return f.app.lambda.Notify(ctx, principal, source, function, payload)
}

func (f functions) Call(ctx context.Context, principal, source, function string, payload []byte) (answer []byte, failed bool, err error) {
	return f.app.lambda.Call(ctx, principal, source, function, payload)
}

// registryLogin pulls in the account's name, which needs no permission.
type registryLogin struct {
	ecr     *ecr.Service
	account string
}

func (l registryLogin) as(ctx context.Context, region string) context.Context {
	return identity.WithRegion(identity.WithCaller(ctx, &identity.Caller{Kind: identity.Root, Account: l.account,
		ARN: "arn:aws:iam::" + l.account + ":root", UserID: l.account}), region)
}

func (l registryLogin) Has(ctx context.Context, region, repository, tag, digest string) (bool, error) {
	id := types.ImageIdentifier{}
	if tag != "" {
		id.ImageTag = &tag
	}
	if digest != "" {
		id.ImageDigest = &digest
	}
	out, err := l.ecr.BatchGetImage(l.as(ctx, region), &awsecr.BatchGetImageInput{RepositoryName: &repository, ImageIds: []types.ImageIdentifier{id}})
	var told *wire.Error
	if errors.As(err, &told) && told.Code == "RepositoryNotFoundException" {
		return false, nil
	}
	return err == nil && len(out.Images) == 1, err
}

func (l registryLogin) Login(ctx context.Context, region string) (*compute.RegistryAuth, error) {
	out, err := l.ecr.GetAuthorizationToken(l.as(ctx, region), &awsecr.GetAuthorizationTokenInput{})
	if err != nil {
		return nil, err
	}
	return compute.ParseRegistryToken(*out.AuthorizationData[0].AuthorizationToken)
}
