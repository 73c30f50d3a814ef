package policy

import "strings"

// glob matches with * and ?. In pattern, literalStar and its kin stand for the
// characters themselves.
func glob(pattern, text string) bool {
	p, t := 0, 0
	star, mark := -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || literal(pattern[p]) == text[t]):
			p, t = p+1, t+1
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// Characters that variables bring in, which must not act as wildcards.
const (
	literalStar     = '\x01'
	literalQuestion = '\x02'
)

func literal(c byte) byte {
	switch c {
	case literalStar:
		return '*'
	case literalQuestion:
		return '?'
	}
	return c
}

var (
	escaper   = strings.NewReplacer("*", string(rune(literalStar)), "?", string(rune(literalQuestion)))
	unescaper = strings.NewReplacer(string(rune(literalStar)), "*", string(rune(literalQuestion)), "?")
)

// globARN matches part by part: a wildcard does not cross one of the first
// five colons.
func globARN(pattern, text string) bool {
	if pattern == "*" {
		return true
	}
	for range 5 {
		p, prest, pok := strings.Cut(pattern, ":")
		t, trest, tok := strings.Cut(text, ":")
		if !pok || !tok {
			return false
		}
		if p != t && !glob(p, t) {
			return false
		}
		pattern, text = prest, trest
	}
	return glob(pattern, text)
}

// expand puts values in place of ${…}. ok is false if one has no value.
func expand(s string, r *Request) (out string, ok bool) {
	if !strings.Contains(s, "${") {
		return s, true
	}
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			return b.String(), true
		}
		end := strings.IndexByte(s[i:], '}')
		if end < 0 {
			b.WriteString(s)
			return b.String(), true
		}
		b.WriteString(s[:i])
		name := s[i+2 : i+end]
		s = s[i+end+1:]
		switch name {
		case "*", "?":
			b.WriteString(escaper.Replace(name))
			continue
		case "$":
			b.WriteByte('$')
			continue
		}
		name, def, hasDefault := strings.Cut(name, ",")
		v := r.lookup(strings.ToLower(strings.TrimSpace(name)))
		switch {
		case len(v) == 1: // only single-valued keys are variables
			b.WriteString(escaper.Replace(v[0]))
		case hasDefault:
			b.WriteString(escaper.Replace(strings.Trim(strings.TrimSpace(def), "'")))
		default:
			return "", false
		}
	}
}
