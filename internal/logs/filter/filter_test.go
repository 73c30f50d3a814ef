package filter

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	const (
		access = `127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
		object = `{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another"],` +
			`"objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"cluster.name":"c","flag":true,` +
			`"off":false,"n":3.5,"s":"400","long":1e3,"deep":{"er":{"x":"y"}},"user-name":"z"}`
	)
	for _, c := range []struct {
		pattern, message string
		want             bool
	}{
		{"", "anything", true},
		{"  ", "anything", true},
		{`""`, "anything", true},
		{`" "`, "anything", true},
		{"ERROR", "[ERROR 400] BAD REQUEST", true},
		{"ERROR", "[error 400] BAD REQUEST", false},
		{"ERROR ARGUMENTS", "ERROR MISSING ARGUMENTS", true},
		{"ERROR ARGUMENTS", "ERROR 400", false},
		{"?ERROR ?ARGUMENTS", "ERROR 400", true},
		{"?ERROR ?ARGUMENTS", "INVALID ARGUMENTS", true},
		{"?ERROR ?ARGUMENTS", "fine", false},
		{"ERROR ?ARGUMENTS", "ERROR 400", true},
		{"ERROR -ARGUMENTS", "ERROR 400", true},
		{"ERROR -ARGUMENTS", "ERROR ARGUMENTS", false},
		{"-ARGUMENTS", "x", true},
		{`"INTERNAL SERVER ERROR"`, "an INTERNAL SERVER ERROR", true},
		{`"INTERNAL SERVER ERROR"`, "INTERNAL ERROR of the SERVER", false},
		{`"[ERROR]" -"not this"`, "[ERROR] this", true},
		{`"[ERROR]" -"not this"`, "[ERROR] not this", false},
		{`"say \"hi\""`, `they say "hi"`, true},
		{"größe", "die größe", true},
		{"%AUTHORIZED%", "UNAUTHORIZED", true},
		{`%4[0-9]{2}% -%40[13]%`, "status 404", true},
		{`%4[0-9]{2}% -%40[13]%`, "status 403", false},
		{`%^\[?INFO%`, "[INFO", true},
		{`%a\%b%`, "a%b", true},

		{`{ $.eventType = "UpdateTrail" }`, object, true},
		{`{ $.eventType = UpdateTrail }`, object, true},
		{`{$.eventType="Update*"}`, object, true},
		{`{ $.eventType = *Trail }`, object, true},
		{`{ $.eventType = "updateTrail" }`, object, false},
		{`{ $.eventType != "UpdateTrail" }`, object, false},
		{`{ $.missing != "x" }`, object, false},
		{`{ $.sourceIPAddress != 123.123.* }`, object, true},
		{`{ $.sourceIPAddress = %111\.111\.[0-9]+% }`, object, true},
		{`{ $.arrayKey[0] = "value" }`, object, true},
		{`{ $.arrayKey[5] = "value" }`, object, false},
		{`{ $.arrayKey[*] = "another" }`, object, true},
		{`{ $.arrayKey = "value" }`, object, false},
		{`{ $.arrayKey != "value" }`, object, false},
		{`{ $.objectList[1].id = 2 }`, object, true},
		{`{ $.objectList[*].id >= 2 }`, object, true},
		{`{ $.objectList[*].id > 2 }`, object, false},
		{`{ $.*.er.x = y }`, object, true},
		{`{ $.SomeObject IS NULL }`, object, true},
		{`{ $.flag IS NULL }`, object, false},
		{`{ $.missing IS NULL }`, object, false},
		{`{ $.missing NOT EXISTS }`, object, true},
		{`{ $.SomeObject NOT EXISTS }`, object, false},
		{`{ $.SomeObject EXISTS }`, object, true},
		{`{ $.flag IS TRUE && $.off is false }`, object, true},
		{`{ $.flag IS FALSE }`, object, false},
		{`{ $.['cluster.name'] = c }`, object, true},
		{`{ $["cluster.name"] = c }`, object, true},
		{`{ $.user-name = z }`, object, true},
		{`{ $.n > 3 && $.n <= 3.5 }`, object, true},
		{`{ $.n = 3.50 }`, object, true},
		{`{ $.n = "3.5" }`, object, false},
		{`{ $.long = 1000 }`, object, true},
		{`{ $.s = 400 }`, object, true},
		{`{ $.s > 300 }`, object, false},
		{`{ $.n = 1 || $.n = 2 || ($.n > 3 && ($.n < 4)) }`, object, true},
		{`{ $.n = 3.5 || $.n = 2 && $.n = 7 }`, object, true},
		{`{ ($.n = 3.5 || $.n = 2) && $.n = 7 }`, object, false},
		{`{ $.n = 3.5 }`, "n = 3.5", false},
		{`{ $.n = 3.5 }`, `{"n":3.5} trailing`, false},
		{`{ $.n = 3.5 }`, `[{"n":3.5}]`, false},
		{`{ $.n = 3.5 }`, " {\"n\":3.5}\n", true},

		{"[ip, server, username, timestamp, request, status_code, bytes]", access, true},
		{"[ip, server, username, timestamp, request, status_code]", access, false},
		{"[ip, server, username, timestamp, request, status_code = 4*, bytes > 1000]", access, true},
		{"[ip, server, username, timestamp, request, status_code = 4*, bytes > 2000]", access, false},
		{"[..., request = *.html*, status_code = 404, bytes]", access, true},
		{"[ip, ..., bytes = 1534]", access, true},
		{"[ip = 127.*, ...]", access, true},
		{"[ip = %^127\\.0%, ...]", access, true},
		{"[..., status = 404 || status = 410, bytes]", access, true},
		{"[..., status >= 400 && status != 404, bytes]", access, false},
		{"[..., (status = 404), bytes]", access, true},
		{`[..., request = "GET /index*", s, b]`, access, true},
		{"[, , user = frank, ...]", access, true},
		{"[w1 = ERROR, w2]", "ERROR x", true},
		{"[w1 != ERROR, w2]", "ERROR x", false},
		{"[...]", "", true},
		{"[a]", "", false},
		{"[]", "", true},
		{"[a, b]", `[unclosed x`, true},
	} {
		p, err := Parse(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
		} else if got := p.Match(c.message); got != c.want {
			t.Errorf("%s on %s: %v", c.pattern, c.message, got)
		}
	}
}

