package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"reflect"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/blob"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Bus is where object events go for buckets that ask for them.
type Bus interface {
	Emit(tx *engine.Tx, ev bus.Event) error
}

// Config is what S3 needs; all members are required.
type Config struct {
	Engine *engine.Engine
	Blobs  blob.Store
	Bus    Bus
	Site   site.Site
	IDs    id.Source
	Log    *slog.Logger
}

// Service is Amazon S3. Its methods have the signatures of the SDK's client.
type Service struct {
	engine *engine.Engine
	blobs  blob.Store
	bus    Bus
	site   site.Site
	ids    id.Source
	log    *slog.Logger

	pins pins
	// commits is held for reading from the commit of a blob to the end of the
	// transition that refers to it, and for writing by the sweep, once, between
	// listing blobs and asking which of them have an owner.
	commits sync.RWMutex
}

// New makes the service and registers its jobs; before the engine's Start.
func New(cfg Config) *Service {
	s := &Service{engine: cfg.Engine, blobs: cfg.Blobs, bus: cfg.Bus, site: cfg.Site, ids: cfg.IDs, log: cfg.Log}
	s.engine.Handle(jobDiscard, engine.Options{Concurrency: 4}, s.discardJob)
	s.engine.Handle(jobSweep, engine.Options{Concurrency: 1}, s.sweepJob)
	s.engine.Handle(jobLifecycle, engine.Options{Concurrency: 1}, s.lifecycleJob)
	return s
}

// Start asks for the sweep of blobs that a crash left without an owner; after
// the engine's Start. It returns at once.
func (s *Service) Start(ctx context.Context) error {
	return s.engine.Update(ctx, func(tx *engine.Tx) error {
		return tx.Enqueue(engine.NewJob{Kind: jobSweep, ID: "start"})
	})
}

// owner is the canonical user of an account: AWS derives 64 hexadecimal digits
// from it in a way only AWS knows.
func owner(account string) *types.Owner {
	sum := sha256.Sum256([]byte("canonical user " + account))
	id := hex.EncodeToString(sum[:])
	return &types.Owner{ID: &id}
}

func account(ctx context.Context) string { return identity.From(ctx).Account }

// copyFields sets the fields of *dst that *src has by the same name and type:
// the members that S3's inputs and outputs share (content headers, checksums,
// encryption) go by their names from one to the other.
func copyFields(dst, src any) {
	d, s := reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem()
	for i := range d.NumField() {
		f := d.Type().Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		if v := s.FieldByName(f.Name); v.IsValid() && v.Type() == f.Type {
			d.Field(i).Set(v)
		}
	}
}

// get returns the document, or nil if there is none.
func get[T any](t store.Table[T], r store.Reader, key ...string) (*T, error) {
	doc, err := t.Get(r, key...)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return doc, err
}

func itoa[N int | int32 | int64](n N) string { return strconv.FormatInt(int64(n), 10) }

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// ptr returns nil for the zero value: members that S3 leaves out.
func ptr[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
