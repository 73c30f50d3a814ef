package codepipeline

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// Limits of a pipeline's structure (AWS's quotas).
const (
	maxStages          = 50
	maxActionsPerStage = 50
	maxActions         = 1000
	maxVariables       = 50
)

// checkStructure says what is wrong with a declaration that already meets the
// model's constraints. It is pure; the order is: the pipeline, then its stages
// and their actions in order, then triggers, then references to variables.
//
// Errors: InvalidStructureException, InvalidStageDeclarationException,
// InvalidActionDeclarationException, InvalidBlockerDeclarationException.
func checkStructure(p *types.PipelineDeclaration, region string, find catalog) error {
	if err := checkPipeline(p, region); err != nil {
		return err
	}
	if err := checkStages(p, region); err != nil {
		return err
	}
	if err := checkActions(p, region, find); err != nil {
		return err
	}
	if err := checkTriggers(p); err != nil {
		return err
	}
	return checkReferences(p)
}

func badStructure(format string, a ...any) error {
	return &types.InvalidStructureException{Message: aws.String(fmt.Sprintf(format, a...))}
}

func badStage(format string, a ...any) error {
	return &types.InvalidStageDeclarationException{Message: aws.String(fmt.Sprintf(format, a...))}
}

func badAction(format string, a ...any) error {
	return &types.InvalidActionDeclarationException{Message: aws.String(fmt.Sprintf(format, a...))}
}

func checkPipeline(p *types.PipelineDeclaration, region string) error {
	if n := len(p.Stages); n < 2 {
		return badStructure("Pipeline has only %d stage(s). There should be a minimum of 2 stages in a pipeline", n)
	}
	if n := len(p.Stages); n > maxStages {
		return &types.LimitExceededException{Message: aws.String(fmt.Sprintf("Pipeline has %d stages. There can be at most %d stages in a pipeline", n, maxStages))}
	}
	if err := checkStores(p, region); err != nil {
		return err
	}
	return checkVersionTwo(p)
}

func checkStores(p *types.PipelineDeclaration, region string) error {
	if (p.ArtifactStore == nil) == (len(p.ArtifactStores) == 0) {
		return badStructure("The pipeline must have either artifactStore or artifactStores, and not both")
	}
	if p.ArtifactStore != nil {
		return nil
	}
	if _, ok := p.ArtifactStores[region]; !ok {
		return badStructure("The artifactStores of the pipeline must contain an artifact store for the pipeline's own region %s", region)
	}
	return nil
}

// checkVersionTwo refuses what needs a V2 pipeline in a V1 pipeline.
func checkVersionTwo(p *types.PipelineDeclaration) error {
	v1 := p.PipelineType == types.PipelineTypeV1
	if v1 && len(p.Variables) > 0 {
		return badStructure("Variables can only be used with V2 pipelines")
	}
	if v1 && p.ExecutionMode != "" && p.ExecutionMode != types.ExecutionModeSuperseded {
		return badStructure("Execution mode %s can only be used with V2 pipelines", p.ExecutionMode)
	}
	if v1 && len(p.Triggers) > 0 {
		return badStructure("Triggers can only be used with V2 pipelines")
	}
	if len(p.Variables) > maxVariables {
		return badStructure("Pipeline has %d variables. There can be at most %d variables in a pipeline", len(p.Variables), maxVariables)
	}
	seen := map[string]bool{}
	for _, v := range p.Variables {
		name := aws.ToString(v.Name)
		if seen[name] {
			return badStructure("Variable names must be unique within the pipeline. %s has been used more than once.", name)
		}
		seen[name] = true
	}
	return nil
}

func checkStages(p *types.PipelineDeclaration, region string) error {
	seen, total := map[string]bool{}, 0
	for i := range p.Stages {
		s := &p.Stages[i]
		name := aws.ToString(s.Name)
		if seen[name] {
			return badStage("Stage names must be unique within the pipeline. %s has been used more than once.", name)
		}
		seen[name] = true
		if err := checkStage(s); err != nil {
			return err
		}
		if err := checkConditions(p, i, region); err != nil {
			return err
		}
		total += len(s.Actions)
		for j := range s.Actions {
			source := s.Actions[j].ActionTypeId.Category == types.ActionCategorySource
			if i == 0 && !source {
				return badStructure("Pipeline should start with a stage that only contains source actions")
			}
			if i > 0 && source {
				return badStructure("Source actions can only be used in the first stage. ActionName=[%s], StageName=[%s]",
					aws.ToString(s.Actions[j].Name), name)
			}
		}
		if i == 0 && len(s.Actions) == 0 {
			return badStructure("Pipeline should start with a stage that only contains source actions")
		}
	}
	if total > maxActions {
		return &types.LimitExceededException{Message: aws.String(fmt.Sprintf("Pipeline has %d actions. There can be at most %d actions in a pipeline", total, maxActions))}
	}
	return nil
}

func checkStage(s *types.StageDeclaration) error {
	name := aws.ToString(s.Name)
	if len(s.Blockers) > 0 {
		return &types.InvalidBlockerDeclarationException{Message: aws.String("Blockers are reserved for future use. StageName=[" + name + "]")}
	}
	if n := len(s.Actions); n > maxActionsPerStage {
		return &types.LimitExceededException{Message: aws.String(fmt.Sprintf("Stage %s has %d actions. There can be at most %d actions in a stage", name, n, maxActionsPerStage))}
	}
	if len(s.Actions) == 0 {
		return badStage("Stage %s must contain at least one action", name)
	}
	seen := map[string]bool{}
	for i := range s.Actions {
		a := aws.ToString(s.Actions[i].Name)
		if seen[a] {
			return badAction("Action names must be unique within a stage. %s has been used more than once in stage %s.", a, name)
		}
		seen[a] = true
	}
	return nil
}
