package pattern_test

import (
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/internal/eventbridge/pattern"
)

const event = `{"version":"0","source":"aws.codecommit","detail-type":"CodeCommit Repository State Change",
 "resources":["arn:aws:codecommit:us-east-1:0:app","arn:other"],
 "detail":{"event":"referenceUpdated","referenceName":"main","count":300,"big":1e3,"ok":true,"none":null,"empty":"","ip":"10.0.0.7",
  "list":[{"a":"1","b":"x"},{"a":"2","b":"y"}],"tags":["red","blue"],"no":[]}}`

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		want    bool
	}{
		{`{"source":["aws.codecommit"]}`, true},
		{`{"source":["aws.ecr","aws.codecommit"],"resources":["arn:other"]}`, true},
		{`{"source":["aws.CodeCommit"]}`, false},
		{`{"detail":{"event":["referenceCreated","referenceUpdated"],"referenceName":["main"]}}`, true},
		{`{"detail":{"event":["referenceUpdated"],"referenceName":["dev"]}}`, false},
		{`{"detail":{"count":[300]}}`, true},
		{`{"detail":{"count":[300.0]}}`, false},
		{`{"detail":{"count":["300"]}}`, false},
		{`{"detail":{"ok":[true],"none":[null],"empty":[""]}}`, true},
		{`{"detail":{"absent":[null]}}`, false},
		{`{"detail":{"referenceName":[{"prefix":"ma"}]}}`, true},
		{`{"detail":{"referenceName":[{"suffix":"IN"}]}}`, false},
		{`{"detail":{"referenceName":[{"suffix":{"equals-ignore-case":"IN"}}]}}`, true},
		{`{"detail":{"referenceName":[{"equals-ignore-case":"MAIN"}]}}`, true},
		{`{"detail":{"referenceName":[{"wildcard":"m*n"}]}}`, true},
		{`{"detail":{"referenceName":[{"wildcard":"m*a*"}]}}`, true},
		{`{"detail":{"referenceName":[{"wildcard":"*z*"}]}}`, false},
		{`{"detail":{"referenceName":[{"wildcard":"m\\*n"}]}}`, false},
		{`{"detail":{"referenceName":[{"anything-but":"dev"}]}}`, true},
		{`{"detail":{"referenceName":[{"anything-but":["dev","main"]}]}}`, false},
		{`{"detail":{"referenceName":[{"anything-but":{"prefix":"ma"}}]}}`, false},
		{`{"detail":{"referenceName":[{"anything-but":{"suffix":["x","y"]}}]}}`, true},
		{`{"detail":{"absent":[{"anything-but":"dev"}]}}`, false},
		{`{"detail":{"absent":[{"anything-but":"dev"},{"exists":false}]}}`, true},
		{`{"detail":{"absent":[{"exists":false}]}}`, true},
		{`{"detail":{"absent":{"deeper":[{"exists":false}]}}}`, true},
		{`{"detail":{"event":[{"exists":true}]}}`, true},
		{`{"detail":{"list":[{"exists":true}]}}`, false},
		{`{"detail":{"event":[{"exists":false}]}}`, false},
		{`{"detail":{"list":[{"exists":false}]}}`, true},
		{`{"detail":{"no":[{"exists":false}]}}`, true},
		{`{"detail":{"no":[{"anything-but":"x"}]}}`, false},
		{`{"detail":{"count":[{"numeric":[">",0,"<=",300]}]}}`, true},
		{`{"detail":{"count":[{"numeric":["<",300]}]}}`, false},
		{`{"detail":{"big":[{"numeric":["=",1000]}]}}`, true},
		{`{"detail":{"ip":[{"cidr":"10.0.0.0/24"}]}}`, true},
		{`{"detail":{"ip":[{"cidr":"10.0.1.0/24"}]}}`, false},
		{`{"detail":{"list":{"a":["1"],"b":["x"]}}}`, true},
		{`{"detail":{"list":{"a":["1"],"b":["y"]}}}`, false},
		{`{"detail":{"tags":["blue"]}}`, true},
		{`{"$or":[{"source":["x"]},{"detail":{"event":["referenceUpdated"]}}]}`, true},
		{`{"$or":[{"source":["x"]},{"source":["y"]}],"version":["0"]}`, false},
		{`{"source":["x"],"source":["aws.codecommit"]}`, true},
	} {
		p, err := pattern.Compile(tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if got := p.Matches([]byte(event)); got != tt.want {
			t.Errorf("%s: %t", tt.pattern, got)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for text, want := range map[string]string{
		``:                            "not valid JSON",
		`[]`:                          "not an object",
		`{}`:                          "Empty objects",
		`{"source":"aws"}`:            "must be an object or an array",
		`{"source":[]}`:               "Empty arrays",
		`{"source":[["a"]]}`:          "Match value",
		`{"source":[{"starts":"a"}]}`: "Unrecognized match type starts",
		`{"source":[{"prefix":1}]}`:   "must be a string",
		`{"source":[{"prefix":"a","suffix":"b"}]}`:                 "Only one key",
		`{"a":[{"numeric":[">"]}]}`:                                "Value of numeric",
		`{"a":[{"numeric":["~",1]}]}`:                              "Unrecognized numeric",
		`{"a":[{"numeric":["<",1,">",0]}]}`:                        "Bad numeric range operator: >",
		`{"a":[{"numeric":[">",5,"<",1]}]}`:                        "Bottom must be less",
		`{"a":[{"numeric":["=",6e9]}]}`:                            "between",
		`{"a":[{"cidr":"10.0.0.0"}]}`:                              "CIDR",
		`{"a":[{"wildcard":"a**"}]}`:                               "Consecutive",
		`{"a":[{"exists":"yes"}]}`:                                 "exists",
		`{"a":[{"anything-but":[]}]}`:                              "must not be empty",
		`{"a":[{"anything-but":{"cidr":"x"}}]}`:                    "Unsupported",
		`{"a":["` + strings.Repeat("x", pattern.MaxLength) + `"]}`: "more than",
	} {
		if _, err := pattern.Compile(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(`{"detail":{"a":[{"anything-but":{"prefix":"x"}},{"numeric":["=",1]}],"$or":[{"b":["c"]},{"d":[{"exists":false}]}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := pattern.Compile(text); err == nil {
			p.Matches([]byte(event))
			p.Matches([]byte(text))
		}
	})
}
