package codepipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// Action is the adapter of one action provider.
//
// Step does the next thing for an action execution and reports. It is called
// when the action starts, when an event the action waits for has come, and
// after a restart of the server; so it looks at the world and at its memo
// rather than at how often it was called. Work outside must not be done twice
// where that shows: note its id in the memo, or use an idempotency token.
//
// An error made by fail, or a client error of an AWS API, fails the action; any
// other error means that the step is tried again later, until the action's
// timeout.
type Action interface {
	Step(ctx context.Context, w *Work) (*Result, error)
}

// Listener is an Action that waits for events.
type Listener interface {
	// Key is the wake key of an event, "" if it is none of the action's.
	Key(ev *bus.Event) string
}

// Work is an action execution as its provider sees it.
type Work struct {
	ActionExecutionID, ExecutionID string
	Pipeline, Stage, Action        string
	Region                         string
	Started, Now, Deadline         time.Time
	// Condition is the kind of the condition whose rule this is.
	Condition types.ConditionType
	// Configuration has its variables resolved.
	Configuration   map[string]string
	Inputs, Outputs []Artifact
	Encryption      *types.EncryptionKey // of the artifact store; may be nil
	RoleARN         string
	Override        *types.SourceRevisionOverride // nil: the newest revision
	// Change is what started the execution, if it was in the repository of
	// this source; Override then names its commit.
	Change *source.Change
	Memo   json.RawMessage // nil before the first step
	// Job is the job of an action that was assigned one, and JobData what its
	// worker must know.
	Job     string
	JobData func(ctx context.Context) (*types.JobData, error)
	// Repeated says that this very step may have been done before, without
	// its result having been recorded.
	Repeated bool
	// Session is the configuration of SDK clients that act in the action's
	// role.
	Session func(ctx context.Context) (aws.Config, error)
}

// Result is what came out of a step: the end of the action if Done or Failure
// is set, else what it waits for.
type Result struct {
	Done    bool
	Failure *Failure

	// Memo, if not nil, is kept for the next step.
	Memo any
	// Wake are keys of events that call the next step.
	Wake []string
	// At, if not zero, is when the next step is called if nothing else does.
	At time.Time
	// Again calls the next step as soon as this result is recorded; an action
	// that has just begun to wait for events needs it, for one that came
	// before anybody listened.
	Again bool

	ExternalID, ExternalURL, Summary, LogStreamARN, Token string

	Variables map[string]string
	Revision  *types.ArtifactRevision // of sources
	Versions  map[string]string       // version ids of output artifacts, by name

	// Inputs, if not nil, are where the inputs have been copied to.
	Inputs []Artifact
	// Offer asks for a job worker, who says Percent how far it is; Assign makes
	// the job for a worker that the action calls itself.
	Offer   bool
	Assign  bool
	Percent *int32
}

// Failure is why an action failed, shown as its errorDetails.
type Failure struct{ Code, Message string }

func (f *Failure) Error() string { return f.Code + ": " + f.Message }

// The codes of failures that AWS documents.
const (
	jobFailed           = "JobFailed"
	configurationError  = "ConfigurationError"
	permissionError     = "PermissionError"
	revisionUnavailable = "RevisionUnavailable"
	timedOut            = "Timeout"
)

// fail makes an error that fails the action.
func fail(code, format string, a ...any) error {
	return &Failure{Code: code, Message: fmt.Sprintf(format, a...)}
}

// denied reports whether an API refused a call for want of permission.
func denied(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "AccessDenied", "AccessDeniedException", "AccessDeniedError", "Forbidden", // the last is HeadObject's, which has no body
		"UnauthorizedOperation", "UnauthorizedException":
		return true
	}
	return false
}

// refusal turns the answer of an API into a failure; nil if it is no answer but
// trouble that may pass.
func refusal(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	if why, ok := session.Unsent(err); ok {
		return &Failure{Code: configurationError, Message: why}
	}
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorFault() == smithy.FaultServer {
		return nil
	}
	switch api.ErrorCode() {
	case "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown",
		"InternalError", "InternalFailure", "ServiceUnavailable", "ServiceUnavailableException", "RequestTimeout":
		return nil
	}
	code := jobFailed
	if denied(err) {
		code = permissionError
	}
	return &Failure{Code: code, Message: fmt.Sprintf("%s (Error Code: %s)", api.ErrorMessage(), api.ErrorCode())}
}

// The jobs of an action execution; both have its id.
const (
	stepJob    = "codepipeline.step"
	timeoutJob = "codepipeline.timeout"
)

// stepPayload is the payload of a step job.
type stepPayload struct {
	actionRef
	// Repeated is set after a restart: the step may have been under way.
	Repeated bool `json:",omitempty"`
}

func (s *Service) enqueueStep(tx *engine.Tx, ref actionRef, repeated bool) error {
	return tx.Enqueue(engine.NewJob{Kind: stepJob, ID: ref.ID, Payload: stepPayload{ref, repeated}})
}

// step is the job that carries an action on by one step.
func (s *Service) step(ctx context.Context, job *engine.Job) error {
	var payload stepPayload
	if err := json.Unmarshal(job.Payload, &payload); err != nil {
		return err
	}
	ref := payload.actionRef
	var a *ActionRecord
	var p *Pipeline
	err := s.cfg.Engine.View(ctx, func(r store.Reader) (err error) {
		a, p, err = unfinished(r, ref)
		return err
	})
	if err != nil || a == nil {
		return err
	}
	r, err := s.do(ctx, p, a, payload.Repeated || job.Attempt > 1)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		f := refusal(err)
		if f == nil {
			s.cfg.Log.Warn("codepipeline: an action's step is tried again", "pipeline", p.name(), "action", aws.ToString(a.ActionName), "error", err)
			return err
		}
		r = &Result{Failure: f}
	}
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		if err := tx.Done(job); err != nil {
			return err
		}
		if r.Done || r.Failure != nil {
			return s.finish(tx, ref, r, "")
		}
		return s.suspend(tx, ref, r)
	})
}

