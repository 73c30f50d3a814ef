package ecr

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// manifest is what the media types have in common.
type manifest struct {
	MediaType    string       `json:"mediaType"`
	ArtifactType string       `json:"artifactType"`
	Config       *descriptor  `json:"config"`
	Layers       []descriptor `json:"layers"`
	Manifests    []descriptor `json:"manifests"`
	Subject      *descriptor  `json:"subject"`
}

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

var (
	// digestForm is OCI's, of the two algorithms that registries must know.
	digestForm = regexp.MustCompile(`^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$`)
	tagForm    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,299}$`)
)

// read makes the record of a manifest, whose mediaType a client may leave to
// the Content-Type.
func read(digest, mediaType string, body []byte) (*image, error) {
	var m manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, fail("InvalidParameter", "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'")
	}
	if m.MediaType != "" {
		mediaType = m.MediaType
	}
	if mediaType == "" {
		return nil, fail("InvalidParameter", "Invalid parameter at 'imageManifestMediaType' failed to satisfy constraint: 'the manifest does not tell its media type'")
	}
	all := slices.Concat(m.Layers, m.Manifests)
	for _, d := range []*descriptor{m.Config, m.Subject} {
		if d != nil {
			all = append(all, *d)
		}
	}
	for _, d := range all {
		if !digestForm.MatchString(d.Digest) || d.Size < 0 {
			return nil, fail("InvalidParameter", "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'the manifest has a descriptor without a valid digest and size'")
		}
	}
	im := &image{Digest: digest, MediaType: mediaType, ArtifactType: m.ArtifactType}
	for _, d := range m.Layers {
		im.Blobs = append(im.Blobs, d.Digest)
		im.Size += d.Size
	}
	if m.Config != nil {
		im.Blobs = append(im.Blobs, m.Config.Digest)
		im.Size += m.Config.Size
		if im.ArtifactType == "" {
			im.ArtifactType = m.Config.MediaType
		}
	}
	for _, d := range m.Manifests {
		im.Children = append(im.Children, d.Digest)
	}
	if m.Subject != nil {
		im.Subject = m.Subject.Digest
	}
	return im, nil
}

// errImmutable says that a tag would have to move and may not.
type errImmutable struct{ tag, repository string }

func (e *errImmutable) Error() string {
	return "The image tag '" + e.tag + "' already exists in the '" + e.repository + "' repository and cannot be overwritten because the tag is immutable."
}

// movable refuses a tag that is on another image and must stay there.
func movable(r store.Reader, repo *repository, tag, digest string) error {
	if tag == "" || repo.mutable(tag) {
		return nil
	}
	switch at, err := tags.Get(r, repo.ID, tag); {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	case *at != digest:
		return &errImmutable{tag, repo.name()}
	}
	return nil
}

// put stores a pushed manifest, by the registry and then here. It reports
// whether the image had the tag already.
func (s *Service) put(ctx context.Context, repo *repository, tag string, im *image, body []byte, keep func() error) (same bool, err error) {
	if err := s.Engine.View(ctx, func(r store.Reader) error { return movable(r, repo, tag, im.Digest) }); err != nil {
		return false, err
	}
	defer s.lock(repo.ID, im.Digest)()
	if err := keep(); err != nil {
		return false, err
	}
	return same, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		same = false
		// The repository may have been deleted since, or deleted and made again.
		now, err := repositories.Get(tx, repo.Region, repo.name())
		if errors.Is(err, store.ErrNotFound) || err == nil && now.ID != repo.ID {
			return fail("RepositoryNotFound", "The repository with name '%s' does not exist in the registry with id '%s'", repo.name(), s.Site.Account)
		}
		if err != nil {
			return err
		}
		if err := movable(tx, now, tag, im.Digest); err != nil {
			return err
		}
		doc := *im
		doc.Pushed = s.Engine.Now()
		if old, err := images.Get(tx, repo.ID, im.Digest); err == nil {
			// A new tag leaves the time of the push alone, and with it the
			// image's place in a lifecycle policy's order.
			doc.Tags, doc.Pulled, doc.Pushed = old.Tags, old.Pulled, old.Pushed
			same = tag == "" || slices.Contains(old.Tags, tag)
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if tag != "" && !slices.Contains(doc.Tags, tag) {
			if err := s.untag(tx, repo, tag, false); err != nil {
				return err
			}
			doc.Tags = append(doc.Tags, tag)
			if err := tags.Put(tx, &doc.Digest, repo.ID, tag); err != nil {
				return err
			}
		}
		// An index is as large as the largest image it names.
		for _, child := range doc.Children {
			if c, err := images.Get(tx, repo.ID, child); err == nil {
				doc.Size = max(doc.Size, c.Size)
			} else if !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		if err := images.Put(tx, &doc, repo.ID, doc.Digest); err != nil {
			return err
		}
		text := string(body)
		if err := manifests.Put(tx, &text, repo.ID, doc.Digest); err != nil {
			return err
		}
		if err := now.judge(tx, time.Time{}); err != nil {
			return err
		}
		return s.announce(tx, repo, "PUSH", &doc, tag)
	})
}

// untag takes a tag off the image that has it; drop removes an image whose last
// tag that was.
func (s *Service) untag(tx *engine.Tx, repo *repository, tag string, drop bool) error {
	at, err := tags.Get(tx, repo.ID, tag)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	im, err := images.Get(tx, repo.ID, *at)
	if err != nil {
		return err
	}
	im.Tags = slices.DeleteFunc(im.Tags, func(t string) bool { return t == tag })
	if drop && len(im.Tags) == 0 {
		im.Tags = []string{tag} // so that dropImage announces it
		return s.dropImage(tx, repo, im)
	}
	if err := tags.Delete(tx, repo.ID, tag); err != nil {
		return err
	}
	if drop {
		if err := s.announce(tx, repo, "DELETE", im, tag); err != nil {
			return err
		}
	}
	return images.Put(tx, im, repo.ID, im.Digest)
}

type deleteJob struct{ ID, Digest string }

// dropImage forgets an image with its tags; the registry's copy follows.
func (s *Service) dropImage(tx *engine.Tx, repo *repository, im *image) error {
	for _, tag := range im.Tags {
		if err := tags.Delete(tx, repo.ID, tag); err != nil {
			return err
		}
		if err := s.announce(tx, repo, "DELETE", im, tag); err != nil {
			return err
		}
	}
	if len(im.Tags) == 0 {
		if err := s.announce(tx, repo, "DELETE", im, ""); err != nil {
			return err
		}
	}
	if err := manifests.Delete(tx, repo.ID, im.Digest); err != nil {
		return err
	}
	if err := images.Delete(tx, repo.ID, im.Digest); err != nil {
		return err
	}
	return tx.Enqueue(engine.NewJob{Kind: jobDelete, ID: repo.ID + im.Digest, Payload: deleteJob{repo.ID, im.Digest}})
}

func (s *Service) deleteManifest(ctx context.Context, job *engine.Job) error {
	var d deleteJob
	if err := json.Unmarshal(job.Payload, &d); err != nil {
		return err
	}
	defer s.lock(d.ID, d.Digest)()
	back := false
	err := s.Engine.View(ctx, func(r store.Reader) error {
		_, err := images.Get(r, d.ID, d.Digest)
		back = err == nil // pushed again meanwhile
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if !back {
		if err := s.Registry.DeleteManifest(ctx, d.ID, d.Digest); err != nil {
			return err
		}
	}
	return s.Engine.Update(ctx, s.scheduleSweep)
}
