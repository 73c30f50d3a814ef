package plane

import (
	"net/http/httptest"
	"net/netip"
	"regexp"
	"testing"
)

func TestConditions(t *testing.T) {
	glob := func(g ...string) Patterns { return Patterns{Globs: g} }
	for _, c := range []struct {
		name string
		c    Condition
		want bool
	}{
		{"host", Host{glob("*.example.com")}, true},
		{"another host", Host{glob("example.com", "b.*")}, false},
		{"host by expression", Host{Patterns{Regexes: []*regexp.Regexp{regexp.MustCompile(`^a\.`)}}}, true},
		{"path", Path{glob("/img/*")}, true},
		{"the path's case counts", Path{glob("/IMG/*")}, false},
		{"the path as sent", Path{glob("/img/a%2Fb?c")}, false},
		{"escaped", Path{glob("*%2F*")}, true},
		{"header", Header{"x-test", glob("al*a").Lower()}, true},
		{"no such header", Header{"x-other", glob("*")}, false},
		{"method", Method{"POST", "GET"}, true},
		{"another method", Method{"get"}, false},
		{"query with a key", Query{{"version", "v1"}}, true},
		{"query with any key", Query{{"", "v?"}}, true},
		{"query of another key", Query{{"others", "*"}}, false},
		{"query with a character escaped", Query{{"", `*r\*s\?`}}, true},
		{"query with another in its place", Query{{"", `st\*r?`}}, false},
		{"query with a backslash", Query{{"", `c:\d?r`}}, true},
		{"source", Source{netip.MustParsePrefix("10.0.0.0/8")}, true},
		{"another source", Source{netip.MustParsePrefix("192.168.0.0/16")}, false},
	} {
		r := httptest.NewRequest("GET", "http://A.Example.com/img/a%2Fb.png?Version=V1&x&q=sta%72*s%3F&other=STARS&p=c:%5Cdir", nil)
		r.Header.Set("X-Test", "Alpha")
		q := &Request{Method: r.Method, Host: "a.example.com", Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Header: r.Header, Client: netip.MustParseAddr("10.1.2.3")}
		if got := (&Rule{Conditions: []Condition{c.c}}).Matches(q); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if (&Rule{Conditions: []Condition{c.c, Method{"PUT"}}}).Matches(q) {
			t.Errorf("%s: one condition of two is enough", c.name)
		}
	}
}

func TestAccepts(t *testing.T) {
	for _, c := range []struct {
		matcher string
		code    int
		want    bool
	}{{"200", 200, true}, {"200", 201, false}, {"200,202-299", 250, true}, {"200,202-299", 201, false}, {"0-99", 12, true}, {"", 200, false}} {
		if Accepts(c.matcher, c.code) != c.want {
			t.Errorf("%q of %d", c.matcher, c.code)
		}
	}
}
