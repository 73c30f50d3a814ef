package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// HMAC tells, in constant time, whether signature is the HMAC-SHA256 of body in
// hexadecimal digits.
func HMAC(signature string, body []byte, secret string) bool {
	given, err := hex.DecodeString(signature)
	if err != nil {
		return false
	}
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(body)
	return hmac.Equal(given, h.Sum(nil))
}
