package ecr

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
)

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
	sweep := func() {
		t.Helper()
		if _, err := w.Registry.Sweep(t.Context(), time.Now().Add(-time.Hour), func(string) bool { return false }); err != nil {
			t.Fatal(err)
		}
	}
	w.age(t, "layer", `{"of":"layer"}`)
	if rec := w.ask("HEAD", "/v2/app/blobs/"+digestOf([]byte("layer")), "", nil); rec.Code != 200 {
		t.Fatalf("the blob answers %d", rec.Code)
	}
	if sweep(); !w.kept("layer") || w.kept(`{"of":"layer"}`) {
		t.Errorf("told of: kept %v; not told of: kept %v", w.kept("layer"), w.kept(`{"of":"layer"}`))
	}
	// The same image again, of blobs that are there and old.
	d = w.push("v1", "layer")
	manifest := w.ask("GET", "/v2/app/manifests/"+d, "", nil).Body.Bytes()
	w.age(t, "layer", `{"of":"layer"}`, string(manifest))
	if rec := w.ask("PUT", "/v2/app/manifests/v2", manifestType, manifest); rec.Code != 201 {
		t.Fatalf("push: %d %s", rec.Code, rec.Body)
	}
	if sweep(); !w.kept("layer") || !w.kept(`{"of":"layer"}`) || !w.has(d) {
		t.Error("what a manifest was just given for went")
	}
}

// age makes blobs older than a sweep leaves alone.
func (w *world) age(t *testing.T, contents ...string) {
	t.Helper()
	old := time.Now().Add(-2 * time.Hour)
	for _, c := range contents {
		hex := strings.TrimPrefix(digestOf([]byte(c)), "sha256:")
		if err := os.Chtimes(filepath.Join(w.dir, "docker/registry/v2/blobs/sha256", hex[:2], hex, "data"), old, old); err != nil {
			t.Fatal(err)
		}
	}
}

// An image that is pushed while its deletion is under way is there or is not,
// for the API and for the registry.
func TestPushesAndDeletionsOfOneImage(t *testing.T) {
	w := newWorld(t)
	var d string
	for range 5 {
		d = w.push("v1", "layer")
		manifest := w.ask("GET", "/v2/app/manifests/"+d, "", nil).Body.Bytes()
		if rec := w.ask("DELETE", "/v2/app/manifests/"+d, "", nil); rec.Code != 202 {
			t.Fatalf("delete: %d %s", rec.Code, rec.Body)
		}
		if rec := w.ask("PUT", "/v2/app/manifests/v1", manifestType, manifest); rec.Code != 201 {
			t.Fatalf("push: %d %s", rec.Code, rec.Body)
		}
		enginetest.Settle(t, w.engine)
		if !w.has(d) {
			t.Fatal("the image that was pushed is not there")
		}
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

// More images than one transaction takes.
func TestManyImagesExpire(t *testing.T) {
	w := newWorld(t)
	repo, err := w.find(w.ctx, nil, aws.String("app"))
	if err != nil {
		t.Fatal(err)
	}
	err = w.engine.Update(w.ctx, func(tx *engine.Tx) error {
		for i := range expireBatch + 20 {
			im := &image{Digest: digestOf(fmt.Append(nil, i)), Pushed: w.engine.Now().Add(time.Duration(i) * time.Second)}
			if err := images.Put(tx, im, repo.ID, im.Digest); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.policy(rules(`{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":3},"action":{"type":"expire"}}`))
	out, err := w.ListImages(w.ctx, &sdk.ListImagesInput{RepositoryName: aws.String("app")})
	if err != nil || len(out.ImageIds) != 3 {
		t.Errorf("%d images left, %v", len(out.ImageIds), err)
	}
}
