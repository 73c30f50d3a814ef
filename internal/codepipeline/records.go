package codepipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/store"
)

// Pipeline is the record of a pipeline with its current declaration.
type Pipeline struct {
	Declaration types.PipelineDeclaration
	Region      string
	// Generation tells this pipeline from others that had its name; all its
	// history is kept under it.
	Generation       string
	Created, Updated time.Time
	Tags             []types.Tag
}

func (p *Pipeline) name() string { return aws.ToString(p.Declaration.Name) }

func (p *Pipeline) version() int32 { return aws.ToInt32(p.Declaration.Version) }

// key is the beginning of the keys of everything the pipeline has.
func (p *Pipeline) key(more ...string) []string {
	return append([]string{p.Region, p.name(), p.Generation}, more...)
}

// ActionRecord is one action execution. The embedded document is what
// ListActionExecutions shows.
type ActionRecord struct {
	types.ActionExecutionDetail
	Number uint64
	// RunOrder and Category help to show and report it.
	Declaration types.ActionDeclaration
	// Inputs and Outputs are its artifacts; outputs have their place from the
	// start.
	Inputs, Outputs []Artifact
	// Rule is set if this is no action but the work of a rule.
	Rule *ruleOf `json:",omitempty"`
	// Carried says that the inputs are in the artifact store of its region.
	Carried bool `json:",omitempty"`
	// Override is the revision the execution was started with.
	Override *types.SourceRevisionOverride `json:",omitempty"`
	// Change is what started the execution, if it was in this source.
	Change *source.Change `json:",omitempty"`
	// Refused is set if the action must fail without being tried.
	Refused *types.ErrorDetails `json:",omitempty"`
	// Memo is what the provider noted between its steps.
	Memo json.RawMessage `json:",omitempty"`
	// Wake are the keys of the events it waits for.
	Wake     []string `json:",omitempty"`
	Token    string   `json:",omitempty"` // of an approval
	Job      string   `json:",omitempty"` // a custom action's, for its worker
	Percent  *int32   `json:",omitempty"` // how far the worker says it is
	Deadline time.Time
	Summary  string                `json:",omitempty"`
	Revision *types.ActionRevision `json:",omitempty"`
	// RevisionURL is a link to the revision, if there is one.
	RevisionURL string `json:",omitempty"`
}

func (a *ActionRecord) id() string { return aws.ToString(a.ActionExecutionId) }

func (a *ActionRecord) region() string { return aws.ToString(a.Input.Region) }

// actionRef finds an action record.
type actionRef struct{ Region, Pipeline, Generation, ID string }

func (r actionRef) key() []string { return []string{r.Region, r.Pipeline, r.Generation, r.ID} }

// The tables. Keys are region, pipeline, generation and what is named here.
const (
	pipelines  store.Table[Pipeline]                  = "codepipeline.pipeline"  // region, name
	versions   store.Table[types.PipelineDeclaration] = "codepipeline.version"   // version
	boards     store.Table[Board]                     = "codepipeline.board"     // –
	executions store.Table[Execution]                 = "codepipeline.execution" // execution id
	actions    store.Table[ActionRecord]              = "codepipeline.action"    // action execution id
	// running holds the actions that have not ended, by action execution id.
	running store.Table[actionRef] = "codepipeline.running"
	// wakes finds who waits for an event: wake key, action execution id.
	wakes store.Table[actionRef] = "codepipeline.wake"
	// sources finds the actions a change in a repository or bucket starts:
	// the keys of watched, pipeline, action.
	sources store.Table[sourceRef] = "codepipeline.source"
)

// Indexes whose values are plain ids.
const (
	executionNumbers = "codepipeline.execution-number" // number → execution id
	actionNumbers    = "codepipeline.action-number"    // number → action execution id
	executionActions = "codepipeline.execution-action" // execution id, number → action execution id
	startTokens      = "codepipeline.start-token"      // token → execution id
)

// number formats a count so that keys sort by it.
func number(n uint64) string { return fmt.Sprintf("%016x", n) }

// pipelineOf reads a pipeline or says that there is none.
func (s *Service) pipelineOf(r store.Reader, region, name string) (*Pipeline, error) {
	p, err := pipelines.Get(r, region, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &types.PipelineNotFoundException{Message: aws.String(fmt.Sprintf(
			"Account '%s' does not have a pipeline with name '%s'", s.cfg.Site.Account, name))}
	}
	return p, err
}

// unfinished reads an action that still runs, and its pipeline. It gives
// nothing, without an error, if the action has ended or went with its pipeline.
func unfinished(r store.Reader, ref actionRef) (*ActionRecord, *Pipeline, error) {
	a, err := actions.Get(r, ref.key()...)
	if err == nil && a.Status != types.ActionExecutionStatusInProgress || errors.Is(err, store.ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	p, err := pipelines.Get(r, ref.Region, ref.Pipeline)
	if err == nil && p.Generation != ref.Generation || errors.Is(err, store.ErrNotFound) {
		return nil, nil, nil
	}
	return a, p, err
}

func (s *Service) executionOf(r store.Reader, p *Pipeline, id string) (*Execution, error) {
	ex, err := executions.Get(r, p.key(id)...)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &types.PipelineExecutionNotFoundException{Message: aws.String(fmt.Sprintf(
			"Pipeline '%s' does not have an execution with id '%s'", p.name(), id))}
	}
	return ex, err
}
