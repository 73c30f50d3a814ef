package ssm

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
)

const (
	maxLevels = 15
	maxName   = 1011 // characters, with the ARN before the name
	reference = "/aws/reference/secretsmanager/"
)

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9_./-]+$`)

const nameRule = `Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`

// newName checks the name of a parameter to be written.
func (s *Service) newName(ctx context.Context, text string) (string, error) {
	name := strings.TrimSpace(text)
	lower := strings.ToLower(strings.TrimPrefix(name, "/"))
	switch {
	case strings.HasPrefix(lower, "aws"):
		return "", fail("AccessDeniedException", "No access to reserved parameter name: %s.", name)
	case strings.HasPrefix(lower, "ssm"), !namePattern.MatchString(name), strings.HasSuffix(name, "/"), strings.Contains(name, "//"):
		return "", fail("ValidationException", "%s", nameRule)
	case strings.Contains(name, "/") && !strings.HasPrefix(name, "/"):
		return "", fail("ValidationException", "Parameter name must be a fully qualified name.")
	case strings.Count(name, "/") > maxLevels:
		return "", fail("HierarchyLevelLimitExceededException", "A hierarchy can have a maximum of %d levels. For more information, see Requirements and constraints for parameter names in the AWS Systems Manager User Guide.", maxLevels)
	case len(s.arn(identity.Region(ctx), name)) > maxName:
		return "", fail("ValidationException", "The parameter's ARN, with its name, is longer than %d characters.", maxName)
	}
	return name, nil
}

// wanted is what a request reads: a name and, after a colon, a version or label.
type wanted struct {
	name     string
	selector string // with the colon
}

// version is the number in the selector; ok is false for a label or nothing.
func (w wanted) version() (n int64, ok bool) {
	n, err := strconv.ParseInt(strings.TrimPrefix(w.selector, ":"), 10, 64)
	return n, err == nil && w.selector != ""
}

// parse takes apart a name or an ARN of a parameter.
func (s *Service) parse(ctx context.Context, text string) (wanted, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "arn:") {
		a, ok := arn.Parse(text)
		resource, isParameter := strings.CutPrefix(a.Resource, "parameter/")
		if !ok || a.Service != "ssm" || !isParameter {
			return wanted{}, fail("ValidationException", "Invalid parameter ARN: %s", text)
		}
		if a.Region != identity.Region(ctx) || a.Account != s.cfg.Site.Account {
			return wanted{}, errNotFound
		}
		text = resource
		if name, _, _ := strings.Cut(text, ":"); strings.Contains(name, "/") {
			text = "/" + text // an ARN has no double slash
		}
	}
	if strings.HasPrefix(text, reference) {
		return wanted{name: text}, nil
	}
	name, selector, has := strings.Cut(text, ":")
	if !namePattern.MatchString(name) {
		return wanted{}, fail("ValidationException", "%s", nameRule)
	}
	w := wanted{name: name}
	if has {
		w.selector = ":" + selector
	}
	return w, nil
}

// named is parse where nothing may follow the name.
func (s *Service) named(ctx context.Context, text string) (string, error) {
	w, err := s.parse(ctx, text)
	switch {
	case err != nil:
		return "", err
	case w.selector != "":
		return "", fail("ValidationException", "The parameter name %s must not have a version or label.", text)
	}
	return w.name, nil
}
