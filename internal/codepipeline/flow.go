package codepipeline

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// maxParallelActions is how many actions of one execution of a PARALLEL
// pipeline run at once.
const maxParallelActions = 5

// flow is the state machine of a pipeline (see doc.go). It is pure: its state
// is the snapshot below, its methods are the events, and what must be done in
// the world comes out as effects. Time and identifiers come in from outside.
type flow struct {
	// definitions by version: the current one and those that executions on
	// the board began with.
	definitions map[int32]*types.PipelineDeclaration
	board       *Board
	// executions holds every active one, and the one an event is about.
	executions map[string]*Execution
	now        time.Time
	newID      func() string
	// find reads an execution that may not be among these; nil if it is gone.
	find func(id string) *Execution
	// trouble is why find could not tell; nothing may be saved then.
	trouble error

	gone    map[string]*StageRow // of stages that the current definition lacks
	effects []effect
	// changed are the executions that must be written, begun those that are new.
	changed map[string]bool
	begun   []*Execution
}

// effect is something to do when the transition is recorded.
type effect interface{ isEffect() }

type (
	// startAction begins a new action execution.
	startAction struct {
		ex    *Execution
		stage *types.StageDeclaration
		do    *types.ActionDeclaration
		id    string
	}
	// abandonAction forgets a running action; its work outside goes on.
	abandonAction struct{ id string }
	// tellPipeline, tellStage announce a change of state.
	tellPipeline struct {
		ex    *Execution
		state string
	}
	tellStage struct {
		ex    *Execution
		stage string
		state string
	}
)

func (startAction) isEffect()   {}
func (abandonAction) isEffect() {}
func (tellPipeline) isEffect()  {}
func (tellStage) isEffect()     {}

func (f *flow) definition() *types.PipelineDeclaration { return f.definitions[f.board.Version] }

// of is the definition an execution runs by.
func (f *flow) of(ex *Execution) *types.PipelineDeclaration {
	return f.definitions[aws.ToInt32(ex.PipelineVersion)]
}

func (f *flow) stage(ex *Execution) *types.StageDeclaration { return &f.of(ex).Stages[ex.At] }

// row is the board's row of a stage. Executions of an older definition may
// come to a stage that is gone: its row is good for this transition only, and
// open, so nobody stays in front of it.
func (f *flow) row(name string) *StageRow {
	rows := &f.board.Stages
	if _, i := findStage(f.definition(), name); i < 0 {
		rows = &f.gone
	}
	if *rows == nil {
		*rows = map[string]*StageRow{}
	}
	if (*rows)[name] == nil {
		(*rows)[name] = &StageRow{}
	}
	return (*rows)[name]
}

func findStage(p *types.PipelineDeclaration, name string) (*types.StageDeclaration, int) {
	for i := range p.Stages {
		if aws.ToString(p.Stages[i].Name) == name {
			return &p.Stages[i], i
		}
	}
	return nil, -1
}

func (f *flow) emit(e effect) { f.effects = append(f.effects, e) }

func (f *flow) touch(ex *Execution) {
	ex.LastUpdate = f.now
	if f.changed == nil {
		f.changed = map[string]bool{}
	}
	f.changed[ex.ID()] = true
}

// newExecution is one more execution of the current definition, for begin or
// rollback.
func (f *flow) newExecution(t types.ExecutionType, trigger types.ExecutionTrigger) *Execution {
	f.board.Executions++
	p := f.definition()
	return &Execution{Number: f.board.Executions, PipelineExecution: types.PipelineExecution{
		PipelineExecutionId: aws.String(f.newID()),
		PipelineName:        p.Name,
		PipelineVersion:     p.Version,
		ExecutionMode:       p.ExecutionMode,
		ExecutionType:       t,
		Trigger:             &trigger,
	}}
}

// begin lets a new execution arrive at its first stage.
func (f *flow) begin(ex *Execution) {
	f.open(ex)
	f.arrive(ex, 0)
}

// open puts a new execution on the board.
func (f *flow) open(ex *Execution) {
	ex.Status = types.PipelineExecutionStatusInProgress
	ex.StartTime, ex.Attempt = f.now, 1
	f.executions[ex.ID()] = ex
	f.begun = append(f.begun, ex)
	f.board.Active = append(f.board.Active, ex.ID())
	f.emit(tellPipeline{ex, "STARTED"})
}

