package ssm

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/store"
)

// GetParameter answers the newest version, or that of NAME:VERSION or
// NAME:LABEL, or a secret of Secrets Manager by reference.
func (s *Service) GetParameter(ctx context.Context, in *ssm.GetParameterInput, _ ...func(*ssm.Options)) (*ssm.GetParameterOutput, error) {
	p, err := s.read(ctx, *in.Name, aws.ToBool(in.WithDecryption))
	if err != nil {
		return nil, err
	}
	return &ssm.GetParameterOutput{Parameter: p}, nil
}

// GetParameters answers up to 10 parameters, and the names of those that are
// not there.
func (s *Service) GetParameters(ctx context.Context, in *ssm.GetParametersInput, _ ...func(*ssm.Options)) (*ssm.GetParametersOutput, error) {
	out := &ssm.GetParametersOutput{Parameters: []types.Parameter{}, InvalidParameters: []string{}}
	for i, name := range in.Names {
		if slices.Contains(in.Names[:i], name) {
			continue
		}
		p, err := s.read(ctx, name, aws.ToBool(in.WithDecryption))
		switch {
		case err == nil:
			out.Parameters = append(out.Parameters, *p)
		case isMissing(err):
			out.InvalidParameters = append(out.InvalidParameters, name)
		default:
			return nil, err
		}
	}
	return out, nil
}

func isMissing(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && (e.Code == "ParameterNotFound" || e.Code == "ParameterVersionNotFound")
}

func (s *Service) read(ctx context.Context, text string, decrypt bool) (*types.Parameter, error) {
	w, err := s.parse(ctx, text)
	if err != nil {
		return nil, err
	}
	if id, ok := strings.CutPrefix(w.name, reference); ok {
		return s.secret(ctx, w.name, id, decrypt)
	}
	region := identity.Region(ctx)
	var r *revision
	err = s.cfg.Engine.View(ctx, func(reader store.Reader) error {
		p, err := get(reader, region, w.name)
		if err != nil {
			return err
		}
		r, err = p.pick(reader, w)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, region, w, r, decrypt)
}

// pick finds the version that is wanted.
func (p *parameter) pick(r store.Reader, w wanted) (*revision, error) {
	if w.selector == "" {
		return &p.revision, nil
	}
	n, isNumber := w.version()
	if !isNumber {
		label := strings.TrimPrefix(w.selector, ":")
		if n = p.Labels[label]; n == 0 {
			return nil, fail("ParameterVersionNotFound", "Systems Manager could not find label %s for parameter %s. Verify the label and try again.", label, p.Name)
		}
	}
	rev, err := revisions.Get(r, p.Region, p.Name, number(n))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fail("ParameterVersionNotFound", "Systems Manager could not find version %d of %s. Verify the version and try again.", n, p.Name)
	}
	return rev, err
}

// answer is a version as clients see it.
func (s *Service) answer(ctx context.Context, region string, w wanted, r *revision, decrypt bool) (*types.Parameter, error) {
	value, err := s.value(ctx, region, w.name, r, decrypt)
	if err != nil {
		return nil, err
	}
	out := &types.Parameter{Name: &w.name, ARN: aws.String(s.arn(region, w.name)), Type: r.Type, Value: &value, Version: r.Version,
		LastModifiedDate: &r.Modified, DataType: &r.DataType}
	if w.selector != "" {
		out.Selector = &w.selector
	}
	return out, nil
}

// secret reads a secret as if it were a parameter; id may have :VERSION-ID or
// :STAGE behind it.
func (s *Service) secret(ctx context.Context, name, id string, decrypt bool) (*types.Parameter, error) {
	if !decrypt {
		return nil, fail("ValidationException", "WithDecryption flag must be True for retrieving a Secret Manager secret.")
	}
	in := &secretsmanager.GetSecretValueInput{SecretId: &id}
	if secret, selector, ok := strings.Cut(id, ":"); ok {
		in.SecretId = &secret
		if len(selector) >= 32 {
			in.VersionId = &selector
		} else {
			in.VersionStage = &selector
		}
	}
	out, err := s.cfg.Secrets.GetSecretValue(ctx, in)
	if err != nil {
		var own *wire.Error
		var api smithy.APIError
		switch {
		case errors.As(err, &own) && own.Code == "ResourceNotFoundException", errors.As(err, &api) && api.ErrorCode() == "ResourceNotFoundException":
			return nil, fail("ParameterNotFound", "An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret %s not found.", name)
		}
		return nil, err
	}
	if out.SecretString == nil {
		return nil, fail("ParameterNotFound", "An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret %s is binary, and parameters are text.", name)
	}
	source, err := json.Marshal(map[string]any{"ARN": out.ARN, "name": out.Name, "versionId": out.VersionId, "secretString": out.SecretString,
		"versionStages": out.VersionStages, "createdDate": out.CreatedDate.UTC().Format("Jan 2, 2006, 3:04:05 PM")})
	if err != nil {
		return nil, err
	}
	return &types.Parameter{Name: &name, ARN: out.ARN, Type: types.ParameterTypeSecureString, Value: out.SecretString, LastModifiedDate: out.CreatedDate,
		SourceResult: aws.String(string(source)), DataType: aws.String("text")}, nil
}
