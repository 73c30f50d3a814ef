package appspec

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// jsonNodes reads JSON into YAML's nodes; nil if it is not a JSON object. YAML's
// own reader takes most of JSON, but neither \/ nor surrogate pairs.
func jsonNodes(text []byte) *yaml.Node {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) || !json.Valid(text) {
		return nil
	}
	r := jsonReader{json.NewDecoder(bytes.NewReader(text)), text}
	r.UseNumber()
	return r.node()
}

// jsonReader walks through valid JSON.
type jsonReader struct {
	*json.Decoder
	text []byte
}

func (r jsonReader) node() *yaml.Node {
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
func (r jsonReader) position() (line, column int) {
	before := r.text[:r.InputOffset()]
	rest := r.text[len(before):]
	before = r.text[:len(before)+len(rest)-len(bytes.TrimLeft(rest, " \t\r\n,:"))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')
}
