// Package wire speaks AWS's protocols. The API models tell how to decode a
// request into the SDK's input type, which constraints it must meet, and how to
// encode the SDK's output type or an error, for every operation alike.
package wire

import (
	"context"
	"net/http"
	"reflect"
	"strings"
)

// Access is one permission an operation asks for.
type Access struct {
	Action   string // "" means the operation's own
	Resource string // ARN; "" means "*"
	// Context holds condition keys of this check, e.g. iam:PassedToService.
	Context map[string][]string
	// Policy is the resource's own policy, a JSON document, if it has one: it may
	// allow what the caller's policies do not, and deny what they allow.
	Policy string
}

// Operation binds one operation of a service's model to the method that does it.
type Operation struct {
	// Name as in the model, e.g. "CreatePipeline".
	Name string
	// Action is the IAM action, e.g. "codepipeline:CreatePipeline". "-" marks
	// the few that need no permission (sts:GetCallerIdentity).
	Action string
	Input  reflect.Type // struct
	Output reflect.Type // struct
	Call   func(ctx context.Context, in any) (any, error)
	// Access lists what is checked; nil means Action on "*".
	Access func(ctx context.Context, in any) []Access
	// Unsigned operations may also be called without a signature: what they get
	// proves the right to it, like the token of a message. Their context then has
	// neither a caller nor a region, and nobody is asked for permission.
	Unsigned bool
	// Stream, if set, answers instead of Call: for event streams.
	Stream func(ctx context.Context, in any, w http.ResponseWriter) error
}

// Op makes the Operation of a method with the SDK client's signature. The name
// comes from the input type. access may be nil.
func Op[I, O, P any](action string, call func(context.Context, *I, ...func(*P)) (*O, error), access func(context.Context, *I) []Access) Operation {
	op := Operation{
		Name:   strings.TrimSuffix(reflect.TypeFor[I]().Name(), "Input"),
		Action: action,
		Input:  reflect.TypeFor[I](),
		Output: reflect.TypeFor[O](),
		Call: func(ctx context.Context, in any) (any, error) {
			out, err := call(ctx, in.(*I))
			if err != nil {
				return nil, err // never a typed nil beside an error
			}
			return out, nil
		},
	}
	if access != nil {
		op.Access = func(ctx context.Context, in any) []Access { return access(ctx, in.(*I)) }
	}
	return op
}

// On is the Access of the operation's own action on these resources.
func On(resources ...string) []Access {
	a := make([]Access, len(resources))
	for i, r := range resources {
		a[i].Resource = r
	}
	return a
}

// PassRole is the Access a caller needs to hand a role to a service.
func PassRole(roleARN, service string) Access {
	return Access{Action: "iam:PassRole", Resource: roleARN,
		Context: map[string][]string{"iam:PassedToService": {service}}}
}

// Service is what a service package offers the gateway.
type Service struct {
	// Model names the API model, e.g. "codepipeline" (shared file names).
	Model string
	// Operations that exist; every other one of the model answers AWS's
	// unknown-operation error, naming it.
	Operations []Operation
	// Invalid turns a broken model constraint into the service's own error
	// (CodeBuild's InvalidInputException …); nil means ValidationException.
	Invalid func(v Violation) error
	// Denied is the code of an error for a caller without permission; "" is that
	// of the protocol.
	Denied string
	// MaxBody is the most bytes of a request's body; 0 is the gateway's limit.
	MaxBody int64
}

// Violation is what a request broke in its model.
type Violation struct {
	// Path and Rule of the first: Rule is one of required, min, max, pattern, enum, type.
	Path, Rule, Value string
	// Message is AWS's text for all of them: "1 validation error detected: …".
	Message string
}

// Error is an error by code for what no modelled exception says.
type Error struct {
	Code    string
	Message string
	Status  int // HTTP; 0 means what the model says, else 400
	// Fields are extra members of the error's body (S3: BucketName, Key …).
	Fields map[string]string
	// Header are extra response headers.
	Header http.Header
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// ErrorCode answers Code, as the errors of the SDK's clients do.
func (e *Error) ErrorCode() string { return e.Code }
