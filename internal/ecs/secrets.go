package ecs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/compute"
)

// variable is one of a container's environment.
type variable struct{ name, value string }

// referred fetches what a container's environment refers to, in the execution
// role: the variables of its files, then its secrets; of two of a name the last
// counts. The values are the container's alone; nothing here writes them down.
func (s *Service) referred(ctx context.Context, t *task, c *types.ContainerDefinition) ([]variable, error) {
	if len(c.Secrets)+len(c.EnvironmentFiles) == 0 {
		return nil, nil
	}
	cfg, err := s.asExecutor(ctx, t)
	if err != nil {
		return nil, noSecrets(err)
	}
	var all []variable
	for _, f := range c.EnvironmentFiles {
		vars, err := environmentFile(ctx, cfg, aws.ToString(f.Value))
		if err != nil {
			return nil, &startError{"ResourceInitializationError", "failed to download env files: " + said(err)}
		}
		all = append(all, vars...)
	}
	slices.Reverse(all) // the first file wins
	for _, e := range c.Secrets {
		value, err := secret(ctx, cfg, aws.ToString(e.ValueFrom))
		if err != nil {
			return nil, noSecrets(err)
		}
		all = append(all, variable{aws.ToString(e.Name), value})
	}
	return all, nil
}

func noSecrets(err error) error {
	return &startError{"ResourceInitializationError", "unable to pull secrets or registry auth: " + said(err)}
}

// secret is the value that a valueFrom names: the ARN or the name of a
// parameter, or the ARN of a secret, maybe followed by a key of the JSON in it,
// a version stage and a version id.
func secret(ctx context.Context, cfg aws.Config, from string) (string, error) {
	a, isARN := arn.Parse(from)
	if isARN {
		cfg.Region = a.Region
	}
	if isARN && a.Service == "secretsmanager" {
		return managedSecret(ctx, cfg, a, from)
	}
	name := from
	if isARN {
		name = strings.TrimPrefix(a.Resource, "parameter/")
		if strings.Contains(name, "/") { // the ARN lacks the slash that such names begin with
			name = "/" + name
		}
	}
	out, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Parameter.Value), nil
}

func managedSecret(ctx context.Context, cfg aws.Config, a arn.ARN, from string) (string, error) {
	// secret:NAME:key:stage:id
	part := append(strings.SplitN(a.Resource, ":", 5), "", "", "")
	in := &secretsmanager.GetSecretValueInput{SecretId: aws.String(strings.TrimSuffix(from, strings.TrimPrefix(a.Resource, part[0]+":"+part[1])))}
	if part[3] != "" {
		in.VersionStage = &part[3]
	}
	if part[4] != "" {
		in.VersionId = &part[4]
	}
	out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, in)
	if err != nil {
		return "", err
	}
	whole := aws.ToString(out.SecretString)
	if out.SecretString == nil {
		whole = string(out.SecretBinary)
	}
	key := part[2]
	if key == "" {
		return whole, nil
	}
	var doc map[string]any
	if json.Unmarshal([]byte(whole), &doc) != nil {
		return "", fmt.Errorf("the secret %s is no JSON object, so it has no key %s", a.Resource, key)
	}
	switch v := doc[key].(type) {
	case nil:
		return "", fmt.Errorf("retrieved secret from Secrets Manager did not contain json key %s", key)
	case string:
		return v, nil
	default:
		b, err := json.Marshal(v)
		return string(b), err
	}
}

// privateRegistry are the credentials that repositoryCredentials name.
func privateRegistry(ctx context.Context, cfg aws.Config, from string) (*compute.RegistryAuth, error) {
	value, err := secret(ctx, cfg, from)
	if err != nil {
		return nil, err
	}
	var doc struct{ Username, Password string }
	if json.Unmarshal([]byte(value), &doc) != nil || doc.Username == "" {
		return nil, errors.New("the secret of repositoryCredentials must be a JSON object with username and password")
	}
	return &compute.RegistryAuth{Username: doc.Username, Password: doc.Password}, nil
}

// maxEnvironmentFile bounds a file of variables.
const maxEnvironmentFile = 1 << 20

// environmentFile reads the variables of a file in S3: lines VARIABLE=VALUE,
// as they are, without quoting; lines that begin with # are comments.
func environmentFile(ctx context.Context, cfg aws.Config, from string) ([]variable, error) {
	a, ok := arn.Parse(from)
	bucket, key, isKey := strings.Cut(a.Resource, "/")
	if !ok || !isKey || a.Service != "s3" {
		return nil, fmt.Errorf("not the ARN of an object: %s", from)
	}
	out, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	lines := bufio.NewScanner(io.LimitReader(out.Body, maxEnvironmentFile))
	lines.Buffer(nil, maxEnvironmentFile)
	var all []variable
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), "\r")
		name, value, ok := strings.Cut(line, "=")
		if ok && name != "" && !strings.HasPrefix(line, "#") {
			all = append(all, variable{name, value})
		}
	}
	return all, lines.Err()
}
