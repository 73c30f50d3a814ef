package policy

import (
	"errors"
	"strings"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		kind Kind
		doc  string
		text string
	}{
		{"not JSON", Identity, `{`, "Syntax errors in policy."},
		{"more after the end", Identity, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}{}`, "Syntax errors"},
		{"element twice", Identity, `{"Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}`, "Syntax errors"},
		{"unknown element", Identity, `{"Statements":[]}`, "Syntax errors"},
		{"unknown in statement", Identity, `{"Statement":{"Effect":"Allow","Actions":"*","Resource":"*"}}`, "Syntax errors"},
		{"lower case", Identity, `{"statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, "Syntax errors"},
		{"no statement", Identity, `{"Version":"2012-10-17","Statement":[]}`, "at least one statement"},
		{"version", Identity, `{"Version":"2012-10-18","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, "must be version 2012-10-17"},
		{"effect", Identity, `{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}`, "Invalid effect: allow"},
		{"no effect", Identity, `{"Statement":{"Action":"*","Resource":"*"}}`, "Missing required field Effect"},
		{"no action", Identity, `{"Statement":{"Effect":"Allow","Resource":"*"}}`, "must contain actions"},
		{"no resource", Identity, `{"Statement":{"Effect":"Allow","Action":"*"}}`, "must contain resources"},
		{"both actions", Identity, `{"Statement":{"Effect":"Allow","Action":"*","NotAction":"s3:*","Resource":"*"}}`, "Syntax errors"},
		{"no vendor", Identity, `{"Statement":{"Effect":"Allow","Action":"GetObject","Resource":"*"}}`, "prefaced by a vendor"},
		{"no ARN", Identity, `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}}`, `must be in ARN format or "*"`},
		{"partition", Identity, `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"a:b:c:d:e:f"}}`, "Partition"},
		{"principal in identity", Identity, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`, "should not specify a principal"},
		{"resource in trust", Trust, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}}`, "prohibited field Resource"},
		{"no principal in trust", Trust, `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}`, "Missing required field Principal"},
		{"other action in trust", Trust, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}}`, "may only specify STS AssumeRole"},
		{"wildcard in principal", Trust, `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:role/*"},"Action":"sts:AssumeRole"}}`, "Invalid principal in policy"},
		{"principal text", Trust, `{"Statement":{"Effect":"Allow","Principal":"me","Action":"sts:AssumeRole"}}`, "Invalid principal"},
		{"operator", Identity, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringIs":{"aws:username":"x"}}}}`, "Invalid Condition type : StringIs"},
		{"sid", Identity, `{"Statement":{"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"}}`, "must be alpha-numeric"},
		{"sid twice", Identity, `{"Statement":[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}]}`, "must be unique"},
	} {
		_, err := Parse(tt.doc, tt.kind)
		var bad *ErrMalformed
		if !errors.As(err, &bad) || !strings.Contains(bad.Message, tt.text) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.text)
		}
	}
}

func must(t testing.TB, kind Kind, statements ...string) *Policy {
	t.Helper()
	p, err := Parse(`{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`, kind)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func facts(pairs ...string) func(string) []string {
	m := map[string][]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = append(m[pairs[i]], pairs[i+1])
	}
	return func(k string) []string { return m[k] }
}

func TestEvaluate(t *testing.T) {
	const bucket = "arn:aws:s3:::bucket"
	for _, tt := range []struct {
		name, statement, action, resource string
		context                           func(string) []string
		want                              Effect
	}{
		{"star", `{"Effect":"Allow","Action":"*","Resource":"*"}`, "s3:GetObject", bucket, nil, Allow},
		{"action case", `{"Effect":"Allow","Action":"S3:getobject","Resource":"*"}`, "s3:GetObject", bucket, nil, Allow},
		{"action wildcards", `{"Effect":"Allow","Action":"s3:?et*","Resource":"*"}`, "s3:GetObject", bucket, nil, Allow},
		{"other service", `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, "s3x:GetObject", bucket, nil, Silent},
		{"not action", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, "s3:GetObject", bucket, nil, Allow},
		{"not action hits", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, "iam:GetUser", bucket, nil, Silent},
		{"resource", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bucket/*"}`, "s3:GetObject", bucket + "/a/b:c", nil, Allow},
		{"resource itself", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bucket/*"}`, "s3:GetObject", bucket, nil, Silent},
		{"resource case", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::Bucket"}`, "s3:GetObject", bucket, nil, Silent},
		{"wildcard stays in its part", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:*:x:y"}`, "s3:GetObject", "arn:aws:s3:r:a:x:y", nil, Silent},
		{"not resource", `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::secret*"}`, "s3:GetObject", bucket, nil, Allow},
		{"not resource hits", `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::secret*"}`, "s3:GetObject", "arn:aws:s3:::secret/x", nil, Silent},
		{"deny", `{"Effect":"Deny","Action":"s3:*","Resource":"*"}`, "s3:GetObject", bucket, nil, Deny},
		{"variable", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::home/${aws:username}/*"}`, "s3:GetObject", "arn:aws:s3:::home/ann/x", facts("aws:username", "ann"), Allow},
		{"variable of another", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::home/${aws:username}/*"}`, "s3:GetObject", "arn:aws:s3:::home/bob/x", facts("aws:username", "ann"), Silent},
		{"variable is literal", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::home/${aws:username}/*"}`, "s3:GetObject", "arn:aws:s3:::home/bob/x", facts("aws:username", "*"), Silent},
		{"variable without value", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::home/${aws:username}*"}`, "s3:GetObject", "arn:aws:s3:::home/", nil, Silent},
		{"default", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::home/${aws:PrincipalTag/team, 'all'}/*"}`, "s3:GetObject", "arn:aws:s3:::home/all/x", nil, Allow},
		{"literal star", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::a${*}b"}`, "s3:GetObject", "arn:aws:s3:::a*b", nil, Allow},
		{"literal star is none", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::a${*}b"}`, "s3:GetObject", "arn:aws:s3:::axb", nil, Silent},
	} {
		got, _ := must(t, Identity, tt.statement).Evaluate(&Request{Action: tt.action, Resource: tt.resource, Context: tt.context})
		if got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestConditions(t *testing.T) {
	for _, tt := range []struct {
		condition string
		context   func(string) []string
		want      bool
	}{
		{`"StringEquals":{"aws:username":["a","b"]}`, facts("aws:username", "b"), true},
		{`"StringEquals":{"AWS:UserName":"b"}`, facts("aws:username", "b"), true},
		{`"StringEquals":{"aws:username":"b"}`, facts("aws:username", "B"), false},
		{`"StringEquals":{"aws:username":"b"}`, nil, false},
		{`"StringEqualsIfExists":{"aws:username":"b"}`, nil, true},
		{`"StringEqualsIfExists":{"aws:username":"b"}`, facts("aws:username", "c"), false},
		{`"StringNotEquals":{"aws:username":["a","b"]}`, facts("aws:username", "b"), false},
		{`"StringNotEquals":{"aws:username":["a","b"]}`, facts("aws:username", "c"), true},
		{`"StringNotEquals":{"aws:username":"a"}`, nil, true},
		{`"StringEqualsIgnoreCase":{"aws:username":"B"}`, facts("aws:username", "b"), true},
		{`"StringLike":{"s3:prefix":"home/*"}`, facts("s3:prefix", "home/x"), true},
		{`"StringLike":{"s3:prefix":"home/*"}`, facts("s3:prefix", "away/x"), false},
		{`"StringNotLike":{"s3:prefix":"home/*"}`, facts("s3:prefix", "home/x"), false},
		{`"StringEquals":{"aws:username":"${aws:PrincipalTag/owner}"}`, facts("aws:username", "ann", "aws:principaltag/owner", "ann"), true},
		{`"StringEquals":{"aws:username":"${aws:PrincipalTag/owner}"}`, facts("aws:username", "ann"), false},
		{`"StringNotEquals":{"aws:username":"${aws:PrincipalTag/owner}"}`, facts("aws:username", "ann"), true},
		{`"StringEquals":{"aws:username":"a","aws:userid":"b"}`, facts("aws:username", "a"), false},
		{`"StringEquals":{"aws:username":"a"},"Bool":{"aws:SecureTransport":"true"}`, facts("aws:username", "a", "aws:securetransport", "false"), false},
		{`"Bool":{"aws:SecureTransport":true}`, facts("aws:securetransport", "true"), true},
		{`"ArnLike":{"aws:SourceArn":"arn:aws:codebuild:*:1:project/*"}`, facts("aws:sourcearn", "arn:aws:codebuild:r:1:project/p"), true},
		{`"ArnLike":{"aws:SourceArn":"arn:aws:codebuild:*:project/*"}`, facts("aws:sourcearn", "arn:aws:codebuild:r:1:project/p"), false},
		{`"ArnEquals":{"aws:SourceArn":"arn:aws:codebuild:r:1:project/?"}`, facts("aws:sourcearn", "arn:aws:codebuild:r:1:project/p"), true},
		{`"ArnNotLike":{"aws:SourceArn":"arn:aws:codebuild:*:1:project/*"}`, facts("aws:sourcearn", "arn:aws:codebuild:r:1:project/p"), false},
		{`"NumericLessThanEquals":{"s3:max-keys":"10"}`, facts("s3:max-keys", "10"), true},
		{`"NumericLessThan":{"s3:max-keys":10}`, facts("s3:max-keys", "10"), false},
		{`"NumericGreaterThan":{"s3:max-keys":10}`, facts("s3:max-keys", "x"), false},
		{`"NumericNotEquals":{"s3:max-keys":10}`, facts("s3:max-keys", "11"), true},
		{`"DateLessThan":{"aws:TokenIssueTime":"2024-05-01T10:00:00Z"}`, facts("aws:tokenissuetime", "2024-05-01T09:59:59Z"), true},
		{`"DateLessThan":{"aws:TokenIssueTime":"2024-05-01T10:00:00Z"}`, facts("aws:tokenissuetime", "2024-05-01T10:00:00Z"), false},
		{`"DateGreaterThan":{"aws:CurrentTime":"1714557600"}`, facts("aws:currenttime", "2024-05-01T10:00:01Z"), true},
		{`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`, facts("aws:sourceip", "10.1.2.3"), true},
		{`"IpAddress":{"aws:SourceIp":"10.0.0.1"}`, facts("aws:sourceip", "10.0.0.1"), true},
		{`"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}`, facts("aws:sourceip", "11.1.2.3"), true},
		{`"IpAddress":{"aws:SourceIp":"2001:db8::/32"}`, facts("aws:sourceip", "2001:db8::1"), true},
		{`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`, facts("aws:sourceip", "nonsense"), false},
		{`"BinaryEquals":{"a:b":"aGk="}`, facts("a:b", "aGk="), true},
		{`"Null":{"aws:TokenIssueTime":"true"}`, nil, true},
		{`"Null":{"aws:TokenIssueTime":"true"}`, facts("aws:tokenissuetime", "x"), false},
		{`"Null":{"aws:TokenIssueTime":"false"}`, facts("aws:tokenissuetime", "x"), true},
		{`"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}`, facts("aws:tagkeys", "a", "aws:tagkeys", "b"), true},
		{`"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}`, facts("aws:tagkeys", "a", "aws:tagkeys", "c"), false},
		{`"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}`, nil, true},
		{`"ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}`, facts("aws:tagkeys", "x", "aws:tagkeys", "b"), true},
		{`"ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}`, nil, false},
		{`"ForAllValues:StringNotEquals":{"aws:TagKeys":"a"}`, facts("aws:tagkeys", "b", "aws:tagkeys", "a"), false},
		{`"ForAnyValue:StringNotEquals":{"aws:TagKeys":"a"}`, facts("aws:tagkeys", "b", "aws:tagkeys", "a"), true},
	} {
		p := must(t, Identity, `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{`+tt.condition+`}}`)
		got, _ := p.Evaluate(&Request{Action: "a:b", Resource: "*", Context: tt.context})
		if (got == Allow) != tt.want {
			t.Errorf("%s: %v, want %v", tt.condition, got == Allow, tt.want)
		}
	}
}

func TestVariablesNeedTheVersion(t *testing.T) {
	p, err := Parse(`{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username}"}}`, Identity)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := p.Evaluate(&Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::ann", Context: facts("aws:username", "ann")})
	if got != Silent {
		t.Error("a variable in a policy of 2008 was replaced")
	}
}

func TestDecide(t *testing.T) {
	allow := must(t, Identity, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`)
	deny := must(t, Identity, `{"Effect":"Deny","Action":"s3:Get*","Resource":"*"}`)
	other := must(t, Identity, `{"Effect":"Allow","Action":"ecs:*","Resource":"*"}`)
	resource := func(effect, principal string) *Policy {
		return must(t, Resource, `{"Effect":"`+effect+`","Principal":`+principal+`,"Action":"s3:*","Resource":"*"}`)
	}
	role := Principal{Account: "000000000000", ARN: "arn:aws:sts::000000000000:assumed-role/r/s", RoleARN: "arn:aws:iam::000000000000:role/r"}
	for _, tt := range []struct {
		name string
		set  Set
		want Decision
	}{
		{"nothing", Set{}, Decision{Source: FromIdentity}},
		{"allowed", Set{Identity: []*Policy{other, allow}}, Decision{Allowed: true}},
		{"deny wins", Set{Identity: []*Policy{allow, deny}}, Decision{Explicit: true, Source: FromIdentity}},
		{"root", Set{Root: true}, Decision{Allowed: true}},
		{"boundary", Set{Identity: []*Policy{allow}, Boundary: other}, Decision{Source: FromBoundary}},
		{"boundary denies", Set{Identity: []*Policy{allow}, Boundary: deny}, Decision{Explicit: true, Source: FromBoundary}},
		{"boundary is no grant", Set{Boundary: allow}, Decision{Source: FromIdentity}},
		{"session", Set{Identity: []*Policy{allow}, Session: []*Policy{other}}, Decision{Source: FromSession}},
		{"session of two", Set{Identity: []*Policy{allow}, Session: []*Policy{other, allow}}, Decision{Allowed: true}},
		{"session without policies in it", Set{Identity: []*Policy{allow}, Session: []*Policy{}}, Decision{Source: FromSession}},
		{"resource names session", Set{Session: []*Policy{other}, Resource: resource("Allow", `{"AWS":"`+role.ARN+`"}`)}, Decision{Allowed: true}},
		{"resource names role", Set{Resource: resource("Allow", `{"AWS":"`+role.RoleARN+`"}`)}, Decision{Allowed: true}},
		{"resource names role, session narrower", Set{Session: []*Policy{other}, Resource: resource("Allow", `{"AWS":"`+role.RoleARN+`"}`)}, Decision{Source: FromSession}},
		{"resource names account", Set{Resource: resource("Allow", `{"AWS":"000000000000"}`)}, Decision{Source: FromIdentity}},
		{"resource names anyone", Set{Resource: resource("Allow", `"*"`)}, Decision{Allowed: true}},
		{"resource denies", Set{Identity: []*Policy{allow}, Resource: resource("Deny", `"*"`)}, Decision{Explicit: true, Source: FromResource}},
		{"resource denies root", Set{Root: true, Resource: resource("Deny", `"*"`)}, Decision{Explicit: true, Source: FromResource}},
		{"resource names another", Set{Resource: resource("Allow", `{"AWS":"arn:aws:iam::000000000000:role/x"}`)}, Decision{Source: FromIdentity}},
	} {
		got := tt.set.Decide(&Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Principal: role})
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestMessage(t *testing.T) {
	for want, d := range map[string]Decision{
		"User: U is not authorized to perform: s3:GetObject on resource: R because no identity-based policy allows the s3:GetObject action": {Source: FromIdentity},
		"User: U is not authorized to perform: s3:GetObject on resource: R with an explicit deny in a permissions boundary":                 {Source: FromBoundary, Explicit: true},
		"User: U is not authorized to perform: s3:GetObject on resource: R with an explicit deny in the role trust policy":                  {Source: FromTrust, Explicit: true},
	} {
		if got := d.Message("U", "s3:GetObject", "R"); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	if got := (Decision{Source: FromIdentity}).Message("U", "s3:ListAllMyBuckets", "*"); strings.Contains(got, "resource:") {
		t.Error(got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"*"},"Action":["s3:*"],"Resource":"*","Condition":{"StringLike":{"a:b":["${aws:username}"]}}}]}`)
	f.Fuzz(func(t *testing.T, doc string) {
		for _, k := range []Kind{Identity, Trust, Resource} {
			if p, err := Parse(doc, k); err == nil {
				p.Evaluate(&Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Context: facts("a:b", "c")})
			}
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	set := Set{Identity: []*Policy{
		must(b, Identity, `{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","logs:*"],"Resource":"arn:aws:s3:::artifacts/*"}`),
		must(b, Identity, `{"Effect":"Allow","Action":"codepipeline:List*","Resource":"*"}`),
	}}
	b.ReportAllocs()
	for b.Loop() {
		if !set.Decide(&Request{Action: "codepipeline:ListPipelines", Resource: "*"}).Allowed {
			b.Fatal("denied")
		}
	}
}
