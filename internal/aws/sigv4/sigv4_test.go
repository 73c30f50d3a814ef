package sigv4_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/slipway-dev/slipway/internal/aws/sigv4"
)

const (
	keyID  = "AKIDEXAMPLE"
	secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

var now = time.Date(2024, 5, 1, 10, 0, 0, 0, time.UTC)

// received is out as a server would see it.
func received(t testing.TB, out *http.Request, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(out.Method, out.URL.RequestURI(), strings.NewReader(body))
	r.Header = out.Header.Clone()
	r.Host = out.Host
	if r.Host == "" {
		r.Host = out.URL.Host
	}
	r.ContentLength = out.ContentLength
	return r
}

func signed(t testing.TB, method, target, service, body, token string, change func(*http.Request)) *http.Request {
	t.Helper()
	out, err := http.NewRequest(method, target, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(out)
	}
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	if service == "s3" {
		out.Header.Set("X-Amz-Content-Sha256", hash)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	creds := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: token}
	if err := signer.SignHTTP(context.Background(), creds, out, hash, service, "us-east-1", now); err != nil {
		t.Fatal(err)
	}
	return received(t, out, body)
}

func check(r *http.Request, at time.Time, secret, body string) (*sigv4.Claim, error) {
	c, err := sigv4.Parse(r, at)
	if err != nil {
		return nil, err
	}
	var keys sigv4.Keys
	return c, c.Verify(r, keys.For(secret, c), []byte(body))
}

func TestAcceptsTheSDKsSignatures(t *testing.T) {
	for _, tt := range []struct {
		name, method, target, service, body, token string
		change                                     func(*http.Request)
	}{
		{name: "json", method: "POST", target: "http://localhost:4566/", service: "codepipeline", body: `{"name":"x"}`},
		{name: "get vanilla", method: "GET", target: "http://example.amazonaws.com/", service: "service"},
		{name: "no path", method: "GET", target: "http://example.amazonaws.com", service: "service"},
		{name: "query order", method: "GET", target: "http://example.amazonaws.com/?Param2=b&Param1=a&Param1=A&x", service: "service"},
		{name: "query reserved", method: "GET", target: "http://example.amazonaws.com/?a=%20%2B%2F%3D&b=%C3%BC&~._-=1", service: "service"},
		{name: "path encoded again", method: "GET", target: "http://localhost/a%2Fb/c%20d/%C3%BC", service: "lambda"},
		{name: "token", method: "POST", target: "http://localhost/", service: "sts", body: "Action=X", token: "tok/en=="},
		{name: "headers", method: "POST", target: "http://localhost/", service: "sts", body: "Action=X", change: func(r *http.Request) {
			r.Header.Add("X-Amz-Meta-A", "  two   spaces ")
			r.Header.Add("X-Amz-Meta-A", "again")
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		}},
		{name: "s3 path once", method: "PUT", target: "http://localhost/b/a%20b%2Bc/%C3%BC//x", service: "s3", body: "data"},
		{name: "s3 empty", method: "GET", target: "http://bucket.s3.localhost:4566/?list-type=2&prefix=a%2F", service: "s3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := signed(t, tt.method, tt.target, tt.service, tt.body, tt.token, tt.change)
			c, err := check(r, now, secret, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			if c.AccessKeyID != keyID || c.Token != tt.token || c.Region != "us-east-1" || c.Service != tt.service {
				t.Errorf("claim %+v", c)
			}
			if sigv4.Service(r) != tt.service || !sigv4.Signed(r) {
				t.Error("routing sees another service")
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	const body = "Action=GetCallerIdentity"
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		at     time.Time
		secret string
		body   string
		kind   sigv4.Kind
		text   string
	}{
		{name: "nothing", change: func(r *http.Request) { r.Header.Del("Authorization") }, kind: sigv4.Missing, text: "missing Authentication Token"},
		{name: "version 2", change: func(r *http.Request) { r.Header.Set("Authorization", "AWS AKID:sig") }, kind: sigv4.VersionTwo, text: "Please use AWS4-HMAC-SHA256"},
		{name: "version 2 presigned", change: func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.RawQuery = "AWSAccessKeyId=AKID&Signature=x&Expires=1"
		}, kind: sigv4.VersionTwo},
		{name: "wrong secret", secret: "other", kind: sigv4.Mismatch, text: "does not match the signature you provided"},
		{name: "other body", body: "Action=DeleteEverything", kind: sigv4.Mismatch},
		{name: "other path", change: func(r *http.Request) { r.RequestURI = "/x" }, kind: sigv4.Mismatch},
		{name: "other query", change: func(r *http.Request) { r.RequestURI = "/?x=1" }, kind: sigv4.Mismatch},
		{name: "other method", change: func(r *http.Request) { r.Method = "PUT" }, kind: sigv4.Mismatch},
		{name: "other host", change: func(r *http.Request) { r.Host = "evil" }, kind: sigv4.Mismatch},
		{name: "too old", at: now.Add(5*time.Minute + 2*time.Second), kind: sigv4.Skewed, text: "Signature expired: 20240501T100000Z is now earlier than 20240501T100002Z (20240501T100502Z - 5 min.)"},
		{name: "old enough", at: now.Add(4 * time.Minute)},
		{name: "in the future", at: now.Add(-6 * time.Minute), kind: sigv4.Skewed, text: "Signature not yet current: 20240501T100000Z is still later than 20240501T095900Z (20240501T095400Z + 5 min.)"},
		{name: "bad escape", change: func(r *http.Request) { r.RequestURI = "/%zz" }, kind: sigv4.InvalidURI, text: "%zz"},
		{name: "truncated escape", change: func(r *http.Request) { r.RequestURI = "/a%4" }, kind: sigv4.InvalidURI},
		{name: "both", change: func(r *http.Request) { r.URL.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256" }, kind: sigv4.Mismatch},
		{name: "algorithm", change: auth("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"), kind: sigv4.Malformed, text: "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512'."},
		{name: "no equals", change: auth("SignedHeaders=", "SignedHeaders"), kind: sigv4.Malformed, text: "not a valid key=value pair (missing equal-sign)"},
		{name: "no credential", change: auth("Credential=", "Credentials="), kind: sigv4.Malformed, text: "requires 'Credential' parameter."},
		{name: "nothing but algorithm", change: func(r *http.Request) {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 x=y")
			r.Header.Del("X-Amz-Date")
		}, kind: sigv4.Malformed, text: "requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256"},
		{name: "host not signed", change: auth("host;", ""), kind: sigv4.Mismatch, text: "'Host' or ':authority' must be a 'SignedHeader'"},
		{name: "bad date", change: func(r *http.Request) { r.Header.Set("X-Amz-Date", "yesterday") }, kind: sigv4.Malformed, text: "Date must be in ISO-8601 'basic format'. Got 'yesterday'."},
		{name: "four parts", change: auth("/aws4_request", ""), kind: sigv4.Malformed, text: "Credential must have exactly 5 slash-delimited elements"},
		{name: "terminator and region", change: auth("us-east-1/sts/aws4_request", "US EAST/sts/aws5"), kind: sigv4.Mismatch, text: "Credential should be scoped to a valid region, not 'US EAST'. Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'."},
		{name: "other day", change: auth("/20240501/", "/20240502/"), kind: sigv4.Mismatch, text: "Date in Credential scope does not match"},
		{name: "header added", change: func(r *http.Request) { r.Header.Set("X-Amz-Acl", "public-read") }, kind: sigv4.HeadersUnsigned, text: "x-amz-acl"},
		{name: "body hash header is a lie", change: func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("0", 64)) }, kind: sigv4.Mismatch, text: "x-amz-content-sha256"},
		{name: "short signature", change: auth("Signature=", "Signature=0"), kind: sigv4.Mismatch},
		{name: "hostile", change: func(r *http.Request) {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 "+strings.Repeat(",", 20000))
		}, kind: sigv4.Malformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := signed(t, "POST", "http://localhost/", "sts", body, "", nil)
			if tt.change != nil {
				tt.change(r)
			}
			at, key, content := now, secret, body
			if !tt.at.IsZero() {
				at = tt.at
			}
			if tt.secret != "" {
				key = tt.secret
			}
			if tt.body != "" {
				content = tt.body
			}
			_, err := check(r, at, key, content)
			if tt.kind == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var e *sigv4.Error
			if !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(e.Message, tt.text) {
				t.Fatalf("got %#v, want kind %d with %q", err, tt.kind, tt.text)
			}
		})
	}
}

func auth(old, new string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
	}
}

func presigned(t testing.TB, service string, expires string) *http.Request {
	t.Helper()
	out, err := http.NewRequest("GET", "http://localhost:4566/bucket/key%20x?response-content-type=a%2Fb", nil)
	if err != nil {
		t.Fatal(err)
	}
	q := out.URL.Query()
	if expires != "" {
		q.Set("X-Amz-Expires", expires)
	}
	out.URL.RawQuery = q.Encode()
	hash := "UNSIGNED-PAYLOAD"
	if service != "s3" {
		sum := sha256.Sum256(nil)
		hash = hex.EncodeToString(sum[:])
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	creds := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: "tok+en"}
	target, _, err := signer.PresignHTTP(context.Background(), creds, out, hash, service, "eu-west-1", now)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	out.URL = u
	out.Header = http.Header{}
	return received(t, out, "")
}

func TestPresigned(t *testing.T) {
	var e *sigv4.Error
	for _, service := range []string{"s3", "sts"} {
		r := presigned(t, service, "900")
		c, err := check(r, now.Add(14*time.Minute), secret, "")
		if err != nil {
			t.Fatalf("%s: %v", service, err)
		}
		if !c.Presigned || c.Token != "tok+en" || c.Region != "eu-west-1" {
			t.Errorf("%s: claim %+v", service, c)
		}
		if _, err := check(r, now.Add(16*time.Minute), secret, ""); !errors.As(err, &e) || e.Kind != sigv4.PresignExpired {
			t.Errorf("%s: after expiry: %v", service, err)
		}
		if _, err := check(r, now, "other", ""); !errors.As(err, &e) || e.Kind != sigv4.Mismatch {
			t.Errorf("%s: other secret: %v", service, err)
		}
		r.RequestURI = strings.Replace(r.RequestURI, "a%2Fb", "a%2Fc", 1)
		if _, err := check(r, now, secret, ""); !errors.As(err, &e) || e.Kind != sigv4.Mismatch {
			t.Errorf("%s: changed parameter: %v", service, err)
		}
	}
	for _, expires := range []string{"604801", "-1", "x", ""} {
		if _, err := check(presigned(t, "s3", expires), now, secret, ""); !errors.As(err, &e) || e.Kind != sigv4.PresignMalformed {
			t.Errorf("expires %q: %v", expires, err)
		}
	}
	r := presigned(t, "s3", "900")
	r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "X-Amz-Credential", "X", 1)
	if _, err := check(r, now, secret, ""); !errors.As(err, &e) || !strings.Contains(e.Message, "must include 'X-Amz-Credential'") {
		t.Errorf("without credential: %v", err)
	}
	r = presigned(t, "s3", "900")
	r.Header.Set("X-Amz-Copy-Source", "/other/secret")
	if _, err := check(r, now, secret, ""); !errors.As(err, &e) || e.Kind != sigv4.HeadersUnsigned {
		t.Errorf("added header: %v", err)
	}
}

