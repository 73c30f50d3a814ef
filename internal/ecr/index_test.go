package ecr

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
)

type allowed struct{}

func (allowed) Authorize(context.Context, ...wire.Access) error { return nil }

func newService(t *testing.T) *Service {
	t.Helper()
	e, _ := enginetest.New(t)
	return New(Config{Engine: e, Bus: bus.New(e, id.Random), IDs: id.Random, Log: enginetest.Log(t), Authorizer: allowed{},
		Site: site.Site{Account: "000000000000", Region: "us-east-1", Host: "localhost:4566"}})
}

func in(t *testing.T, region string) context.Context {
	return identity.WithRegion(identity.WithCaller(t.Context(), &identity.Caller{}), region)
}

func create(t *testing.T, s *Service, region, name string) {
	t.Helper()
	if _, err := s.CreateRepository(in(t, region), &sdk.CreateRepositoryInput{RepositoryName: aws.String(name)}); err != nil {
		t.Fatal(err)
	}
}

// The default region has no prefix, so names of other regions come before and
// after its own; no page may skip one.
func TestCatalogPagesHaveEveryName(t *testing.T) {
	s := newService(t)
	create(t, s, "us-east-1", "app")
	create(t, s, "us-east-1", "zoo")
	create(t, s, "ap-south-1", "b")
	create(t, s, "us-west-2", "a")
	c := &Client{s: s, ctx: in(t, "us-east-1")}
	var got []string
	for last, more := "", true; more; last = got[len(got)-1] {
		page, m, err := c.Names(last, 1)
		if err != nil || len(page) == 0 {
			t.Fatal(page, err)
		}
		got, more = append(got, page...), m
	}
	want := []string{"000000000000.ap-south-1/b", "000000000000.us-west-2/a", "app", "zoo"}
	if !slices.Equal(got, want) {
		t.Errorf("catalog %v, want %v", got, want)
	}
}

// An image that an index names stays, until the index goes, in the same batch
// as well.
func TestImagesOfAnIndexStay(t *testing.T) {
	s := newService(t)
	create(t, s, "us-east-1", "app")
	ctx := in(t, "us-east-1")
	digest := func(c string) string { return digestOf([]byte(c)) }
	child, index := digest("child"), digest("index")
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		repo, err := s.named(tx, "us-east-1", aws.String("app"))
		if err != nil {
			return err
		}
		for _, im := range []*image{{Digest: child}, {Digest: index, Children: []string{child}}} {
			if err := images.Put(tx, im, repo.ID, im.Digest); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	remove := func(digests ...string) *sdk.BatchDeleteImageOutput {
		t.Helper()
		in := &sdk.BatchDeleteImageInput{RepositoryName: aws.String("app")}
		for _, d := range digests {
			in.ImageIds = append(in.ImageIds, types.ImageIdentifier{ImageDigest: aws.String(d)})
		}
		out, err := s.BatchDeleteImage(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := remove(child); len(out.Failures) != 1 || out.Failures[0].FailureCode != types.ImageFailureCodeImageReferencedByManifestList {
		t.Errorf("deleted what an index names: %+v", out)
	}
	if out := remove(index, child); len(out.Failures) != 0 || len(out.ImageIds) != 2 {
		t.Errorf("index and image in one batch: %+v", out)
	}
}
