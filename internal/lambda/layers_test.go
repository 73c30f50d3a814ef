package lambda_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

func (w *world) publishLayer(name string, files map[string]string) *lambda.PublishLayerVersionOutput {
	w.Helper()
	return apptest.Must(w.fn.PublishLayerVersion(w.Context(), &lambda.PublishLayerVersionInput{LayerName: &name, Description: aws.String("of a test"), LicenseInfo: aws.String("MIT"),
		CompatibleRuntimes: []types.Runtime{types.RuntimePython313}, Content: &types.LayerVersionContentInput{ZipFile: packed(w, files)}}))(w.T)
}

// In the order of the calls of Terraform's aws_lambda_layer_version and
// aws_lambda_layer_version_permission.
func TestLayerVersions(t *testing.T) {
	w := begin(t)
	ctx, name := t.Context(), aws.String("lib")
	one := w.publishLayer("lib", map[string]string{"python/lib.py": "X = 1"})
	if *one.LayerArn != "arn:aws:lambda:us-east-1:000000000000:layer:lib" || *one.LayerVersionArn != *one.LayerArn+":1" || one.Version != 1 {
		t.Errorf("%+v", one)
	}
	two := w.publishLayer(*one.LayerArn, map[string]string{"python/lib.py": "X = 2"})
	got := apptest.Must(w.fn.GetLayerVersion(ctx, &lambda.GetLayerVersionInput{LayerName: name, VersionNumber: aws.Int64(2)}))(t)
	if *got.LayerVersionArn != *two.LayerVersionArn || *got.Description != "of a test" || *got.LicenseInfo != "MIT" || *got.Content.CodeSha256 != *two.Content.CodeSha256 || len(got.CompatibleRuntimes) != 1 {
		t.Errorf("%+v", got)
	}
	resp, err := http.Get(*got.Content.Location)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || int64(len(b)) != got.Content.CodeSize {
		t.Errorf("%v: %d bytes of %d", err, len(b), got.Content.CodeSize)
	}
	by := apptest.Must(w.fn.GetLayerVersionByArn(ctx, &lambda.GetLayerVersionByArnInput{Arn: one.LayerVersionArn}))(t)
	if by.Version != 1 || *by.CreatedDate != *one.CreatedDate {
		t.Errorf("%+v", by)
	}

	list := apptest.Must(w.fn.ListLayers(ctx, &lambda.ListLayersInput{CompatibleRuntime: types.RuntimePython313}))(t)
	if len(list.Layers) != 1 || *list.Layers[0].LayerName != "lib" || list.Layers[0].LatestMatchingVersion.Version != 2 {
		t.Errorf("%+v", list)
	}
	if none := apptest.Must(w.fn.ListLayers(ctx, &lambda.ListLayersInput{CompatibleRuntime: types.RuntimeNodejs20x}))(t); len(none.Layers) != 0 {
		t.Errorf("%+v", none)
	}
	first := apptest.Must(w.fn.ListLayerVersions(ctx, &lambda.ListLayerVersionsInput{LayerName: name, MaxItems: aws.Int32(1)}))(t)
	rest := apptest.Must(w.fn.ListLayerVersions(ctx, &lambda.ListLayerVersionsInput{LayerName: name, Marker: first.NextMarker}))(t)
	if len(first.LayerVersions) != 1 || first.LayerVersions[0].Version != 2 || len(rest.LayerVersions) != 1 || rest.LayerVersions[0].Version != 1 {
		t.Errorf("%+v %+v", first, rest)
	}

	add := &lambda.AddLayerVersionPermissionInput{LayerName: name, VersionNumber: aws.Int64(2), StatementId: aws.String("all"), Action: aws.String("lambda:GetLayerVersion"), Principal: aws.String("*"), OrganizationId: aws.String("o-abcdefghij")}
	added := apptest.Must(w.fn.AddLayerVersionPermission(ctx, add))(t)
	if !strings.Contains(*added.Statement, `"Resource":"`+*two.LayerVersionArn+`"`) || !strings.Contains(*added.Statement, "aws:PrincipalOrgID") {
		t.Errorf("%s", *added.Statement)
	}
	_, err = w.fn.AddLayerVersionPermission(ctx, add)
	apptest.WantCode(t, err, "ResourceConflictException")
	if policy := apptest.Must(w.fn.GetLayerVersionPolicy(ctx, &lambda.GetLayerVersionPolicyInput{LayerName: name, VersionNumber: aws.Int64(2)}))(t); !strings.Contains(*policy.Policy, *added.Statement) || *policy.RevisionId != *added.RevisionId {
		t.Errorf("%s", *policy.Policy)
	}
	apptest.Must(w.fn.RemoveLayerVersionPermission(ctx, &lambda.RemoveLayerVersionPermissionInput{LayerName: name, VersionNumber: aws.Int64(2), StatementId: aws.String("all")}))(t)
	_, err = w.fn.GetLayerVersionPolicy(ctx, &lambda.GetLayerVersionPolicyInput{LayerName: name, VersionNumber: aws.Int64(2)})
	apptest.WantCode(t, err, "ResourceNotFoundException")

	for range 2 {
		apptest.Must(w.fn.DeleteLayerVersion(ctx, &lambda.DeleteLayerVersionInput{LayerName: name, VersionNumber: aws.Int64(2)}))(t)
	}
	_, err = w.fn.GetLayerVersion(ctx, &lambda.GetLayerVersionInput{LayerName: name, VersionNumber: aws.Int64(2)})
	apptest.WantCode(t, err, "ResourceNotFoundException")
	if three := w.publishLayer("lib", map[string]string{"x": "y"}); three.Version != 3 {
		t.Errorf("version %d comes again", three.Version)
	}
}

