package sigv4

import (
	"bufio"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

const (
	maxLine    = 4 << 10 // bytes of a chunk's or trailer's line
	maxTrailer = 16      // lines
)

// chunkReader decodes aws-chunked bodies:
//
//	HEX-SIZE[;chunk-signature=…]\r\n DATA \r\n … 0[;chunk-signature=…]\r\n
//	[x-amz-checksum-NAME:VALUE\r\n [x-amz-trailer-signature:…\r\n]] \r\n
//
// Data is handed on before its chunk's signature is known; who stores it must
// not believe it before io.EOF.
type chunkReader struct {
	r    *bufio.Reader
	want int64 // decoded length promised
	got  int64
	left int64 // of the current chunk
	open bool  // in a chunk
	err  error

	sign      *chunkSigner // nil when unsigned
	chunkSig  string
	chunkHash hash.Hash // of the current chunk, when signed

	trailer  bool      // one is expected
	name     string    // of the checksum in it
	checksum hash.Hash // nil for algorithms unknown
}

func newChunkReader(r io.Reader, length int64) *chunkReader {
	return &chunkReader{r: bufio.NewReaderSize(r, 32<<10), want: length}
}

// expectTrailer prepares for the trailing header named in x-amz-trailer.
func (d *chunkReader) expectTrailer(name string) error {
	d.trailer = true
	d.name = strings.ToLower(strings.TrimSpace(name))
	switch d.name {
	case "":
	case "x-amz-checksum-crc32":
		d.checksum = crc32.NewIEEE()
	case "x-amz-checksum-crc32c":
		d.checksum = crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "x-amz-checksum-crc64nvme":
		d.checksum = crc64.New(nvme)
	case "x-amz-checksum-sha1":
		d.checksum = sha1.New()
	case "x-amz-checksum-sha256":
		d.checksum = sha256.New()
	default:
		return &wire.Error{Code: "InvalidRequest", Status: http.StatusBadRequest,
			Message: "The value specified in the x-amz-trailer header is not supported"}
	}
	return nil
}

// nvme is CRC-64/NVME's polynomial 0xad93d23594c93659, reversed.
var nvme = crc64.MakeTable(0x9a6c9329ac4bc9b5)

func (d *chunkReader) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	for !d.open {
		if d.err = d.next(); d.err != nil {
			return 0, d.err
		}
	}
	if int64(len(p)) > d.left {
		p = p[:d.left]
	}
	n, err := d.r.Read(p)
	d.left -= int64(n)
	d.got += int64(n)
	if d.chunkHash != nil {
		d.chunkHash.Write(p[:n])
	}
	if d.checksum != nil {
		d.checksum.Write(p[:n])
	}
	switch {
	case err == io.EOF && d.left > 0:
		d.err = errIncomplete
	case err != nil && err != io.EOF:
		d.err = err
	case d.left == 0:
		d.err = d.finish()
	}
	return n, d.err
}

// next reads a chunk's first line, and after the last chunk what follows it.
func (d *chunkReader) next() error {
	line, err := d.line()
	if err != nil {
		return err
	}
	size, ext, _ := strings.Cut(line, ";")
	n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 64)
	if err != nil || n < 0 {
		return errMalformed
	}
	if d.sign != nil {
		sig, ok := strings.CutPrefix(ext, "chunk-signature=")
		if !ok {
			return errMalformed
		}
		d.chunkSig, d.chunkHash = strings.TrimSpace(sig), sha256.New()
	}
	if n > d.want-d.got {
		return errIncomplete // more than promised
	}
	if n > 0 {
		d.left, d.open = n, true
		return nil
	}
	if d.got != d.want {
		return errIncomplete
	}
	if d.sign != nil && !d.sign.chunk(d.chunkSig, d.chunkHash) {
		return errChunkSignature
	}
	if err := d.end(); err != nil {
		return err
	}
	return io.EOF
}

// finish ends a chunk with data.
func (d *chunkReader) finish() error {
	d.open = false
	if line, err := d.line(); err != nil {
		return err
	} else if line != "" {
		return errMalformed
	}
	if d.sign != nil && !d.sign.chunk(d.chunkSig, d.chunkHash) {
		return errChunkSignature
	}
	return nil
}

// end reads the trailer and checks it.
func (d *chunkReader) end() error {
	var canonical strings.Builder
	value, signature := "", ""
	for range maxTrailer {
		line, err := d.line()
		if err == errIncomplete && !d.trailer {
			return nil // clients exist that leave out the last empty line
		}
		if err != nil {
			return err
		}
		if line == "" {
			return d.checkTrailer(value, signature, canonical.String())
		}
		name, v, ok := strings.Cut(line, ":")
		if !ok || !d.trailer {
			return errMalformed
		}
		name, v = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(v)
		switch name {
		case "x-amz-trailer-signature":
			signature = v
			continue
		case d.name:
			value = v
		}
		canonical.WriteString(name + ":" + v + "\n")
	}
	return errMalformed
}

func (d *chunkReader) checkTrailer(value, signature, canonical string) error {
	if !d.trailer {
		return nil
	}
	if d.sign != nil && !d.sign.trailer(signature, canonical) {
		return errChunkSignature
	}
	if d.checksum == nil {
		return nil
	}
	if value == "" {
		return &wire.Error{Code: "MalformedTrailerError", Status: http.StatusBadRequest,
			Message: "The request contained trailing data that was not well-formed or did not conform to our published schema."}
	}
	if base64.StdEncoding.EncodeToString(d.checksum.Sum(nil)) != value {
		algorithm := strings.ToUpper(strings.TrimPrefix(d.name, "x-amz-checksum-"))
		return &wire.Error{Code: "BadDigest", Status: http.StatusBadRequest,
			Message: "The " + algorithm + " you specified did not match the calculated checksum."}
	}
	return nil
}

// line reads to the next newline and returns what is before it.
func (d *chunkReader) line() (string, error) {
	var b []byte
	for {
		part, err := d.r.ReadSlice('\n')
		b = append(b, part...)
		switch {
		case len(b) > maxLine:
			return "", errMalformed
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF:
			return "", errIncomplete
		case err != nil:
			return "", err
		}
		return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), nil
	}
}

var (
	errIncomplete = &wire.Error{Code: "IncompleteBody", Status: http.StatusBadRequest,
		Message: "You did not provide the number of bytes specified by the Content-Length HTTP header"}
	errMalformed = &wire.Error{Code: "InvalidRequest", Status: http.StatusBadRequest,
		Message: "The body is not well-formed aws-chunked content."}
	errChunkSignature = &wire.Error{Code: "SignatureDoesNotMatch", Status: http.StatusForbidden,
		Message: mismatchMessage}
)

// chunkSigner chains the signatures of chunks, each on the one before it.
type chunkSigner struct {
	key          Key
	previous     string
	stamp, scope string
}

func (s *chunkSigner) chunk(signature string, data hash.Hash) bool {
	return s.check(signature, "AWS4-HMAC-SHA256-PAYLOAD", emptyHash+"\n"+hex.EncodeToString(data.Sum(nil)))
}

func (s *chunkSigner) trailer(signature, canonical string) bool {
	sum := sha256.Sum256([]byte(canonical))
	return s.check(signature, "AWS4-HMAC-SHA256-TRAILER", hex.EncodeToString(sum[:]))
}

func (s *chunkSigner) check(signature, algorithm, hashes string) bool {
	want := s.key.sign(algorithm + "\n" + s.stamp + "\n" + s.scope + "\n" + s.previous + "\n" + hashes)
	s.previous = string(want)
	return subtle.ConstantTimeCompare(want, []byte(signature)) == 1
}
