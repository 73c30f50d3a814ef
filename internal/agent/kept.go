package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

// Types of environment variables whose values are kept elsewhere.
const (
	parameterStore = "PARAMETER_STORE"
	secretsManager = "SECRETS_MANAGER"
)

// kept finds the values of variables that are kept in Parameter Store and
// Secrets Manager, in the build's role. All of them are masked from then on.
func (b *running) kept(ctx context.Context, vars []job.Variable) (map[job.Variable]string, error) {
	values := map[job.Variable]string{}
	byName := map[string][]job.Variable{}
	var names []string
	for _, v := range vars {
		if v.Type == parameterStore {
			if byName[v.Value] == nil {
				names = append(names, v.Value)
			}
			byName[v.Value] = append(byName[v.Value], v)
		}
	}
	if len(names) > 0 {
		b.log.say("Decrypting parameter store environment variables")
		found, err := b.parameters(ctx, names)
		if err != nil {
			return nil, err
		}
		for name, vars := range byName {
			for _, v := range vars {
				values[v] = found[name]
			}
		}
	}
	for _, v := range vars {
		if v.Type != secretsManager {
			continue
		}
		value, err := b.secret(ctx, v.Value)
		if err != nil {
			return nil, err
		}
		values[v] = value
	}
	for _, value := range values {
		b.log.secrets.Add(value)
	}
	return values, nil
}

// atOnce is how many names GetParameters takes.
const atOnce = 10

// parameters returns the values of all names, decrypted.
func (b *running) parameters(ctx context.Context, names []string) (map[string]string, error) {
	client := ssm.New(ssm.Options{Region: b.job.Region, BaseEndpoint: &b.cfg.Endpoint, Credentials: aws.NewCredentialsCache(b.creds), HTTPClient: b.http()})
	values := map[string]string{}
	for len(names) > 0 {
		some := names[:min(atOnce, len(names))]
		names = names[len(some):]
		out, err := client.GetParameters(ctx, &ssm.GetParametersInput{Names: some, WithDecryption: aws.Bool(true)})
		if err != nil {
			return nil, keptFailure(ctx, codeParameter, err)
		}
		if len(out.InvalidParameters) > 0 {
			return nil, &failure{codeParameter, "parameter does not exist: " + strings.Join(out.InvalidParameters, ", ")}
		}
		// A parameter may be asked for by name, by ARN, with a version or a label.
		for _, p := range out.Parameters {
			for _, name := range some {
				if name == aws.ToString(p.Name)+aws.ToString(p.Selector) || name == aws.ToString(p.ARN)+aws.ToString(p.Selector) || name == aws.ToString(p.Name) || name == aws.ToString(p.ARN) {
					values[name] = aws.ToString(p.Value)
				}
			}
		}
		for _, name := range some {
			if _, ok := values[name]; !ok {
				return nil, &failure{codeParameter, "parameter does not exist: " + name}
			}
		}
	}
	return values, nil
}

// secret returns what SECRET-ID[:JSON-KEY[:VERSION-STAGE[:VERSION-ID]]] names.
// https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.secrets-manager
func (b *running) secret(ctx context.Context, reference string) (string, error) {
	id, key, stage, version := secretParts(reference)
	in := &secretsmanager.GetSecretValueInput{SecretId: &id}
	if stage != "" {
		in.VersionStage = &stage
	}
	if version != "" {
		in.VersionId = &version
	}
	client := secretsmanager.New(secretsmanager.Options{Region: b.job.Region, BaseEndpoint: &b.cfg.Endpoint, Credentials: aws.NewCredentialsCache(b.creds), HTTPClient: b.http()})
	out, err := client.GetSecretValue(ctx, in)
	if err != nil {
		return "", keptFailure(ctx, codeSecret, err)
	}
	if out.SecretString == nil {
		return "", &failure{codeSecret, fmt.Sprintf("the secret %s is binary, expected text", id)}
	}
	text := *out.SecretString
	b.log.secrets.Add(text)
	if key == "" {
		return text, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		return "", &failure{codeSecret, fmt.Sprintf("the secret %s is not a JSON object, it has no key %s", id, key)}
	}
	raw, ok := members[key]
	if !ok {
		return "", &failure{codeSecret, fmt.Sprintf("the secret %s has no key %s", id, key)}
	}
	var value string
	if json.Unmarshal(raw, &value) != nil {
		value = string(raw) // a number, a list
	}
	return value, nil
}

// secretParts takes a reference apart; an ARN has colons of its own.
func secretParts(reference string) (id, key, stage, version string) {
	parts := strings.Split(reference, ":")
	n := 1
	if strings.HasPrefix(reference, "arn:") {
		n = min(7, len(parts)) // arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME
	}
	id = strings.Join(parts[:n], ":")
	rest := append(parts[n:], "", "", "")
	return id, rest[0], rest[1], rest[2]
}

// sourceSecret reads a login for a git provider.
// https://docs.aws.amazon.com/codebuild/latest/userguide/asm-create-secret.html
func (b *running) sourceSecret(ctx context.Context, arn string) (job.Login, error) {
	text, err := b.secret(ctx, arn)
	if err != nil {
		return job.Login{}, err
	}
	var s struct{ Token, Username string }
	if json.Unmarshal([]byte(text), &s) != nil || s.Token == "" {
		return job.Login{}, &failure{codeSecret, fmt.Sprintf("the secret %s is not a source credential: expected JSON with ServerType, AuthType and Token", arn)}
	}
	b.log.secrets.Add(s.Token)
	return job.Login{User: s.Username, Token: s.Token}, nil
}

func (b *running) http() *http.Client { return &http.Client{Transport: transport(b.cfg)} }

// keptFailure is why a value could not be had, in the words that builds know.
func keptFailure(ctx context.Context, code string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return &failure{code, api.ErrorCode() + ": " + api.ErrorMessage()}
	}
	return &failure{code, err.Error()}
}
