package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// example is AWS's documented upload of 65 KiB of "a" in signed chunks, whose
// signatures the documentation prints ("Signature Calculations for the
// Authorization Header: Transferring Payload in Multiple Chunks").
var example = struct {
	claim  Claim
	key    Key
	chunks []string
}{
	claim: Claim{
		Date: "20130524", Region: "us-east-1", Service: "s3", timestamp: "20130524T000000Z", payload: streamingSigned,
		signature: []byte("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"),
	},
	key: SigningKey("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3"),
	chunks: []string{
		"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
		"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
		"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
	},
}

func chunkedRequest(body string, decoded int, header map[string]string) *http.Request {
	r := httptest.NewRequest("PUT", "/bucket/key", strings.NewReader(body))
	r.Header.Set("X-Amz-Decoded-Content-Length", strconv.Itoa(decoded))
	for k, v := range header {
		r.Header.Set(k, v)
	}
	return r
}

func readAll(t *testing.T, c *Claim, key Key, r *http.Request) ([]byte, error) {
	t.Helper()
	body, _, err := c.Body(r, key)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(iotest.OneByteReader(body))
}

func code(err error) string {
	var e *wire.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

func exampleBody(sigs []string) string {
	return fmt.Sprintf("10000;chunk-signature=%s\r\n%s\r\n400;chunk-signature=%s\r\n%s\r\n0;chunk-signature=%s\r\n\r\n",
		sigs[0], strings.Repeat("a", 65536), sigs[1], strings.Repeat("a", 1024), sigs[2])
}

func TestSignedChunks(t *testing.T) {
	good := exampleBody(example.chunks)
	for _, tt := range []struct {
		name, body string
		decoded    int
		code       string
	}{
		{"the documented example", good, 66560, ""},
		{"without the last line", strings.TrimSuffix(good, "\r\n"), 66560, ""},
		{"data changed", strings.Replace(good, "aaaa", "aaba", 1), 66560, "SignatureDoesNotMatch"},
		{"last chunk forged", exampleBody([]string{example.chunks[0], example.chunks[1], example.chunks[1]}), 66560, "SignatureDoesNotMatch"},
		{"chunk left out", good[:strings.Index(good, "400;")] + good[strings.LastIndex(good, "0;"):], 65536, "SignatureDoesNotMatch"},
		{"shorter than promised", good, 66561, "IncompleteBody"},
		{"longer than promised", good, 66559, "IncompleteBody"},
		{"cut in the data", good[:1000], 66560, "IncompleteBody"},
		{"cut between chunks", good[:strings.Index(good, "400;")], 66560, "IncompleteBody"},
		{"no signature", strings.Replace(good, ";chunk-signature=", ";x=", 1), 66560, "InvalidRequest"},
		{"no size", "zz\r\n", 5, "InvalidRequest"},
		{"negative", "-5;chunk-signature=x\r\n", 5, "InvalidRequest"},
		{"endless line", strings.Repeat("1", 100000), 5, "InvalidRequest"},
		{"empty", "", 0, "IncompleteBody"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := example.claim
			data, err := readAll(t, &c, example.key, chunkedRequest(tt.body, tt.decoded, nil))
			if tt.code != "" {
				if code(err) != tt.code {
					t.Fatalf("got %v, want %s", err, tt.code)
				}
				return
			}
			if err != nil || len(data) != 66560 || strings.Trim(string(data), "a") != "" {
				t.Fatalf("%d bytes, %v", len(data), err)
			}
		})
	}
}

