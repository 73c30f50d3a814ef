package ecr

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

func TestManifestsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	d := w.push("v1", "layer")
	manifest := w.ask("GET", "/v2/app/manifests/v1", "", nil).Body.String()
	layer := digestOf([]byte("layer"))
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
		"layers no list":    `{"schemaVersion":2,"mediaType":"` + manifestType + `","layers":{}}`,
		"subject no digest": strings.Replace(manifest, `"layers"`, `"subject":{"digest":"x","size":1},"layers"`, 1),
	} {
		if body == manifest {
			t.Fatalf("%s: is the good one", name)
		}
		rec := w.ask("PUT", "/v2/app/manifests/bad", manifestType, []byte(body))
		if rec.Code != 400 || !strings.Contains(rec.Body.String(), `"MANIFEST_`) {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
		_, err := w.PutImage(w.ctx, &sdk.PutImageInput{RepositoryName: aws.String("app"), ImageTag: aws.String("bad"), ImageManifest: &body, ImageManifestMediaType: aws.String(manifestType)})
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

func TestTagsThatMayMove(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		mutability types.ImageTagMutability
		filters    []string
		tag        string
		moves      bool
	}{
		{types.ImageTagMutabilityMutable, nil, "v1", true},
		{types.ImageTagMutabilityImmutable, nil, "v1", false},
		{types.ImageTagMutabilityImmutableWithExclusion, []string{"latest", "dev-*"}, "v1", false},
		{types.ImageTagMutabilityImmutableWithExclusion, []string{"latest", "dev-*"}, "dev-7", true},
		{types.ImageTagMutabilityImmutableWithExclusion, []string{"latest", "dev-*"}, "latest", true},
		{types.ImageTagMutabilityMutableWithExclusion, []string{"v*"}, "v1", false},
		{types.ImageTagMutabilityMutableWithExclusion, []string{"v*"}, "dev-7", true},
	} {
		put := &sdk.PutImageTagMutabilityInput{RepositoryName: aws.String("app"), ImageTagMutability: types.ImageTagMutabilityMutable}
		if _, err := w.PutImageTagMutability(w.ctx, put); err != nil {
			t.Fatal(err)
		}
		first := w.push(tt.tag, "first")
		put.ImageTagMutability = tt.mutability
		for _, f := range tt.filters {
			put.ImageTagMutabilityExclusionFilters = append(put.ImageTagMutabilityExclusionFilters, types.ImageTagMutabilityExclusionFilter{FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard, Filter: aws.String(f)})
		}
		if _, err := w.PutImageTagMutability(w.ctx, put); err != nil {
			t.Fatal(err)
		}
		w.push(tt.tag, "first") // the same image again is no move
		second := w.manifest("second")
		rec := w.ask("PUT", "/v2/app/manifests/"+tt.tag, manifestType, second)
		want, at := 400, first
		if tt.moves {
			want, at = 201, digestOf(second)
		}
		if rec.Code != want || !tt.moves && !strings.Contains(rec.Body.String(), "TAG_INVALID") {
			t.Errorf("%s of %s %v: %d %s", tt.tag, tt.mutability, tt.filters, rec.Code, rec.Body)
		}
		if got := w.ask("HEAD", "/v2/app/manifests/"+tt.tag, "", nil).Header().Get("Docker-Content-Digest"); got != at {
			t.Errorf("%s of %s %v is at %s, want %s", tt.tag, tt.mutability, tt.filters, got, at)
		}
		if tt.moves {
			continue
		}
		text := string(second)
		_, err := w.PutImage(w.ctx, &sdk.PutImageInput{RepositoryName: aws.String("app"), ImageTag: &tt.tag, ImageManifest: &text})
		var e *wire.Error
		if !errors.As(err, &e) || e.Code != "ImageTagAlreadyExistsException" {
			t.Errorf("%s by the API: %v", tt.tag, err)
		}
	}
	for _, bad := range []*sdk.PutImageTagMutabilityInput{
		{ImageTagMutability: types.ImageTagMutabilityImmutableWithExclusion},
		{ImageTagMutability: types.ImageTagMutabilityMutable, ImageTagMutabilityExclusionFilters: []types.ImageTagMutabilityExclusionFilter{{Filter: aws.String("x")}}},
	} {
		bad.RepositoryName = aws.String("app")
		if _, err := w.PutImageTagMutability(w.ctx, bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}
