package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// maxPolicy is the most bytes of a function's policy.
const maxPolicy = 20 << 10

// permissions is the policy of a function or of one of its qualifiers.
type permissions struct {
	Statements []statement
	Revision   string
}

const policies store.Table[permissions] = "lambda.policy" // region, function, qualifier or ""

// statement is one of a policy, with members in AWS's order.
type statement struct {
	Sid       string
	Effect    string
	Principal any
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

func (p *permissions) text() string {
	b, err := json.Marshal(struct {
		Version   string
		ID        string `json:"Id"`
		Statement []statement
	}{"2012-10-17", "default", p.Statements})
	if err != nil {
		panic(err) // of strings and maps of them
	}
	return string(b)
}

var errNoPolicy = fail("ResourceNotFound", "The resource you requested does not exist.")

// policyOf reads the policy of a name; one without statements if it has none.
func policyOf(r store.Reader, n name) (*permissions, error) {
	p, err := policies.Get(r, n.Region, n.Function, n.Qualifier)
	if errors.Is(err, store.ErrNotFound) {
		return &permissions{}, nil
	}
	return p, err
}

// revision is that of the function, version or alias: its policy has the same.
func (at found) revision() **string {
	if at.alias != nil {
		return &at.alias.RevisionId
	}
	return &at.version.RevisionId
}

var errPolicyRevision = fail("PreconditionFailed", "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id")

// policyOn reads what a name leads to and its policy, if that is of the revision
// that a request expects.
func (s *Service) policyOn(r store.Reader, n name, revision *string) (found, *permissions, error) {
	at, err := s.find(r, n)
	if err != nil {
		return at, nil, err
	}
	if revision != nil && *revision != aws.ToString(*at.revision()) {
		return at, nil, errPolicyRevision
	}
	p, err := policyOf(r, n)
	return at, p, err
}

// govern writes a policy, whose new revision is that of what it is on, too.
func (at found) govern(tx *engine.Tx, n name, p *permissions) (err error) {
	*at.revision() = &p.Revision
	switch {
	case at.alias != nil:
		err = aliases.Put(tx, at.alias, n.Region, n.Function, *at.alias.Name)
	case at.version == &at.Latest:
		err = functions.Put(tx, at.function, n.Region, n.Function)
	default:
		err = versions.Put(tx, at.version, n.Region, n.Function, padded(*at.version.Version))
	}
	switch {
	case err != nil:
		return err
	case len(p.Statements) == 0:
		return policies.Delete(tx, n.Region, n.Function, n.Qualifier)
	}
	return policies.Put(tx, p, n.Region, n.Function, n.Qualifier)
}

// AddPermission adds a statement to a function's policy.
func (s *Service) AddPermission(ctx context.Context, in *lambda.AddPermissionInput, _ ...func(*lambda.Options)) (*lambda.AddPermissionOutput, error) {
	n, err := s.named(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if n.Qualifier == latest {
		return nil, invalid("We currently do not support adding policies for $LATEST.")
	}
	st := statement{Sid: *in.StatementId, Effect: "Allow", Action: *in.Action, Resource: s.arnOf(n)}
	if st.Principal, err = principalOf(*in.Principal); err != nil {
		return nil, err
	}
	st.Condition = conditions(in)
	if in.EventSourceToken != nil && !strings.HasPrefix(*in.Principal, "alexa-") {
		return nil, invalid("EventSourceToken is for the principal alexa-appkit.amazon.com only")
	}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		at, p, err := s.policyOn(tx, n, in.RevisionId)
		if err != nil {
			return err
		}
		if err := s.addStatement(p, st, nil); err != nil {
			return err
		}
		return at.govern(tx, n, p)
	})
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(st)
	return &lambda.AddPermissionOutput{Statement: aws.String(string(b))}, err
}

