package s3

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// checkBucketName applies the rules for general purpose buckets:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func checkBucketName(name string) *wire.Error {
	if validBucketName(name) {
		return nil
	}
	return fail("InvalidBucketName", "BucketName", name)
}

func validBucketName(name string) bool {
	if len(name) < 3 || len(name) > 63 || strings.Contains(name, "..") {
		return false
	}
	for _, c := range []byte(name) {
		if !isLowerOrDigit(c) && c != '.' && c != '-' {
			return false
		}
	}
	if !isLowerOrDigit(name[0]) || !isLowerOrDigit(name[len(name)-1]) {
		return false
	}
	for _, reserved := range []string{"xn--", "sthree-"} {
		if strings.HasPrefix(name, reserved) {
			return false
		}
	}
	for _, reserved := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, reserved) {
			return false
		}
	}
	_, err := netip.ParseAddr(name)
	return err != nil
}

func isLowerOrDigit(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// maxKey is the longest key in bytes.
const maxKey = 1024

// checkKey accepts any UTF-8 without NUL: NUL separates the parts of the
// store's keys, and XML 1.0 could not carry it to a client anyway.
func checkKey(key string) *wire.Error {
	switch {
	case len(key) > maxKey:
		return fail("KeyTooLongError", "Size", itoa(len(key)), "MaxSizeAllowed", itoa(maxKey))
	case key == "" || !utf8.ValidString(key) || strings.ContainsRune(key, 0):
		return fail("InvalidURI", "URI", key)
	}
	return nil
}
