package wire

import (
	"crypto/sha256"
	"encoding/base64"
)

// EncodeToken makes the opaque nextToken of a list that goes on at key. scope
// names the list: operation, region and every parameter that must not change
// from page to page.
func EncodeToken(scope, key string) string {
	b := append(tokenSum(scope, key), key...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// DecodeToken returns the key of a token that EncodeToken made for this scope;
// ok is false for any other. The check finds mistakes, it is no secret: a key
// must not grant what the caller may not see.
func DecodeToken(scope, token string) (key string, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) < tokenSumLen {
		return "", false
	}
	key = string(b[tokenSumLen:])
	return key, string(tokenSum(scope, key)) == string(b[:tokenSumLen])
}

const tokenSumLen = 12

func tokenSum(scope, key string) []byte {
	h := sha256.New()
	h.Write([]byte(scope))
	h.Write([]byte{0})
	h.Write([]byte(key))
	return h.Sum(nil)[:tokenSumLen]
}
