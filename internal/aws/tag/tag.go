// Package tag has the rules for tags that AWS's services share. Each service
// turns a Problem into its own exception.
package tag

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// AWS's limits: tags of a resource, characters of a key and of a value.
const (
	Most        = 50
	KeyLength   = 128
	ValueLength = 256
)

// Set is the tags of one resource, as services keep them in their documents.
type Set map[string]string

// Reason is which rule a set of tags breaks.
type Reason int

// The reasons; services often have an exception for each.
const (
	Reserved  Reason = iota + 1 // the key begins with aws:
	TooMany                     // more than Most
	BadKey                      // empty or longer than KeyLength
	BadValue                    // longer than ValueLength
	Duplicate                   // one request has the key twice
)

// Problem is the first rule that is broken.
type Problem struct {
	Reason Reason
	Key    string // "" for TooMany
}

func (p *Problem) Error() string {
	switch p.Reason {
	case Reserved:
		return fmt.Sprintf("Tag keys that begin with aws: are reserved: %q", p.Key)
	case TooMany:
		return fmt.Sprintf("A resource may have at most %d tags", Most)
	case BadKey:
		return fmt.Sprintf("Tag keys have 1 to %d characters: %q", KeyLength, p.Key)
	case Duplicate:
		return fmt.Sprintf("The tag key %q is there twice", p.Key)
	}
	return fmt.Sprintf("Tag values have at most %d characters: that of %q", ValueLength, p.Key)
}

// From makes a set of a request's list. parts takes one of the SDK's tags
// apart. The error is a *Problem.
func From[T any](list []T, parts func(T) (key, value *string)) (Set, error) {
	s := make(Set, len(list))
	for _, t := range list {
		k, v := parts(t)
		if k == nil {
			return nil, &Problem{Reason: BadKey}
		}
		if _, twice := s[*k]; twice {
			return nil, &Problem{Reason: Duplicate, Key: *k}
		}
		s[*k] = ""
		if v != nil {
			s[*k] = *v
		}
	}
	return s, s.Check()
}

// Check returns the first Problem in the order of keys, or nil.
func (s Set) Check() error {
	for _, k := range slices.Sorted(maps.Keys(s)) {
		switch n := utf8.RuneCountInString(k); {
		case n == 0 || n > KeyLength:
			return &Problem{Reason: BadKey, Key: k}
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return &Problem{Reason: Reserved, Key: k}
		case utf8.RuneCountInString(s[k]) > ValueLength:
			return &Problem{Reason: BadValue, Key: k}
		}
	}
	if len(s) > Most {
		return &Problem{Reason: TooMany}
	}
	return nil
}

// With is s with more tags, which win. The error is a *Problem.
func (s Set) With(more Set) (Set, error) {
	all := make(Set, len(s)+len(more))
	maps.Copy(all, s)
	maps.Copy(all, more)
	return all, all.Check()
}

// Without is s without keys; ones that are not there are no error.
func (s Set) Without(keys []string) Set {
	rest := maps.Clone(s)
	for _, k := range keys {
		delete(rest, k)
	}
	return rest
}

// List makes the SDK's tags of s, sorted by key; it is never nil.
func List[T any](s Set, make func(key, value *string) T) []T {
	out := []T{}
	for _, k := range slices.Sorted(maps.Keys(s)) {
		v := s[k]
		out = append(out, make(&k, &v))
	}
	return out
}