func TestTrailers(t *testing.T) {
	const data = "hello world"
	crc := base64.StdEncoding.EncodeToString([]byte{0x0d, 0x4a, 0x11, 0x85}) // crc32 of data
	for name, want := range map[string]string{
		"x-amz-checksum-crc32":     crc,
		"x-amz-checksum-crc32c":    "yZRlqg==",
		"x-amz-checksum-crc64nvme": "jSnVw/bqjr4=",
		"x-amz-checksum-sha1":      "Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
		"x-amz-checksum-sha256":    "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
	} {
		t.Run(name, func(t *testing.T) {
			c := Claim{payload: streamingPlain}
			header := map[string]string{"X-Amz-Trailer": name}
			body := "6\r\nhello \r\n5\r\nworld\r\n0\r\n" + name + ":" + want + "\r\n\r\n"
			got, err := readAll(t, &c, Key{}, chunkedRequest(body, len(data), header))
			if err != nil || string(got) != data {
				t.Fatalf("%q, %v", got, err)
			}
			wrong := strings.Replace(body, want, "AAAA"+want[4:], 1)
			if _, err := readAll(t, &c, Key{}, chunkedRequest(wrong, len(data), header)); code(err) != "BadDigest" {
				t.Errorf("wrong checksum: %v", err)
			}
			none := strings.Replace(body, name+":"+want+"\r\n", "", 1)
			if _, err := readAll(t, &c, Key{}, chunkedRequest(none, len(data), header)); code(err) != "MalformedTrailerError" {
				t.Errorf("no checksum: %v", err)
			}
			cut := strings.TrimSuffix(body, "\r\n")
			if _, err := readAll(t, &c, Key{}, chunkedRequest(cut, len(data), header)); code(err) != "IncompleteBody" {
				t.Errorf("cut: %v", err)
			}
		})
	}
	c := Claim{payload: streamingPlain}
	if _, _, err := c.Body(chunkedRequest("", 0, map[string]string{"X-Amz-Trailer": "x-amz-checksum-md6"}), Key{}); code(err) != "InvalidRequest" {
		t.Errorf("unknown checksum: %v", err)
	}
}

func TestSignedTrailer(t *testing.T) {
	const data = "hello world"
	c := example.claim
	c.payload = streamingTrailer
	signer := &chunkSigner{key: example.key, previous: string(c.signature), stamp: c.timestamp, scope: c.Scope()}
	sign := func(algorithm, hashes string) string {
		signer.check("", algorithm, hashes)
		return signer.previous
	}
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	sum := crc32.Checksum([]byte(data), crc32.MakeTable(crc32.Castagnoli))
	crc := base64.StdEncoding.EncodeToString([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	one := sign("AWS4-HMAC-SHA256-PAYLOAD", emptyHash+"\n"+hash(data))
	end := sign("AWS4-HMAC-SHA256-PAYLOAD", emptyHash+"\n"+emptyHash)
	trailer := sign("AWS4-HMAC-SHA256-TRAILER", hash("x-amz-checksum-crc32c:"+crc+"\n"))
	body := "b;chunk-signature=" + one + "\r\n" + data + "\r\n0;chunk-signature=" + end + "\r\n" +
		"x-amz-checksum-crc32c:" + crc + "\r\nx-amz-trailer-signature:" + trailer + "\r\n\r\n"
	header := map[string]string{"X-Amz-Trailer": "x-amz-checksum-crc32c"}
	got, err := readAll(t, &c, example.key, chunkedRequest(body, len(data), header))
	if err != nil || string(got) != data {
		t.Fatalf("%q, %v", got, err)
	}
	unsigned := strings.Replace(body, "x-amz-trailer-signature:"+trailer+"\r\n", "", 1)
	if _, err := readAll(t, &c, example.key, chunkedRequest(unsigned, len(data), header)); code(err) != "SignatureDoesNotMatch" {
		t.Errorf("unsigned trailer: %v", err)
	}
}

func TestFixedBody(t *testing.T) {
	sum := sha256.Sum256([]byte("data"))
	for _, tt := range []struct{ name, payload, body, code string }{
		{"hash", hex.EncodeToString(sum[:]), "data", ""},
		{"other hash", hex.EncodeToString(sum[:]), "DATA", "XAmzContentSHA256Mismatch"},
		{"body missing", hex.EncodeToString(sum[:]), "", "XAmzContentSHA256Mismatch"},
		{"empty", emptyHash, "", ""},
		{"unsigned", unsignedPayload, "anything", ""},
		{"nonsense", "hash?", "data", "InvalidArgument"},
		{"asymmetric", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "data", "NotImplemented"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Claim{payload: tt.payload}
			got, err := readAll(t, &c, Key{}, httptest.NewRequest("PUT", "/", strings.NewReader(tt.body)))
			if tt.code != "" {
				if code(err) != tt.code {
					t.Fatalf("got %v, want %s", err, tt.code)
				}
			} else if err != nil || string(got) != tt.body {
				t.Fatalf("%q, %v", got, err)
			}
		})
	}
}

func FuzzChunks(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"), int64(5))
	f.Add([]byte("0\r\n\r\n"), int64(0))
	f.Fuzz(func(t *testing.T, body []byte, length int64) {
		d := newChunkReader(bytes.NewReader(body), length&0xffff)
		if err := d.expectTrailer("x-amz-checksum-crc32"); err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(d)
		if err == nil && int64(len(data)) != length&0xffff {
			t.Errorf("%d bytes instead of %d without an error", len(data), length&0xffff)
		}
	})
}
