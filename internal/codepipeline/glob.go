package codepipeline

import (
	"errors"
	"regexp"
	"strings"
)

// compileGlob makes a regular expression of a pattern of a trigger's filter,
// which must match the whole name (AWS's "Working with glob patterns in
// syntax"):
//
//   - any characters but /
//     **     any characters; "**/" at the beginning of a part may also be nothing
//     ?      one character but /
//     [a-z]  one of a set, [!a-z] one of the others, never /
//     {a,b}  one of several, not nested
//     \      takes away the next one's meaning
//
// The engine is linear in the length of the name, whatever the pattern.
func compileGlob(pattern string) (*regexp.Regexp, error) {
	var re strings.Builder
	re.WriteString(`^(?s:`)
	inside := false // braces
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			if !strings.HasPrefix(pattern[i:], "**") {
				re.WriteString(`[^/]*`)
				break
			}
			begins := i == 0 || pattern[i-1] == '/'
			i++
			if begins && strings.HasPrefix(pattern[i+1:], "/") {
				i++
				re.WriteString(`(?:.*/)?`)
			} else {
				re.WriteString(`.*`)
			}
		case '?':
			re.WriteString(`[^/]`)
		case '[':
			n, err := class(&re, pattern[i:])
			if err != nil {
				return nil, err
			}
			i += n - 1
		case '{':
			if inside {
				return nil, errors.New("has braces within braces")
			}
			inside = true
			re.WriteString(`(?:`)
		case '}':
			if !inside {
				re.WriteString(`\}`)
				break
			}
			inside = false
			re.WriteString(`)`)
		case ',':
			if inside {
				re.WriteByte('|')
			} else {
				re.WriteByte(',')
			}
		case '\\':
			if i++; i == len(pattern) {
				return nil, errors.New(`ends with \`)
			}
			re.WriteString(quoteByte(pattern[i]))
		default:
			re.WriteString(quoteByte(c))
		}
	}
	if inside {
		return nil, errors.New("has an opening brace without a closing one")
	}
	re.WriteString(`)$`)
	compiled, err := regexp.Compile(re.String())
	if err != nil {
		return nil, errors.New("is not a valid pattern")
	}
	return compiled, nil
}

// quoteByte quotes one byte; those of longer characters mean themselves.
func quoteByte(b byte) string {
	if b >= 0x80 {
		return string([]byte{b})
	}
	return regexp.QuoteMeta(string(rune(b)))
}

// class writes the set at the beginning of text and tells how long it is.
func class(re *strings.Builder, text string) (int, error) {
	end := strings.IndexByte(text[1:], ']') + 1
	if end <= 1 { // none, or []
		return 0, errors.New("has a set of characters that does not end")
	}
	members := text[1:end]
	re.WriteByte('[')
	if rest, negated := strings.CutPrefix(members, "!"); negated {
		members = rest
		re.WriteString(`^/`)
	}
	for i, r := range members {
		if r == '-' && i > 0 && i < len(members)-1 {
			re.WriteByte('-')
			continue
		}
		if r == '/' {
			return 0, errors.New("has / in a set of characters")
		}
		if strings.ContainsRune(`^-[]\&`, r) {
			re.WriteByte('\\')
		}
		re.WriteRune(r)
	}
	re.WriteByte(']')
	return end + 1, nil
}