// do calls the provider.
func (s *Service) do(ctx context.Context, p *Pipeline, a *ActionRecord, repeated bool) (*Result, error) {
	if a.Refused != nil {
		return nil, &Failure{Code: aws.ToString(a.Refused.Code), Message: aws.ToString(a.Refused.Message)}
	}
	provider := s.providers[providerOf(a.Declaration.ActionTypeId)]
	if a.Declaration.ActionTypeId.Owner == types.ActionOwnerCustom {
		provider = customAction{}
	}
	if provider == nil {
		return nil, fail(configurationError, "There is no action provider %s", providerOf(a.Declaration.ActionTypeId))
	}
	if s.mustCarry(p, a) {
		return s.carry(ctx, p, a)
	}
	role := aws.ToString(p.Declaration.RoleArn)
	if own := aws.ToString(a.Declaration.RoleArn); own != "" {
		role = own
	}
	return provider.Step(ctx, &Work{
		ActionExecutionID: a.id(),
		ExecutionID:       aws.ToString(a.PipelineExecutionId),
		Pipeline:          p.name(),
		Stage:             aws.ToString(a.StageName),
		Action:            aws.ToString(a.ActionName),
		Region:            a.region(),
		Started:           aws.ToTime(a.StartTime),
		Now:               s.cfg.Engine.Now(),
		Condition:         a.Rule.condition(),
		Deadline:          a.Deadline,
		Configuration:     a.Input.ResolvedConfiguration,
		Inputs:            a.Inputs,
		Outputs:           a.Outputs,
		Encryption:        storeOf(p, a.region()).EncryptionKey,
		RoleARN:           role,
		Override:          a.Override,
		Change:            a.Change,
		Memo:              a.Memo,
		Repeated:          repeated,
		Job:               a.Job,
		JobData:           func(ctx context.Context) (*types.JobData, error) { return s.jobDataOf(ctx, p, a) },
		Session: func(ctx context.Context) (aws.Config, error) {
			return s.session(ctx, p, a)
		},
	})
}

// providerOf names the provider of an action type of AWS: "Build/CodeBuild".
// Those of others have the owner before it, so that nobody takes them for it.
func providerOf(t *types.ActionTypeId) string {
	name := string(t.Category) + "/" + aws.ToString(t.Provider)
	if t.Owner != types.ActionOwnerAws && t.Owner != "" {
		name = string(t.Owner) + "/" + name
	}
	return name
}

// suspend records a step after which the action goes on waiting.
func (s *Service) suspend(tx *engine.Tx, ref actionRef, r *Result) error {
	a, _, err := unfinished(tx, ref)
	if err != nil || a == nil {
		return err
	}
	if err := s.unwatch(tx, a); err != nil {
		return err
	}
	a.take(r)
	if r.Inputs != nil {
		a.Inputs, a.Carried, a.Input.InputArtifacts = r.Inputs, true, details(r.Inputs)
	}
	if r.Memo != nil {
		if a.Memo, err = json.Marshal(r.Memo); err != nil {
			return err
		}
	}
	a.Wake = r.Wake
	a.LastUpdateTime = aws.Time(s.cfg.Engine.Now())
	for _, k := range r.Wake {
		if err := wakes.Put(tx, &ref, k, ref.ID); err != nil {
			return err
		}
	}
	if r.Offer && a.Job == "" { // else this step was repeated
		if err := s.offer(tx, a, ref, ""); err != nil {
			return err
		}
	}
	if r.Assign && a.Job == "" {
		if err := s.assign(tx, a, ref, "", tx.Now()); err != nil {
			return err
		}
	}
	if err := actions.Put(tx, a, ref.key()...); err != nil {
		return err
	}
	switch {
	case r.Again:
		return s.enqueueStep(tx, ref, false)
	case !r.At.IsZero():
		return tx.Enqueue(engine.NewJob{Kind: stepJob, ID: ref.ID, Payload: stepPayload{actionRef: ref}, At: r.At})
	}
	return nil
}

// timeout is the job that ends an action at its deadline.
func (s *Service) timeout(ctx context.Context, job *engine.Job) error {
	var ref actionRef
	if err := json.Unmarshal(job.Payload, &ref); err != nil {
		return err
	}
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		a, _, err := unfinished(tx, ref)
		if err != nil || a == nil {
			return err
		}
		limit := a.Deadline.Sub(aws.ToTime(a.StartTime)).Round(time.Minute)
		what := "action"
		if a.Rule != nil {
			what = "rule"
		}
		return s.finish(tx, ref, &Result{Failure: &Failure{Code: timedOut,
			Message: fmt.Sprintf("The "+what+" failed because it did not finish within %d minutes", int(limit.Minutes()))}}, "")
	})
}

// Resume looks once after every action that was waiting when the server
// stopped. Call it after the engine has started.
func (s *Service) Resume(ctx context.Context) error {
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		for ref, err := range running.All(tx) {
			if err != nil {
				return err
			}
			if err := s.enqueueStep(tx, *ref, true); err != nil {
				return err
			}
		}
		return nil
	})
}
