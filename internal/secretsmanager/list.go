package secretsmanager

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// ListSecrets lists secrets by name, 100 a page; those that are marked for
// deletion only if asked for.
func (s *Service) ListSecrets(ctx context.Context, in *secretsmanager.ListSecretsInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.ListSecretsOutput, error) {
	if in.SortBy != "" && in.SortBy != types.SortByTypeName {
		return nil, fail("InvalidParameter", "SortBy %s is not implemented by Slipway: secrets are listed by name.", in.SortBy)
	}
	out := &secretsmanager.ListSecretsOutput{}
	all := aws.ToBool(in.IncludePlannedDeletion)
	err := s.list(ctx, fmt.Sprint("ListSecrets", in.SortOrder, all), in.Filters, page.Request{
		Token: in.NextToken, Max: page.Limit(in.MaxResults, 100), Reverse: in.SortOrder == types.SortOrderTypeDesc,
	}, all, func(list []*secret, next *string) {
		out.SecretList, out.NextToken = []types.SecretListEntry{}, next
		for _, x := range list {
			out.SecretList = append(out.SecretList, x.entry())
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// list reads a page of the secrets that filters let through.
func (s *Service) list(ctx context.Context, scope string, filters []types.Filter, p page.Request, marked bool, take func([]*secret, *string)) error {
	region := identity.Region(ctx)
	p.Scope = "secretsmanager." + scope + "/" + region
	for _, f := range filters {
		p.Scope += fmt.Sprintf("/%s=%q", f.Key, f.Values)
	}
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		list, next, err := page.Of(r, secrets, p, func(x *secret) (*secret, bool, error) {
			return x, (marked || x.Marked.IsZero()) && x.passes(filters), nil
		}, region)
		take(list, next)
		return err
	})
	if errors.Is(err, page.ErrToken) {
		return errToken
	}
	return err
}

// passes tells whether a secret meets all filters. A filter is met by any of
// its values; a value with "!" before it excludes.
func (x *secret) passes(filters []types.Filter) bool {
	for _, f := range filters {
		met, positive := false, false
		for _, want := range f.Values {
			if not, ok := strings.CutPrefix(want, "!"); ok {
				if x.matches(f.Key, not) {
					return false
				}
				continue
			}
			positive = true
			met = met || x.matches(f.Key, want)
		}
		if positive && !met {
			return false
		}
	}
	return true
}

// matches compares by prefix, as the Filter type of the API reference says.
func (x *secret) matches(key types.FilterNameStringType, want string) bool {
	tags := func(ofKey bool) bool {
		for k, v := range x.Tags {
			if ofKey && strings.HasPrefix(k, want) || !ofKey && strings.HasPrefix(v, want) {
				return true
			}
		}
		return false
	}
	switch key {
	case types.FilterNameStringTypeName:
		return strings.HasPrefix(x.Name, want)
	case types.FilterNameStringTypeDescription:
		return strings.HasPrefix(strings.ToLower(x.Description), strings.ToLower(want))
	case types.FilterNameStringTypeTagKey:
		return tags(true)
	case types.FilterNameStringTypeTagValue:
		return tags(false)
	case types.FilterNameStringTypePrimaryRegion, types.FilterNameStringTypeOwningService:
		return false // of replicas, and of secrets that other services made
	}
	text := x.Name + " " + x.Description
	for k, v := range x.Tags {
		text += " " + k + " " + v
	}
	text = strings.ToLower(text)
	for _, word := range strings.Fields(strings.ToLower(want)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// BatchGetSecretValue answers the current values of up to 20 secrets, and an
// error for each that it cannot answer.
func (s *Service) BatchGetSecretValue(ctx context.Context, in *secretsmanager.BatchGetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.BatchGetSecretValueOutput, error) {
	out := &secretsmanager.BatchGetSecretValueOutput{SecretValues: []types.SecretValueEntry{}, Errors: []types.APIErrorType{}}
	names := in.SecretIdList
	switch {
	case (len(names) > 0) == (len(in.Filters) > 0):
		return nil, fail("InvalidParameter", "You must specify either Filters or SecretIdList, but not both.")
	case len(names) > 0 && (in.MaxResults != nil || in.NextToken != nil):
		return nil, fail("InvalidParameter", "MaxResults and NextToken go with Filters only.")
	case len(names) == 0:
		if err := s.cfg.Authorizer.Authorize(ctx, wire.Access{Action: "secretsmanager:ListSecrets", Resource: "*"}); err != nil {
			return nil, err
		}
		err := s.list(ctx, "BatchGetSecretValue", in.Filters, page.Request{Token: in.NextToken, Max: page.Limit(in.MaxResults, 20)}, false,
			func(list []*secret, next *string) {
				names, out.NextToken = nil, next
				for _, x := range list {
					names = append(names, x.ARN)
				}
			})
		if err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		v, err := Reader{s}.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
		switch code := codeOf(err); {
		case err == nil:
			out.SecretValues = append(out.SecretValues, types.SecretValueEntry{ARN: v.ARN, Name: v.Name, VersionId: v.VersionId, VersionStages: v.VersionStages,
				CreatedDate: v.CreatedDate, SecretString: v.SecretString, SecretBinary: v.SecretBinary})
		case code == "":
			return nil, err // internal
		default:
			out.Errors = append(out.Errors, types.APIErrorType{SecretId: &name, ErrorCode: &code, Message: aws.String(text(err))})
		}
	}
	return out, nil
}
