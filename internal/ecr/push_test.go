package ecr

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

func TestManifestsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	d := w.push("v1", "layer")
	manifest := w.ask("GET", "/v2/app/manifests/v1", "", nil).Body.String()
	layer := digestOf([]byte("layer"))
	const kind = "application/vnd.oci.image.manifest.v1+json"
	for name, body := range map[string]string{
		"no JSON":           "nope",
		"nothing":           "",
		"null":              "null",
		"a list":            "[]",
		"schema 1":          `{"schemaVersion":1}`,
		"a path":            strings.Replace(manifest, layer, "sha256:../../../../etc/passwd", 1),
		"a short digest":    strings.Replace(manifest, layer, "sha256:00", 1),
		"a negative size":   strings.Replace(manifest, `"size":5`, `"size":-5`, 1),
		"a missing layer":   strings.Replace(manifest, layer, digestOf([]byte("other")), 1),
		"layers no list":    `{"schemaVersion":2,"mediaType":"` + kind + `","layers":{}}`,
		"subject no digest": strings.Replace(manifest, `"layers"`, `"subject":{"digest":"x","size":1},"layers"`, 1),
	} {
		if body == manifest {
			t.Fatalf("%s: is the good one", name)
		}
		rec := w.ask("PUT", "/v2/app/manifests/bad", kind, []byte(body))
		if rec.Code != 400 || !strings.Contains(rec.Body.String(), `"MANIFEST_`) {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
		_, err := w.PutImage(w.ctx, &sdk.PutImageInput{RepositoryName: aws.String("app"), ImageTag: aws.String("bad"), ImageManifest: &body, ImageManifestMediaType: aws.String(kind)})
		var e *wire.Error
		if want := map[bool]string{true: "LayersNotFoundException", false: "InvalidParameterException"}[name == "a missing layer"]; !errors.As(err, &e) || e.Code != want {
			t.Errorf("%s: the API says %v", name, err)
		}
	}
	for _, tag := range []string{"a b", "-x", "../x", strings.Repeat("x", 301), "$(id)"} {
		_, err := w.PutImage(w.ctx, &sdk.PutImageInput{RepositoryName: aws.String("app"), ImageTag: &tag, ImageManifest: &manifest})
		var e *wire.Error
		if !errors.As(err, &e) || e.Code != "InvalidParameterException" {
			t.Errorf("tag %.20q: %v", tag, err)
		}
	}
	list, err := w.ListImages(w.ctx, &sdk.ListImagesInput{RepositoryName: aws.String("app")})
	if err != nil || len(list.ImageIds) != 1 || *list.ImageIds[0].ImageDigest != d {
		t.Errorf("left %v %v", list, err)
	}
	for _, path := range []string{"/v2/app/blobs/uploads/../../r1/manifests/v1", "/v2/app/blobs/uploads/x%00", "/v2/../x", "/v2/app/manifests/%2e%2e", "/v2/app/blobs/sha256:.."} {
		r := httptest.NewRequest("GET", "http://localhost/", nil).WithContext(t.Context())
		r.URL.Path = path
		r.SetBasicAuth("AWS", w.password)
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		if rec.Code != 404 && rec.Code != 400 || rec.Header().Get("Location") != "" {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	r := httptest.NewRequest("GET", "/v2/", nil).WithContext(t.Context())
	r.SetBasicAuth("root", w.password)
	rec := httptest.NewRecorder()
	if w.handler.ServeHTTP(rec, r); rec.Code != 401 {
		t.Errorf("another user with the password: %d", rec.Code)
	}
}
