package codepipeline

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	deploytypes "github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
)

// blueGreenDeploy has CodeDeploy replace the tasks of an ECS service
// (CodeDeployToECS):
//
//	fill in the images, register the task definition ─▶ create the deployment ─▶ wait for it
//
// Each arrow is a recorded step. A repeated registration leaves a revision that
// nobody uses.
type blueGreenDeploy struct{ *dependencies }

// blueGreenMemo is how far it has come.
type blueGreenMemo struct {
	AppSpec    string // with the task definition filled in
	Deployment string // "" before there is one
}

const (
	// maxTemplate limits the files of a CodeDeployToECS action.
	maxTemplate = 3 << 20
	// maxImages is how many images an action may fill in.
	maxImages = 4
	// definitionPlaceholder stands for the task definition in an AppSpec.
	definitionPlaceholder = "<TASK_DEFINITION>"
)

func (d blueGreenDeploy) Step(ctx context.Context, w *Work) (*Result, error) {
	cfg, err := w.Session(ctx)
	if err != nil {
		return nil, err
	}
	var memo blueGreenMemo
	if w.Memo != nil {
		if err := json.Unmarshal(w.Memo, &memo); err != nil {
			return nil, err
		}
	}
	switch {
	case memo.AppSpec == "":
		return d.register(ctx, w, cfg)
	case memo.Deployment == "":
		sum := sha256.Sum256([]byte(memo.AppSpec))
		r, err := d.deploy(ctx, w, cfg, &deploytypes.RevisionLocation{RevisionType: deploytypes.RevisionLocationTypeAppSpecContent,
			AppSpecContent: &deploytypes.AppSpecContent{Content: aws.String(memo.AppSpec), Sha256: aws.String(hex.EncodeToString(sum[:]))}})
		if err != nil {
			return nil, err
		}
		memo.Deployment = r.ExternalID
		r.Memo = memo
		return r, nil
	}
	return d.follow(ctx, cfg, memo.Deployment)
}

// register makes the task definition of the template with the images filled in.
func (d blueGreenDeploy) register(ctx context.Context, w *Work, cfg aws.Config) (*Result, error) {
	inputs := inputFiles{store: d.artifacts(cfg), inputs: w.Inputs, fetched: map[string]*spool{}}
	defer inputs.close()
	template, err := inputs.read(ctx, "task definition", w.Configuration["TaskDefinitionTemplateArtifact"], cmp.Or(w.Configuration["TaskDefinitionTemplatePath"], "taskdef.json"))
	if err != nil {
		return nil, err
	}
	appSpec, err := inputs.read(ctx, "AppSpec", w.Configuration["AppSpecTemplateArtifact"], cmp.Or(w.Configuration["AppSpecTemplatePath"], "appspec.yaml"))
	if err != nil {
		return nil, err
	}
	for n := 1; n <= maxImages; n++ {
		artifact, placeholder := w.Configuration[fmt.Sprintf("Image%dArtifactName", n)], w.Configuration[fmt.Sprintf("Image%dContainerName", n)]
		if artifact == "" && placeholder == "" {
			continue
		}
		image, err := inputs.image(ctx, n, artifact, placeholder)
		if err != nil {
			return nil, err
		}
		template = bytes.ReplaceAll(template, []byte("<"+placeholder+">"), []byte(image))
	}
	in, err := parseDefinition(template)
	if err != nil {
		return nil, err
	}
	out, err := d.ecs(cfg).RegisterTaskDefinition(ctx, in)
	if err != nil {
		return nil, err
	}
	arn := aws.ToString(out.TaskDefinition.TaskDefinitionArn)
	return &Result{Memo: blueGreenMemo{AppSpec: strings.ReplaceAll(string(appSpec), definitionPlaceholder, arn)}, Again: true}, nil
}

// parseDefinition reads a task definition as register-task-definition takes it.
// Members that are only in what describe-task-definition prints are passed over.
func parseDefinition(b []byte) (*ecs.RegisterTaskDefinitionInput, error) {
	in := &ecs.RegisterTaskDefinitionInput{}
	// The names of the wire are those of the SDK's members but for the case of
	// the first letter, to which encoding/json is blind.
	if err := json.Unmarshal(b, in); err != nil {
		return nil, fail(configurationError, "The task definition template is not a valid task definition: %s", jsonProblem(b, err))
	}
	return in, nil
}

// jsonProblem says where a document is wrong.
func jsonProblem(b []byte, err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	line := func(offset int64) int { return 1 + bytes.Count(b[:min(int(offset), len(b))], []byte("\n")) }
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("line %d: %s", line(syntax.Offset), syntax)
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Sprintf("line %d: expected an object, not a %s", line(kind.Offset), kind.Value)
	case errors.As(err, &kind):
		return fmt.Sprintf("line %d: %s cannot be a %s", line(kind.Offset), kind.Field, kind.Value)
	}
	return err.Error()
}

// inputFiles reads files of an action's inputs by the names of artifacts, each of
// which is fetched once: often all files are in the same.
type inputFiles struct {
	store   artifactStore
	inputs  []Artifact
	fetched map[string]*spool // by name
}

func (f inputFiles) close() {
	for _, z := range f.fetched {
		_ = z.Close()
	}
}

// artifact is nil if the action has no such input.
func (f inputFiles) artifact(ctx context.Context, name string) (*spool, error) {
	if z := f.fetched[name]; z != nil {
		return z, nil
	}
	i := slices.IndexFunc(f.inputs, func(in Artifact) bool { return in.Name == name })
	if i < 0 {
		return nil, nil
	}
	z, err := f.store.fetch(ctx, f.inputs[i])
	if err == nil {
		f.fetched[name] = z
	}
	return z, err
}

func (f inputFiles) read(ctx context.Context, what, artifact, file string) ([]byte, error) {
	z, err := f.artifact(ctx, artifact)
	switch {
	case err != nil:
		return nil, err
	case z == nil:
		return nil, fail(configurationError, "Exception while trying to read the %s artifact file from: %s: the action has no such input artifact", what, artifact)
	}
	b, err := z.zipped(file, maxTemplate)
	if refusal(err) != nil || errors.Is(err, errNoEntry) {
		return nil, fail(configurationError, "Exception while trying to read the %s artifact file from: %s: %s: %v", what, artifact, file, err)
	}
	return bytes.TrimPrefix(b, []byte("\ufeff")), err // editors write it; JSON has none
}

// image reads the URI in an artifact's imageDetail.json.
func (f inputFiles) image(ctx context.Context, n int, artifact, placeholder string) (string, error) {
	if artifact == "" || placeholder == "" {
		return "", fail(configurationError, "Image%dArtifactName and Image%dContainerName must be given together", n, n)
	}
	b, err := f.read(ctx, "image detail", artifact, "imageDetail.json")
	if err != nil {
		return "", err
	}
	var detail struct {
		ImageURI string `json:"ImageURI"`
	}
	if err := json.Unmarshal(b, &detail); err != nil || detail.ImageURI == "" {
		return "", fail(configurationError, "The file imageDetail.json of the input artifact %s must be JSON with an ImageURI", artifact)
	}
	quoted, err := json.Marshal(detail.ImageURI)
	if err != nil {
		return "", err
	}
	// It goes into a text of a JSON document: a quote in it must not end that.
	return string(quoted[1 : len(quoted)-1]), nil
}
