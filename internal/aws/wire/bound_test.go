package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	codebuild "github.com/aws/aws-sdk-go-v2/service/codebuild/types"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/smithy-go"
)

func TestBindRefuses(t *testing.T) {
	op := Op("codepipeline:GetPipeline", new(codepipeline.Client).GetPipeline, nil)
	change := func(f func(*Operation)) Operation {
		o := op
		f(&o)
		return o
	}
	for name, s := range map[string]Service{
		"no API model":     {Model: "nothing"},
		"no operation":     {Model: "codebuild", Operations: []Operation{op}},
		"bound twice":      {Model: "codepipeline", Operations: []Operation{op, op}},
		"has no IAM":       {Model: "codepipeline", Operations: []Operation{change(func(o *Operation) { o.Action = "" })}},
		"has no method":    {Model: "codepipeline", Operations: []Operation{change(func(o *Operation) { o.Call = nil })}},
		"has no input":     {Model: "codepipeline", Operations: []Operation{change(func(o *Operation) { o.Input = nil })}},
		"no operation \"X": {Model: "codepipeline", Operations: []Operation{change(func(o *Operation) { o.Name = "X" })}},
	} {
		if _, err := Bind(s); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is not for the caller does not reach them.
func TestErrorsThatAreNotOurs(t *testing.T) {
	b, err := Bind(Service{Model: "codepipeline"})
	if err != nil {
		t.Fatal(err)
	}
	message := "secret"
	for _, c := range []struct {
		err      error
		code     string
		status   int
		internal bool
	}{
		{&types.PipelineNotFoundException{Message: &message}, "PipelineNotFoundException", 400, false},
		{errors.Join(errors.New("x"), &types.PipelineNotFoundException{Message: &message}), "PipelineNotFoundException", 400, false},
		{&codebuild.ResourceNotFoundException{Message: &message}, "InternalFailure", 500, true},
		{&smithy.OperationError{Err: &types.PipelineNotFoundException{Message: &message}}, "InternalFailure", 500, true},
		{&smithy.GenericAPIError{Code: "Odd", Message: "m"}, "Odd", 400, false},
		{errors.New(message), "InternalFailure", 500, true},
		{context.Canceled, "InternalFailure", 500, true},
		{fmt.Errorf("store: /var/lib/x: %w", syscall.ENOSPC), "ServiceUnavailableException", 503, true},
		{&Error{Code: "AccessDeniedException"}, "AccessDeniedException", 400, false},
		{&Error{Code: "X", Status: 418}, "X", 418, false},
	} {
		w := httptest.NewRecorder()
		f := b.EncodeError(w, httptest.NewRequest("POST", "/", nil), c.err)
		if f != (Failure{c.status, c.code, c.internal}) || w.Code != c.status || c.internal && strings.Contains(w.Body.String(), message) {
			t.Errorf("%v: %+v %s", c.err, f, w.Body)
		}
	}
}

func TestErrorWithoutService(t *testing.T) {
	for _, c := range []struct{ target, header, value, want string }{
		{"/", "X-Amz-Target", "Nothing.Op", `{"__type":"Code","message":"text"}`},
		{"/", "Content-Type", "application/x-www-form-urlencoded", "<ErrorResponse><Error><Type>Sender</Type><Code>Code</Code>"},
		{"/?Action=X", "", "", "<ErrorResponse>"},
		{"/b/k", "", "", "<Error><Code>Code</Code><Message>text</Message><Resource>/b/k</Resource>"},
	} {
		r := httptest.NewRequest("POST", c.target, nil)
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		w := httptest.NewRecorder()
		EncodeError(w, r, &Error{Code: "Code", Message: "text"})
		if !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %s", c.target, w.Body)
		}
	}
}

func TestToken(t *testing.T) {
	token := EncodeToken("list", "a/b")
	if key, ok := DecodeToken("list", token); !ok || key != "a/b" {
		t.Error(key, ok)
	}
	for _, bad := range []string{"", "x", token[1:], token + "A", EncodeToken("other", "a/b")} {
		if _, ok := DecodeToken("list", bad); ok {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestVirtualHostBucket(t *testing.T) {
	for host, want := range map[string]string{
		"localhost": "", "localhost:4566": "", "127.0.0.1:4566": "", "s3.localhost": "", "s3.eu-west-1.localhost": "",
		"b.s3.localhost:4566": "b", "b.localhost": "b", "a.b.s3.localhost": "a.b", "b.s3.eu-west-1.localhost": "b",
		"web-1.elb.localhost:80": "", "elb.localhost": "", "example.com": "", "": "", "[::1]:4566": "",
	} {
		if got, _ := VirtualHostBucket(host); got != want {
			t.Errorf("%s: %q", host, got)
		}
	}
}
