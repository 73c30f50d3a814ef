// Package glob matches texts against patterns in which * stands for any
// characters, none included, and, for Match, ? for exactly one.
package glob

import "strings"

// Match tells whether the whole of text fits pattern. It takes time
// proportional to the product of their lengths at worst.
func Match(pattern, text string) bool { return match(runes(pattern, false), []rune(text)) }

// Escaped is Match for services in whose patterns a backslash takes the meaning
// from the * or ? that follows it.
func Escaped(pattern, text string) bool { return match(runes(pattern, true), []rune(text)) }

// What no rune of a text is.
const (
	many rune = -1 - iota // *
	one                   // ?
)

func runes(pattern string, escapes bool) []rune {
	out := make([]rune, 0, len(pattern))
	escaped := false
	for _, r := range pattern {
		last := len(out) - 1
		switch {
		case escaped && (r == '*' || r == '?'):
			out[last], escaped = r, false
			continue
		case r == '*':
			out = append(out, many)
		case r == '?':
			out = append(out, one)
		default:
			out = append(out, r)
		}
		escaped = escapes && r == '\\'
	}
	return out
}

func match(p, t []rune) bool {
	i, j := 0, 0
	star, mark := -1, 0 // the last * and where its text ends
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == many:
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == one || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == many {
		i++
	}
	return i == len(p)
}

// Stars is Match for services to which ? is a character like others. It takes
// the earliest place for each part, which is always as good as a later one.
func Stars(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return text == pattern
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		if _, text, ok = strings.Cut(text, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(text, last)
}
