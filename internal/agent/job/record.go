package job

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxPiece is the most bytes of journal that are sent at once. A record that is
// longer by itself does not exist: log lines are cut before.
const MaxPiece = 1 << 20

// MaxLine is the most bytes of one log line; AWS's limit of an event is 256 KiB
// less 26 bytes, and JSON may need six bytes for one.
const MaxLine = 128 << 10

// Record is one line of the journal; besides Time exactly one member is set.
type Record struct {
	Time   int64   `json:"t"` // milliseconds
	Log    string  `json:"l,omitempty"`
	Begin  string  `json:"b,omitempty"` // a phase that begins
	End    *Phase  `json:"e,omitempty"`
	Source *string `json:"v,omitempty"` // the resolved source version
	Result *Result `json:"r,omitempty"` // the last record
}

// Phase is how a phase ended.
type Phase struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Result is how the build ended.
type Result struct {
	Status    string     `json:"status"`
	Exported  []Variable `json:"exported,omitempty"`
	Artifacts []Uploaded `json:"artifacts,omitempty"`
}

// Uploaded is an artifact that was written.
type Uploaded struct {
	Identifier string `json:"id,omitempty"`
	Location   string `json:"location"`
	MD5        string `json:"md5,omitempty"`
	SHA256     string `json:"sha256,omitempty"`
}

// Encode appends the record to a journal.
func Encode(b []byte, r Record) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(r) // strings and numbers only
	return append(b, buf.Bytes()...)
}

// Decode reads whole records; a piece that ends within one is an error.
func Decode(piece []byte) ([]Record, error) {
	var out []Record
	for len(piece) > 0 {
		i := bytes.IndexByte(piece, '\n')
		if i < 0 {
			return nil, fmt.Errorf("journal ends within a record")
		}
		var r Record
		if err := json.Unmarshal(piece[:i], &r); err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		out = append(out, r)
		piece = piece[i+1:]
	}
	return out, nil
}

// WriteLog writes the log lines of a journal, compressed by gzip. What follows
// the last whole record is left out.
func WriteLog(w io.Writer, journal io.Reader) error {
	z := gzip.NewWriter(w)
	lines := bufio.NewReader(journal)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return z.Close()
		}
		if err != nil {
			return err
		}
		var r Record
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		if _, err := io.WriteString(z, r.Log); err != nil {
			return err
		}
	}
}

// Offset answers a piece of journal: how far the service has it.
type Offset struct {
	Offset int64 `json:"offset"`
}

// Credentials are the build's role session, in the form of the container
// credentials endpoint of AWS.
type Credentials struct {
	RoleArn, AccessKeyID, SecretAccessKey, Token, Expiration string
}

// MarshalJSON spells AccessKeyId as AWS does.
func (c Credentials) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{
		"RoleArn": c.RoleArn, "AccessKeyId": c.AccessKeyID, "SecretAccessKey": c.SecretAccessKey,
		"Token": c.Token, "Expiration": c.Expiration,
	})
}