// A function has the files of its layers, those of later ones first, whatever
// becomes of the layers.
func TestLayers(t *testing.T) {
	w := begin(t)
	ctx := t.Context()
	base := w.publishLayer("base", map[string]string{"bootstrap": "#!/bin/sh\nexit 9\n", "etc/base": "1", "d": "a file"})
	runtime := w.publishLayer("runtime", map[string]string{"bootstrap": bootstrap, "d/e": "in a directory"})
	empty := func(in *lambda.CreateFunctionInput) {
		in.Code.ZipFile = packed(t, map[string]string{"other": "x"})
		in.Layers = []string{*base.LayerVersionArn, *runtime.LayerVersionArn}
	}
	w.create("f", empty)
	apptest.Must(w.fn.DeleteLayerVersion(ctx, &lambda.DeleteLayerVersionInput{LayerName: aws.String("base"), VersionNumber: aws.Int64(1)}))(t)
	w.answer(w.invoke("f", "{}"))
	got := apptest.Must(w.fn.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("f")}))(t)
	if len(got.Layers) != 2 || *got.Layers[1].Arn != *runtime.LayerVersionArn || got.Layers[1].CodeSize != runtime.Content.CodeSize {
		t.Errorf("%+v", got.Layers)
	}
	found, _ := filepath.Glob(filepath.Join(w.srv.Data(), "lambda", "code", "*", "task", "etc", "base"))
	if len(found) != 2 {
		t.Errorf("%v", found)
	}
	for _, f := range found {
		if b, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(f)), "d", "e")); err == nil && string(b) != "in a directory" {
			t.Errorf("%q", b)
		}
	}

	// A version keeps its layers, and the function loses them.
	apptest.Must(w.fn.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: aws.String("f")}))(t)
	updated := apptest.Must(w.fn.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Layers: []string{}}))(t)
	if len(updated.Layers) != 0 {
		t.Errorf("%+v", updated.Layers)
	}
	w.updated("f")
	if out := w.invoke("f", "{}"); !strings.Contains(string(out.Payload), "Runtime.InvalidEntrypoint") {
		t.Errorf("%s", out.Payload)
	}
	w.answer(w.invoke("f:1", "{}"))

	extension := w.publishLayer("extension", map[string]string{"extensions/watch": "#!/bin/sh\n"})
	arn := func(name string, version int) string {
		return fmt.Sprintf("arn:aws:lambda:us-east-1:000000000000:layer:%s:%d", name, version)
	}
	for what, list := range map[string][]string{
		"does not exist":          {arn("base", 1)},
		"layers of other":         {"arn:aws:lambda:us-east-1:017000801446:layer:Powertools:1"},
		"same layer":              {arn("runtime", 1), arn("runtime", 2)},
		"more than 5":             {"a", "b", "c", "d", "e", "f"},
		"extensions of arn:aws:l": {*extension.LayerVersionArn},
	} {
		if what == "more than 5" {
			for i := range list {
				list[i] = arn(list[i], 1)
			}
		}
		_, err := w.fn.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Layers: list})
		apptest.WantCode(t, err, "InvalidParameterValueException")
		if err != nil && !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