// arrive puts an execution in front of a stage, where in SUPERSEDED mode only
// the newest stays.
func (f *flow) arrive(ex *Execution, at int) {
	ex.At, ex.Waiting = at, true
	f.touch(ex)
	name := aws.ToString(f.stage(ex).Name)
	row := f.row(name)
	row.Waiting = append(row.Waiting, ex.ID())
	if ex.ExecutionMode == types.ExecutionModeSuperseded {
		newest := ex
		for _, id := range row.Waiting {
			if w := f.executions[id]; w.Number > newest.Number && !w.parallel() {
				newest = w
			}
		}
		for _, id := range slices.Clone(row.Waiting) {
			if w := f.executions[id]; w != newest && !w.parallel() {
				f.end(w, types.PipelineExecutionStatusSuperseded, "SUPERSEDED")
			}
		}
	}
	f.admit(name)
}

// admit lets in who may enter a stage now: the transition must be enabled and,
// except for PARALLEL executions, the stage free.
func (f *flow) admit(name string) {
	row := f.row(name)
	if !row.open() {
		return
	}
	for _, id := range slices.Clone(row.Waiting) {
		ex := f.executions[id]
		if !slices.Contains(row.Waiting, id) { // whoever left at once let it in
			continue
		}
		if ex.parallel() {
			f.enter(ex)
		} else if row.Holder == "" {
			row.Holder = id
			f.enter(ex)
		}
	}
}

// enter begins the stage an execution has arrived at.
func (f *flow) enter(ex *Execution) {
	name := aws.ToString(f.stage(ex).Name)
	f.leaveQueue(ex)
	ex.Waiting = false
	if ex.Stages == nil {
		ex.Stages = map[string]*StageRun{}
	}
	ex.Stages[name] = &StageRun{Started: f.now, Actions: map[string]*ActionRun{}}
	if !ex.parallel() {
		f.row(name).Retry = nil
	}
	v := f.evaluate(ex, beforeEntry)
	if v == unmet && conditionOf(f.stage(ex), beforeEntry).Result == types.ResultSkip {
		f.pass(ex, types.StageExecutionStatusSkipped)
		return
	}
	f.setStage(ex, types.StageExecutionStatusInProgress)
	f.emit(tellStage{ex, name, "STARTED"})
	switch v {
	case unmet:
		f.refused(ex, beforeEntry)
	case met:
		f.advance(ex)
	}
}

func (f *flow) leaveQueue(ex *Execution) {
	row := f.row(aws.ToString(f.stage(ex).Name))
	row.Waiting = slices.DeleteFunc(row.Waiting, func(id string) bool { return id == ex.ID() })
}

// setStage records the status of the stage an execution is in.
func (f *flow) setStage(ex *Execution, s types.StageExecutionStatus) {
	name := aws.ToString(f.stage(ex).Name)
	ex.Stages[name].Status = s
	f.touch(ex)
	if !ex.parallel() {
		f.row(name).Latest = &types.StageExecution{PipelineExecutionId: ex.PipelineExecutionId, Status: s, Type: ex.ExecutionType}
	}
}

// advance does what is next for an execution inside a stage.
func (f *flow) advance(ex *Execution) {
	stage := f.stage(ex)
	run := ex.Stages[aws.ToString(stage.Name)]
	running := run.count(types.ActionExecutionStatusInProgress)
	if run.Pending != "" {
		if ex.Status != types.PipelineExecutionStatusStopping && !ex.Outdated {
			return
		}
		f.abandonRules(run)
	}
	switch {
	case ex.Status == types.PipelineExecutionStatusStopping:
		if running == 0 {
			f.leave(ex, types.StageExecutionStatusStopped, types.PipelineExecutionStatusStopped, "STOPPED")
		}
		return
	case run.count(types.ActionExecutionStatusFailed) > 0 && !ex.Outdated:
		if running == 0 {
			f.fail(ex)
		}
		return
	case ex.Outdated:
		if running == 0 {
			f.leave(ex, types.StageExecutionStatusCancelled, types.PipelineExecutionStatusCancelled, "CANCELED")
		}
		return
	}
	group, done := nextGroup(stage, run)
	if done {
		f.succeed(ex)
		return
	}
	for _, a := range group {
		if ex.parallel() && running >= maxParallelActions {
			return
		}
		name := aws.ToString(a.Name)
		if run.Actions[name] != nil {
			continue
		}
		id := f.newID()
		run.Actions[name] = &ActionRun{ID: id, Status: types.ActionExecutionStatusInProgress}
		running++
		if !ex.parallel() {
			row := f.row(aws.ToString(stage.Name))
			if row.Actions == nil {
				row.Actions = map[string]string{}
			}
			row.Actions[name] = id
		}
		f.touch(ex)
		f.emit(startAction{ex, stage, a, id})
	}
}

