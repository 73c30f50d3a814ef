package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Key signs for one secret, date, region and service.
type Key [sha256.Size]byte

// SigningKey derives the key of a scope.
func SigningKey(secret, date, region, service string) Key {
	k := mac([]byte("AWS4"+secret), date)
	k = mac(k[:], region)
	k = mac(k[:], service)
	return mac(k[:], "aws4_request")
}

func mac[T string | []byte](key []byte, data T) (sum Key) {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	h.Sum(sum[:0])
	return sum
}

func (k Key) sign(text string) []byte {
	sum := mac(k[:], text)
	return hex.AppendEncode(make([]byte, 0, 64), sum[:])
}

// Keys remembers signing keys; they change once a day. The zero value is
// ready for concurrent use.
type Keys struct {
	mu sync.RWMutex
	m  map[[4]string]Key
}

const maxKeys = 4096 // then it starts afresh

// For returns the key of a secret and the scope of a claim.
func (ks *Keys) For(secret string, c *Claim) Key {
	id := [4]string{secret, c.Date, c.Region, c.Service}
	ks.mu.RLock()
	k, ok := ks.m[id]
	ks.mu.RUnlock()
	if ok {
		return k
	}
	k = SigningKey(secret, c.Date, c.Region, c.Service)
	ks.mu.Lock()
	defer ks.mu.Unlock()
	if ks.m == nil || len(ks.m) >= maxKeys {
		ks.m = map[[4]string]Key{}
	}
	ks.m[id] = k
	return k
}

// Verify checks the signature of r. body is the whole body for services other
// than S3, whose bodies may be large: those are checked by Body as they stream.
func (c *Claim) Verify(r *http.Request, key Key, body []byte) error {
	if err := c.checkUnsigned(r); err != nil {
		return err
	}
	payload := c.payload
	if c.Service != "s3" {
		sum := sha256.Sum256(body)
		real := hex.EncodeToString(sum[:])
		if payload != "" && payload != real {
			return fail(Mismatch, "The value of 'x-amz-content-sha256' does not match the request's body.")
		}
		payload = real
	} else if c.Presigned {
		if payload == "" {
			payload = unsignedPayload
		}
	} else if payload == "" {
		return fail(HashMissing, "Missing required header for this request: x-amz-content-sha256")
	}
	sum := sha256.Sum256(c.canonical(r, payload))
	want := key.sign(Algorithm + "\n" + c.timestamp + "\n" + c.Scope() + "\n" + hex.EncodeToString(sum[:]))
	if subtle.ConstantTimeCompare(want, c.signature) != 1 {
		return fail(Mismatch, mismatchMessage)
	}
	return nil
}

// checkUnsigned refuses x-amz-… headers that somebody may have added on the
// way. Those excepted enter the check in another way, or mean nothing.
func (c *Claim) checkUnsigned(r *http.Request) error {
	for name := range r.Header {
		if len(name) < 6 || !strings.EqualFold(name[:6], "X-Amz-") {
			continue
		}
		lower := strings.ToLower(name)
		switch lower {
		case "x-amz-content-sha256", "x-amz-date", "x-amz-security-token", "x-amz-user-agent":
			continue
		}
		if !slices.Contains(c.SignedHeaders, lower) {
			return fail(HeadersUnsigned, "There were headers present in the request which were not signed: "+clip(lower))
		}
	}
	return nil
}
