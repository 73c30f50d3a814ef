package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Body returns the reader of an S3 request's content, which decodes aws-chunked
// bodies and gives an error (a *wire.Error of S3's) in place of io.EOF if what
// was read is not what was signed. length is the content's, -1 if unknown.
func (c *Claim) Body(r *http.Request, key Key) (body io.Reader, length int64, err error) {
	payload := c.payload
	if c.Presigned && payload == "" {
		payload = unsignedPayload
	}
	switch payload {
	case unsignedPayload:
		return r.Body, r.ContentLength, nil
	case streamingSigned, streamingTrailer, streamingPlain:
		return c.chunked(r, key, payload)
	}
	if strings.HasPrefix(payload, "STREAMING-") {
		return nil, 0, &wire.Error{Code: "NotImplemented", Status: http.StatusNotImplemented,
			Message: "x-amz-content-sha256 of " + clip(payload) + " is not implemented"}
	}
	if !hexPattern.MatchString(payload) {
		return nil, 0, &wire.Error{Code: "InvalidArgument", Status: http.StatusBadRequest,
			Message: "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, " +
				"STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value."}
	}
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		if payload != emptyHash {
			return nil, 0, errContentHash
		}
		return http.NoBody, 0, nil
	}
	return &hashedReader{r: r.Body, hash: sha256.New(), want: payload}, r.ContentLength, nil
}

var errContentHash = &wire.Error{Code: "XAmzContentSHA256Mismatch", Status: http.StatusBadRequest,
	Message: "The provided 'x-amz-content-sha256' header does not match what was computed."}

// hashedReader turns the end of a body that has another hash into an error.
type hashedReader struct {
	r    io.Reader
	hash hash.Hash
	want string
	err  error
}

func (h *hashedReader) Read(p []byte) (int, error) {
	if h.err != nil {
		return 0, h.err
	}
	n, err := h.r.Read(p)
	h.hash.Write(p[:n])
	if err == io.EOF && hex.EncodeToString(h.hash.Sum(nil)) != h.want {
		err = errContentHash
	}
	h.err = err
	return n, err
}

func (c *Claim) chunked(r *http.Request, key Key, payload string) (io.Reader, int64, error) {
	length, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || length < 0 {
		return nil, 0, &wire.Error{Code: "MissingContentLength", Status: http.StatusLengthRequired,
			Message: "You must provide the Content-Length HTTP header (X-Amz-Decoded-Content-Length)."}
	}
	d := newChunkReader(r.Body, length)
	if payload != streamingPlain {
		d.sign = &chunkSigner{key: key, previous: string(c.signature), stamp: c.timestamp, scope: c.Scope()}
	}
	if payload != streamingSigned {
		if err := d.expectTrailer(r.Header.Get("X-Amz-Trailer")); err != nil {
			return nil, 0, err
		}
	}
	return d, length, nil
}
