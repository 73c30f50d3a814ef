package lambda

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/store"
)

// name is what a request calls a function: a name, a whole or partial ARN, with
// or without a version or an alias.
type name struct {
	Region, Function string
	Qualifier        string // "" if there is none
}

var (
	namePattern    = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)
	versionPattern = regexp.MustCompile(`^[0-9]+$`)
)

// named reads FunctionName and, where the operation has one, Qualifier.
func (s *Service) named(ctx context.Context, text, qualifier *string) (name, error) {
	n, ok := s.parse(identity.Region(ctx), aws.ToString(text))
	switch {
	case !ok:
		return n, fail("Validation", "1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must be a function's name or ARN", aws.ToString(text))
	case n.Region != identity.Region(ctx):
		return n, fail("ResourceNotFound", "Functions from '%s' are not reachable in this region ('%s')", n.Region, identity.Region(ctx))
	}
	switch q := aws.ToString(qualifier); {
	case q == "":
	case n.Qualifier != "" && n.Qualifier != q:
		return n, invalid("The derived qualifier from the function name does not match the specified qualifier.")
	default:
		n.Qualifier = q
	}
	return n, nil
}

// parse takes apart NAME, function:NAME, ACCOUNT:function:NAME and ARNs, each
// with or without a qualifier.
func (s *Service) parse(region, text string) (n name, ok bool) {
	n.Region = region
	parts := strings.Split(text, ":")
	if parts[0] == "arn" {
		if len(parts) < 7 || parts[2] != "lambda" {
			return n, false
		}
		n.Region, parts = parts[3], parts[4:]
	}
	if len(parts[0]) == 12 && strings.Trim(parts[0], "0123456789") == "" && len(parts) > 1 {
		if parts[0] != s.Site.Account {
			return n, false
		}
		parts = parts[1:]
	}
	if parts[0] == "function" && len(parts) > 1 {
		parts = parts[1:]
	}
	if len(parts) > 2 || !namePattern.MatchString(parts[0]) {
		return n, false
	}
	n.Function = parts[0]
	if len(parts) == 2 {
		n.Qualifier = parts[1]
	}
	return n, true
}

// arnOf is the ARN with the qualifier, if there is one.
func (s *Service) arnOf(n name) string {
	text := s.functionARN(n.Region, n.Function)
	if n.Qualifier != "" {
		text += ":" + n.Qualifier
	}
	return text
}

// access is the ARN that permissions are asked for; what is no function's name
// gets it as it is.
func (s *Service) access(ctx context.Context, text, qualifier *string) string {
	n, err := s.named(ctx, text, qualifier)
	if err != nil {
		return aws.ToString(text)
	}
	return s.arnOf(n)
}

// found is what a name leads to.
type found struct {
	*function
	version *version
	alias   *alias // nil if the qualifier is none
}

// find reads the version or alias of a name; $LATEST if it has no qualifier.
func (s *Service) find(r store.Reader, n name) (found, error) {
	f, err := s.load(r, n)
	if err != nil {
		return found{}, err
	}
	at := found{function: f}
	number := n.Qualifier
	switch {
	case number == "" || number == latest:
		at.version = &f.Latest
		return at, nil
	case !versionPattern.MatchString(number):
		at.alias, err = aliases.Get(r, n.Region, n.Function, number)
		if errors.Is(err, store.ErrNotFound) {
			return at, s.notFound(n)
		}
		if err != nil {
			return at, err
		}
		number = *at.alias.FunctionVersion
	}
	at.version, err = s.numbered(r, f, number)
	if errors.Is(err, store.ErrNotFound) {
		return at, s.notFound(n)
	}
	return at, err
}

// numbered reads a version by its number or as $LATEST. The error may be
// store.ErrNotFound.
func (s *Service) numbered(r store.Reader, f *function, number string) (*version, error) {
	if number == latest {
		return &f.Latest, nil
	}
	return versions.Get(r, f.Region, f.Name, padded(number))
}
