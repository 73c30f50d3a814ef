package wire

import (
	"encoding/json"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/slipway-dev/slipway/internal/aws/model"
)

func compileFor(t testing.TB, service, shape string, typ reflect.Type) *node {
	t.Helper()
	m, err := model.Load(service)
	if err != nil {
		t.Fatal(err)
	}
	n, err := new(plans).compile(m.Shapes[shape], typ)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// FuzzJSON: what we decode is JSON, and what we encode of it decodes to the same.
func FuzzJSON(f *testing.F) {
	n := compileFor(f, "codepipeline", "CreatePipelineInput", reflect.TypeFor[codepipeline.CreatePipelineInput]())
	f.Add([]byte(`{"pipeline":{"name":"p","stages":[{"name":"s","actions":[{"runOrder":1,"configuration":{"a":"b"}}]}]},"x":[null,1e5,{}]}`))
	f.Add([]byte(`{"tags":[{"key":"\ud83d\ude00\ud83d","value":null}],"tags":[]}`))
	f.Add([]byte("{\"pipeline\":{\"name\":\"\xff\"}} "))
	f.Fuzz(func(t *testing.T, body []byte) {
		var in, again codepipeline.CreatePipelineInput
		if _, err := decodeJSON(n, body, reflect.ValueOf(&in).Elem()); err != nil {
			return
		}
		if len(body) > 0 && !json.Valid(body) {
			var blank = true
			for _, c := range body {
				blank = blank && (c == ' ' || c == '\t' || c == '\n' || c == '\r')
			}
			if !blank {
				t.Fatalf("accepted %q", body)
			}
		}
		validate(n, reflect.ValueOf(&in).Elem(), nil)
		out, err := appendJSON(nil, n, reflect.ValueOf(&in).Elem(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeJSON(n, out, reflect.ValueOf(&again).Elem()); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if twice, _ := appendJSON(nil, n, reflect.ValueOf(&again).Elem(), nil); string(twice) != string(out) {
			t.Fatalf("%s became %s", out, twice)
		}
	})
}

// FuzzQuery: no form breaks the decoder or the validator.
func FuzzQuery(f *testing.F) {
	n := compileFor(f, "iam", "CreateRoleRequest", reflect.TypeFor[iam.CreateRoleInput]())
	f.Add("RoleName=r&Tags.member.1.Key=a&Tags.member.2.Value=b&Tags.3.Key=c")
	f.Add("Tags=&Tags.member=&Tags.member.-1.Key=x&Tags.member.99999999999999999999.Key=y&...=z&MaxSessionDuration=1")
	f.Fuzz(func(t *testing.T, body string) {
		form, err := parseForm(httptest.NewRequest("POST", "/", nil), []byte(body))
		if err != nil {
			return
		}
		var in iam.CreateRoleInput
		if err := decodeQuery(n, form, reflect.ValueOf(&in).Elem(), false); err == nil {
			validate(n, reflect.ValueOf(&in).Elem(), nil)
		}
	})
}

// FuzzXML: what we decode we can encode, and read again.
func FuzzXML(f *testing.F) {
	n := compileFor(f, "s3", "BucketLifecycleConfiguration", reflect.TypeFor[types.BucketLifecycleConfiguration]())
	f.Add([]byte(`<LifecycleConfiguration xmlns="x"><Rule><ID>a</ID><Filter><And><Tag><Key>k</Key></Tag></And></Filter><Expiration><Days>3</Days></Expiration></Rule></LifecycleConfiguration>`))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY x "y">]><a><Rule>&x;</Rule></a>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := parseXML(body)
		if err != nil {
			return
		}
		var in types.BucketLifecycleConfiguration
		v := reflect.ValueOf(&in).Elem()
		if err := n.fromXML(e, v, &model.Member{}); err != nil {
			return
		}
		validate(n, v, nil)
		x := xmlEncoder{millis: true}
		if err := x.element("R", n, v, &model.Member{}); err != nil {
			t.Fatal(err)
		}
		if _, err := parseXML(x.b); err != nil {
			t.Fatalf("%v: %s", err, x.b)
		}
	})
}

// FuzzCBOR: no body breaks the decoder, and what we encode of one that it takes
// decodes to the same.
func FuzzCBOR(f *testing.F) {
	n := compileFor(f, "cloudwatch", "PutMetricDataInput", reflect.TypeFor[cloudwatch.PutMetricDataInput]())
	f.Add([]byte("\xa2\x69Namespace\x61N\x6aMetricData\x81\xa3\x6aMetricName\x61m\x65Value\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a\x69Timestamp\xc1\x1a\x65\x53\xf1\x00"))
	f.Add([]byte("\xbf\x7f\x65Names\x64pace\xff\x7f\x61N\xff\x61x\x9f\x01\xf6\xc1\xf9\x3c\x00\xff\xff"))
	f.Add([]byte("\xa1\x6aMetricData\x9b\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\xa1\x78\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var in, again cloudwatch.PutMetricDataInput
		if _, err := decodeCBOR(n, body, reflect.ValueOf(&in).Elem()); err != nil {
			return
		}
		validate(n, reflect.ValueOf(&in).Elem(), nil)
		out, err := appendCBOR(nil, n, reflect.ValueOf(&in).Elem())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeCBOR(n, out, reflect.ValueOf(&again).Elem()); err != nil {
			t.Fatalf("%v: %x", err, out)
		}
		if twice, _ := appendCBOR(nil, n, reflect.ValueOf(&again).Elem()); string(twice) != string(out) {
			t.Fatalf("%x became %x", out, twice)
		}
	})
}
