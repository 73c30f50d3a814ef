package gateway

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// checksums are the headers in which S3's clients send a digest of a document,
// with what they are computed by. Objects' own digests are the service's affair.
var checksums = map[string]func() hash.Hash{
	"crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) },
	"sha1":      sha1.New,
	"sha256":    sha256.New,
	"sha512":    sha512.New,
	"md5":       md5.New,
}

// checkDigests compares a document with the digests in its headers, as S3 does
// before it believes a list of keys to delete or a bucket's configuration.
func checkDigests(r *http.Request, body []byte) error {
	if len(body) == 0 {
		return nil // a copy's digests are those of the object
	}
	if given := r.Header.Get("Content-Md5"); given != "" {
		sum := md5.Sum(body)
		want, err := base64.StdEncoding.DecodeString(given)
		if err != nil || len(want) != len(sum) {
			return &wire.Error{Code: "InvalidDigest", Status: http.StatusBadRequest,
				Message: "The Content-MD5 you specified was invalid.", Fields: map[string]string{"Content-MD5": given}}
		}
		if string(want) != string(sum[:]) {
			return &wire.Error{Code: "BadDigest", Status: http.StatusBadRequest,
				Message: "The Content-MD5 you specified did not match what we received.",
				Fields:  map[string]string{"ExpectedDigest": given, "CalculatedDigest": base64.StdEncoding.EncodeToString(sum[:])}}
		}
	}
	if r.Method == http.MethodPost && r.URL.Query().Has("uploadId") {
		return nil // of the completed object, not of the list of its parts
	}
	for name, algorithm := range checksums {
		given := r.Header.Get("X-Amz-Checksum-" + name)
		if given == "" {
			continue
		}
		h := algorithm()
		h.Write(body)
		if base64.StdEncoding.EncodeToString(h.Sum(nil)) != given {
			return &wire.Error{Code: "BadDigest", Status: http.StatusBadRequest,
				Message: "The " + strings.ToUpper(name) + " you specified did not match the calculated checksum."}
		}
	}
	return nil
}
