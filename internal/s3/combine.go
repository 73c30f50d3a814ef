package s3

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// The CRC of two runs of bytes together follows from their own CRCs and the
// length of the second: appending n zero bytes to a message multiplies its
// remainder by x^(8n) modulo the polynomial. Polynomials are reflected, as in
// hash/crc32 and hash/crc64: the highest bit is the coefficient of x^0.

// combinable tells whether an algorithm's value of a whole follows from those
// of its parts.
func combinable(a types.ChecksumAlgorithm) bool { _, _, ok := field(a); return ok }

// field is the polynomial of an algorithm and its width in bits.
func field(a types.ChecksumAlgorithm) (poly uint64, width uint, ok bool) {
	switch a {
	case types.ChecksumAlgorithmCrc32:
		return crc32.IEEE, 32, true
	case types.ChecksumAlgorithmCrc32c:
		return crc32.Castagnoli, 32, true
	case types.ChecksumAlgorithmCrc64nvme:
		return 0x9a6c9329ac4bc9b5, 64, true
	}
	return 0, 0, false
}

// times multiplies modulo the polynomial.
func times(poly uint64, width uint, a, b uint64) uint64 {
	var product uint64
	for bit := uint64(1) << (width - 1); bit != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		if b&1 != 0 {
			b = b>>1 ^ poly
		} else {
			b >>= 1
		}
	}
	return product
}

// concat is the CRC of first followed by second, which has length bytes.
func concat(poly uint64, width uint, first, second uint64, length int64) uint64 {
	one := uint64(1) << (width - 1)
	power := one >> 8 // x^8: one byte
	shift := one
	for n := length; n > 0; n >>= 1 {
		if n&1 != 0 {
			shift = times(poly, width, shift, power)
		}
		power = times(poly, width, power, power)
	}
	return times(poly, width, shift, first) ^ second
}

// combine is the checksum of the parts' bytes together.
func combine(a types.ChecksumAlgorithm, ps []*part) string {
	poly, width, _ := field(a)
	var crc uint64
	for _, p := range ps {
		crc = concat(poly, width, crc, value(p, a, width), p.Size)
	}
	b := binary.BigEndian.AppendUint64(nil, crc)
	return encode(b[8-width/8:])
}

func value(p *part, a types.ChecksumAlgorithm, width uint) uint64 {
	b, err := base64.StdEncoding.DecodeString(**sum(&p.Checksum, a))
	if err != nil || len(b) != int(width/8) {
		return 0 // was computed here; cannot be
	}
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}
