package cloudwatch

import (
	"fmt"
	"slices"
	"strconv"
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
//	     | "AT_LEAST" "(" number [ "%" ] "," [ "NOT" ] STATE "," "(" alarm { "," alarm } ")" ")"
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
	atLeast struct {
		n  int
		of []rule
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

func (l atLeast) holds(of func(string) types.StateValue) bool {
	n := 0
	for _, r := range l.of {
		if r.holds(of) {
			n++
		}
	}
	return n >= l.n
}

// maxElements is how many alarms, constants and parentheses a rule has at most.
const maxElements = 500

// maxRuleDepth bounds parentheses; a rule has 10,240 characters.
const maxRuleDepth = 100

type ruleParser struct {
	text   string
	pos    int
	alarms []string // that the rule names, each once
	// elements that were read, of at most maxElements.
	elements int
}

// parseRule reads a rule, and which alarms it names.
func parseRule(text string) (rule, []string, error) {
	p := &ruleParser{text: text}
	r, err := p.or(0)
	if err == nil && p.word() != "" {
		err = p.fail("an operator or the end")
	}
	if err == nil && p.elements > maxElements {
		err = fmt.Errorf("the rule has more than %d elements", maxElements)
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
		p.elements += 2
		r, err := p.or(depth + 1)
		if err == nil && !p.accept(")") {
			err = p.fail("a closing parenthesis")
		}
		return r, err
	case p.accept("TRUE"), p.accept("true"):
		p.elements++
		return constant(true), nil
	case p.accept("FALSE"), p.accept("false"): // AWS's own texts write it so, too
		p.elements++
		return constant(false), nil
	case p.accept("AT_LEAST"):
		return p.atLeast()
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
	return p.named(name)
}

// named remembers an alarm that the rule names, by name or ARN.
func (p *ruleParser) named(name string) (string, error) {
	p.elements++
	name = alarmName(name)
	if name == "" {
		return "", fmt.Errorf("an alarm's name is empty at character %d", p.pos)
	}
	if !slices.Contains(p.alarms, name) {
		p.alarms = append(p.alarms, name)
	}
	return name, nil
}

// alarmName is the name of an alarm that is given by name or ARN.
func alarmName(s string) string {
	if a, ok := arn.Parse(s); ok {
		return strings.TrimPrefix(a.Resource, "alarm:")
	}
	return s
}

// atLeast reads (M, STATE, (alarm, …)); M may be a percentage.
func (p *ruleParser) atLeast() (rule, error) {
	open := p.accept("(")
	head, rest, ok := strings.Cut(p.text[p.pos:], "(")
	parts := strings.Split(head, ",")
	if !open || !ok || len(parts) != 3 || strings.TrimSpace(parts[2]) != "" {
		return nil, p.fail("(M, STATE, (alarm, …)) after AT_LEAST")
	}
	p.pos += len(head) + 1
	text, percent := strings.CutSuffix(strings.TrimSpace(parts[0]), "%")
	n, err := strconv.Atoi(text)
	state, not := strings.CutPrefix(strings.TrimSpace(parts[1]), "NOT ")
	state = strings.TrimSpace(state)
	if err != nil || n < 1 || percent && n > 100 || !slices.Contains(types.StateValue("").Values(), types.StateValue(state)) {
		return nil, fmt.Errorf("AT_LEAST takes a positive number or percentage, and ALARM, OK or INSUFFICIENT_DATA, perhaps after NOT")
	}
	l := atLeast{n: n}
	for more := true; more; {
		var name string
		if rest = strings.TrimLeft(p.text[p.pos:], " \t\r\n"); strings.HasPrefix(rest, `"`) {
			name, _, ok = strings.Cut(rest[1:], `"`)
			p.pos = len(p.text) - len(rest) + len(name) + 2
		} else {
			i := strings.IndexAny(rest, ",)")
			if ok = i >= 0; ok {
				name = strings.TrimSpace(rest[:i])
				p.pos = len(p.text) - len(rest) + i
			}
		}
		if !ok || p.pos > len(p.text) {
			return nil, fmt.Errorf("the list of alarms of AT_LEAST has no end")
		}
		if name, err = p.named(name); err != nil {
			return nil, err
		}
		var r rule = inState{types.StateValue(state), name}
		if not {
			r = negation{r}
		}
		l.of = append(l.of, r)
		rest = strings.TrimLeft(p.text[p.pos:], " \t\r\n")
		more = strings.HasPrefix(rest, ",")
		if more {
			p.pos = len(p.text) - len(rest) + 1
		}
	}
	if !p.accept(")") || !p.accept(")") {
		return nil, p.fail("two closing parentheses")
	}
	if percent { // of the alarms, rounded up
		l.n = (n*len(l.of) + 99) / 100
	}
	if l.n > len(l.of) {
		return nil, fmt.Errorf("AT_LEAST wants %d of %d alarms", l.n, len(l.of))
	}
	return l, nil
}
