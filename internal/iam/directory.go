package iam

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/iam/policy"
	"github.com/slipway-dev/slipway/internal/store"
)

// directory remembers what requests need of IAM. Any change of IAM empties it.
type directory struct {
	mu         sync.RWMutex
	generation uint64
	keys       map[string]auth.Credential
	principals map[string]*principal
}

// principal is a user or role, ready for evaluation.
type principal struct {
	id       string // AIDA…, AROA…
	arn      string
	tags     map[string]string // keys in lower case
	identity []*policy.Policy
	boundary *policy.Policy
	role     *types.Role // of roles
	trust    *policy.Policy
}

// The directory's entries never change; what is read during a change of IAM is
// not kept, since it may be from before.
func (d *directory) forget() {
	d.mu.Lock()
	d.generation++
	d.keys, d.principals = nil, nil
	d.mu.Unlock()
}

func remember[V any](d *directory, of func() *map[string]V, key string, load func() (V, error)) (V, error) {
	d.mu.RLock()
	v, ok := (*of())[key]
	before := d.generation
	d.mu.RUnlock()
	if ok {
		return v, nil
	}
	v, err := load()
	if err != nil {
		return v, err
	}
	d.mu.Lock()
	if m := of(); d.generation == before {
		if *m == nil {
			*m = map[string]V{}
		}
		(*m)[key] = v
	}
	d.mu.Unlock()
	return v, nil
}

// AccessKey finds a long-term access key that is active, or returns
// InvalidClientTokenId.
func (s *Service) AccessKey(ctx context.Context, accessKeyID string) (auth.Credential, error) {
	if accessKeyID == s.cfg.Root.AccessKeyID {
		return s.root, nil
	}
	return remember(&s.directory, func() *map[string]auth.Credential { return &s.directory.keys }, accessKeyID, func() (c auth.Credential, err error) {
		err = s.view(ctx, func(r store.Reader) error {
			k, err := accessKeys.Get(r, accessKeyID)
			if errors.Is(err, store.ErrNotFound) || err == nil && k.Status != types.StatusTypeActive {
				return errUnknownKey
			}
			if err != nil {
				return err
			}
			u, err := loadUser(r, k.UserName)
			if err != nil {
				return err
			}
			secret, err := s.box.Open(k.Secret)
			if err != nil {
				return err
			}
			c = auth.Credential{Secret: string(secret), Caller: s.userCaller(u, accessKeyID)}
			return nil
		})
		return c, err
	})
}

func (s *Service) userCaller(u *user, keyID string) *identity.Caller {
	return &identity.Caller{
		Kind:        identity.User,
		Account:     s.cfg.Site.Account,
		ARN:         *u.Arn,
		UserID:      *u.UserId,
		UserName:    *u.UserName,
		AccessKeyID: keyID,
	}
}

// Role is a role as STS needs it.
func (s *Service) Role(ctx context.Context, roleARN string) (*types.Role, *policy.Policy, error) {
	p, err := s.rolePrincipal(ctx, roleARN)
	if err != nil {
		return nil, nil, err
	}
	return p.role, p.trust, nil
}

// rolePrincipal finds a role by its whole ARN.
func (s *Service) rolePrincipal(ctx context.Context, roleARN string) (*principal, error) {
	a, ok := arn.Parse(roleARN)
	rest, isRole := strings.CutPrefix(a.Resource, "role/")
	if !ok || !isRole || a.Service != "iam" || a.Account != s.cfg.Site.Account {
		return nil, noSuch("The role with ARN %s cannot be found.", roleARN)
	}
	name := rest[strings.LastIndexByte(rest, '/')+1:]
	p, err := s.principal(ctx, "Role", name)
	if err == nil && p.arn != roleARN {
		return nil, noSuch("The role with ARN %s cannot be found.", roleARN)
	}
	return p, err
}

func (s *Service) principal(ctx context.Context, kind, name string) (*principal, error) {
	return remember(&s.directory, func() *map[string]*principal { return &s.directory.principals }, kind+"/"+strings.ToLower(name), func() (p *principal, err error) {
		err = s.view(ctx, func(r store.Reader) error {
			e, err := load(r, kind, &name)
			if err != nil {
				return err
			}
			p, err = makePrincipal(r, e)
			return err
		})
		return p, err
	})
}

func makePrincipal(r store.Reader, e entity) (*principal, error) {
	p := &principal{tags: map[string]string{}}
	var tags []types.Tag
	holders := []entity{e}
	switch e := e.(type) {
	case *role:
		p.id, p.arn, p.role, tags = *e.RoleId, *e.Arn, &e.Role, e.Tags
		trust, err := policy.Parse(*e.AssumeRolePolicyDocument, policy.Trust)
		if err != nil {
			return nil, err
		}
		p.trust = trust
	case *user:
		p.id, p.arn, tags = *e.UserId, *e.Arn, e.Tags
		for _, name := range e.Groups {
			g, err := loadGroup(r, &name)
			if err != nil {
				return nil, err
			}
			holders = append(holders, g)
		}
	}
	for _, t := range tags {
		p.tags[strings.ToLower(*t.Key)] = aws.ToString(t.Value)
	}
	for _, h := range holders {
		docs, err := documents(r, h)
		if err != nil {
			return nil, err
		}
		for _, d := range docs {
			parsed, err := policy.Parse(d, policy.Identity)
			if err != nil {
				return nil, err
			}
			p.identity = append(p.identity, parsed)
		}
	}
	if b := e.boundary(); b != nil {
		m, err := findPolicy(r, b)
		if err != nil {
			return nil, err
		}
		if p.boundary, err = policy.Parse(*m.document(), policy.Identity); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// documents are all policies of an entity itself.
func documents(r store.Reader, e entity) ([]string, error) {
	var out []string
	for _, d := range e.policies().Inline {
		out = append(out, d)
	}
	for _, a := range e.policies().Attached {
		m, err := findPolicy(r, &a)
		if err != nil {
			return nil, err
		}
		out = append(out, *m.document())
	}
	return out, nil
}

// ManagedPolicy returns the document of a managed policy's default version.
func (s *Service) ManagedPolicy(ctx context.Context, policyARN string) (document string, err error) {
	err = s.viewPolicy(ctx, &policyARN, func(_ store.Reader, m *managed) error {
		document = *m.document()
		return nil
	})
	return document, err
}
