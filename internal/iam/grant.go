package iam

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/iam/policy"
	"github.com/slipway-dev/slipway/internal/store"
)

// AWS's default quotas. White space of documents does not count.
const (
	maxTrust    = 2048
	maxManaged  = 6144
	maxAttached = 10
	maxVersions = 5
	maxTags     = 50
)

var maxInline = map[string]int{"Role": 10240, "User": 2048, "Group": 5120}

// parse checks a document of a kind.
func parse(document *string, kind policy.Kind) (*policy.Policy, error) {
	p, err := policy.Parse(aws.ToString(document), kind)
	var bad *policy.ErrMalformed
	if errors.As(err, &bad) {
		return nil, &types.MalformedPolicyDocumentException{Message: aws.String(bad.Message)}
	}
	return p, err
}

// size is a document's length as quotas count it.
func size(document string) int {
	n := 0
	for _, r := range document {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

// encoded is a document as answers have it: escaped by RFC 3986.
func encoded(document *string) *string {
	if document == nil {
		return nil
	}
	return aws.String(strings.ReplaceAll(url.QueryEscape(*document), "+", "%20"))
}

// changeEntity changes what users may change, and saves it.
func (s *Service) changeEntity(ctx context.Context, kind string, name *string, change func(store.Tx, entity) error) error {
	return s.update(ctx, func(tx store.Tx) error {
		e, err := load(tx, kind, name)
		if err != nil {
			return err
		}
		if err := changeable(e); err != nil {
			return err
		}
		if err := change(tx, e); err != nil {
			return err
		}
		return e.save(tx)
	})
}

func (s *Service) putInline(ctx context.Context, kind string, name, policyName, document *string) error {
	if _, err := parse(document, policy.Identity); err != nil {
		return err
	}
	return s.changeEntity(ctx, kind, name, func(tx store.Tx, e entity) error {
		g := e.policies()
		if g.Inline == nil {
			g.Inline = map[string]string{}
		}
		g.Inline[*policyName] = *document
		total := 0
		for _, d := range g.Inline {
			total += size(d)
		}
		if total > maxInline[kind] {
			return &types.LimitExceededException{Message: aws.String(
				"Maximum policy size of " + itoa(maxInline[kind]) + " bytes exceeded for " + strings.ToLower(kind) + " " + e.name())}
		}
		return nil
	})
}

func (s *Service) getInline(ctx context.Context, kind string, name, policyName *string) (owner, document *string, err error) {
	err = s.view(ctx, func(r store.Reader) error {
		e, err := load(r, kind, name)
		if err != nil {
			return err
		}
		d, ok := e.policies().Inline[*policyName]
		if !ok {
			return noInline(kind, *policyName)
		}
		owner, document = aws.String(e.name()), encoded(&d)
		return nil
	})
	return owner, document, err
}

func noInline(kind, name string) error {
	return noSuch("The %s policy with name %s cannot be found.", strings.ToLower(kind), name)
}

func (s *Service) deleteInline(ctx context.Context, kind string, name, policyName *string) error {
	return s.changeEntity(ctx, kind, name, func(tx store.Tx, e entity) error {
		if _, ok := e.policies().Inline[*policyName]; !ok {
			return noInline(kind, *policyName)
		}
		delete(e.policies().Inline, *policyName)
		return nil
	})
}

func (s *Service) listInline(ctx context.Context, kind string, name, marker *string, max *int32) (names []string, next *string, more bool, err error) {
	err = s.view(ctx, func(r store.Reader) error {
		e, err := load(r, kind, name)
		if err != nil {
			return err
		}
		all := slices.Sorted(maps.Keys(e.policies().Inline))
		names, next, more, err = ofSlice(page{"inline/" + kind + "/" + e.name(), marker, max}, all, func(n string) string { return n })
		return err
	})
	return names, next, more, err
}

func (s *Service) attach(ctx context.Context, kind string, name, policyARN *string) error {
	return s.changeEntity(ctx, kind, name, func(tx store.Tx, e entity) error {
		if _, err := findPolicy(tx, policyARN); err != nil {
			return err
		}
		g := e.policies()
		g.Attached = insert(g.Attached, *policyARN)
		if len(g.Attached) > maxAttached {
			return quota("PoliciesPer"+kind, maxAttached)
		}
		if err := attached.Put(tx, &attachment{Kind: kind, Name: e.name()}, *policyARN, kind, e.name()); err != nil {
			return err
		}
		return nil
	})
}

func (s *Service) detach(ctx context.Context, kind string, name, policyARN *string) error {
	return s.changeEntity(ctx, kind, name, func(tx store.Tx, e entity) error {
		g, ok := e.policies(), false
		if g.Attached, ok = remove(g.Attached, *policyARN); !ok {
			return noSuch("Policy %s was not found.", *policyARN)
		}
		if err := attached.Delete(tx, *policyARN, kind, e.name()); err != nil {
			return err
		}
		return nil
	})
}

func (s *Service) listAttached(ctx context.Context, kind string, name, prefix, marker *string, max *int32) (out []types.AttachedPolicy, next *string, more bool, err error) {
	err = s.view(ctx, func(r store.Reader) error {
		e, err := load(r, kind, name)
		if err != nil {
			return err
		}
		all := []types.AttachedPolicy{}
		for _, a := range e.policies().Attached {
			path, name := splitPolicyARN(a)
			if under(&path, prefix) {
				all = append(all, types.AttachedPolicy{PolicyArn: aws.String(a), PolicyName: aws.String(name)})
			}
		}
		out, next, more, err = ofSlice(page{"attached/" + kind + "/" + e.name() + aws.ToString(prefix), marker, max}, all,
			func(p types.AttachedPolicy) string { return *p.PolicyArn })
		return err
	})
	return out, next, more, err
}

// setBoundary puts or, with a nil ARN, removes a permissions boundary.
func (s *Service) setBoundary(ctx context.Context, kind string, name, policyARN *string) error {
	return s.changeEntity(ctx, kind, name, func(tx store.Tx, e entity) error {
		if err := dropBoundary(tx, e); err != nil {
			return err
		}
		b, err := putBoundary(tx, e, policyARN)
		if err != nil {
			return err
		}
		switch e := e.(type) {
		case *role:
			e.PermissionsBoundary = b
		case *user:
			e.PermissionsBoundary = b
		}
		return nil
	})
}

func putBoundary(tx store.Tx, e entity, policyARN *string) (*types.AttachedPermissionsBoundary, error) {
	if policyARN == nil {
		return nil, nil
	}
	if _, err := findPolicy(tx, policyARN); err != nil {
		return nil, err
	}
	return &types.AttachedPermissionsBoundary{
		PermissionsBoundaryArn:  policyARN,
		PermissionsBoundaryType: types.PermissionsBoundaryAttachmentTypePolicy,
	}, attached.Put(tx, &attachment{Kind: e.kind(), Name: e.name(), Boundary: true}, *policyARN, e.kind()+"Boundary", e.name())
}

func dropBoundary(tx store.Tx, e entity) error {
	if b := e.boundary(); b != nil {
		return attached.Delete(tx, *b, e.kind()+"Boundary", e.name())
	}
	return nil
}

// bare makes sure that an entity about to be deleted has no policies.
func bare(e entity) error {
	switch g := e.policies(); {
	case len(g.Attached) > 0:
		return conflict("Cannot delete entity, must detach all policies first.")
	case len(g.Inline) > 0:
		return conflict("Cannot delete entity, must delete policies first.")
	}
	return nil
}
