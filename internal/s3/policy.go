package s3

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/glob"
)

// maxPolicy is the most bytes of a bucket policy.
const maxPolicy = 20 << 10

// policy is what this package needs to understand of a bucket policy: whether
// it is well-formed, and whether it lets everyone in.
type policy struct {
	Version   string
	ID        string `json:"Id"`
	Statement list1[statement]
}

type statement struct {
	Sid                     string
	Effect                  string
	Principal, NotPrincipal json.RawMessage
	Action, NotAction       list1[string]
	Resource, NotResource   list1[string]
	Condition               map[string]map[string]list1[any]
}

// list1 is a JSON list that may be written as its only element.
type list1[T any] []T

func (l *list1[T]) UnmarshalJSON(b []byte) error {
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] == '[' {
		return strict(b, (*[]T)(l))
	}
	var one T
	if err := strict(b, &one); err != nil {
		return err
	}
	*l = list1[T]{one}
	return nil
}

// strict decodes JSON without members that are not known.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// parsePolicy reads and validates the policy of a bucket.
func parsePolicy(text, bucketName string) (*policy, error) {
	malformed := func(why string) error { return say("MalformedPolicy", why) }
	if len(text) > maxPolicy {
		return nil, malformed("Normalized policy document exceeds the maximum allowed size of 20480 bytes.")
	}
	if !strings.HasPrefix(strings.TrimSpace(text), "{") || !json.Valid([]byte(text)) {
		return nil, fail("MalformedPolicy")
	}
	p := new(policy)
	if err := strict([]byte(text), p); err != nil {
		if _, field, ok := strings.Cut(err.Error(), "unknown field "); ok {
			return nil, malformed("Unknown field " + strings.Trim(field, `"`))
		}
		return nil, malformed("Policies must have members of the right types")
	}
	if p.Version != "" && p.Version != "2008-10-17" && p.Version != "2012-10-17" {
		return nil, malformed("The policy must contain a valid version string")
	}
	if len(p.Statement) == 0 {
		return nil, malformed("Missing required field Statement")
	}
	for i := range p.Statement {
		if why := p.Statement[i].check(bucketName); why != "" {
			return nil, malformed(why)
		}
	}
	return p, nil
}

// check returns what is wrong with a statement, or "".
func (st *statement) check(bucketName string) string {
	switch {
	case st.Effect == "":
		return "Missing required field Effect"
	case st.Effect != "Allow" && st.Effect != "Deny":
		return "Invalid effect: " + st.Effect
	case st.Principal == nil && st.NotPrincipal == nil:
		return "Missing required field Principal"
	case st.Principal != nil && st.NotPrincipal != nil:
		return "Policy statement must contain either Principal or NotPrincipal"
	case len(st.Action)+len(st.NotAction) == 0:
		return "Missing required field Action"
	case len(st.Action) > 0 && len(st.NotAction) > 0:
		return "Policy statement must contain either Action or NotAction"
	case len(st.Resource)+len(st.NotResource) == 0:
		return "Missing required field Resource"
	case len(st.Resource) > 0 && len(st.NotResource) > 0:
		return "Policy statement must contain either Resource or NotResource"
	}
	principal := st.Principal
	if principal == nil {
		principal = st.NotPrincipal
	}
	if !validPrincipal(principal) {
		return "Invalid principal in policy"
	}
	for _, a := range slices.Concat(st.Action, st.NotAction) {
		if a != "*" && (len(a) < 4 || !strings.EqualFold(a[:3], "s3:")) {
			return "Policy has invalid action"
		}
	}
	for _, r := range slices.Concat(st.Resource, st.NotResource) {
		name, ok := strings.CutPrefix(r, "arn:aws:s3:::")
		name, _, _ = strings.Cut(name, "/")
		if !ok || !glob.Match(name, bucketName) {
			return "Policy has invalid resource"
		}
	}
	return ""
}

func validPrincipal(b json.RawMessage) bool {
	var all string
	if json.Unmarshal(b, &all) == nil {
		return all == "*"
	}
	var by map[string]list1[string]
	if strict(b, &by) != nil || len(by) == 0 {
		return false
	}
	for kind, ids := range by {
		if len(ids) == 0 || !slices.Contains([]string{"AWS", "Service", "Federated", "CanonicalUser"}, kind) {
			return false
		}
	}
	return true
}

// public applies S3's meaning of public, in short: a statement that allows
// everyone, without a condition that holds for a fixed set of callers only.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
func (p *policy) public() bool {
	for _, st := range p.Statement {
		if st.Effect == "Allow" && everyone(&st) && !fixed(&st) {
			return true
		}
	}
	return false
}

func everyone(st *statement) bool {
	if st.NotPrincipal != nil {
		return true
	}
	var all string
	if json.Unmarshal(st.Principal, &all) == nil {
		return all == "*"
	}
	var by map[string]list1[string]
	_ = json.Unmarshal(st.Principal, &by)
	return slices.Contains(by["AWS"], "*")
}

var fixingKeys = []string{
	"aws:sourceip", "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount",
	"aws:userid", "aws:principalorgid", "aws:principalarn", "aws:principalaccount",
	"s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:dataaccesspointaccount", "s3:dataaccesspointarn",
}

func fixed(st *statement) bool {
	for operator, keys := range st.Condition {
		if strings.Contains(operator, "Not") || strings.Contains(operator, "IfExists") || operator == "Null" {
			continue
		}
		for key, values := range keys {
			if slices.Contains(fixingKeys, strings.ToLower(key)) && !slices.ContainsFunc(values, wide) {
				return true
			}
		}
	}
	return false
}

// wide tells that a condition's value holds for more than a fixed set.
func wide(v any) bool {
	s, ok := v.(string)
	return !ok || strings.ContainsAny(s, "*?") || strings.HasSuffix(s, "/0") || strings.Contains(s, "${")
}
