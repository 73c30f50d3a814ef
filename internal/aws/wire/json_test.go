package wire_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/smithy-go"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// pipelines is a CodePipeline of one pipeline.
type pipelines struct {
	pipeline *types.PipelineDeclaration
	tags     []types.Tag
}

func (p *pipelines) CreatePipeline(_ context.Context, in *codepipeline.CreatePipelineInput, _ ...func(*codepipeline.Options)) (*codepipeline.CreatePipelineOutput, error) {
	p.pipeline, p.tags = in.Pipeline, in.Tags
	return &codepipeline.CreatePipelineOutput{Pipeline: in.Pipeline, Tags: in.Tags}, nil
}

func (p *pipelines) GetPipeline(_ context.Context, in *codepipeline.GetPipelineInput, _ ...func(*codepipeline.Options)) (*codepipeline.GetPipelineOutput, error) {
	if p.pipeline == nil || *in.Name != *p.pipeline.Name {
		return nil, &types.PipelineNotFoundException{Message: aws.String("Account 1 does not have a pipeline with name '" + *in.Name + "'")}
	}
	return &codepipeline.GetPipelineOutput{Pipeline: p.pipeline, Metadata: &types.PipelineMetadata{
		Created: aws.Time(time.UnixMilli(1700000000123).UTC()), Updated: aws.Time(time.Unix(1700000000, 0).UTC())}}, nil
}

func (p *pipelines) ListPipelines(_ context.Context, in *codepipeline.ListPipelinesInput, _ ...func(*codepipeline.Options)) (*codepipeline.ListPipelinesOutput, error) {
	return nil, errSecret
}

func (p *pipelines) CreateCustomActionType(context.Context, *codepipeline.CreateCustomActionTypeInput, ...func(*codepipeline.Options)) (*codepipeline.CreateCustomActionTypeOutput, error) {
	return nil, errSecret
}

func (p *pipelines) Wire() wire.Service {
	return wire.Service{Model: "codepipeline", Operations: []wire.Operation{
		wire.Op("codepipeline:CreatePipeline", p.CreatePipeline, nil),
		wire.Op("codepipeline:GetPipeline", p.GetPipeline, nil),
		wire.Op("codepipeline:CreateCustomActionType", p.CreateCustomActionType, nil),
		wire.Op("codepipeline:ListPipelines", p.ListPipelines, nil),
	}}
}

func declaration() *types.PipelineDeclaration {
	return &types.PipelineDeclaration{
		Name: aws.String("demo"), RoleArn: aws.String("arn:aws:iam::000000000000:role/pipeline"),
		Version: aws.Int32(3), PipelineType: types.PipelineTypeV2, ExecutionMode: types.ExecutionModeSuperseded,
		ArtifactStore: &types.ArtifactStore{Type: types.ArtifactStoreTypeS3, Location: aws.String("artifacts"),
			EncryptionKey: &types.EncryptionKey{Id: aws.String("k"), Type: types.EncryptionKeyTypeKms}},
		Variables: []types.PipelineVariableDeclaration{{Name: aws.String("V"), DefaultValue: aws.String("1")}},
		Triggers: []types.PipelineTriggerDeclaration{{ProviderType: types.PipelineTriggerProviderTypeCodeStarSourceConnection,
			GitConfiguration: &types.GitConfiguration{SourceActionName: aws.String("src"), Push: []types.GitPushFilter{{
				Branches: &types.GitBranchFilterCriteria{Includes: []string{"main", "ü <x> \"q\""}}}}}}},
		Stages: []types.StageDeclaration{{Name: aws.String("Source"), Actions: []types.ActionDeclaration{{
			Name: aws.String("src"), RunOrder: aws.Int32(1), Namespace: aws.String("ns"),
			ActionTypeId:    &types.ActionTypeId{Category: types.ActionCategorySource, Owner: types.ActionOwnerAws, Provider: aws.String("CodeCommit"), Version: aws.String("1")},
			Configuration:   map[string]string{"BranchName": "main", "RepositoryName": "app"},
			OutputArtifacts: []types.OutputArtifact{{Name: aws.String("out"), Files: []string{"a"}}},
			InputArtifacts:  []types.InputArtifact{}}}}},
	}
}

func TestJSONRoundTrip(t *testing.T) {
	client := codepipeline.NewFromConfig(serve(t, (&pipelines{}).Wire()))
	made, err := client.CreatePipeline(ctx(t), &codepipeline.CreatePipelineInput{Pipeline: declaration(),
		Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("")}}})
	if err != nil {
		t.Fatal(err)
	}
	if want := declaration(); !reflect.DeepEqual(made.Pipeline, want) {
		t.Errorf("got %+v", made.Pipeline)
	}
	if len(made.Tags) != 1 || *made.Tags[0].Value != "" {
		t.Errorf("tags: %+v", made.Tags)
	}
	got, err := client.GetPipeline(ctx(t), &codepipeline.GetPipelineInput{Name: aws.String("demo")})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Pipeline, declaration()) {
		t.Errorf("got %+v", got.Pipeline)
	}
	if ms := got.Metadata.Created.UnixMilli(); ms != 1700000000123 {
		t.Errorf("created %d", ms)
	}

	_, err = client.GetPipeline(ctx(t), &codepipeline.GetPipelineInput{Name: aws.String("other")})
	var none *types.PipelineNotFoundException
	if !errors.As(err, &none) || !strings.Contains(none.ErrorMessage(), "'other'") {
		t.Errorf("got %v", err)
	}
	_, err = client.ListPipelines(ctx(t), nil)
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "InternalFailure" || strings.Contains(err.Error(), "/var/lib") {
		t.Errorf("got %v", err)
	}
	_, err = client.DeletePipeline(ctx(t), &codepipeline.DeletePipelineInput{Name: aws.String("demo")})
	if !errors.As(err, &api) || api.ErrorCode() != "UnknownOperationException" || !strings.Contains(err.Error(), "DeletePipeline") {
		t.Errorf("got %v", err)
	}
}

