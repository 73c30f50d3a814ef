package lambda_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

func TestFunction(t *testing.T) {
	w := begin(t)
	in := w.input("f", mark("one"), func(in *lambda.CreateFunctionInput) {
		in.Tags, in.Description = map[string]string{"team": "web"}, aws.String("first")
	})
	made := apptest.Must(w.fn.CreateFunction(t.Context(), in))(t)
	if made.State != types.StatePending || made.StateReasonCode != types.StateReasonCodeCreating || *made.Version != "$LATEST" ||
		*made.FunctionArn != "arn:aws:lambda:us-east-1:000000000000:function:f" || *made.Timeout != 20 || *made.MemorySize != 128 {
		t.Errorf("%+v", made)
	}
	_, err := w.fn.CreateFunction(t.Context(), in)
	apptest.WantCode(t, err, "ResourceConflictException")
	w.active("f")
	got := apptest.Must(w.fn.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("f")}))(t)
	if got.Tags["team"] != "web" || got.Configuration.Environment.Variables["MARK"] != "one" || got.Configuration.LastUpdateStatus != types.LastUpdateStatusSuccessful {
		t.Errorf("%+v", got.Configuration)
	}
	resp := apptest.Must(http.Get(*got.Code.Location))(t)
	code, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if !bytes.Equal(code, in.Code.ZipFile) {
		t.Errorf("the code is %d bytes of %d: %s", len(code), len(in.Code.ZipFile), resp.Status)
	}

	pid := w.answer(w.invoke("f", "{}")).PID
	up := apptest.Must(w.fn.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"),
		Environment: &types.Environment{Variables: map[string]string{"MARK": "two"}}}))(t)
	if up.LastUpdateStatus != types.LastUpdateStatusInProgress || *up.RevisionId == *made.RevisionId || *up.Description != "first" {
		t.Errorf("%+v", up)
	}
	w.updated("f")
	if a := w.answer(w.invoke("f", "{}")); a.Mark != "two" || a.PID == pid {
		t.Errorf("%+v", a)
	}
	_, err = w.fn.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: in.Code.ZipFile, RevisionId: made.RevisionId})
	apptest.WantCode(t, err, "PreconditionFailedException")
	next := packed(t, map[string]string{"bootstrap": strings.Replace(bootstrap, `"mark": os.environ.get("MARK")`, `"mark": "new"`, 1)})
	apptest.Must(w.fn.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: next}))(t)
	w.updated("f")
	if a := w.answer(w.invoke("f", "{}")); a.Mark != "new" {
		t.Errorf("%+v", a)
	}
	list := apptest.Must(w.fn.ListFunctions(t.Context(), &lambda.ListFunctionsInput{}))(t)
	if len(list.Functions) != 1 || *list.Functions[0].FunctionName != "f" {
		t.Errorf("%+v", list.Functions)
	}
	apptest.Must(w.fn.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("f")}))(t)
	_, err = w.fn.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("f")})
	apptest.WantCode(t, err, "ResourceNotFoundException")
	_, err = w.fn.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("f")})
	apptest.WantCode(t, err, "ResourceNotFoundException")
}

func TestVersionsAndAliases(t *testing.T) {
	w := begin(t)
	ctx, name := t.Context(), aws.String("f")
	w.create("f", mark("one"), func(in *lambda.CreateFunctionInput) { in.Publish = true })
	again := apptest.Must(w.fn.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: name}))(t)
	if *again.Version != "1" || *again.FunctionArn != "arn:aws:lambda:us-east-1:000000000000:function:f:1" {
		t.Errorf("nothing has changed, but %s", *again.Version)
	}
	apptest.Must(w.fn.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: name,
		Environment: &types.Environment{Variables: map[string]string{"MARK": "two"}}}))(t)
	w.updated("f")
	second := apptest.Must(w.fn.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: name, Description: aws.String("second")}))(t)
	if *second.Version != "2" || *second.Description != "second" {
		t.Errorf("%+v", second)
	}
	if a := w.answer(w.invoke("f:1", "{}")); a.Mark != "one" || a.Version != "1" {
		t.Errorf("%+v", a)
	}
	list := apptest.Must(w.fn.ListVersionsByFunction(ctx, &lambda.ListVersionsByFunctionInput{FunctionName: name}))(t)
	if len(list.Versions) != 3 || *list.Versions[0].Version != "$LATEST" || *list.Versions[2].Version != "2" {
		t.Errorf("%+v", list.Versions)
	}
	pages := lambda.NewListVersionsByFunctionPaginator(w.fn, &lambda.ListVersionsByFunctionInput{FunctionName: name, MaxItems: aws.Int32(1)})
	for _, want := range []string{"$LATEST", "1", "2"} {
		if one := apptest.Must(pages.NextPage(ctx))(t); len(one.Versions) != 1 || *one.Versions[0].Version != want {
			t.Errorf("%+v", one.Versions)
		}
	}

	made := apptest.Must(w.fn.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: name, Name: aws.String("live"), FunctionVersion: aws.String("1"),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.1}}}))(t)
	counts := map[string]int{}
	for range 100 {
		counts[*w.invoke("f:live", "{}").ExecutedVersion]++
	}
	if counts["2"] < 9 || counts["2"] > 11 || counts["1"]+counts["2"] != 100 {
		t.Errorf("split 90/10: %v", counts)
	}
	_, err := w.fn.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: name, Qualifier: aws.String("2")})
	apptest.WantCode(t, err, "ResourceConflictException")
	apptest.Must(w.fn.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: name, Name: aws.String("live"), FunctionVersion: aws.String("2"),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{}}}))(t)
	alias := apptest.Must(w.fn.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: name, Name: aws.String("live")}))(t)
	if *alias.FunctionVersion != "2" || alias.RoutingConfig != nil || *alias.RevisionId == *made.RevisionId {
		t.Errorf("%+v", alias)
	}
	if v := *w.invoke("f:live", "{}").ExecutedVersion; v != "2" {
		t.Errorf("executed %s", v)
	}
	_, err = w.fn.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: name, Name: aws.String("live"), FunctionVersion: aws.String("1")})
	apptest.WantCode(t, err, "ResourceConflictException")
	_, err = w.fn.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: name, Name: aws.String("x"), FunctionVersion: aws.String("9")})
	apptest.WantCode(t, err, "ResourceNotFoundException")
	apptest.Must(w.fn.DeleteAlias(ctx, &lambda.DeleteAliasInput{FunctionName: name, Name: aws.String("live")}))(t)
	_, err = w.fn.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: name, Name: aws.String("live")})
	apptest.WantCode(t, err, "ResourceNotFoundException")
	apptest.Must(w.fn.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: name, Qualifier: aws.String("1")}))(t)
	_, err = w.fn.Invoke(ctx, &lambda.InvokeInput{FunctionName: name, Qualifier: aws.String("1")})
	apptest.WantCode(t, err, "ResourceNotFoundException")
}

