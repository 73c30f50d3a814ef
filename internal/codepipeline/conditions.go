package codepipeline

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// checkConditions checks what a stage does when it fails, and refuses the
// conditions whose rules nobody here can evaluate.
func checkConditions(p *types.PipelineDeclaration, i int) error {
	s := &p.Stages[i]
	name := aws.ToString(s.Name)
	if s.BeforeEntry == nil && s.OnSuccess == nil && s.OnFailure == nil {
		return nil
	}
	if p.PipelineType == types.PipelineTypeV1 {
		return badStructure("Stage conditions, automatic retry and automatic rollback can only be used with V2 pipelines. StageName=[%s]", name)
	}
	f := s.OnFailure
	if s.BeforeEntry != nil || s.OnSuccess != nil || len(f.Conditions) > 0 {
		return badStructure("Stage conditions with rules (beforeEntry, onSuccess, onFailure.conditions) are not supported. StageName=[%s]", name)
	}
	if f.RetryConfiguration != nil && f.Result != types.ResultRetry {
		return badStructure("A retryConfiguration can only be used with the result RETRY. StageName=[%s]", name)
	}
	switch f.Result {
	case types.ResultRetry, types.ResultFail, "":
	case types.ResultRollback:
		if i == 0 {
			return badStructure("The source stage cannot be rolled back: the onFailure result ROLLBACK cannot be used. StageName=[%s]", name)
		}
		if p.ExecutionMode == types.ExecutionModeParallel {
			return badStructure("The onFailure result ROLLBACK cannot be used in the execution mode PARALLEL. StageName=[%s]", name)
		}
	default:
		return badStructure("The onFailure result %s cannot be used without conditions. StageName=[%s]", f.Result, name)
	}
	return nil
}
