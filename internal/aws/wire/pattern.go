package wire

import (
	"regexp"
	"strings"
)

// compilePattern compiles a model's pattern, which must match the whole value,
// or returns nil if RE2 can not express it. The patterns are Java's.
func compilePattern(pattern string) *regexp.Regexp {
	if pattern == notBlank {
		pattern = `.*\S.*`
	}
	p := javaEscapes.ReplaceAllStringFunc(pattern, func(s string) string {
		switch {
		case strings.HasPrefix(s, `\u`):
			return `\x{` + s[2:] + `}`
		case s == `\_`:
			return "_"
		}
		return s
	})
	re, err := regexp.Compile(`^(?:` + p + `)$`)
	if err != nil {
		// RE2 counts to 1000. Lengths beyond are in max as well.
		p = bigRepeat.ReplaceAllStringFunc(p, func(s string) string {
			if strings.HasPrefix(s, "{0,") {
				return "*"
			}
			return "+"
		})
		if re, err = regexp.Compile(`^(?:` + p + `)$`); err != nil {
			return nil
		}
	}
	return re
}

// notBlank is a pattern of several services that RE2 has no look-ahead for.
const notBlank = `^(?!\s*$).+`

var (
	javaEscapes = regexp.MustCompile(`\\(?:u[0-9A-Fa-f]{4}|.)`)
	bigRepeat   = regexp.MustCompile(`\{\d+,\d{4,}\}`)
)
