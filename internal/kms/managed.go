package kms

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// managed are the keys that AWS's services have for those who choose none, by
// the part of the alias after alias/aws/.
var managed = map[string]string{
	"codeartifact":   "Default key that protects my CodeArtifact domains when no other key is defined",
	"codecommit":     "Default key that protects my CodeCommit repositories when no other key is defined",
	"ebs":            "Default key that protects my EBS volumes when no other key is defined",
	"ecr":            "Default key that protects my ECR data when no other key is defined",
	"lambda":         "Default key that protects my Lambda functions when no other key is defined",
	"rds":            "Default key that protects my RDS database volumes when no other key is defined",
	"s3":             "Default key that protects my S3 objects when no other key is defined",
	"secretsmanager": "Default key that protects my Secrets Manager data when no other key is defined",
	"sns":            "Default key that protects my SNS data when no other key is defined",
	"sqs":            "Default key that protects my SQS messages when no other key is defined",
	"ssm":            "Default key that protects my SSM parameters when no other key is defined",
}

// provide makes the key of one of AWS's services if text is its alias and it
// was not used before.
func (s *Service) provide(ctx context.Context, text string) error {
	region := identity.Region(ctx)
	n, err := s.parse(region, text)
	service, isManaged := strings.CutPrefix(n.alias, managedPrefix)
	description, known := managed[service]
	if err != nil || !isManaged || !known {
		return nil
	}
	err = s.cfg.Engine.View(ctx, func(r store.Reader) error {
		a, err := aliases.Get(r, region, n.alias)
		if err == nil && a.Target == "" {
			return store.ErrNotFound
		}
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	k, err := s.make(region, types.KeySpecSymmetricDefault, symmetricKind)
	if err != nil {
		return err
	}
	k.KeyManager, k.Description, k.Policy = types.KeyManagerTypeAws, &description, s.managedPolicy(service, region)
	k.Period, k.Next = yearly, k.CreationDate.Add(yearly*day)
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		if a, err := aliases.Get(tx, region, n.alias); err == nil && a.Target != "" {
			return nil // someone was faster
		}
		if err := k.put(tx); err != nil {
			return err
		}
		if err := s.planRotation(tx, k); err != nil {
			return err
		}
		return putAlias(tx, &alias{Name: n.alias, Region: region, Created: *k.CreationDate, Updated: *k.CreationDate}, k.id())
	})
}

// listManaged writes down the aliases whose keys are not made yet, so that
// lists have them.
func (s *Service) listManaged(ctx context.Context, region string) error {
	missing := func(r store.Reader) (names []string, err error) {
		have := []string{}
		for a, err := range aliases.Scan(r, store.Range{Prefix: aliases.Key(region, managedPrefix)}) {
			if err != nil {
				return nil, err
			}
			have = append(have, a.Name)
		}
		for service := range managed {
			if name := managedPrefix + service; !slices.Contains(have, name) {
				names = append(names, name)
			}
		}
		return names, nil
	}
	var names []string
	err := s.cfg.Engine.View(ctx, func(r store.Reader) (err error) {
		names, err = missing(r)
		return err
	})
	if err != nil || len(names) == 0 {
		return err
	}
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		names, err := missing(tx)
		if err != nil {
			return err
		}
		for _, n := range names {
			if err := aliases.Put(tx, &alias{Name: n, Region: region, Created: time.Time{}}, region, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// ofService tells whether k is the managed key of a service.
func (s *Service) ofService(ctx context.Context, k *key, service string) (bool, error) {
	if !k.managed() {
		return false, nil
	}
	var target string
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		a, err := aliases.Get(r, k.Region, managedPrefix+service)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err == nil {
			target = a.Target
		}
		return err
	})
	return target == aws.ToString(k.KeyId), err
}
