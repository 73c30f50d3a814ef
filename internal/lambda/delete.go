package lambda

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// DeleteFunction removes a function with its versions and aliases, or one
// version. What runs is ended.
func (s *Service) DeleteFunction(ctx context.Context, in *lambda.DeleteFunctionInput, _ ...func(*lambda.Options)) (*lambda.DeleteFunctionOutput, error) {
	n, err := s.named(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	remove := s.remove
	switch {
	case n.Qualifier == "":
	case n.Qualifier == latest:
		return nil, invalid("$LATEST version cannot be deleted without deleting the function.")
	case !versionPattern.MatchString(n.Qualifier):
		return nil, invalid("Deletion of aliases is not currently supported.")
	default:
		remove = s.removeVersion
	}
	return &lambda.DeleteFunctionOutput{}, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		f, err := s.load(tx, n)
		if err != nil {
			return err
		}
		return remove(tx, f, n)
	})
}

func (s *Service) remove(tx *engine.Tx, f *function, n name) error {
	if err := s.hold(tx, f.Region, f.Name, latest, f.Latest.codes(), nil); err != nil {
		return err
	}
	for v, err := range versions.All(tx, f.Region, f.Name) {
		if err != nil {
			return err
		}
		if err := s.dropVersion(tx, f, v); err != nil {
			return err
		}
	}
	for a, err := range aliases.All(tx, f.Region, f.Name) {
		if err != nil {
			return err
		}
		if err := s.dropAlias(tx, n, *a.Name); err != nil {
			return err
		}
	}
	if err := s.dropQualified(tx, n, ""); err != nil {
		return err
	}
	if err := s.dropQualified(tx, n, latest); err != nil {
		return err
	}
	tx.AfterCommit(func() { s.pool.retire(f.Region, f.Name, "", "") })
	return functions.Delete(tx, f.Region, f.Name)
}

func (s *Service) removeVersion(tx *engine.Tx, f *function, n name) error {
	for a, err := range aliases.All(tx, f.Region, f.Name) {
		if err != nil {
			return err
		}
		if *a.FunctionVersion == n.Qualifier || a.has(n.Qualifier) {
			return fail("ResourceConflict", "Version is currently referenced by alias %s.", *a.Name)
		}
	}
	v, err := s.numbered(tx, f, n.Qualifier)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	tx.AfterCommit(func() { s.pool.retire(f.Region, f.Name, n.Qualifier, "") })
	return s.dropVersion(tx, f, v)
}

func (s *Service) dropVersion(tx *engine.Tx, f *function, v *version) error {
	if err := s.hold(tx, f.Region, f.Name, *v.Version, v.codes(), nil); err != nil {
		return err
	}
	if err := s.dropQualified(tx, name{Region: f.Region, Function: f.Name}, *v.Version); err != nil {
		return err
	}
	return versions.Delete(tx, f.Region, f.Name, padded(*v.Version))
}
