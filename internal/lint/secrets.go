package lint

import (
	"fmt"
	"regexp"
	"strings"
)

// secretName finds names that say that the value is a secret.
var secretName = regexp.MustCompile(`(?i)(^|[_.-])(password|passwd|passphrase|pwd|secret|token|api_?key|access_?key|private_?key|auth_?key|signing_?key|credentials?)s?($|[_.-]|[0-9]+$)`)

// notSecret finds names whose last word says that the value only points at a
// secret, or is about it.
var notSecret = regexp.MustCompile(`(?i)[_.-](arn|name|id|url|uri|path|file|length|ttl|type|version|region|endpoint|expiry|seconds|enabled|header|issuer|audience|required)$`)

// secretValue finds values that are secrets, whatever their name.
var secretValue = regexp.MustCompile(`^(AKIA|ASIA)[0-9A-Z]{16}$|^gh[pousr]_[A-Za-z0-9]{30,}$|^github_pat_[A-Za-z0-9_]{30,}$|^glpat-[A-Za-z0-9_-]{16,}$|^xox[abprs]-[A-Za-z0-9-]{10,}$|^sk_live_[A-Za-z0-9]{16,}$|-----BEGIN [A-Z ]*PRIVATE KEY-----`)

// secret says why a variable seems to be one; "" if it does not.
func secret(name, value string) string {
	switch {
	case secretValue.MatchString(strings.TrimSpace(value)):
		return "its value has the form of a credential"
	case strings.TrimSpace(value) == "", reference(value):
		return ""
	case secretName.MatchString(name) && !notSecret.MatchString(name):
		return "its name says so"
	}
	return ""
}

// reference tells whether a value only says where the secret is.
func reference(v string) bool {
	v = strings.TrimSpace(v)
	return strings.HasPrefix(v, "arn:") || strings.HasPrefix(v, "$") || strings.HasPrefix(v, "{{resolve:")
}

// variable reports a plain variable that holds a secret. The value is not told.
func (l *linter) variable(at place, name, value, fix string) {
	if why := secret(name, value); why != "" {
		l.report.add(ruleSecrets, at, fmt.Sprintf("The variable %s stands in plain text, and seems to be a secret: %s.", name, why), fix)
	}
}
