package s3

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// putVersion makes o the current version of its key. It fills what depends on
// the key's history: Version, Null, Seq and Modified.
func (s *Service) putVersion(tx *engine.Tx, b *bucket, o *object) error {
	current, err := get(objects, tx, b.Name, o.Key)
	if err != nil {
		return err
	}
	now := s.engine.Now()
	o.Seq, o.Modified, o.Null = now.UnixNano(), now, b.Versioning != types.BucketVersioningStatusEnabled
	if current != nil && current.Seq >= o.Seq {
		o.Seq = current.Seq + 1
	}
	o.Version = versionID(s.ids, o.Seq)
	if o.Null {
		if err := s.dropNoncurrentNull(tx, b, o.Key); err != nil {
			return err
		}
	}
	switch {
	case current == nil:
	case o.Null && current.Null:
		if err := s.discard(tx, current); err != nil {
			return err
		}
	default:
		if err := supersede(tx, b, current, now); err != nil {
			return err
		}
	}
	return objects.Put(tx, o, b.Name, o.Key)
}

// supersede moves the current version among the noncurrent ones.
func supersede(tx *engine.Tx, b *bucket, o *object, now time.Time) error {
	o.Superseded = now
	if o.Null {
		if err := nulls.Put(tx, &o.Version, b.Name, o.Key); err != nil {
			return err
		}
	}
	return versions.Put(tx, o, b.Name, o.Key, o.Version)
}

// dropNoncurrentNull removes the null version if it is a noncurrent one: there
// is never more than one null version of a key.
func (s *Service) dropNoncurrentNull(tx *engine.Tx, b *bucket, key string) error {
	if b.Versioning == "" {
		return nil // has no noncurrent versions
	}
	where, err := get(nulls, tx, b.Name, key)
	if err != nil || where == nil {
		return err
	}
	old, err := versions.Get(tx, b.Name, key, *where)
	if err != nil {
		return err
	}
	return s.dropNoncurrent(tx, b, old)
}

func (s *Service) dropNoncurrent(tx *engine.Tx, b *bucket, o *object) error {
	if o.Null {
		if err := nulls.Delete(tx, b.Name, o.Key); err != nil {
			return err
		}
	}
	if err := versions.Delete(tx, b.Name, o.Key, o.Version); err != nil {
		return err
	}
	return s.discard(tx, o)
}

// dropCurrent removes the current version; the newest noncurrent one, if any,
// takes its place.
func (s *Service) dropCurrent(tx *engine.Tx, b *bucket, o *object) error {
	if err := s.discard(tx, o); err != nil {
		return err
	}
	next, err := newestNoncurrent(tx, b.Name, o.Key)
	if err != nil {
		return err
	}
	if next == nil {
		return objects.Delete(tx, b.Name, o.Key)
	}
	if next.Null {
		if err := nulls.Delete(tx, b.Name, o.Key); err != nil {
			return err
		}
	}
	if err := versions.Delete(tx, b.Name, o.Key, next.Version); err != nil {
		return err
	}
	next.Superseded = time.Time{}
	return objects.Put(tx, next, b.Name, o.Key)
}

func newestNoncurrent(r store.Reader, bucket, key string) (*object, error) {
	for o, err := range versions.Scan(r, store.Range{Prefix: store.Prefix(string(versions), bucket, key), Limit: 1}) {
		return o, err
	}
	return nil, nil
}

// find returns the version that a request names, or the current one if version
// is nil; nil if there is none. current tells which of both it is.
func find(r store.Reader, b *bucket, key string, version *string) (o *object, current bool, err error) {
	o, err = get(objects, r, b.Name, key)
	if err != nil || version == nil {
		return o, true, err
	}
	want := *version
	if o != nil && (o.Null && want == nullVersion || !o.Null && want == o.Version) {
		return o, true, nil
	}
	null := want == nullVersion
	if null {
		where, err := get(nulls, r, b.Name, key)
		if err != nil || where == nil {
			return nil, false, err
		}
		want = *where
	}
	o, err = get(versions, r, b.Name, key, want)
	if o != nil && o.Null != null {
		return nil, false, nil // a null version's place is not its name
	}
	return o, false, err
}

// update writes o back to where it is.
func update(tx *engine.Tx, b *bucket, o *object, current bool) error {
	if current {
		return objects.Put(tx, o, b.Name, o.Key)
	}
	return versions.Put(tx, o, b.Name, o.Key, o.Version)
}

// deletion is what came of deleting a key.
type deletion struct {
	version *string // that was deleted, or of the marker that was put
	marker  bool    // a marker was put, or a marker was deleted
	found   bool    // something was deleted, or a marker put
}

// deleteKey deletes without naming a version.
func (s *Service) deleteKey(tx *engine.Tx, b *bucket, key string) (deletion, error) {
	if b.Versioning != "" {
		m := &object{Key: key, Marker: true}
		if err := s.putVersion(tx, b, m); err != nil {
			return deletion{}, err
		}
		return deletion{version: m.versionOf(b), marker: true, found: true}, nil
	}
	o, err := get(objects, tx, b.Name, key)
	if err != nil || o == nil {
		return deletion{}, err
	}
	return deletion{found: true}, s.dropCurrent(tx, b, o)
}

// deleteVersion deletes one version for good.
func (s *Service) deleteVersion(tx *engine.Tx, b *bucket, key, version string) (deletion, error) {
	o, current, err := find(tx, b, key, &version)
	if err != nil || o == nil {
		return deletion{version: aws.String(version)}, err
	}
	drop := s.dropNoncurrent
	if current {
		drop = s.dropCurrent
	}
	return deletion{version: aws.String(version), marker: o.Marker, found: true}, drop(tx, b, o)
}
