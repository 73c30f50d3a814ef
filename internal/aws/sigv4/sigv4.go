// Package sigv4 verifies AWS Signature Version 4: in headers, in presigned
// URLs, over bodies sent in signed chunks, and in CodeCommit's passwords for
// git. It knows no keys and has no clock: callers bring both.
//
//	claim, err := sigv4.Parse(r, now)          // what the request says of itself
//	… find the secret of claim.AccessKeyID, claim.Token …
//	err = claim.Verify(r, key, body)           // the signature is the secret's
//	reader, err := claim.Body(r, key)          // S3: checks while streaming
//
// The order of the checks and their messages are those of AWS's front ends.
package sigv4

import (
	"net/http"
	"strings"
	"time"
)

// Algorithm is the only one accepted.
const Algorithm = "AWS4-HMAC-SHA256"

// Skew is how far a request's date may lie from now, either way.
const Skew = 5 * time.Minute

// timeFormat is ISO 8601's basic format.
const timeFormat = "20060102T150405Z"

// Values of x-amz-content-sha256 that are no hash.
const (
	unsignedPayload  = "UNSIGNED-PAYLOAD"
	streamingSigned  = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamingPlain   = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Kind says what is wrong with a signature. Protocols name them differently.
type Kind int

// The kinds.
const (
	Missing          Kind = iota + 1 // neither header nor query has credentials
	InvalidURI                       // path or query cannot be decoded
	Malformed                        // header or query of authentication is incomplete
	Mismatch                         // signature, scope, or what must be signed
	Skewed                           // date too far from now
	PresignMalformed                 // query parameters, S3's own name
	PresignExpired                   // X-Amz-Expires has passed
	HeadersUnsigned                  // x-amz-… headers outside the signature
	HashMissing                      // S3 wants x-amz-content-sha256
	VersionTwo                       // a signature of version 2, which S3's newer regions refuse too
)

// Error is a signature that was not accepted.
type Error struct {
	Kind    Kind
	Message string
}

func (e *Error) Error() string { return e.Message }

func fail(k Kind, message string) error { return &Error{k, message} }

const mismatchMessage = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

// Claim is what a request's signature says, not yet verified.
type Claim struct {
	AccessKeyID string
	// Token is the session token, "" for long-term keys.
	Token         string
	Time          time.Time
	Date          string // of the scope, YYYYMMDD
	Region        string
	Service       string // signing name
	SignedHeaders []string
	Presigned     bool
	Expires       time.Duration // of presigned requests

	signature []byte // hex
	timestamp string // as sent, YYYYMMDDTHHMMSSZ
	payload   string // last line of the canonical request; "" is the body's own hash
}

// Scope is the credential scope without the key.
func (c *Claim) Scope() string {
	return c.Date + "/" + c.Region + "/" + c.Service + "/aws4_request"
}

// Signed reports whether r brings credentials of Signature Version 4.
func Signed(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-") || strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm=")
}

// Service is the signing name that r's credential scope claims, "" without
// one. It checks nothing: it is for routing.
func Service(r *http.Request) string {
	credential := ""
	if h := r.Header.Get("Authorization"); h != "" {
		if _, rest, ok := strings.Cut(h, "Credential="); ok {
			credential, _, _ = strings.Cut(rest, ",")
		}
	} else if strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		credential = r.URL.Query().Get("X-Amz-Credential")
	}
	if p := strings.Split(strings.TrimSpace(credential), "/"); len(p) >= 5 {
		return p[len(p)-2]
	}
	return ""
}
