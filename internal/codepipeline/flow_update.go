package codepipeline

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// updated follows a change of the pipeline's definition, which must already be
// among the definitions.
func (f *flow) updated(version int32) {
	parallel := f.definitions[version].ExecutionMode == types.ExecutionModeParallel
	for _, id := range slices.Clone(f.board.Active) {
		ex := f.executions[id]
		switch {
		case ex.parallel(): // goes on with the definition it has
		case ex.Waiting:
			f.end(ex, types.PipelineExecutionStatusCancelled, "CANCELED")
		default:
			ex.Outdated = true
			f.touch(ex)
		}
	}
	f.board.Version = version
	rows := map[string]*StageRow{}
	for i := range f.definition().Stages {
		name := aws.ToString(f.definition().Stages[i].Name)
		row := f.board.Stages[name]
		switch {
		case row == nil:
			continue
		case parallel: // its state is empty, but for the transition and who waits
			row = &StageRow{Transition: row.Transition, Waiting: row.Waiting}
		}
		row.Good = "" // rollbacks are to the same structure only
		rows[name] = row
	}
	f.board.Stages = rows
	for _, id := range slices.Clone(f.board.Active) { // who waits for a condition has nothing to end
		ex := f.executions[id]
		if ex.Outdated && ex.Stages[aws.ToString(f.stage(ex).Name)].Pending != "" {
			f.advance(ex)
		}
	}
	for _, id := range slices.Clone(f.board.Active) { // whose stage is gone waits no more
		if ex := f.executions[id]; ex.Waiting && f.board.Stages[aws.ToString(f.stage(ex).Name)] == nil {
			f.enter(ex)
		}
	}
}
