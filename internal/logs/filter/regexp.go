package filter

import (
	"regexp"
	"strings"
)

// regexp consumes %…%. AWS knows a part of the usual syntax only: groups and
// characters beyond ASCII are refused. Go's engine runs in linear time, so a
// hostile expression is harmless.
func (p *parser) regexp() (*regexp.Regexp, error) {
	end := -1
	for i := 1; i < len(p.rest); i++ {
		if p.rest[i] == '\\' {
			i++
		} else if p.rest[i] == '%' {
			end = i
			break
		}
	}
	if end < 0 {
		return nil, invalid("a %% is missing after a regular expression")
	}
	text := p.rest[1:end]
	p.rest = p.rest[end+1:]
	if p.regexps++; p.regexps > maxRegexps {
		return nil, invalid("more than %d regular expressions", maxRegexps)
	}
	if text == "" {
		return nil, invalid("an empty regular expression")
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= 0x80:
			return nil, invalid("a regular expression with characters beyond ASCII")
		case c == '(' || c == ')':
			return nil, invalid("a regular expression with parentheses")
		case c == '\\':
			if i++; i < len(text) && !strings.ContainsRune(`dDsSwWx`, rune(text[i])) && isWord(rune(text[i])) {
				return nil, invalid("a regular expression with \\%c", text[i])
			}
		}
	}
	// In AWS's syntax % and - need an escape, which Go takes for punctuation.
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, invalid("the regular expression %q is malformed", text)
	}
	return re, nil
}
