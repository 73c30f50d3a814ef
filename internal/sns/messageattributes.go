package sns

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// badAttribute is the error about attributes, whose code is not that of others.
func badAttribute(format string, args ...any) error {
	return &wire.Error{Code: "ParameterValueInvalid", Message: fmt.Sprintf(format, args...)}
}

var attributeName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// checkAttributes applies the developer guide's rules of message attributes.
func checkAttributes(all map[string]types.MessageAttributeValue) error {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		v := all[name]
		kind, _, _ := strings.Cut(aws.ToString(v.DataType), ".")
		switch {
		case len(name) > 256:
			return badAttribute("Length of message attribute name must be less than 256 bytes.")
		case !attributeName.MatchString(name):
			return badAttribute("Invalid non-alphanumeric character was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.")
		case strings.HasPrefix(strings.ToLower(name), "aws.") || strings.HasPrefix(strings.ToLower(name), "amazon."):
			return badAttribute("You can't use message attribute names beginning with 'AWS.' or 'Amazon.'.")
		case kind != "String" && kind != "Number" && kind != "Binary":
			return badAttribute("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		case kind == "Binary" && v.StringValue != nil, kind != "Binary" && v.BinaryValue != nil:
			field := "String"
			if kind == "Binary" {
				field = kind
			}
			return badAttribute("The message attribute '%s' with type '%s' must use field '%s'.", name, *v.DataType, field)
		case aws.ToString(v.StringValue) == "" && len(v.BinaryValue) == 0:
			return badAttribute("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, *v.DataType)
		}
		if kind == "Number" {
			if _, err := strconv.ParseFloat(*v.StringValue, 64); err != nil {
				return badAttribute("Could not cast message attribute '%s' value to number.", name)
			}
		}
	}
	return nil
}

// shown are the attributes in an envelope.
func shown(all map[string]types.MessageAttributeValue) map[string]attribute {
	out := map[string]attribute{}
	for name, v := range all {
		value := aws.ToString(v.StringValue)
		if v.BinaryValue != nil {
			value = base64.StdEncoding.EncodeToString(v.BinaryValue)
		}
		out[name] = attribute{Type: *v.DataType, Value: value}
	}
	return out
}

// asEvent makes an object of attributes, for filter policies to look at: texts,
// numbers, and what the JSON of a String.Array says.
func asEvent(all map[string]types.MessageAttributeValue) []byte {
	out := map[string]any{}
	for name, v := range all {
		value := aws.ToString(v.StringValue)
		out[name] = value
		switch kind, _, _ := strings.Cut(*v.DataType, "."); {
		case kind == "Number" && json.Valid([]byte(value)):
			out[name] = json.Number(value)
		case *v.DataType == "String.Array" && json.Valid([]byte(value)):
			out[name] = json.RawMessage(value)
		case kind == "Binary":
			out[name] = "\x00" // there, and equal to nothing that a policy names
		}
	}
	return []byte(encode(out))
}
