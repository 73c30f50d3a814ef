package s3

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// CRC64NVME is the reflected polynomial of the NVMe specification; it is also
// what S3 adds by itself to objects that come without a checksum.
var nvme = crc64.MakeTable(0x9a6c9329ac4bc9b5)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// newChecksum returns nil for algorithms that are not implemented.
func newChecksum(a types.ChecksumAlgorithm) hash.Hash {
	switch a {
	case types.ChecksumAlgorithmCrc32:
		return crc32.NewIEEE()
	case types.ChecksumAlgorithmCrc32c:
		return crc32.New(castagnoli)
	case types.ChecksumAlgorithmCrc64nvme:
		return crc64.New(nvme)
	case types.ChecksumAlgorithmSha1:
		return sha1.New()
	case types.ChecksumAlgorithmSha256:
		return sha256.New()
	case types.ChecksumAlgorithmSha512:
		return sha512.New()
	case types.ChecksumAlgorithmMd5:
		return md5.New()
	}
	return nil
}

// algorithms lists what a Checksum may hold, in the order S3 documents them.
var algorithms = []types.ChecksumAlgorithm{
	types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme,
	types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256, types.ChecksumAlgorithmSha512,
	types.ChecksumAlgorithmMd5, types.ChecksumAlgorithmXxhash64, types.ChecksumAlgorithmXxhash3,
	types.ChecksumAlgorithmXxhash128,
}

// sum is the place of an algorithm's value; nil for unknown algorithms.
func sum(c *types.Checksum, a types.ChecksumAlgorithm) **string {
	switch a {
	case types.ChecksumAlgorithmCrc32:
		return &c.ChecksumCRC32
	case types.ChecksumAlgorithmCrc32c:
		return &c.ChecksumCRC32C
	case types.ChecksumAlgorithmCrc64nvme:
		return &c.ChecksumCRC64NVME
	case types.ChecksumAlgorithmSha1:
		return &c.ChecksumSHA1
	case types.ChecksumAlgorithmSha256:
		return &c.ChecksumSHA256
	case types.ChecksumAlgorithmSha512:
		return &c.ChecksumSHA512
	case types.ChecksumAlgorithmMd5:
		return &c.ChecksumMD5
	case types.ChecksumAlgorithmXxhash64:
		return &c.ChecksumXXHASH64
	case types.ChecksumAlgorithmXxhash3:
		return &c.ChecksumXXHASH3
	case types.ChecksumAlgorithmXxhash128:
		return &c.ChecksumXXHASH128
	}
	return nil
}

// algorithmsOf lists the algorithms c has values of.
func algorithmsOf(c *types.Checksum) []types.ChecksumAlgorithm {
	var have []types.ChecksumAlgorithm
	for _, a := range algorithms {
		if *sum(c, a) != nil {
			have = append(have, a)
		}
	}
	return have
}

// claim is what a request says of its body's checksums.
type claim struct {
	algorithm types.ChecksumAlgorithm // that is computed and stored
	sums      types.Checksum          // values to verify
	md5       []byte                  // Content-MD5
}

// claimed reads an input's checksum members. With a trailing checksum the
// algorithm is named and the value verified by the reader of the body.
// named is "" if the input names none; then S3 adds CRC64NVME.
func claimed(in any, named types.ChecksumAlgorithm, contentMD5 *string) (*claim, error) {
	c := &claim{algorithm: named}
	copyFields(&c.sums, in)
	c.sums.ChecksumType = ""
	given := algorithmsOf(&c.sums)
	if len(given) > 1 {
		return nil, say("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
	}
	if len(given) == 1 {
		c.algorithm = given[0] // what was sent counts, whatever was named
	}
	if c.algorithm == "" {
		c.algorithm = types.ChecksumAlgorithmCrc64nvme
	}
	h := newChecksum(c.algorithm)
	if h == nil {
		return nil, notImplemented("Checksum algorithm " + string(c.algorithm))
	}
	if len(given) == 1 {
		value := **sum(&c.sums, c.algorithm)
		if b, err := base64.StdEncoding.DecodeString(value); err != nil || len(b) != h.Size() {
			return nil, say("InvalidRequest", "Value for x-amz-checksum-"+strings.ToLower(string(c.algorithm))+" header is invalid.")
		}
	}
	if contentMD5 != nil {
		b, err := base64.StdEncoding.DecodeString(*contentMD5)
		if err != nil || len(b) != md5.Size {
			return nil, fail("InvalidDigest", "Content-MD5", *contentMD5)
		}
		c.md5 = b
	}
	return c, nil
}

// verify compares what was claimed with what came.
func (c *claim) verify(got *received) error {
	if c.md5 != nil && string(c.md5) != string(got.md5) {
		return fail("BadDigest", "ExpectedDigest", encode(c.md5), "CalculatedDigest", encode(got.md5))
	}
	if want := *sum(&c.sums, c.algorithm); want != nil && *want != **sum(&got.sums, c.algorithm) {
		return say("BadDigest", "The "+string(c.algorithm)+" you specified did not match the calculated checksum.")
	}
	return nil
}

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