// nextGroup is the first group of actions with one run order that have not all
// succeeded; done if there is none.
func nextGroup(stage *types.StageDeclaration, run *StageRun) (group []*types.ActionDeclaration, done bool) {
	var order int32
	for i := range stage.Actions {
		a := &stage.Actions[i]
		r := run.Actions[aws.ToString(a.Name)]
		if r != nil && r.Status == types.ActionExecutionStatusSucceeded {
			continue
		}
		if group == nil || runOrder(a) < order {
			group, order = nil, runOrder(a)
		}
		if runOrder(a) == order {
			group = append(group, a)
		}
	}
	return group, group == nil
}

// succeed ends a stage whose actions have succeeded.
func (f *flow) succeed(ex *Execution) {
	switch f.evaluate(ex, onSuccess) {
	case unmet:
		f.refused(ex, onSuccess)
	case met:
		f.pass(ex, types.StageExecutionStatusSucceeded)
	}
}

// pass goes on from a stage that succeeded or was skipped: to the next one, or
// the execution is done.
func (f *flow) pass(ex *Execution, s types.StageExecutionStatus) {
	name := aws.ToString(f.stage(ex).Name)
	f.setStage(ex, s)
	if s == types.StageExecutionStatusSucceeded { // AWS has no event for what was skipped
		if !ex.parallel() && ex.ExecutionType != types.ExecutionTypeRollback {
			f.row(name).Good = ex.ID()
		}
		f.emit(tellStage{ex, name, "SUCCEEDED"})
	}
	if ex.OnlyStage || ex.At == len(f.of(ex).Stages)-1 {
		f.end(ex, types.PipelineExecutionStatusSucceeded, "SUCCEEDED")
	} else {
		f.arrive(ex, ex.At+1)
	}
	f.release(ex, name)
}

// leave ends a stage and the execution with it.
func (f *flow) leave(ex *Execution, s types.StageExecutionStatus, p types.PipelineExecutionStatus, state string) {
	name := aws.ToString(f.stage(ex).Name)
	f.setStage(ex, s)
	f.emit(tellStage{ex, name, state})
	f.end(ex, p, state)
	f.release(ex, name)
}

func (f *flow) release(ex *Execution, stage string) {
	if row := f.row(stage); row.Holder == ex.ID() {
		row.Holder = ""
		f.admit(stage)
	}
}

// end takes an execution off the board.
func (f *flow) end(ex *Execution, s types.PipelineExecutionStatus, state string) {
	if ex.Waiting {
		f.leaveQueue(ex)
		ex.Waiting = false
	}
	ex.Status = s
	f.touch(ex)
	f.board.Active = slices.DeleteFunc(f.board.Active, func(id string) bool { return id == ex.ID() })
	f.emit(tellPipeline{ex, state})
}

// actionDone records the end of an action; it reports false, changing nothing,
// if that attempt is not running (abandoned, retried, reported before).
func (f *flow) actionDone(ex *Execution, action, id string, s types.ActionExecutionStatus) bool {
	if !ex.active() || ex.Waiting {
		return false
	}
	run := ex.Stages[aws.ToString(f.stage(ex).Name)]
	a := run.Actions[action]
	if a == nil || a.ID != id || a.Status != types.ActionExecutionStatusInProgress {
		return false
	}
	a.Status = s
	f.touch(ex)
	f.advance(ex)
	return true
}
