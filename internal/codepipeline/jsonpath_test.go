package codepipeline

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

const delivery = `{"ref":"refs/heads/main","forced":false,"size":2,"repository":{"full_name":"octo/site","owner":{"login":"octo"}},
	"commits":[{"id":"a","files":["x"]},{"id":"b"}],"odd.name":null}`

func document(t *testing.T) (doc any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(delivery))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestJSONPath(t *testing.T) {
	doc := document(t)
	for path, want := range map[string][]string{
		"$.ref":                          {"refs/heads/main"},
		"$.forced":                       {"false"},
		"$.size":                         {"2"},
		"$.repository.full_name":         {"octo/site"},
		"$['repository']['owner'].login": {"octo"},
		`$["odd.name"]`:                  {"null"},
		"$.commits[0].id":                {"a"},
		"$.commits[-1].id":               {"b"},
		"$.commits[*].id":                {"a", "b"},
		"$.commits[7].id":                nil,
		"$..login":                       {"octo"},
		"$..id":                          {"a", "b"},
		"$.repository.owner":             {`{"login":"octo"}`},
		"$.ref.nope":                     nil,
		"$.nope":                         nil,
	} {
		p, err := parsePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		var got []string
		for _, v := range p.find(doc) {
			got = append(got, textOf(v))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	for _, bad := range []string{"", "ref", "$.", "$..", "$[", "$[x]", "$['a", "$.a[?(@.b)]", "$.a[0:2]", "$.length()", "$x"} {
		if _, err := parsePath(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestPass(t *testing.T) {
	doc := document(t)
	rule := func(path string, want ...string) types.WebhookFilterRule {
		r := types.WebhookFilterRule{JsonPath: aws.String(path)}
		if want != nil {
			r.MatchEquals = aws.String(want[0])
		}
		return r
	}
	for _, c := range []struct {
		rules []types.WebhookFilterRule
		want  bool
	}{
		{nil, true},
		{[]types.WebhookFilterRule{rule("$.ref", "refs/heads/{BranchName}")}, true},
		{[]types.WebhookFilterRule{rule("$.ref", "refs/heads/{Other}")}, false},
		{[]types.WebhookFilterRule{rule("$.ref"), rule("$.size", "2")}, true},
		{[]types.WebhookFilterRule{rule("$.ref"), rule("$.size", "3")}, false},
		{[]types.WebhookFilterRule{rule("$.nope")}, false},
		{[]types.WebhookFilterRule{rule("$.commits[*].id", "b")}, true},
	} {
		if got := pass(c.rules, doc, map[string]string{"BranchName": "main"}); got != c.want {
			t.Errorf("%+v: %v", c.rules, got)
		}
	}
}