// addStatement adds to a policy, whose revision may be expected to be one.
func (s *Service) addStatement(p *permissions, st statement, revision *string) error {
	if p.Revision != "" {
		if err := same(revision, &p.Revision); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(p.Statements, func(o statement) bool { return o.Sid == st.Sid }) {
		return fail("ResourceConflict", "The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", st.Sid)
	}
	p.Statements, p.Revision = append(p.Statements, st), id.UUID(s.IDs)
	if size := len(p.text()); size > maxPolicy {
		return fail("PolicyLengthExceeded", "The final policy size (%d) is bigger than the limit (%d).", size, maxPolicy)
	}
	return nil
}

var errNoStatements = fail("ResourceNotFound", "No policy is associated with the given resource.")

// removeStatement takes a statement out of a policy.
func (s *Service) removeStatement(p *permissions, sid string, revision *string) error {
	if len(p.Statements) == 0 {
		return errNoStatements
	}
	if err := same(revision, &p.Revision); err != nil {
		return err
	}
	before := len(p.Statements)
	p.Statements = slices.DeleteFunc(p.Statements, func(o statement) bool { return o.Sid == sid })
	if len(p.Statements) == before {
		return fail("ResourceNotFound", "Statement %s is not found in resource policy.", sid)
	}
	p.Revision = id.UUID(s.IDs)
	return nil
}

// principalOf is how a policy writes a principal.
func principalOf(text string) (any, error) {
	a, isARN := arn.Parse(text)
	switch {
	case text == "*":
		return "*", nil
	case len(text) == 12 && strings.Trim(text, "0123456789") == "":
		return map[string]string{"AWS": "arn:aws:iam::" + text + ":root"}, nil
	case isARN && (a.Service == "iam" || a.Service == "sts") && a.Resource != "":
		return map[string]string{"AWS": text}, nil
	case strings.HasSuffix(text, ".amazonaws.com"), strings.HasSuffix(text, ".amazon.com"):
		return map[string]string{"Service": text}, nil
	}
	return nil, invalid("The provided principal was invalid. Please check the principal and try again.")
}

func conditions(in *lambda.AddPermissionInput) map[string]map[string]string {
	c := map[string]map[string]string{}
	add := func(operator, key string, value *string) {
		if aws.ToString(value) == "" {
			return
		}
		if c[operator] == nil {
			c[operator] = map[string]string{}
		}
		c[operator][key] = *value
	}
	add("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	add("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	add("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	add("StringEquals", "lambda:FunctionUrlAuthType", aws.String(string(in.FunctionUrlAuthType)))
	add("ArnLike", "AWS:SourceArn", in.SourceArn)
	if in.InvokedViaFunctionUrl != nil {
		c["Bool"] = map[string]string{"lambda:InvokedViaFunctionUrl": map[bool]string{true: "true", false: "false"}[*in.InvokedViaFunctionUrl]}
	}
	if len(c) == 0 {
		return nil
	}
	return c
}

// RemovePermission takes a statement out of a function's policy.
func (s *Service) RemovePermission(ctx context.Context, in *lambda.RemovePermissionInput, _ ...func(*lambda.Options)) (*lambda.RemovePermissionOutput, error) {
	n, err := s.named(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return &lambda.RemovePermissionOutput{}, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		at, p, err := s.policyOn(tx, n, in.RevisionId)
		if err != nil {
			return err
		}
		if err := s.removeStatement(p, *in.StatementId, nil); err != nil {
			return err
		}
		return at.govern(tx, n, p)
	})
}

// GetPolicy answers a function's policy.
func (s *Service) GetPolicy(ctx context.Context, in *lambda.GetPolicyInput, _ ...func(*lambda.Options)) (*lambda.GetPolicyOutput, error) {
	n, err := s.named(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &lambda.GetPolicyOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		at, p, err := s.policyOn(r, n, nil)
		if err != nil {
			return err
		}
		if len(p.Statements) == 0 {
			return errNoPolicy
		}
		out.Policy, out.RevisionId = aws.String(p.text()), *at.revision()
		return nil
	})
}

// policyText is the policy of a name as a document; "" if it has none.
func policyText(r store.Reader, n name) (string, error) {
	p, err := policyOf(r, n)
	if err != nil || len(p.Statements) == 0 {
		return "", err
	}
	return p.text(), nil
}

// permit asks the policy of a function whether a service may invoke it for one
// of its resources.
func (s *Service) permit(r store.Reader, service, source string, n name) error {
	if _, err := s.find(r, n); err != nil {
		return err
	}
	text, err := policyText(r, n)
	if err != nil {
		return err
	}
	caller := &identity.Caller{Kind: identity.Service, Account: s.Site.Account, ARN: service, UserID: service}
	ctx := identity.WithRegion(identity.WithCaller(context.Background(), caller), n.Region)
	return s.Authorizer.Authorize(ctx, wire.Access{Action: "lambda:InvokeFunction", Resource: s.arnOf(n), Policy: text,
		Context: map[string][]string{"aws:SourceAccount": {s.Site.Account}, "aws:SourceArn": {source}}})
}
