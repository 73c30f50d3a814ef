package appspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// jsonNodes reads JSON into YAML's nodes; nil if it is not a JSON object. YAML's
// own reader takes most of JSON, but neither \/ nor surrogate pairs.
func jsonNodes(text []byte) *yaml.Node {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) || !json.Valid(text) {
		return nil
	}
	r := &jsonReader{Decoder: json.NewDecoder(bytes.NewReader(text)), text: text, line: 1}
	r.UseNumber()
	return r.node()
}

// jsonReader walks through valid JSON.
type jsonReader struct {
	*json.Decoder
	text []byte
	// Where the last token began, so that no text is looked at twice: its line, and
	// where that begins.
	at, line, start int
}

func (r *jsonReader) node() *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	n.Line, n.Column = r.position()
	token, err := r.Token()
	if err != nil { // never: the text is valid
		return n
	}
	switch t := token.(type) {
	case json.Delim:
		n.Kind = yaml.SequenceNode
		if t == '{' {
			n.Kind = yaml.MappingNode
		}
		for r.More() {
			n.Content = append(n.Content, r.node())
		}
		_, _ = r.Token() // the closing one
	case string:
		n.Value = t
	case nil:
		n.Tag = "!!null"
	default:
		n.Value = fmt.Sprint(t)
	}
	return n
}

// position is that of the next token.
func (r *jsonReader) position() (line, column int) {
	at := int(r.InputOffset())
	for strings.IndexByte(" \t\r\n,:", r.text[at]) >= 0 {
		at++
	}
	passed := r.text[r.at:at]
	if i := bytes.LastIndexByte(passed, '\n'); i >= 0 {
		r.line += bytes.Count(passed, []byte("\n"))
		r.start = r.at + i + 1
	}
	r.at = at
	return r.line, at - r.start + 1
}
