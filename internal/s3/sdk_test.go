package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// client is the SDK's, of a server of the test's own with one bucket.
func client(t *testing.T) (*sdk.Client, *apptest.Server) {
	t.Helper()
	srv := apptest.Start(t)
	c := sdk.NewFromConfig(srv.Config(), pathStyle)
	if _, err := c.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: aws.String("bkt")}); err != nil {
		t.Fatal(err)
	}
	return c, srv
}

func pathStyle(o *sdk.Options) { o.UsePathStyle = true }

func status(err error) int {
	var re *smithyhttp.ResponseError
	if errors.As(err, &re) {
		return re.HTTPStatusCode()
	}
	return 0
}

// Every sort of key goes to the server and back: in the path, in XML, in
// headers and in lists.
func TestSDKKeys(t *testing.T) {
	c, _ := client(t)
	ctx := t.Context()
	keys := []string{
		"plain", "a/b", "../up", "a/../b", "/lead", "trail/", "a//b", ".", "..", "%2F", "%2e%2e", "+", "a b", " ", "a?b", "a#b", "*",
		"tab\tnew\nline", "é", "日本語", "😀", `<&>'"`, "a\x01b", strings.Repeat("k", 1024),
	}
	for _, k := range keys {
		if _, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: aws.String("bkt"), Key: &k, Body: strings.NewReader("data of " + k)}); err != nil {
			t.Errorf("put %q: %v", k, err)
			continue
		}
		out, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String("bkt"), Key: &k})
		if err != nil {
			t.Errorf("get %q: %v", k, err)
			continue
		}
		b, err := io.ReadAll(out.Body)
		out.Body.Close()
		if err != nil || string(b) != "data of "+k {
			t.Errorf("get %q: %q, %v", k, b, err)
		}
	}
	list, err := c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: aws.String("bkt"), EncodingType: types.EncodingTypeUrl})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "listed", len(list.Contents), len(keys))
	var del types.Delete
	for _, k := range keys {
		if k != "a\x01b" { // XML has no way to name it
			del.Objects = append(del.Objects, types.ObjectIdentifier{Key: &k})
		}
	}
	out, err := c.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: aws.String("bkt"), Delete: &del})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "deleted", len(out.Deleted), len(keys)-1)
	list, err = c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: aws.String("bkt"), EncodingType: types.EncodingTypeUrl})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "left", len(list.Contents), 1)
}

func TestSDKErrors(t *testing.T) {
	c, _ := client(t)
	ctx := t.Context()
	bkt, k := aws.String("bkt"), aws.String("k")
	_, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bkt, Key: k})
	var noKey *types.NoSuchKey
	if !errors.As(err, &noKey) {
		t.Errorf("get: %v", err)
	}
	_, err = c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: bkt, Key: k})
	var notFound *types.NotFound
	if !errors.As(err, &notFound) {
		t.Errorf("head: %v", err)
	}
	_, err = c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: aws.String("none")})
	var noBucket *types.NoSuchBucket
	if !errors.As(err, &noBucket) {
		t.Errorf("list: %v", err)
	}
	_, err = c.GetObjectTorrent(ctx, &sdk.GetObjectTorrentInput{Bucket: bkt, Key: k})
	equal(t, "status", status(err), http.StatusNotImplemented)
	if err == nil || !strings.Contains(err.Error(), "GetObjectTorrent") {
		t.Errorf("torrent: %v", err)
	}
	out, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bkt, Key: k, Body: strings.NewReader("x")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bkt, Key: k, IfNoneMatch: out.ETag})
	equal(t, "not modified", status(err), http.StatusNotModified)
	_, err = c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bkt, Key: k, Body: strings.NewReader("y"), IfNoneMatch: aws.String("*")})
	wantCode(t, err, "PreconditionFailed")
	_, err = c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bkt, Key: k, Range: aws.String("bytes=5-")})
	wantCode(t, err, "InvalidRange")
}

