package cloudwatch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
)

// rule is the expression of a composite alarm:
//
//	or   = and { "OR" and }
//	and  = not { "AND" not }
//	not  = [ "NOT" ] atom
//	atom = "TRUE" | "FALSE" | "(" or ")" | STATE "(" alarm ")"
//
// STATE is ALARM, OK or INSUFFICIENT_DATA; alarm is a name or an ARN, in quotes
// if it has other characters than these may be read to the parenthesis.
type rule interface {
	// holds evaluates the rule; of tells an alarm's state.
	holds(of func(name string) types.StateValue) bool
}

type (
	constant bool
	negation struct{ of rule }
	all      []rule
	any1     []rule
	inState  struct {
		state types.StateValue
		alarm string
	}
)

func (c constant) holds(func(string) types.StateValue) bool    { return bool(c) }
func (n negation) holds(of func(string) types.StateValue) bool { return !n.of.holds(of) }
func (i inState) holds(of func(string) types.StateValue) bool  { return of(i.alarm) == i.state }

func (l all) holds(of func(string) types.StateValue) bool {
	return !slices.ContainsFunc(l, func(r rule) bool { return !r.holds(of) })
}

func (l any1) holds(of func(string) types.StateValue) bool {
	return slices.ContainsFunc(l, func(r rule) bool { return r.holds(of) })
}

// maxRuleDepth bounds parentheses; a rule has 10,240 characters.
const maxRuleDepth = 100

type ruleParser struct {
	text   string
	pos    int
	alarms []string // that the rule names, each once
}

// parseRule reads a rule, and which alarms it names.
func parseRule(text string) (rule, []string, error) {
	p := &ruleParser{text: text}
	r, err := p.or(0)
	if err == nil && p.word() != "" {
		err = p.fail("an operator or the end")
	}
	if err != nil {
		return nil, nil, err
	}
	return r, p.alarms, nil
}

func (p *ruleParser) fail(want string) error {
	found := p.word()
	if found == "" {
		found = "the end"
	}
	return fmt.Errorf("expected %s, found %q at character %d", want, found, p.pos+1)
}

// word is what comes next, without taking it: a parenthesis or a run of letters.
func (p *ruleParser) word() string {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	rest := p.text[p.pos:]
	if rest == "" {
		return ""
	}
	if i := strings.IndexAny(rest, "() \t\r\n"); i == 0 {
		return rest[:1]
	} else if i > 0 {
		return rest[:i]
	}
	return rest
}

func (p *ruleParser) accept(word string) bool {
	if w := p.word(); w != word {
		return false
	}
	p.pos += len(word)
	return true
}

func (p *ruleParser) or(depth int) (rule, error) {
	l := any1{}
	for {
		r, err := p.and(depth)
		if err != nil {
			return nil, err
		}
		if l = append(l, r); !p.accept("OR") {
			return l, nil
		}
	}
}

func (p *ruleParser) and(depth int) (rule, error) {
	l := all{}
	for {
		r, err := p.not(depth)
		if err != nil {
			return nil, err
		}
		if l = append(l, r); !p.accept("AND") {
			return l, nil
		}
	}
}

func (p *ruleParser) not(depth int) (rule, error) {
	if depth > maxRuleDepth {
		return nil, fmt.Errorf("the rule is nested deeper than %d levels", maxRuleDepth)
	}
	if p.accept("NOT") {
		r, err := p.not(depth + 1)
		return negation{r}, err
	}
	return p.atom(depth)
}

func (p *ruleParser) atom(depth int) (rule, error) {
	switch w := p.word(); {
	case p.accept("("):
		r, err := p.or(depth + 1)
		if err == nil && !p.accept(")") {
			err = p.fail("a closing parenthesis")
		}
		return r, err
	case p.accept("TRUE"):
		return constant(true), nil
	case p.accept("FALSE"):
		return constant(false), nil
	case w == "AT_LEAST":
		return nil, fmt.Errorf("AT_LEAST is not implemented by Slipway")
	case slices.Contains(types.StateValue("").Values(), types.StateValue(w)):
		p.pos += len(w)
		name, err := p.alarm()
		return inState{types.StateValue(w), name}, err
	}
	return nil, p.fail("ALARM, OK, INSUFFICIENT_DATA, TRUE, FALSE, NOT or a parenthesis")
}

// alarm reads ( NAME ).
func (p *ruleParser) alarm() (string, error) {
	if !p.accept("(") {
		return "", p.fail("an opening parenthesis")
	}
	p.word() // skips white space
	rest := p.text[p.pos:]
	var name string
	if quoted, ok := strings.CutPrefix(rest, `"`); ok {
		i := strings.IndexByte(quoted, '"')
		if i < 0 {
			return "", p.fail("a closing quote")
		}
		name = quoted[:i]
		p.pos += i + 2
	} else {
		i := strings.IndexByte(rest, ')')
		if i < 0 {
			return "", p.fail("a closing parenthesis")
		}
		name = strings.TrimSpace(rest[:i])
		p.pos += i
	}
	if !p.accept(")") {
		return "", p.fail("a closing parenthesis")
	}
	if a, ok := arn.Parse(name); ok {
		name = strings.TrimPrefix(a.Resource, "alarm:")
	}
	if name == "" {
		return "", fmt.Errorf("an alarm's name is empty at character %d", p.pos)
	}
	if !slices.Contains(p.alarms, name) {
		p.alarms = append(p.alarms, name)
	}
	return name, nil
}
