package ecr

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
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

// push sends an image of one layer for each of contents, and returns its digest.
func (w *world) push(reference string, contents ...string) string {
	w.t.Helper()
	blob := func(content string) map[string]any {
		d := digestOf([]byte(content))
		start := w.ask("POST", "/v2/app/blobs/uploads/", "", nil)
		if rec := w.ask("PUT", start.Header().Get("Location")+"&digest="+d, "application/octet-stream", []byte(content)); rec.Code != 201 {
			w.t.Fatalf("upload: %d %s", rec.Code, rec.Body)
		}
		return map[string]any{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": d, "size": len(content)}
	}
	m := map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": blob(`{"of":"` + contents[0] + `"}`)}
	var layers []any
	for _, c := range contents {
		layers = append(layers, blob(c))
	}
	m["layers"] = layers
	body, _ := json.Marshal(m)
	d := digestOf(body)
	if reference == "" {
		reference = d
	}
	if rec := w.ask("PUT", "/v2/app/manifests/"+reference, "application/vnd.oci.image.manifest.v1+json", body); rec.Code != 201 {
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

const day = 24 * time.Hour

func TestImagesExpireOnTime(t *testing.T) {
	w := newWorld(t)
	w.policy(rules(`{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":14},"action":{"type":"expire"}}`))
	old := w.push("", "old", "shared")
	w.pass(7 * day)
	tagged := w.push("v1", "tagged", "shared")
	young := w.push("", "young")
	w.pass(7*day - time.Millisecond)
	if !w.has(old) {
		t.Error("it went before its time")
	}
	w.pass(time.Millisecond)
	if w.has(old) {
		t.Error("it is still there when its time has come")
	}
	if !w.has(tagged) || !w.has(young) {
		t.Error("others went as well")
	}
	// The bytes follow, those that no other image has.
	w.pass(2 * time.Hour)
	if w.kept("old") || !w.kept("shared") || !w.kept("tagged") {
		t.Errorf("kept old %v, shared %v, tagged %v", w.kept("old"), w.kept("shared"), w.kept("tagged"))
	}
	if rec := w.ask("GET", "/v2/app/blobs/"+digestOf([]byte("old")), "", nil); rec.Code != 404 {
		t.Errorf("the blob answers %d", rec.Code)
	}
	// An image that loses its tag by a push is under the rule from then on.
	w.push("v1", "another")
	if w.has(tagged) != true {
		t.Error("untagged ones of 7 days went")
	}
	w.pass(5 * day)
	w.pass(2 * day)
	if w.has(tagged) || w.has(young) {
		t.Errorf("after 14 days: tagged %v, young %v", w.has(tagged), w.has(young))
	}
	read, err := w.GetLifecyclePolicy(w.ctx, &sdk.GetLifecyclePolicyInput{RepositoryName: aws.String("app")})
	if err != nil || read.LastEvaluatedAt == nil {
		t.Errorf("%v %v", read, err)
	}
	w.pass(30 * day)
	if now := w.engine.Now(); now.Sub(*read.LastEvaluatedAt) < 30*day {
		t.Error("something is looked at though nothing is due")
	}
}

func TestImagesExpireByCount(t *testing.T) {
	w := newWorld(t)
	var digests []string
	for i := range 5 {
		digests = append(digests, w.push(fmt.Sprintf("v%d", i), fmt.Sprintf("layer %d", i)))
		w.pass(time.Minute)
	}
	w.policy(rules(prefixRule(1, 3, `"v"`)))
	for i, d := range digests {
		if w.has(d) != (i >= 2) {
			t.Errorf("image %d of 5, keeping 3: there %v", i, w.has(d))
		}
	}
	w.push("v5", "layer 5")
	if w.has(digests[2]) {
		t.Error("a push over the count expires nothing")
	}
	w.push("v0", "layer 0") // what was expired may come again
	if !w.has(digests[0]) || w.has(digests[3]) {
		t.Errorf("pushed again: %v, the next: %v", w.has(digests[0]), w.has(digests[3]))
	}
	// Without a policy nothing goes.
	if _, err := w.DeleteLifecyclePolicy(w.ctx, &sdk.DeleteLifecyclePolicyInput{RepositoryName: aws.String("app")}); err != nil {
		t.Fatal(err)
	}
	w.push("v6", "layer 6")
	if !w.has(digests[4]) {
		t.Error("an image went without a policy")
	}
}

// A client that was told of a blob may name it in a manifest within the hour.
func TestBlobsThatClientsRelyOnStay(t *testing.T) {
	w := newWorld(t)
	d := w.push("v1", "layer")
	if _, err := w.BatchDeleteImage(w.ctx, &sdk.BatchDeleteImageInput{RepositoryName: aws.String("app"), ImageIds: []types.ImageIdentifier{{ImageDigest: &d}}}); err != nil {
		t.Fatal(err)
	}
	enginetest.Settle(t, w.engine)
	old := time.Now().Add(-2 * time.Hour)
	hex := strings.TrimPrefix(digestOf([]byte("layer")), "sha256:")
	file := filepath.Join(w.dir, "docker/registry/v2/blobs/sha256", hex[:2], hex, "data")
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	if rec := w.ask("HEAD", "/v2/app/blobs/sha256:"+hex, "", nil); rec.Code != 200 {
		t.Fatalf("the blob answers %d", rec.Code)
	}
	n, err := w.Registry.Sweep(t.Context(), time.Now().Add(-time.Hour), func(string) bool { return false })
	if err != nil || !w.kept("layer") {
		t.Errorf("kept %v, %d removed, %v", w.kept("layer"), n, err)
	}
}

func TestPreviewFilters(t *testing.T) {
	w := newWorld(t)
	tagged, untagged := w.push("v1", "a"), w.push("", "b")
	w.pass(2 * day)
	text := rules(`{"rulePriority":1,"selection":{"tagStatus":"any","countType":"sinceImagePushed","countUnit":"days","countNumber":1},"action":{"type":"expire"}}`)
	if _, err := w.StartLifecyclePolicyPreview(w.ctx, &sdk.StartLifecyclePolicyPreviewInput{RepositoryName: aws.String("app"), LifecyclePolicyText: &text}); err != nil {
		t.Fatal(err)
	}
	show := func(in sdk.GetLifecyclePolicyPreviewInput) string {
		t.Helper()
		in.RepositoryName = aws.String("app")
		var got []string
		for {
			out, err := w.GetLifecyclePolicyPreview(w.ctx, &in)
			if err != nil || *out.Summary.ExpiringImageTotalCount != 2 {
				t.Fatal(out, err)
			}
			for _, r := range out.PreviewResults {
				got = append(got, *r.ImageDigest)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return strings.Join(got, " ")
			}
		}
	}
	if got := show(sdk.GetLifecyclePolicyPreviewInput{MaxResults: aws.Int32(1)}); !strings.Contains(got, tagged) || !strings.Contains(got, untagged) {
		t.Errorf("all: %s", got)
	}
	if got := show(sdk.GetLifecyclePolicyPreviewInput{Filter: &types.LifecyclePolicyPreviewFilter{TagStatus: types.TagStatusTagged}}); got != tagged {
		t.Errorf("tagged: %s", got)
	}
	if got := show(sdk.GetLifecyclePolicyPreviewInput{ImageIds: []types.ImageIdentifier{{ImageDigest: &untagged}}}); got != untagged {
		t.Errorf("by id: %s", got)
	}
	if !w.has(tagged) || !w.has(untagged) {
		t.Error("a preview acts")
	}
}

func TestListsEndInsideAnImage(t *testing.T) {
	w := newWorld(t)
	for _, tag := range []string{"c", "a", "b"} {
		w.push(tag, "one")
	}
	w.push("", "two")
	var got []string
	in := &sdk.ListImagesInput{RepositoryName: aws.String("app"), MaxResults: aws.Int32(2)}
	for {
		out, err := w.ListImages(w.ctx, in)
		if err != nil || len(out.ImageIds) == 0 || len(out.ImageIds) > 2 {
			t.Fatal(out, err)
		}
		for _, i := range out.ImageIds {
			got = append(got, aws.ToString(i.ImageTag))
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if s := strings.Join(got, ","); s != "a,b,c," && s != ",a,b,c" {
		t.Errorf("listed %q", s)
	}
	out, err := w.ListImages(w.ctx, &sdk.ListImagesInput{RepositoryName: aws.String("app"), Filter: &types.ListImagesFilter{ImageStatus: types.ImageStatusFilterArchived}})
	if err != nil || len(out.ImageIds) != 0 {
		t.Errorf("archived: %v %v", out, err)
	}
}
