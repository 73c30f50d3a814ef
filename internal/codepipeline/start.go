package codepipeline

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// maxConcurrent is how many executions of a QUEUED or PARALLEL pipeline may be
// active.
const maxConcurrent = 50

// starting is what a new execution is to be like.
type starting struct {
	trigger   types.ExecutionTrigger
	token     string // the same token gives the same execution; "" for none
	variables []types.PipelineVariable
	overrides []types.SourceRevisionOverride
	change    *source.Change // of a connection's repository; nil for others
}

// StartPipelineExecution starts a pipeline by hand.
//
// Errors: PipelineNotFoundException, ConcurrentPipelineExecutionsLimitExceededException,
// ValidationException for variables and source revisions that do not fit.
func (s *Service) StartPipelineExecution(ctx context.Context, in *codepipeline.StartPipelineExecutionInput, _ ...func(*codepipeline.Options)) (*codepipeline.StartPipelineExecutionOutput, error) {
	how := starting{
		trigger:   startedFor(identity.From(ctx)),
		variables: in.Variables, overrides: in.SourceRevisions,
	}
	if t := aws.ToString(in.ClientRequestToken); t != "" {
		how.token = "client:" + t
	}
	var execution string
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := s.pipelineOf(tx, identity.Region(ctx), aws.ToString(in.Name))
		if err != nil {
			return err
		}
		execution, err = s.start(tx, p, how)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &codepipeline.StartPipelineExecutionOutput{PipelineExecutionId: aws.String(execution)}, nil
}

// startedFor is the trigger of a call: a rule of EventBridge, else the caller.
func startedFor(c *identity.Caller) types.ExecutionTrigger {
	if a, ok := arn.Parse(c.SourceARN); ok && a.Service == "events" {
		return types.ExecutionTrigger{TriggerType: types.TriggerTypeCloudWatchEvent, TriggerDetail: &c.SourceARN}
	}
	return types.ExecutionTrigger{TriggerType: types.TriggerTypeStartPipelineExecution, TriggerDetail: &c.ARN}
}

// start begins an execution, or finds the one that its token began.
func (s *Service) start(tx *engine.Tx, p *Pipeline, how starting) (execution string, err error) {
	if before, err := startedBy(tx, p, how.token); before != "" || err != nil {
		return before, err
	}
	variables, err := resolveVariables(p.Declaration.Variables, how.variables)
	if err != nil {
		return "", err
	}
	if how.change == nil { // else they are of our own making
		if err := checkOverrides(&p.Declaration, how.overrides); err != nil {
			return "", err
		}
	}
	f, err := s.load(tx, p, "")
	if err != nil {
		return "", err
	}
	if f.full() {
		return "", tooMany(&p.Declaration)
	}
	ex := f.newExecution(types.ExecutionTypeStandard, how.trigger)
	ex.Variables, ex.Overrides, ex.Change = variables, how.overrides, remembered(how.change)
	ex.StartToken = how.token
	f.begin(ex)
	if how.token != "" {
		if err := tx.Put(tokenKey(p, how.token), []byte(ex.ID())); err != nil {
			return "", err
		}
	}
	return ex.ID(), s.save(tx, p, f)
}

func tokenKey(p *Pipeline, token string) string {
	return store.Key(append([]string{startTokens}, p.key(token)...)...)
}

// startedBy is the execution that a token began, or "".
func startedBy(r store.Reader, p *Pipeline, token string) (string, error) {
	if token == "" {
		return "", nil
	}
	id, err := r.Get(tokenKey(p, token))
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return string(id), err
}

// remembered is what an execution keeps of the change that started it.
func remembered(c *source.Change) *source.Change {
	if c == nil {
		return nil
	}
	kept := *c
	kept.Files = nil
	kept.CommitMessage = strings.ToValidUTF8(cut(kept.CommitMessage, maxCommitMessage), "")
	return &kept
}

// checkOverrides checks that each names a source action and a kind of revision
// that it has.
func checkOverrides(p *types.PipelineDeclaration, overrides []types.SourceRevisionOverride) error {
	if len(overrides) > 0 && p.PipelineType == types.PipelineTypeV1 {
		return invalid("Source revision overrides can only be used with V2 pipelines")
	}
	for _, o := range overrides {
		name := aws.ToString(o.ActionName)
		a := sourceAction(p, name)
		if a == nil {
			return invalid("The source revision override names the action %s, which is not a source action of the pipeline", name)
		}
		ok := false
		switch aws.ToString(a.ActionTypeId.Provider) {
		case "CodeCommit", connectionProvider:
			ok = o.RevisionType == types.SourceRevisionTypeCommitId
		case "ECR":
			ok = o.RevisionType == types.SourceRevisionTypeImageDigest
		case "S3":
			ok = o.RevisionType == types.SourceRevisionTypeS3ObjectVersionId ||
				o.RevisionType == types.SourceRevisionTypeS3ObjectKey && a.Configuration["AllowOverrideForS3ObjectKey"] == "true"
		}
		if !ok {
			return invalid("The revision type %s cannot be used with the source action %s", o.RevisionType, name)
		}
	}
	return nil
}

// known reports whether an error is an answer of the service rather than a
// fault of the installation.
func known(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api)
}
