package kms

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	aliasPrefix   = "alias/"
	managedPrefix = "alias/aws/"
)

// CreateAlias gives a key a name.
func (s *Service) CreateAlias(ctx context.Context, in *kms.CreateAliasInput, _ ...func(*kms.Options)) (*kms.CreateAliasOutput, error) {
	region := identity.Region(ctx)
	if err := checkAlias(*in.AliasName); err != nil {
		return nil, err
	}
	return &kms.CreateAliasOutput{}, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		k, err := s.aliased(ctx, tx, in.TargetKeyId)
		if err != nil {
			return err
		}
		if _, err := aliases.Get(tx, region, *in.AliasName); err == nil {
			return fail("AlreadyExists", "An alias with the name %s already exists", s.aliasARN(region, *in.AliasName))
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		now := tx.Now()
		return putAlias(tx, &alias{Name: *in.AliasName, Region: region, Created: now, Updated: now}, k.id())
	})
}

// UpdateAlias points an alias at another key of the same kind.
func (s *Service) UpdateAlias(ctx context.Context, in *kms.UpdateAliasInput, _ ...func(*kms.Options)) (*kms.UpdateAliasOutput, error) {
	region := identity.Region(ctx)
	if err := checkAlias(*in.AliasName); err != nil {
		return nil, err
	}
	return &kms.UpdateAliasOutput{}, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		a, err := s.alias(tx, region, *in.AliasName)
		if err != nil {
			return err
		}
		to, err := s.aliased(ctx, tx, in.TargetKeyId)
		if err != nil {
			return err
		}
		from, err := s.get(tx, region, a.Target)
		if err != nil {
			return err
		}
		if from.KeyUsage != to.KeyUsage || from.symmetric() != to.symmetric() {
			return fail("Validation", "Alias %s cannot be changed from a key of usage %s to one of usage %s: both must be of the same type and usage.",
				s.aliasARN(region, a.Name), from.KeyUsage, to.KeyUsage)
		}
		a.Updated = tx.Now()
		return putAlias(tx, a, to.id())
	})
}

// DeleteAlias takes a name away; the key stays.
func (s *Service) DeleteAlias(ctx context.Context, in *kms.DeleteAliasInput, _ ...func(*kms.Options)) (*kms.DeleteAliasOutput, error) {
	region := identity.Region(ctx)
	if err := checkAlias(*in.AliasName); err != nil {
		return nil, err
	}
	return &kms.DeleteAliasOutput{}, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		a, err := s.alias(tx, region, *in.AliasName)
		if err != nil {
			return err
		}
		if err := targets.Delete(tx, region, a.Target, a.Name); err != nil {
			return err
		}
		return aliases.Delete(tx, region, a.Name)
	})
}

// ListAliases lists the aliases of the region or of one key, 50 a page (Limit
// up to 100). Those of AWS's services are there before their keys are.
func (s *Service) ListAliases(ctx context.Context, in *kms.ListAliasesInput, _ ...func(*kms.Options)) (*kms.ListAliasesOutput, error) {
	region := identity.Region(ctx)
	if err := s.listManaged(ctx, region); err != nil {
		return nil, err
	}
	out, size := &kms.ListAliasesOutput{}, min(limit(in.Limit, 50), 100)
	entry := func(a *alias) (types.AliasListEntry, bool, error) {
		e := types.AliasListEntry{AliasName: aws.String(a.Name), AliasArn: aws.String(s.aliasARN(region, a.Name))}
		if a.Target != "" {
			e.TargetKeyId, e.CreationDate, e.LastUpdatedDate = &a.Target, &a.Created, &a.Updated
		}
		return e, true, nil
	}
	if in.KeyId == nil {
		return out, s.list(ctx, "ListAliases/"+region, in.Marker, size, func(r store.Reader, p page.Request) (err error) {
			out.Aliases, out.NextMarker, err = page.Of(r, aliases, p, entry, region)
			out.Truncated = out.NextMarker != nil
			return err
		})
	}
	k, err := s.findID(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	return out, s.list(ctx, "ListAliases/"+k.job(), in.Marker, size, func(r store.Reader, p page.Request) (err error) {
		out.Aliases, out.NextMarker, err = page.Of(r, targets, p, func(name *string) (types.AliasListEntry, bool, error) {
			a, err := aliases.Get(r, region, *name)
			if err != nil {
				return types.AliasListEntry{}, false, err
			}
			return entry(a)
		}, region, k.id())
		out.Truncated = out.NextMarker != nil
		return err
	})
}

func checkAlias(name string) error {
	switch {
	case !strings.HasPrefix(name, aliasPrefix) || name == aliasPrefix:
		return fail("Validation", "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html")
	case strings.HasPrefix(name, managedPrefix):
		return fail("NotAuthorized", "Aliases that begin with alias/aws/ are reserved for AWS's services.")
	case strings.Contains(name, ":"):
		return fail("InvalidAliasName", "%s contains invalid characters for an alias", name)
	}
	return nil
}

func (s *Service) alias(r store.Reader, region, name string) (*alias, error) {
	a, err := aliases.Get(r, region, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fail("NotFound", "Alias %s is not found.", s.aliasARN(region, name))
	}
	return a, err
}

// aliased finds the key that an alias shall have: a customer's, by ID or ARN.
func (s *Service) aliased(ctx context.Context, r store.Reader, text *string) (*key, error) {
	if n, err := s.parse(identity.Region(ctx), aws.ToString(text)); err == nil && n.alias != "" {
		return nil, fail("Validation", "Aliases must refer to keys. Not aliases")
	}
	k, err := s.byID(ctx, r, text)
	if err != nil {
		return nil, err
	}
	if k.managed() {
		return nil, fail("NotAuthorized", "%s is managed by AWS and takes no aliases.", *k.Arn)
	}
	return k, k.alive()
}

// putAlias writes an alias that points at a key, and how to find it from there.
func putAlias(tx store.Tx, a *alias, target string) error {
	if a.Target != "" {
		if err := targets.Delete(tx, a.Region, a.Target, a.Name); err != nil {
			return err
		}
	}
	a.Target = target
	if err := targets.Put(tx, &a.Name, a.Region, target, a.Name); err != nil {
		return err
	}
	return aliases.Put(tx, a, a.Region, a.Name)
}
