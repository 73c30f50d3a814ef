package eventbridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/slipway-dev/slipway/internal/bus"
)

// pathForm is the part of JSONPath that EventBridge has: $.detail.list[0].name.
var pathForm = regexp.MustCompile(`^\$(\.[A-Za-z0-9_@-]+(\[[0-9]{1,6}\])*)*$`)

func validPath(p string) bool { return len(p) <= 256 && pathForm.MatchString(p) }

// at follows a path; ok is false if there is nothing.
func at(event any, path string) (v any, ok bool) {
	v = event
	for step := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(path, "$"), "."), ".") {
		if step == "" {
			continue
		}
		name, rest, indexed := strings.Cut(step, "[")
		object, isObject := v.(map[string]any)
		if !isObject {
			return nil, false
		}
		if v, ok = object[name]; !ok {
			return nil, false
		}
		for indexed {
			var index string
			index, rest, _ = strings.Cut(rest, "]")
			list, isList := v.([]any)
			n, err := strconv.Atoi(index)
			if !isList || err != nil || n >= len(list) {
				return nil, false
			}
			v = list[n]
			rest, indexed = strings.CutPrefix(rest, "[")
		}
	}
	return v, true
}

// custom tells whether a target says what it gets. The others get the event.
func custom(t *types.Target) bool {
	return t.Input != nil || t.InputPath != nil || t.InputTransformer != nil
}

// input is the JSON that a target gets of an event.
func input(t *types.Target, ev *bus.Event, ru *rule, ruleARN string, now time.Time) ([]byte, error) {
	text, err := json.Marshal(ev)
	if err != nil {
		return nil, err
	}
	switch {
	case t.Input != nil:
		return []byte(*t.Input), nil
	case t.InputPath == nil && t.InputTransformer == nil:
		return text, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var event any
	if err := d.Decode(&event); err != nil {
		return nil, err
	}
	if t.InputPath != nil {
		v, ok := at(event, *t.InputPath)
		if !ok {
			return nil, fmt.Errorf("the event has nothing at %s", *t.InputPath)
		}
		return plain(v)
	}
	return transform(t.InputTransformer, event, text, ru, ruleARN, now)
}

// plain is JSON without the escapes that are for browsers.
func plain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

var placeholder = regexp.MustCompile(`<([A-Za-z0-9_.-]+)>`)

func checkTransformer(t *types.InputTransformer) error {
	for name, path := range t.InputPathsMap {
		switch {
		case strings.HasPrefix(strings.ToUpper(name), "AWS."):
			return fmt.Errorf("InputPathsMap key %s is reserved", name)
		case !validPath(path):
			return fmt.Errorf("InputPath for key %s is not valid", name)
		}
	}
	if len(t.InputPathsMap) > 100 {
		return errors.New("InputPathsMap has more than 100 keys")
	}
	return nil
}

// transform fills a template: a placeholder within quotes by the text of its
// value, elsewhere by its JSON. What the event lacks becomes nothing.
func transform(t *types.InputTransformer, event any, whole []byte, ru *rule, ruleARN string, now time.Time) ([]byte, error) {
	template := aws.ToString(t.InputTemplate)
	value := func(name string) (v any, ok bool) {
		switch name {
		case "aws.events.rule-arn":
			return ruleARN, true
		case "aws.events.rule-name":
			return ru.Name, true
		case "aws.events.event.ingestion-time":
			return now.UTC().Format(time.RFC3339), true
		case "aws.events.event.json":
			return json.RawMessage(whole), true
		case "aws.events.event":
			object, _ := event.(map[string]any)
			rest := map[string]any{}
			for k, v := range object {
				if k != "detail" {
					rest[k] = v
				}
			}
			return rest, true
		}
		path, known := t.InputPathsMap[name]
		if !known {
			return nil, false
		}
		return at(event, path)
	}
	var out strings.Builder
	last, quoted := 0, false
	for _, m := range placeholder.FindAllStringSubmatchIndex(template, -1) {
		between := template[last:m[0]]
		quoted = inString(between, quoted)
		out.WriteString(between)
		last = m[1]
		v, ok := value(template[m[2]:m[3]])
		switch text, isText := v.(string); {
		case !ok && !quoted:
			out.WriteString(`""`)
		case !ok:
		case quoted && isText:
			// Quotes and line ends in it must not end the string around it.
			b, err := plain(text)
			if err != nil {
				return nil, err
			}
			out.Write(b[1 : len(b)-1])
		default:
			b, err := plain(v)
			if err != nil {
				return nil, err
			}
			if quoted {
				inner, err := plain(string(b))
				if err != nil {
					return nil, err
				}
				b = inner[1 : len(inner)-1]
			}
			out.Write(b)
		}
	}
	out.WriteString(template[last:])
	if !values(out.String()) {
		return nil, errors.New("what the input transformer makes of the event is not JSON")
	}
	return []byte(out.String()), nil
}

// values tells whether a text is JSON: one value, or several, as for a mail of
// many lines, each of which is a string of its own.
func values(text string) bool {
	d := json.NewDecoder(strings.NewReader(text))
	for n := 0; ; n++ {
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return errors.Is(err, io.EOF) && n > 0
		}
	}
}

// inString tells whether a template is within quotes after a piece of text.
func inString(text string, quoted bool) bool {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quoted:
			i++
		case text[i] == '"':
			quoted = !quoted
		}
	}
	return quoted
}