func TestJSONRefuses(t *testing.T) {
	bound, err := wire.Bind((&pipelines{}).Wire())
	if err != nil {
		t.Fatal(err)
	}
	h := handler(t, bound)
	deep := strings.Repeat(`{"x":`, 200) + "1" + strings.Repeat("}", 200)
	stage := `{"pipeline":{"name":"p","roleArn":"arn:aws:iam::000000000000:role/p","stages":[{"name":"a","actions":[]},{"name":"b b","actions":[]}]}}`
	for _, c := range []struct{ name, op, body, code, want string }{
		{"not JSON", "GetPipeline", `{"name": x}`, "SerializationException", "line 1, column 10"},
		{"cut off", "GetPipeline", `{"name": "x"`, "SerializationException", "unexpected end"},
		{"trailing", "GetPipeline", `{"name": "x"} {}`, "SerializationException", "end of input"},
		{"no object", "GetPipeline", `[1]`, "SerializationException", "START_ARRAY"},
		{"mistyped", "GetPipeline", `{"name": 5}`, "SerializationException", "NUMBER_VALUE can not be converted to a String at 'name'"},
		{"mistyped deep", "CreatePipeline", `{"pipeline":{"stages":[{"actions":[{"runOrder":"x"}]}]}}`, "SerializationException", "at 'pipeline.stages.1.member.actions.1.member.runOrder'"},
		{"fraction", "GetPipeline", `{"name":"x","version":1.5}`, "SerializationException", "an Integer at 'version'"},
		{"overflow", "GetPipeline", `{"name":"x","version":99999999999}`, "SerializationException", "an Integer at 'version'"},
		{"deep", "GetPipeline", deep, "SerializationException", "nested deeper"},
		{"missing", "GetPipeline", `{}`, "ValidationException", "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null"},
		{"null", "GetPipeline", `{"name":null}`, "ValidationException", "Value null at 'name'"},
		{"twice", "GetPipeline", `{"name":"x","name":null}`, "ValidationException", "Value null at 'name'"},
		{"empty body", "GetPipeline", ``, "ValidationException", "Value null at 'name'"},
		{"pattern", "GetPipeline", `{"name":"a b"}`, "ValidationException", `Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [A-Za-z0-9.@\\-_]+`},
		{"length and pattern", "GetPipeline", `{"name":"` + strings.Repeat("ü", 300) + `"}`, "ValidationException", "2 validation errors detected: Value '" + strings.Repeat("ü", 256) + "…' at 'name' failed to satisfy constraint: Member must have length less than or equal to 100; "},
		{"path", "CreatePipeline", stage, "ValidationException", "Value 'b b' at 'pipeline.stages.2.member.name'"},
		{"enum", "CreatePipeline", strings.Replace(stage, `"name":"p"`, `"name":"p","pipelineType":"V9"`, 1), "ValidationException", "Value 'V9' at 'pipeline.pipelineType' failed to satisfy constraint: Member must satisfy enum value set: [V1, V2]"},
		{"range", "GetPipeline", `{"name":"x","version":0}`, "ValidationException", "Value '0' at 'version' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"missing number", "CreateCustomActionType", `{"category":"Build","provider":"p","version":"1","inputArtifactDetails":{"minimumCount":0},"outputArtifactDetails":{"minimumCount":0,"maximumCount":0}}`, "ValidationException", "1 validation error detected: Value null at 'inputArtifactDetails.maximumCount' failed to satisfy constraint: Member must not be null"},
		{"unknown", "Explode", `{}`, "UnknownOperationException", "Explode"},
		{"not there", "PutWebhook", `{}`, "UnknownOperationException", "PutWebhook"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
			r.Header.Set("X-Amz-Target", "CodePipeline_20150709."+c.op)
			w := httptest.NewRecorder()
			h(w, r)
			body, _ := io.ReadAll(w.Body)
			if w.Code != http.StatusBadRequest || w.Header()["x-amzn-ErrorType"][0] != c.code ||
				!strings.Contains(string(body), `"__type":"`+c.code+`"`) || !strings.Contains(string(body), c.want) {
				t.Errorf("%d %s", w.Code, body)
			}
			if ct := w.Header().Get("Content-Type"); ct != "application/x-amz-json-1.1" {
				t.Error(ct)
			}
		})
	}
}
