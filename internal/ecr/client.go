package ecr

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// Denied is an answer of the registry's HTTP side, with a code of the OCI
// specification. The wiring turns it into the registry's own type.
type Denied struct {
	Status        int
	Code, Message string
}

func (d *Denied) Error() string { return d.Code + ": " + d.Message }

// Client is an authenticated client of the registry: it implements what the
// registry asks for with ECR's rules.
type Client struct {
	s   *Service
	ctx context.Context
	// repositories by id, as permitted in this request.
	known map[string]*repository
}

// Client authenticates a request by the password of GetAuthorizationToken.
func (s *Service) Client(r *http.Request) (*Client, error) {
	user, password, ok := r.BasicAuth()
	if !ok || user != "AWS" {
		return nil, &Denied{401, "UNAUTHORIZED", "authentication required"}
	}
	plain, err := s.Tokens.Open(password)
	var t token
	if err != nil || json.Unmarshal(plain, &t) != nil {
		return nil, &Denied{401, "UNAUTHORIZED", "authentication required"}
	}
	if s.Engine.Now().After(t.Expires) {
		return nil, &Denied{403, "DENIED", "Your authorization token has expired. Reauthenticate and try again."}
	}
	caller := &t.Caller
	if caller.ExpiresAt.IsZero() && caller.AccessKeyID != "" {
		// A long-term key may have been taken away since; a session's own end
		// does not end the password, as with ECR.
		now, err := s.Keys.Lookup(r.Context(), caller.AccessKeyID, "")
		if err != nil {
			return nil, &Denied{401, "UNAUTHORIZED", "authentication required"}
		}
		caller = now.Caller
	}
	ctx := identity.WithRegion(identity.WithCaller(r.Context(), caller), s.Site.Region)
	return &Client{s: s, ctx: ctx, known: map[string]*repository{}}, nil
}

// Repository permits an action on a repository and returns its id.
func (c *Client) Repository(name, action string) (string, error) {
	region := c.s.Site.Region
	if m := regional.FindStringSubmatch(name); m != nil && m[1] == c.s.Site.Account {
		region, name = m[2], m[3]
	}
	ctx := identity.WithRegion(c.ctx, region)
	err := c.s.Authorizer.Authorize(ctx, wire.Access{Action: "ecr:" + action, Resource: c.s.arn(region, name)})
	var denied *wire.Error
	if errors.As(err, &denied) {
		return "", &Denied{403, "DENIED", denied.Message}
	}
	if err != nil {
		return "", err
	}
	repo, err := c.s.find(ctx, nil, &name)
	if errors.As(err, &denied) {
		return "", &Denied{404, "NAME_UNKNOWN", denied.Message}
	}
	if err != nil {
		return "", err
	}
	c.known[repo.ID] = repo
	return repo.ID, nil
}

var errManifestUnknown = &Denied{404, "MANIFEST_UNKNOWN", "Requested image not found"}

// Tag returns the digest that a tag names.
func (c *Client) Tag(id, tag string) (digest string, err error) {
	err = c.s.Engine.View(c.ctx, func(r store.Reader) error {
		d, err := tags.Get(r, id, tag)
		if err != nil {
			return err
		}
		digest = *d
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return "", errManifestUnknown
	}
	return digest, err
}

// Put records a push.
func (c *Client) Put(id, tag, digest, mediaType string, body []byte, keep func() error) error {
	im, err := read(digest, mediaType, body)
	if err != nil {
		var bad *wire.Error
		if errors.As(err, &bad) {
			return &Denied{400, "MANIFEST_INVALID", bad.Message}
		}
		return err
	}
	_, err = c.s.put(c.ctx, c.known[id], tag, im, body, keep)
	var fixed *errImmutable
	var gone *wire.Error
	switch {
	case errors.As(err, &fixed):
		return &Denied{400, "TAG_INVALID", fixed.Error()}
	case errors.As(err, &gone):
		return &Denied{404, "NAME_UNKNOWN", gone.Message}
	}
	return err
}

// Delete removes a tag, or an image with all of its tags.
func (c *Client) Delete(id, reference string) error {
	known := c.known[id]
	return c.s.Engine.Update(c.ctx, func(tx *engine.Tx) error {
		repo, err := repositories.Get(tx, known.Region, known.name())
		if errors.Is(err, store.ErrNotFound) || err == nil && repo.ID != id {
			return errManifestUnknown
		}
		if err != nil {
			return err
		}
		digest, tag := reference, ""
		if !strings.Contains(reference, ":") {
			at, err := tags.Get(tx, id, reference)
			if errors.Is(err, store.ErrNotFound) {
				return errManifestUnknown
			}
			if err != nil {
				return err
			}
			digest, tag = *at, reference
		}
		im, err := images.Get(tx, id, digest)
		if errors.Is(err, store.ErrNotFound) {
			return errManifestUnknown
		}
		if err != nil {
			return err
		}
		named, err := indexed(tx, repo)
		if err != nil {
			return err
		}
		code, reason, err := c.s.delete(tx, repo, im, tag, named)
		if err != nil {
			return err
		}
		if code != "" {
			return &Denied{400, "DENIED", reason}
		}
		return repo.judge(tx, time.Time{})
	})
}

// Pulled notes the time of a pull, at most once in an hour for each image.
func (c *Client) Pulled(id, digest string) {
	now := c.s.Engine.Now()
	var last *image
	err := c.s.Engine.View(c.ctx, func(r store.Reader) (err error) {
		last, err = images.Get(r, id, digest)
		return err
	})
	if err != nil || now.Sub(last.Pulled) < pullResolution {
		return
	}
	err = c.s.Engine.Update(c.ctx, func(tx *engine.Tx) error {
		im, err := images.Get(tx, id, digest)
		if err != nil {
			return err
		}
		im.Pulled = now
		return images.Put(tx, im, id, digest)
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		c.s.Log.Warn("cannot note a pull", "error", err)
	}
}

// Tags lists tags after last.
func (c *Client) Tags(id, last string, n int) (list []string, more bool, err error) {
	list = []string{}
	prefix := tags.Key(id, "")
	err = c.s.Engine.View(c.ctx, func(r store.Reader) error {
		for e, err := range r.Scan(store.Range{Prefix: prefix, Start: prefix + last, Limit: n + 2}) {
			if err != nil {
				return err
			}
			tag := strings.TrimPrefix(e.Key, prefix)
			if tag == last {
				continue
			}
			if len(list) == n {
				more = true
				break
			}
			list = append(list, tag)
		}
		return nil
	})
	return list, more, err
}

// Names lists repositories after last.
func (c *Client) Names(last string, n int) (list []string, more bool, err error) {
	err = c.s.Authorizer.Authorize(c.ctx, wire.Access{Action: "ecr:DescribeRepositories"})
	var denied *wire.Error
	if errors.As(err, &denied) {
		return nil, false, &Denied{403, "DENIED", denied.Message}
	}
	if err != nil {
		return nil, false, err
	}
	// Names are asked for in their own order, which is not the store's: there
	// the region comes first, and the default region has no prefix.
	var all []string
	err = c.s.Engine.View(c.ctx, func(r store.Reader) error {
		for repo, err := range repositories.All(r) {
			if err != nil {
				return err
			}
			if name := c.s.path(repo.Region, repo.name()); name > last {
				all = append(all, name)
			}
		}
		return nil
	})
	slices.Sort(all)
	if len(all) > n {
		return all[:n], true, err
	}
	return append([]string{}, all...), false, err
}
