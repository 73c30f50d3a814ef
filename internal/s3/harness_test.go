package s3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/blob/files"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/s3"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
	"github.com/slipway-dev/slipway/internal/store/memory"
)

// world is an S3 whose methods tests call as the SDK's client has them.
type world struct {
	*s3.Service
	t      *testing.T
	ctx    context.Context
	engine *engine.Engine
	clock  *clock.Fake
	store  store.Store
	blobs  *files.Store
	dir    string
	events *recorder
}

type recorder struct{ events []bus.Event }

func (r *recorder) Emit(_ *engine.Tx, ev bus.Event) error {
	r.events = append(r.events, ev)
	return nil
}

const testAccount = "000000000000"

func newWorld(t *testing.T) *world {
	w := &world{t: t, store: memory.New(), clock: clock.NewFake(enginetest.Epoch), dir: t.TempDir(), events: &recorder{}}
	w.ctx = identity.WithRegion(identity.WithCaller(context.Background(), &identity.Caller{
		Kind: identity.Root, Account: testAccount, ARN: "arn:aws:iam::000000000000:root", UserID: testAccount,
	}), "us-east-1")
	w.start()
	return w
}

// start makes the service on what is stored, as after a restart.
func (w *world) start() {
	w.t.Helper()
	var err error
	if w.blobs, err = files.Open(w.dir, id.Random); err != nil {
		w.t.Fatal(err)
	}
	w.engine = enginetest.On(w.t, w.store, w.clock)
	w.Service = s3.New(s3.Config{
		Engine: w.engine, Blobs: w.blobs, Bus: w.events, IDs: id.Random, Log: enginetest.Log(w.t),
		Site: site.Site{Account: testAccount, Region: "us-east-1", URL: "http://localhost:4566"},
	})
	enginetest.Start(w.t, w.engine)
	if err := w.Start(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	w.settle()
}

func (w *world) settle() { enginetest.Settle(w.t, w.engine) }

// bucket makes a bucket; versioning is "", "Enabled" or "Suspended".
func (w *world) bucket(name, versioning string) {
	w.t.Helper()
	if _, err := w.CreateBucket(w.ctx, &sdk.CreateBucketInput{Bucket: &name}); err != nil {
		w.t.Fatal(err)
	}
	w.versioning(name, versioning)
}

func (w *world) versioning(name, status string) {
	w.t.Helper()
	if status == "" {
		return
	}
	_, err := w.PutBucketVersioning(w.ctx, &sdk.PutBucketVersioningInput{Bucket: &name,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatus(status)}})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) put(bucket, key, data string) *sdk.PutObjectOutput {
	w.t.Helper()
	out, err := w.PutObject(w.ctx, &sdk.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(data)})
	if err != nil {
		w.t.Fatalf("put %s/%s: %v", bucket, key, err)
	}
	return out
}

// get returns an object's bytes, or the error's code in angle brackets.
func (w *world) get(bucket, key string, version *string) string {
	w.t.Helper()
	out, err := w.GetObject(w.ctx, &sdk.GetObjectInput{Bucket: &bucket, Key: &key, VersionId: version})
	if err != nil {
		return "<" + code(err) + ">"
	}
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

// delete returns the version and whether it is a marker.
func (w *world) delete(bucket, key string, version *string) (string, bool) {
	w.t.Helper()
	out, err := w.DeleteObject(w.ctx, &sdk.DeleteObjectInput{Bucket: &bucket, Key: &key, VersionId: version})
	if err != nil {
		w.t.Fatal(err)
	}
	return aws.ToString(out.VersionId), aws.ToBool(out.DeleteMarker)
}

// blobCount settles and counts what lies on the disk.
func (w *world) blobCount() int {
	w.t.Helper()
	w.settle()
	n := 0
	if err := w.blobs.List(w.ctx, func(string) bool { n++; return true }); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// code is an error's code, whoever made it; "" for none.
func code(err error) string {
	var we *wire.Error
	var ae smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &we):
		return we.Code
	case errors.As(err, &ae):
		return ae.ErrorCode()
	}
	return err.Error()
}

func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	if got := code(err); got != want {
		t.Errorf("error %q (%v), want %q", got, err, want)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func repeat(n int) string { return string(bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]) }