func TestGit(t *testing.T) {
	const real = "20240501T100000Z497b10538156f316b814b6c8a2556cb4bd09410e667551755c0f0d41ee66053d"
	const local = "20240501T100000Za19ac47a0b38a55b58b4058adb3007b30112fa1818ef1e4a75446f075697fc82"
	regions := []string{"eu-west-1", "us-east-1"}
	for _, tt := range []struct {
		name, password, host, path string
		at                         time.Time
		ok                         bool
	}{
		{"aws host", real, "git-codecommit.us-east-1.amazonaws.com", "/v1/repos/demo", now, true},
		{"localhost without port", local, "localhost", "/v1/repos/demo", now, true},
		{"a long clone", local, "localhost", "/v1/repos/demo", now.Add(14 * time.Minute), true},
		{"too old", local, "localhost", "/v1/repos/demo", now.Add(16 * time.Minute), false},
		{"from the future", local, "localhost", "/v1/repos/demo", now.Add(-16 * time.Minute), false},
		{"other repository", local, "localhost", "/v1/repos/demo2", now, false},
		{"other host", local, "evil", "/v1/repos/demo", now, false},
		{"garbage", "hunter2", "localhost", "/v1/repos/demo", now, false},
		{"no signature", "20240501T100000Z", "localhost", "/v1/repos/demo", now, false},
		{"no date", strings.Replace(local, "20240501T", "2024-501T", 1), "localhost", "/v1/repos/demo", now, false},
	} {
		if err := sigv4.VerifyGit(secret, tt.password, tt.host, tt.path, regions, tt.at); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if sigv4.VerifyGit(secret, local, "localhost", "/v1/repos/demo", []string{"eu-west-1"}, now) == nil {
		t.Error("another region's signature is accepted")
	}
}

func FuzzParse(f *testing.F) {
	r := signed(f, "POST", "http://localhost/", "sts", "x", "", nil)
	f.Add(r.Header.Get("Authorization"), "20240501T100000Z", "/", "a=b")
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/e,SignedHeaders=host,Signature=f", "x", "/%zz", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%")
	f.Fuzz(func(t *testing.T, header, date, path, query string) {
		r := &http.Request{Method: "POST", URL: &url.URL{Path: "/", RawQuery: query}, RequestURI: path + "?" + query,
			Header: http.Header{"Authorization": {header}, "X-Amz-Date": {date}}, Host: "localhost"}
		sigv4.Service(r)
		if _, err := check(r, now, secret, ""); err == nil {
			t.Error("accepted without knowing the secret")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	r := signed(b, "POST", "http://localhost:4566/", "codepipeline", "{}", "", nil)
	var keys sigv4.Keys
	b.ReportAllocs()
	for b.Loop() {
		c, err := sigv4.Parse(r, now)
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Verify(r, keys.For(secret, c), []byte("{}")); err != nil {
			b.Fatal(err)
		}
	}
}
