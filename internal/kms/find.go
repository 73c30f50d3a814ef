package kms

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

var keyID = regexp.MustCompile(`^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$`)

// name is what a request says of a key: an ID or an alias, alone or as an ARN.
type name struct{ id, alias string }

func (s *Service) parse(region, text string) (name, error) {
	resource := text
	if strings.HasPrefix(text, "arn:") {
		a, ok := arn.Parse(text)
		if !ok || a.Service != "kms" {
			return name{}, fail("InvalidArn", "Invalid arn %s", text)
		}
		switch {
		case a.Region != region:
			return name{}, fail("NotFound", "Invalid arn %s", a.Region)
		case a.Account != s.cfg.Site.Account:
			return name{}, fail("NotFound", "Key '%s' does not exist: other accounts are not here", text)
		}
		id, isKey := strings.CutPrefix(a.Resource, "key/")
		if !isKey && !strings.HasPrefix(a.Resource, aliasPrefix) {
			return name{}, fail("InvalidArn", "Invalid arn %s", text)
		}
		resource = id
	}
	switch {
	case strings.HasPrefix(resource, aliasPrefix):
		return name{alias: resource}, nil
	case keyID.MatchString(resource):
		return name{id: resource}, nil
	}
	return name{}, fail("NotFound", "Invalid keyId '%s'", text)
}

// byID finds the key of an operation that takes no aliases.
func (s *Service) byID(ctx context.Context, r store.Reader, text *string) (*key, error) {
	n, err := s.parse(identity.Region(ctx), aws.ToString(text))
	if err != nil {
		return nil, err
	}
	if n.alias != "" {
		return nil, fail("NotFound", "Invalid keyId '%s'", aws.ToString(text))
	}
	return s.get(r, identity.Region(ctx), n.id)
}

// byName finds the key of an operation that takes aliases, too.
func (s *Service) byName(ctx context.Context, r store.Reader, text *string) (*key, error) {
	region := identity.Region(ctx)
	n, err := s.parse(region, aws.ToString(text))
	if err != nil {
		return nil, err
	}
	if n.alias == "" {
		return s.get(r, region, n.id)
	}
	a, err := aliases.Get(r, region, n.alias)
	if errors.Is(err, store.ErrNotFound) || err == nil && a.Target == "" {
		return nil, fail("NotFound", "Alias %s is not found.", s.aliasARN(region, n.alias))
	}
	if err != nil {
		return nil, err
	}
	return s.get(r, region, a.Target)
}

func (s *Service) get(r store.Reader, region, id string) (*key, error) {
	k, err := keys.Get(r, region, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fail("NotFound", "Key '%s' does not exist", s.keyARN(region, id))
	}
	return k, err
}

// find is byName in a transaction of its own. A key of one of AWS's services is
// made if this is its first use.
func (s *Service) find(ctx context.Context, text *string) (k *key, err error) {
	if err := s.provide(ctx, aws.ToString(text)); err != nil {
		return nil, err
	}
	err = s.cfg.Engine.View(ctx, func(r store.Reader) error {
		k, err = s.byName(ctx, r, text)
		return err
	})
	return k, err
}

// findID is byID in a transaction of its own.
func (s *Service) findID(ctx context.Context, text *string) (k *key, err error) {
	err = s.cfg.Engine.View(ctx, func(r store.Reader) error {
		k, err = s.byID(ctx, r, text)
		return err
	})
	return k, err
}

// change reads, changes and writes a customer's key in one transaction.
func (s *Service) change(ctx context.Context, text *string, f func(*engine.Tx, *key) error) error {
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		k, err := s.byID(ctx, tx, text)
		if err != nil {
			return err
		}
		if k.managed() {
			return fail("AccessDenied", "The key %s is managed by AWS and cannot be changed.", *k.Arn)
		}
		if err := f(tx, k); err != nil {
			return err
		}
		return k.put(tx)
	})
}
