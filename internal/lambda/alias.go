package lambda

import (
	"context"
	"errors"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

var aliasPattern = regexp.MustCompile(`^[a-zA-Z0-9-_]+$`)

// CreateAlias names a version, or two by weights.
func (s *Service) CreateAlias(ctx context.Context, in *lambda.CreateAliasInput, _ ...func(*lambda.Options)) (*lambda.CreateAliasOutput, error) {
	n, err := s.unversioned(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if name := *in.Name; !aliasPattern.MatchString(name) || versionPattern.MatchString(name) {
		return nil, fail("Validation", "1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)", name)
	}
	a := &alias{Region: n.Region, Function: n.Function}
	a.Name, a.FunctionVersion, a.Description, a.RoutingConfig = in.Name, in.FunctionVersion, in.Description, in.RoutingConfig
	a.AliasArn, a.RevisionId = aws.String(s.functionARN(n.Region, n.Function)+":"+*in.Name), aws.String(id.UUID(s.IDs))
	if a.Description == nil {
		a.Description = aws.String("")
	}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		f, err := s.load(tx, n)
		if err != nil {
			return err
		}
		if _, err := aliases.Get(tx, n.Region, n.Function, *in.Name); !errors.Is(err, store.ErrNotFound) {
			if err != nil {
				return err
			}
			return fail("ResourceConflict", "Alias already exists: %s", *a.AliasArn)
		}
		if err := s.checkRouting(tx, f, a); err != nil {
			return err
		}
		return aliases.Put(tx, a, n.Region, n.Function, *in.Name)
	})
	if err != nil {
		return nil, err
	}
	out := &lambda.CreateAliasOutput{}
	copyMembers(out, &a.AliasConfiguration)
	return out, nil
}

// checkRouting checks the versions of an alias and their weights. An empty
// routing configuration is none.
// https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
func (s *Service) checkRouting(r store.Reader, f *function, a *alias) error {
	there := func(number string) error {
		_, err := s.numbered(r, f, number)
		if errors.Is(err, store.ErrNotFound) {
			return s.notFound(name{f.Region, f.Name, number})
		}
		return err
	}
	if err := there(*a.FunctionVersion); err != nil {
		return err
	}
	if a.RoutingConfig != nil && len(a.RoutingConfig.AdditionalVersionWeights) == 0 {
		a.RoutingConfig = nil
	}
	if a.RoutingConfig == nil {
		return nil
	}
	weights := a.RoutingConfig.AdditionalVersionWeights
	if len(weights) > 1 {
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	for number, weight := range weights {
		switch {
		case *a.FunctionVersion == latest:
			return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
		case !versionPattern.MatchString(number):
			return invalid("%s is not supported for an alias pointing to more than 1 version", number)
		case number == *a.FunctionVersion:
			return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", number, number)
		case weight < 0 || weight > 1:
			return fail("Validation", "1 validation error detected: Value at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Member must have a value between 0.0 and 1.0")
		}
		if err := there(number); err != nil {
			return err
		}
	}
	return nil
}

// aliasIn reads an alias by the name of its function and its own.
func (s *Service) aliasIn(r store.Reader, n name, called string) (*alias, error) {
	if _, err := s.load(r, n); err != nil {
		return nil, err
	}
	a, err := aliases.Get(r, n.Region, n.Function, called)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fail("ResourceNotFound", "Cannot find alias arn: %s:%s", s.functionARN(n.Region, n.Function), called)
	}
	return a, err
}

// GetAlias tells of an alias.
func (s *Service) GetAlias(ctx context.Context, in *lambda.GetAliasInput, _ ...func(*lambda.Options)) (*lambda.GetAliasOutput, error) {
	n, err := s.unversioned(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	out := &lambda.GetAliasOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		a, err := s.aliasIn(r, n, *in.Name)
		if err == nil {
			copyMembers(out, &a.AliasConfiguration)
		}
		return err
	})
}

// UpdateAlias changes what it is told of an alias; the next invocation follows.
func (s *Service) UpdateAlias(ctx context.Context, in *lambda.UpdateAliasInput, _ ...func(*lambda.Options)) (*lambda.UpdateAliasOutput, error) {
	n, err := s.unversioned(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	out := &lambda.UpdateAliasOutput{}
	return out, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		f, err := s.load(tx, n)
		if err != nil {
			return err
		}
		a, err := s.aliasIn(tx, n, *in.Name)
		if err != nil {
			return err
		}
		if err := same(in.RevisionId, a.RevisionId); err != nil {
			return err
		}
		if in.FunctionVersion != nil {
			a.FunctionVersion = in.FunctionVersion
		}
		if in.Description != nil {
			a.Description = in.Description
		}
		if in.RoutingConfig != nil {
			a.RoutingConfig = in.RoutingConfig
		}
		if err := s.checkRouting(tx, f, a); err != nil {
			return err
		}
		a.RevisionId = aws.String(id.UUID(s.IDs))
		copyMembers(out, &a.AliasConfiguration)
		return aliases.Put(tx, a, n.Region, n.Function, *in.Name)
	})
}

// DeleteAlias removes an alias; one that is not there is no error.
func (s *Service) DeleteAlias(ctx context.Context, in *lambda.DeleteAliasInput, _ ...func(*lambda.Options)) (*lambda.DeleteAliasOutput, error) {
	n, err := s.unversioned(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return &lambda.DeleteAliasOutput{}, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if _, err := s.load(tx, n); err != nil {
			return err
		}
		return s.dropAlias(tx, n, *in.Name)
	})
}

// dropAlias removes an alias with what is configured for it.
func (s *Service) dropAlias(tx *engine.Tx, n name, name string) error {
	if err := s.dropQualified(tx, n, name); err != nil {
		return err
	}
	tx.AfterCommit(func() { s.split.forget(s.functionARN(n.Region, n.Function) + ":" + name) })
	return aliases.Delete(tx, n.Region, n.Function, name)
}

// ListAliases lists the aliases of a function, or of one of its versions.
func (s *Service) ListAliases(ctx context.Context, in *lambda.ListAliasesInput, _ ...func(*lambda.Options)) (*lambda.ListAliasesOutput, error) {
	n, err := s.unversioned(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListAliasesOutput{}
	req := page.Request{Scope: store.Key("ListAliases", n.Region, n.Function, aws.ToString(in.FunctionVersion)), Token: in.Marker, Max: page.Limit(in.MaxItems, maxPage)}
	err = s.view(ctx, func(r store.Reader) error {
		if _, err := s.load(r, n); err != nil {
			return err
		}
		out.Aliases, out.NextMarker, err = page.Of(r, aliases, req, func(a *alias) (types.AliasConfiguration, bool, error) {
			return a.AliasConfiguration, in.FunctionVersion == nil || *in.FunctionVersion == *a.FunctionVersion || a.has(*in.FunctionVersion), nil
		}, n.Region, n.Function)
		return err
	})
	return out, badMarker(err)
}

// has tells whether an alias sends a part of its events to a version.
func (a *alias) has(number string) bool {
	if a.RoutingConfig == nil {
		return false
	}
	_, ok := a.RoutingConfig.AdditionalVersionWeights[number]
	return ok
}
