package codepipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	builds "github.com/aws/aws-sdk-go-v2/service/codebuild/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/bus"
)

// buildAPI is what the action needs of CodeBuild.
type buildAPI interface {
	StartBuild(context.Context, *codebuild.StartBuildInput, ...func(*codebuild.Options)) (*codebuild.StartBuildOutput, error)
	BatchGetBuilds(context.Context, *codebuild.BatchGetBuildsInput, ...func(*codebuild.Options)) (*codebuild.BatchGetBuildsOutput, error)
}

// build runs a CodeBuild project on the action's artifacts. What it tells
// CodeBuild is written down in CodeBuild's package documentation.
type build struct{ *dependencies }

// buildMemo is the build that was started.
type buildMemo struct{ ID, ARN string }

// Key is the ARN of the build whose state changed.
func (build) Key(ev *bus.Event) string {
	if ev.Source != "aws.codebuild" || ev.DetailType != "CodeBuild Build State Change" || len(ev.Resources) == 0 {
		return ""
	}
	return ev.Resources[0]
}

func (b build) Step(ctx context.Context, w *Work) (*Result, error) {
	cfg, err := w.Session(ctx)
	if err != nil {
		return nil, err
	}
	client := b.codebuild(cfg)
	if w.Memo == nil {
		in, err := startBuild(w)
		if err != nil {
			return nil, err
		}
		out, err := client.StartBuild(ctx, in)
		if err != nil {
			return nil, startFailure(err)
		}
		memo := buildMemo{aws.ToString(out.Build.Id), aws.ToString(out.Build.Arn)}
		return &Result{Memo: memo, Wake: []string{memo.ARN}, Again: true, ExternalID: memo.ID, ExternalURL: b.link(w, memo.ID)}, nil
	}
	var memo buildMemo
	if err := json.Unmarshal(w.Memo, &memo); err != nil {
		return nil, err
	}
	out, err := client.BatchGetBuilds(ctx, &codebuild.BatchGetBuildsInput{Ids: []string{memo.ID}})
	if err != nil {
		return nil, err
	}
	if len(out.Builds) == 0 {
		return nil, fail(jobFailed, "The build %s was deleted", memo.ID)
	}
	return buildResult(&out.Builds[0], memo), nil
}

func buildResult(bd *builds.Build, memo buildMemo) *Result {
	switch bd.BuildStatus {
	case builds.StatusTypeInProgress, "":
		return &Result{Wake: []string{memo.ARN}}
	case builds.StatusTypeSucceeded:
		r := &Result{Done: true, Variables: map[string]string{}}
		for _, v := range bd.ExportedEnvironmentVariables {
			r.Variables[aws.ToString(v.Name)] = aws.ToString(v.Value)
		}
		if bd.Logs != nil && bd.Logs.CloudWatchLogsArn != nil {
			r.LogStreamARN = *bd.Logs.CloudWatchLogsArn
		}
		return r
	}
	why := cut("Build terminated with state: "+string(bd.BuildStatus)+blame(bd.Phases), maxSummary)
	return &Result{Failure: &Failure{jobFailed, why}, Summary: why}
}

// blame is the first phase with an error, as CodePipeline says it; "" if a
// build was just ended.
func blame(phases []builds.BuildPhase) string {
	for _, p := range phases {
		for _, c := range p.Contexts {
			if code := aws.ToString(c.StatusCode); code != "" {
				return fmt.Sprintf(". Phase: %s, Code: %s, Message: %s", p.PhaseType, code, aws.ToString(c.Message))
			}
		}
	}
	return ""
}

// startBuild is the request for a build, the same however often it is made.
func startBuild(w *Work) (*codebuild.StartBuildInput, error) {
	primary := &w.Inputs[0]
	for i := range w.Inputs {
		if w.Inputs[i].Name == w.Configuration["PrimarySource"] {
			primary = &w.Inputs[i]
		}
	}
	in := &codebuild.StartBuildInput{
		ProjectName:        aws.String(w.Configuration["ProjectName"]),
		SourceTypeOverride: builds.SourceTypeCodepipeline,
		SourceVersion:      aws.String(objectARN(*primary)),
		ArtifactsOverride:  &builds.ProjectArtifacts{Type: builds.ArtifactsTypeCodepipeline},
		IdempotencyToken:   aws.String(w.ActionExecutionID),
	}
	for i := range w.Inputs {
		if a := w.Inputs[i]; &w.Inputs[i] != primary {
			in.SecondarySourcesOverride = append(in.SecondarySourcesOverride, builds.ProjectSource{
				Type: builds.SourceTypeCodepipeline, SourceIdentifier: aws.String(a.Name), Location: aws.String(objectARN(a))})
		}
	}
	for _, a := range w.Outputs {
		out := builds.ProjectArtifacts{Type: builds.ArtifactsTypeCodepipeline, ArtifactIdentifier: aws.String(a.Name),
			Location: aws.String(a.Bucket), Path: aws.String(a.Key)}
		if len(w.Outputs) == 1 {
			in.ArtifactsOverride = &out
		} else {
			in.SecondaryArtifactsOverride = append(in.SecondaryArtifactsOverride, out)
		}
	}
	if text := w.Configuration["EnvironmentVariables"]; text != "" {
		vars, err := parseEnvironment(text)
		if err != nil {
			return nil, fail(configurationError, "%s", err)
		}
		for _, v := range vars {
			in.EnvironmentVariablesOverride = append(in.EnvironmentVariablesOverride, builds.EnvironmentVariable{
				Name: aws.String(v.Name), Value: aws.String(v.Value), Type: builds.EnvironmentVariableType(v.Type)})
		}
	}
	own := func(name, value string) {
		in.EnvironmentVariablesOverride = append(in.EnvironmentVariablesOverride, builds.EnvironmentVariable{
			Name: aws.String(name), Value: aws.String(value), Type: builds.EnvironmentVariableTypePlaintext})
	}
	own("CODEBUILD_INITIATOR", "codepipeline/"+w.Pipeline)
	if primary.Revision != "" {
		own("CODEBUILD_RESOLVED_SOURCE_VERSION", primary.Revision)
	}
	if w.Encryption != nil {
		in.EncryptionKeyOverride = w.Encryption.Id
	}
	return in, nil
}

func objectARN(a Artifact) string { return "arn:aws:s3:::" + a.Bucket + "/" + a.Key }

// startFailure words a refusal of StartBuild as AWS does.
func startFailure(err error) error {
	var api smithy.APIError
	if refusal(err) == nil || !errors.As(err, &api) {
		return err
	}
	code := jobFailed
	if denied(err) {
		code = permissionError
	}
	request := ""
	var r interface{ ServiceRequestID() string }
	if errors.As(err, &r) {
		request = r.ServiceRequestID()
	}
	return fail(code, "Error calling startBuild: %s (Service: AWSCodeBuild; Status Code: 400; Error Code: %s; Request ID: %s; Proxy: null)",
		api.ErrorMessage(), api.ErrorCode(), request)
}

// link is the console's page of a build; its id is project:uuid.
func (b build) link(w *Work, id string) string {
	project, _, _ := strings.Cut(id, ":")
	return fmt.Sprintf("%scodebuild/projects/%s/builds/%s?region=%s", b.console, url.PathEscape(project), url.PathEscape(id), w.Region)
}