func TestSDKMultipartSurvivesARestart(t *testing.T) {
	c, srv := client(t)
	ctx := t.Context()
	bkt, k := aws.String("bkt"), aws.String("k")
	up, err := c.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: bkt, Key: k, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32, ChecksumType: types.ChecksumTypeFullObject})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, mib5+100)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	var done types.CompletedMultipartUpload
	for i, body := range [][]byte{data[:mib5], data[mib5:]} {
		p, err := c.UploadPart(ctx, &sdk.UploadPartInput{Bucket: bkt, Key: k, UploadId: up.UploadId, PartNumber: aws.Int32(int32(i + 1)), Body: bytes.NewReader(body), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
		if err != nil {
			t.Fatal(err)
		}
		done.Parts = append(done.Parts, types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: p.ETag, ChecksumCRC32: p.ChecksumCRC32})
		srv.Restart()
	}
	if _, err := c.CompleteMultipartUpload(ctx, &sdk.CompleteMultipartUploadInput{Bucket: bkt, Key: k, UploadId: up.UploadId, MultipartUpload: &done}); err != nil {
		t.Fatal(err)
	}
	srv.Restart()
	out, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bkt, Key: k, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	got, err := io.ReadAll(out.Body) // the SDK compares the checksum
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

func TestSDKPresigned(t *testing.T) {
	c, _ := client(t)
	ctx := t.Context()
	presign := sdk.NewPresignClient(c)
	put, err := presign.PresignPutObject(ctx, &sdk.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("a b/é+")})
	if err != nil {
		t.Fatal(err)
	}
	do := func(p *v4.PresignedHTTPRequest, body io.Reader) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, p.Method, p.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range p.SignedHeader {
			r.Header[k] = v
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	code, _ := do(put, strings.NewReader("by url"))
	equal(t, "put", code, 200)
	get, err := presign.PresignGetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String("bkt"), Key: aws.String("a b/é+"), ResponseContentType: aws.String("text/x")})
	if err != nil {
		t.Fatal(err)
	}
	code, body := do(get, nil)
	equal(t, "get", code, 200)
	equal(t, "body", body, "by url")
	get.URL = strings.Replace(get.URL, "text%2Fx", "text%2Fy", 1)
	code, _ = do(get, nil)
	equal(t, "tampered", code, 403)
}

// A body that breaks off leaves nothing, also over the network.
func TestSDKBodyBreaksOff(t *testing.T) {
	c, _ := client(t)
	in := &sdk.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), Body: io.LimitReader(rand.NewChaCha8([32]byte{}), 1000), ContentLength: aws.Int64(2000)}
	_, err := c.PutObject(t.Context(), in, sdk.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware), func(o *sdk.Options) {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.RetryMaxAttempts = 1
	})
	if err == nil {
		t.Error("a short body was accepted")
	}
	_, err = c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k")})
	equal(t, "status", status(err), 404)
}

// Writers, readers and deleters of one key at once: every read is whole.
func TestSDKConcurrency(t *testing.T) {
	c, _ := client(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	key := &sdk.GetObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k")}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 20 {
				body := bytes.Repeat([]byte{byte('a' + i)}, 100_000+i)
				if _, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: key.Bucket, Key: key.Key, Body: bytes.NewReader(body)}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 20 {
				out, err := c.GetObject(ctx, key)
				if code(err) == "NoSuchKey" {
					continue
				}
				if err != nil {
					t.Error(err)
					continue
				}
				b, err := io.ReadAll(out.Body)
				out.Body.Close()
				if err != nil || len(b) < 100_000 || len(b) != 100_000+int(b[0]-'a') || len(bytes.Trim(b, string(b[:1]))) > 0 {
					t.Errorf("read %d bytes, %v", len(b), err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			if _, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: key.Bucket, Key: key.Key}); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
}

// Objects stream: what a put, a get and a copy of their bytes allocate, client
// included, does not grow with the object.
func TestSDKStreams(t *testing.T) {
	c, _ := client(t)
	ctx, bkt, key := t.Context(), aws.String("bkt"), aws.String("big")
	const size = 128 << 20
	moves := []struct {
		name string
		do   func() error
	}{
		{"put", func() error {
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bkt, Key: key, ContentLength: aws.Int64(size), Body: io.LimitReader(rand.NewChaCha8([32]byte{}), size)},
				sdk.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware),
				func(o *sdk.Options) { o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired })
			return err
		}},
		{"get", func() error {
			out, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bkt, Key: key})
			if err != nil {
				return err
			}
			defer out.Body.Close()
			n, err := io.Copy(io.Discard, out.Body)
			if err == nil && n != size {
				err = fmt.Errorf("read %d bytes", n)
			}
			return err
		}},
		{"copy", func() error {
			_, err := c.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: bkt, Key: aws.String("copy"), CopySource: aws.String("bkt/big"), ChecksumAlgorithm: types.ChecksumAlgorithmSha256})
			return err
		}},
	}
	for _, m := range moves {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := m.do(); err != nil {
			t.Fatal(m.name, err)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
			t.Errorf("%s of %d MiB allocates %d MiB", m.name, size>>20, n>>20)
		}
	}
}
