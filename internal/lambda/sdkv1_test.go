package lambda_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/lambda"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// The older client, with which Terraform's provider manages permissions and
// aliases.
func TestOlderClient(t *testing.T) {
	w := begin(t)
	c := lambda.New(w.srv.Older())
	name := aws.String("f")
	made, err := c.CreateFunction(&lambda.CreateFunctionInput{FunctionName: name, Role: &w.role, Runtime: aws.String("provided.al2023"), Handler: aws.String("x"), Timeout: aws.Int64(20),
		Publish: aws.Bool(true), Code: &lambda.FunctionCode{ZipFile: packed(t, map[string]string{"bootstrap": bootstrap})}, Tags: map[string]*string{"a": aws.String("b")}})
	if err != nil || *made.State != "Pending" {
		t.Fatalf("%v %v", made, err)
	}
	w.active("f")
	out, err := c.Invoke(&lambda.InvokeInput{FunctionName: name, Payload: []byte(`{"n": 1}`)})
	if err != nil || *out.StatusCode != 200 || !strings.Contains(string(out.Payload), `"n": 1`) {
		t.Errorf("%v %v", out, err)
	}
	if none, err := c.ListEventSourceMappings(&lambda.ListEventSourceMappingsInput{FunctionName: name}); err != nil || len(none.EventSourceMappings) != 0 {
		t.Errorf("%v %v", none, err)
	}
	alias, err := c.CreateAlias(&lambda.CreateAliasInput{FunctionName: name, Name: aws.String("live"), FunctionVersion: aws.String("1")})
	if err != nil || !strings.HasSuffix(*alias.AliasArn, ":function:f:live") {
		t.Errorf("%v %v", alias, err)
	}
	if _, err := c.AddPermission(&lambda.AddPermissionInput{FunctionName: name, Qualifier: aws.String("live"), StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com")}); err != nil {
		t.Error(err)
	}
	policy, err := c.GetPolicy(&lambda.GetPolicyInput{FunctionName: name, Qualifier: aws.String("live")})
	if err != nil || !strings.Contains(*policy.Policy, `:function:f:live"`) {
		t.Errorf("%v %v", policy, err)
	}
	if _, err := c.RemovePermission(&lambda.RemovePermissionInput{FunctionName: name, Qualifier: aws.String("live"), StatementId: aws.String("s")}); err != nil {
		t.Error(err)
	}
	_, err = c.GetPolicy(&lambda.GetPolicyInput{FunctionName: name, Qualifier: aws.String("live")})
	apptest.WantCode(t, err, lambda.ErrCodeResourceNotFoundException)
	if _, err := c.DeleteAlias(&lambda.DeleteAliasInput{FunctionName: name, Name: aws.String("live")}); err != nil {
		t.Error(err)
	}
	_, err = c.GetAlias(&lambda.GetAliasInput{FunctionName: name, Name: aws.String("live")})
	apptest.WantCode(t, err, lambda.ErrCodeResourceNotFoundException)
	if _, err := c.DeleteFunction(&lambda.DeleteFunctionInput{FunctionName: name}); err != nil {
		t.Error(err)
	}
	_, err = c.GetFunction(&lambda.GetFunctionInput{FunctionName: name})
	apptest.WantCode(t, err, lambda.ErrCodeResourceNotFoundException)
}