func TestRefused(t *testing.T) {
	w := begin(t)
	const bad = "InvalidParameterValueException"
	for name, tt := range map[string]struct {
		change     func(*lambda.CreateFunctionInput)
		code, want string
	}{
		"runtime":    {func(in *lambda.CreateFunctionInput) { in.Runtime = types.RuntimeJava21 }, bad, "nodejs24.x, provided.al2, provided.al2023, python3.10, "},
		"no runtime": {func(in *lambda.CreateFunctionInput) { in.Runtime = "" }, bad, "Runtime and Handler are mandatory"},
		"no handler": {func(in *lambda.CreateFunctionInput) { in.Handler = nil }, bad, "Runtime and Handler are mandatory"},
		"no role":    {func(in *lambda.CreateFunctionInput) { in.Role = aws.String("arn:aws:iam::000000000000:role/none") }, bad, "cannot be assumed by Lambda"},
		"no zip":     {func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = []byte("text") }, bad, "Could not unzip uploaded file"},
		"empty zip":  {func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = packed(t, nil) }, bad, "non-empty zip"},
		"zip slip":   {func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = packed(t, map[string]string{"../../x": "y"}) }, bad, "leaves the directory"},
		"huge zip":   {func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = make([]byte, 53<<20) }, "RequestEntityTooLargeException", "70167211 bytes for the CreateFunction operation"},
		"no code":    {func(in *lambda.CreateFunctionInput) { in.Code = &types.FunctionCode{} }, bad, "exactly one source"},
		"S3": {func(in *lambda.CreateFunctionInput) {
			in.Code = &types.FunctionCode{S3Bucket: aws.String("none"), S3Key: aws.String("k")}
		}, bad, "NoSuchBucket"},
		"reserved": {func(in *lambda.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"AWS_REGION": "x"}}
		}, bad, "Reserved keys used in this request: AWS_REGION"},
		"large": {func(in *lambda.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"AB": strings.Repeat("x", 5000)}}
		}, bad, "4KB"},
		"timeout": {func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(901) }, "ValidationException", "900"},
		"memory":  {func(in *lambda.CreateFunctionInput) { in.MemorySize = aws.Int32(64) }, "ValidationException", "128"},
		"layers": {func(in *lambda.CreateFunctionInput) {
			in.Layers = []string{"arn:aws:lambda:us-east-1:000000000000:layer:x:1"}
		}, bad, "does not exist"},
		"vpc": {func(in *lambda.CreateFunctionInput) { in.VpcConfig = &types.VpcConfig{SubnetIds: []string{"subnet-1"}} }, bad, "VpcConfig"},
		"dead letter": {func(in *lambda.CreateFunctionInput) {
			in.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: aws.String("arn:aws:sqs:us-east-1:000000000000:q")}
		}, bad, "DeadLetterConfig"},
		"snap start": {func(in *lambda.CreateFunctionInput) {
			in.SnapStart = &types.SnapStart{ApplyOn: types.SnapStartApplyOnPublishedVersions}
		}, bad, "SnapStart"},
		"tag":  {func(in *lambda.CreateFunctionInput) { in.Tags = map[string]string{"aws:x": "y"} }, bad, "reserved"},
		"name": {func(in *lambda.CreateFunctionInput) { in.FunctionName = aws.String(strings.Repeat("x", 65)) }, "ValidationException", "functionName"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.fn.CreateFunction(t.Context(), w.input("f", tt.change))
			apptest.WantCode(t, err, tt.code)
			if err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v lacks %q", err, tt.want)
			}
		})
	}
	if list := apptest.Must(w.fn.ListFunctions(t.Context(), &lambda.ListFunctionsInput{}))(t); len(list.Functions) != 0 {
		t.Errorf("left behind: %+v", list.Functions)
	}
}
