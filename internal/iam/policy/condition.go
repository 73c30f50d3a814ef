package policy

import (
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// condition is one key of one operator, e.g. StringEquals aws:SourceAccount.
type condition struct {
	test     func(want, got string) bool
	negated  bool
	ifExists bool
	set      string // "", forallvalues or foranyvalue
	null     bool   // the Null operator
	vars     bool   // ${…} in values are variables
	key      string // lower case
	values   []string
}

type operator struct {
	test    func(want, got string) bool
	negated bool
	vars    bool
}

var operators = map[string]operator{
	"stringequals":              {equal, false, true},
	"stringnotequals":           {equal, true, true},
	"stringequalsignorecase":    {equalFold, false, true},
	"stringnotequalsignorecase": {equalFold, true, true},
	"stringlike":                {glob, false, true},
	"stringnotlike":             {glob, true, true},
	"arnequals":                 {globARN, false, true},
	"arnlike":                   {globARN, false, true},
	"arnnotequals":              {globARN, true, true},
	"arnnotlike":                {globARN, true, true},
	"numericequals":             {numeric(func(c int) bool { return c == 0 }), false, false},
	"numericnotequals":          {numeric(func(c int) bool { return c == 0 }), true, false},
	"numericlessthan":           {numeric(func(c int) bool { return c < 0 }), false, false},
	"numericlessthanequals":     {numeric(func(c int) bool { return c <= 0 }), false, false},
	"numericgreaterthan":        {numeric(func(c int) bool { return c > 0 }), false, false},
	"numericgreaterthanequals":  {numeric(func(c int) bool { return c >= 0 }), false, false},
	"dateequals":                {date(func(c int) bool { return c == 0 }), false, false},
	"datenotequals":             {date(func(c int) bool { return c == 0 }), true, false},
	"datelessthan":              {date(func(c int) bool { return c < 0 }), false, false},
	"datelessthanequals":        {date(func(c int) bool { return c <= 0 }), false, false},
	"dategreaterthan":           {date(func(c int) bool { return c > 0 }), false, false},
	"dategreaterthanequals":     {date(func(c int) bool { return c >= 0 }), false, false},
	"bool":                      {equalFold, false, true},
	"binaryequals":              {equalBytes, false, false},
	"ipaddress":                 {inNetwork, false, false},
	"notipaddress":              {inNetwork, true, false},
}

func parseConditions(raw json.RawMessage) ([]condition, error) {
	blocks, err := object(raw)
	if err != nil {
		return nil, errSyntax
	}
	var out []condition
	for name, raw := range blocks {
		c := condition{}
		op := strings.ToLower(name)
		for _, set := range []string{"forallvalues:", "foranyvalue:"} {
			if rest, ok := strings.CutPrefix(op, set); ok {
				op, c.set = rest, strings.TrimSuffix(set, ":")
			}
		}
		if rest, ok := strings.CutSuffix(op, "ifexists"); ok {
			op, c.ifExists = rest, true
		}
		if op == "null" && !c.ifExists {
			c.null = true
		} else {
			o, ok := operators[op]
			if !ok {
				return nil, malformed("Invalid Condition type : %s", clip(name))
			}
			c.test, c.negated, c.vars = o.test, o.negated, o.vars
		}
		keys, err := object(raw)
		if err != nil || len(keys) == 0 {
			return nil, errSyntax
		}
		for key, raw := range keys {
			if !strings.Contains(key, ":") {
				return nil, malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
			}
			k := c
			k.key = strings.ToLower(key)
			if k.values, err = stringList(raw); err != nil {
				return nil, errSyntax
			}
			out = append(out, k)
		}
	}
	return out, nil
}

// holds tells whether the request meets the condition.
func (c *condition) holds(r *Request, variables bool) bool {
	got := r.lookup(c.key)
	if c.null {
		return slices.ContainsFunc(c.values, func(v string) bool {
			return strings.EqualFold(v, "true") == (len(got) == 0)
		})
	}
	test := func(g string) bool {
		return slices.ContainsFunc(c.values, func(want string) bool {
			if c.vars && variables {
				var ok bool
				if want, ok = expand(want, r); !ok {
					return false
				}
			}
			return c.test(want, g)
		}) != c.negated
	}
	all := func() bool { return !slices.ContainsFunc(got, func(g string) bool { return !test(g) }) }
	switch {
	case c.set == "forallvalues":
		return all()
	case len(got) == 0:
		return c.ifExists || c.negated && c.set == ""
	case c.negated && c.set == "":
		return all()
	}
	return slices.ContainsFunc(got, test)
}

func equal(want, got string) bool     { return unescaper.Replace(want) == got }
func equalFold(want, got string) bool { return strings.EqualFold(unescaper.Replace(want), got) }

func equalBytes(want, got string) bool {
	w, err1 := base64.StdEncoding.DecodeString(want)
	g, err2 := base64.StdEncoding.DecodeString(got)
	return err1 == nil && err2 == nil && string(w) == string(g)
}

func numeric(ok func(int) bool) func(want, got string) bool {
	return func(want, got string) bool {
		w, err1 := strconv.ParseFloat(want, 64)
		g, err2 := strconv.ParseFloat(got, 64)
		if err1 != nil || err2 != nil || w != w || g != g {
			return false
		}
		switch {
		case g < w:
			return ok(-1)
		case g > w:
			return ok(1)
		}
		return ok(0)
	}
}

func date(ok func(int) bool) func(want, got string) bool {
	return func(want, got string) bool {
		w, ok1 := parseDate(want)
		g, ok2 := parseDate(got)
		return ok1 && ok2 && ok(g.Compare(w))
	}
}

// parseDate reads the W3C's profile of ISO 8601, or seconds since 1970.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n != n || n < -1e11 || n > 1e11 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(n * 1000)), true
}

func inNetwork(want, got string) bool {
	addr, err := netip.ParseAddr(got)
	if err != nil {
		return false
	}
	if !strings.Contains(want, "/") {
		w, err := netip.ParseAddr(want)
		return err == nil && w.Unmap() == addr.Unmap()
	}
	prefix, err := netip.ParsePrefix(want)
	return err == nil && prefix.Contains(addr.Unmap())
}
