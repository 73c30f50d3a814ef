package ecr

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/registry"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store/memory"
)

// world is ECR with a real registry, driven as docker drives it, and a clock
// that begins now: the registry's files have times of the machine.
type world struct {
	*Service
	t        *testing.T
	ctx      context.Context
	clock    *clock.Fake
	engine   *engine.Engine
	handler  http.Handler
	password string
	dir      string
}

// backend is what cmd/slipway/app wires.
type backend struct{ *Service }

type client struct{ *Client }

func (b backend) Client(r *http.Request) (registry.Client, error) {
	c, err := b.Service.Client(r)
	return client{c}, oci(err)
}

func oci(err error) error {
	var d *Denied
	if errors.As(err, &d) {
		return &registry.Refusal{Status: d.Status, Code: d.Code, Message: d.Message}
	}
	return err
}

func (c client) Repository(name string, a registry.Action) (string, error) {
	id, err := c.Client.Repository(name, string(a))
	return id, oci(err)
}
func (c client) Tag(id, tag string) (string, error) {
	d, err := c.Client.Tag(id, tag)
	return d, oci(err)
}
func (c client) Put(id, tag, digest, mediaType string, body []byte, keep func() error) error {
	return oci(c.Client.Put(id, tag, digest, mediaType, body, keep))
}
func (c client) Delete(id, reference string) error { return oci(c.Client.Delete(id, reference)) }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: clock.NewFake(time.Now()), dir: t.TempDir()}
	w.engine = enginetest.On(t, memory.New(), w.clock)
	r, err := registry.Open(t.Context(), w.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	w.Service = New(Config{Engine: w.engine, Bus: bus.New(w.engine, id.Random), IDs: id.Random, Log: enginetest.Log(t), Authorizer: allowed{},
		Registry: r, Tokens: seal.New(make([]byte, 32)).For("test"), Site: site.Site{Account: "000000000000", Region: "us-east-1", Host: "localhost:4566"}})
	enginetest.Start(t, w.engine)
	w.ctx = in(t, "us-east-1")
	w.handler = &registry.Handler{Registry: r, Backend: backend{w.Service}, Log: enginetest.Log(t)}
	w.login()
	create(t, w.Service, "us-east-1", "app")
	return w
}

func (w *world) login() {
	w.t.Helper()
	out, err := w.GetAuthorizationToken(w.ctx, &sdk.GetAuthorizationTokenInput{})
	if err != nil {
		w.t.Fatal(err)
	}
	pair, _ := base64.StdEncoding.DecodeString(*out.AuthorizationData[0].AuthorizationToken)
	_, w.password, _ = strings.Cut(string(pair), ":")
}

func (w *world) ask(method, path, contentType string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, bytes.NewReader(body)).WithContext(w.t.Context())
	r.SetBasicAuth("AWS", w.password)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

// manifest sends the blobs of an image of one layer for each of contents, and
// returns its manifest.
func (w *world) manifest(contents ...string) []byte {
	w.t.Helper()
	blob := func(content string) map[string]any {
		d := digestOf([]byte(content))
		start := w.ask("POST", "/v2/app/blobs/uploads/", "", nil)
		if rec := w.ask("PUT", start.Header().Get("Location")+"&digest="+d, "application/octet-stream", []byte(content)); rec.Code != 201 {
			w.t.Fatalf("upload: %d %s", rec.Code, rec.Body)
		}
		return map[string]any{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": d, "size": len(content)}
	}
	m := map[string]any{"schemaVersion": 2, "mediaType": manifestType, "config": blob(`{"of":"` + contents[0] + `"}`)}
	var layers []any
	for _, c := range contents {
		layers = append(layers, blob(c))
	}
	m["layers"] = layers
	body, _ := json.Marshal(m)
	return body
}

// push sends an image and returns its digest, by which it is pushed if the
// reference is "".
func (w *world) push(reference string, contents ...string) string {
	w.t.Helper()
	body := w.manifest(contents...)
	d := digestOf(body)
	if reference == "" {
		reference = d
	}
	if rec := w.ask("PUT", "/v2/app/manifests/"+reference, manifestType, body); rec.Code != 201 {
		w.t.Fatalf("push: %d %s", rec.Code, rec.Body)
	}
	enginetest.Settle(w.t, w.engine)
	return d
}

func (w *world) policy(text string) {
	w.t.Helper()
	if _, err := w.PutLifecyclePolicy(w.ctx, &sdk.PutLifecyclePolicyInput{RepositoryName: aws.String("app"), LifecyclePolicyText: &text}); err != nil {
		w.t.Fatal(err)
	}
	enginetest.Settle(w.t, w.engine)
}

func (w *world) pass(d time.Duration) {
	w.clock.Advance(d)
	enginetest.Settle(w.t, w.engine)
	w.login() // passwords end after 12 hours
}

// has tells whether the API and the registry both have an image, which they
// must agree on.
func (w *world) has(digest string) bool {
	w.t.Helper()
	out, err := w.BatchGetImage(w.ctx, &sdk.BatchGetImageInput{RepositoryName: aws.String("app"), ImageIds: []types.ImageIdentifier{{ImageDigest: &digest}}})
	if err != nil {
		w.t.Fatal(err)
	}
	rec := w.ask("GET", "/v2/app/manifests/"+digest, "", nil)
	if (len(out.Images) == 1) != (rec.Code == 200) {
		w.t.Errorf("%.15s: the API has %d, the registry says %d", digest, len(out.Images), rec.Code)
	}
	return rec.Code == 200
}

// kept tells whether the bytes are on the disk.
func (w *world) kept(content string) bool {
	hex := strings.TrimPrefix(digestOf([]byte(content)), "sha256:")
	_, err := os.Stat(filepath.Join(w.dir, "docker/registry/v2/blobs/sha256", hex[:2], hex, "data"))
	return err == nil
}
