package gateway_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

func deleteObjects(context.Context, *s3.DeleteObjectsInput, ...func(*s3.Options)) (*s3.DeleteObjectsOutput, error) {
	return &s3.DeleteObjectsOutput{}, nil
}

func TestDigestsOfDocuments(t *testing.T) {
	const body = "<Delete><Object><Key>k</Key></Object></Delete>"
	for _, tt := range []struct{ header, value, code string }{
		{"Content-Md5", "7v6jwpmHmQEMOwSZqHqAhg==", "BadDigest"},
		{"Content-Md5", "x", "InvalidDigest"},
		{"X-Amz-Checksum-Crc32", "AAAAAA==", "BadDigest"},
		{"X-Amz-Checksum-Sha256", "AAAA", "BadDigest"},
		{"X-Amz-Checksum-Crc32", "A8uZRQ==", ""},
	} {
		g, _, _ := start(t, wire.Op("s3:DeleteObject", deleteObjects, nil))
		r := httptest.NewRequest("POST", "http://localhost:4566/bucket?delete", strings.NewReader(body))
		r.Header.Set(tt.header, tt.value)
		sum := sha256.Sum256([]byte(body))
		hash := hex.EncodeToString(sum[:])
		r.Header.Set("X-Amz-Content-Sha256", hash)
		if err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(context.Background(),
			aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, r, hash, "s3", "us-east-1", time.Now()); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if tt.code == "" && w.Code != 200 || tt.code != "" && (w.Code != 400 || !strings.Contains(w.Body.String(), "<Code>"+tt.code+"<")) {
			t.Errorf("%s %s: %d %s", tt.header, tt.value, w.Code, w.Body)
		}
	}
}