func TestInvalid(t *testing.T) {
	for _, c := range []struct{ pattern, text string }{
		{"foo-bar", "Invalid character(s) in term 'foo-bar'"},
		{"ERROR -", "a term is missing"},
		{`"open`, "quotation mark"},
		{"%open", "% is missing"},
		{"%%", "empty regular"},
		{"%(a|b)%", "parentheses"},
		{"%ü%", "ASCII"},
		{"%[%", "malformed"},
		{`%\bword%`, `\b`},
		{"%a% %b% %c%", "more than 2"},
		{"{ }", "begins with $"},
		{"{ $ = 1 }", "names no property"},
		{"{ $. = 1 }", "name is missing"},
		{"{ $.a }", "operator is missing"},
		{"{ $.a = }", "value is missing"},
		{"{ $.a = 1", "} is missing"},
		{"{ $.a = 1 } x", "after the closing }"},
		{"{ $.a > x }", "numbers only"},
		{"{ $.a IS MAYBE }", "NULL, TRUE or FALSE"},
		{"{ $.a NOT HERE }", "EXISTS"},
		{"{ ($.a = 1 }", ") is missing"},
		{"{ $.a[x] = 1 }", "no index"},
		{"{ $.a[0 = 1 }", "no index"},
		{"{ $.a = 1 && }", "begins with $"},
		{"{ " + strings.Repeat("(", 200), "too many"},
		{"[a, b", "] is missing"},
		{"[a] x", "after the closing ]"},
		{"[..., a, ...]", "more than one"},
		{"[a = 1 || b = 2]", "mixed"},
		{"[a =]", "value is missing"},
		{"[a > x]", "numbers only"},
		{"[=1]", "name is missing"},
		{strings.Repeat("a", 1025), "longer than 1024"},
	} {
		if _, err := Parse(c.pattern); err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %q", c.pattern, err, c.text)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`?a -"b" %c%`, `{ ($.a[0].b = "x*" && $.n > 3) || $.s IS NULL }`, `[a, ..., b = 4* || b != "x", c > 1]`} {
		f.Add(s, `{"a":[{"b":"xy"}],"n":4} [x] "y" 404`)
	}
	f.Fuzz(func(t *testing.T, pattern, message string) {
		p, err := Parse(pattern)
		if err != nil {
			return
		}
		if p.Match(message) != p.Match(message) {
			t.Error("not a function")
		}
	})
}
