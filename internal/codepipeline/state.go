package codepipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/store"
)

// GetPipelineState shows where executions stand in the current structure.
//
// Errors: PipelineNotFoundException.
func (s *Service) GetPipelineState(ctx context.Context, in *codepipeline.GetPipelineStateInput, _ ...func(*codepipeline.Options)) (*codepipeline.GetPipelineStateOutput, error) {
	var out codepipeline.GetPipelineStateOutput
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		p, err := s.pipelineOf(r, identity.Region(ctx), aws.ToString(in.Name))
		if err != nil {
			return err
		}
		board, err := boards.Get(r, p.key()...)
		if err != nil {
			return err
		}
		out = codepipeline.GetPipelineStateOutput{PipelineName: p.Declaration.Name, PipelineVersion: p.Declaration.Version,
			Created: aws.Time(p.Created), Updated: aws.Time(p.Updated)}
		for i := range p.Declaration.Stages {
			st, err := s.stageState(r, p, board, &p.Declaration.Stages[i])
			if err != nil {
				return err
			}
			out.StageStates = append(out.StageStates, *st)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func (s *Service) stageState(r store.Reader, p *Pipeline, board *Board, stage *types.StageDeclaration) (*types.StageState, error) {
	st := &types.StageState{StageName: stage.Name, InboundTransitionState: &types.TransitionState{Enabled: true}}
	row := board.Stages[aws.ToString(stage.Name)]
	if row == nil {
		row = &StageRow{}
	}
	if row.Transition != nil {
		st.InboundTransitionState = row.Transition
	}
	if p.Declaration.ExecutionMode != types.ExecutionModeParallel {
		st.LatestExecution, st.RetryStageMetadata = row.Latest, row.Retry
		for _, id := range row.Waiting {
			ex, err := s.executionOf(r, p, id)
			if err != nil {
				return nil, err
			}
			st.InboundExecutions = append(st.InboundExecutions, types.StageExecution{
				PipelineExecutionId: ex.PipelineExecutionId, Status: types.StageExecutionStatusInProgress, Type: ex.ExecutionType})
		}
		if err := s.showConditions(r, p, stage, st); err != nil {
			return nil, err
		}
		if n := len(st.InboundExecutions); n > 0 {
			st.InboundExecution = &st.InboundExecutions[n-1]
		}
	}
	for i := range stage.Actions {
		a := &stage.Actions[i]
		as := types.ActionState{ActionName: a.Name}
		url, err := s.entityURL(r, p, a)
		if err != nil {
			return nil, err
		}
		if url != "" {
			as.EntityUrl = aws.String(url)
		}
		if id := row.Actions[aws.ToString(a.Name)]; id != "" {
			rec, err := actions.Get(r, p.key(id)...)
			switch {
			case err == nil:
				rec.show(&as)
			case !errors.Is(err, store.ErrNotFound): // it may be too old to be kept
				return nil, err
			}
		}
		st.ActionStates = append(st.ActionStates, as)
	}
	return st, nil
}

// showConditions shows what came of a stage's conditions in the execution that
// was last in it.
func (s *Service) showConditions(r store.Reader, p *Pipeline, stage *types.StageDeclaration, st *types.StageState) error {
	if st.LatestExecution == nil || stage.BeforeEntry == nil && stage.OnSuccess == nil && stage.OnFailure == nil {
		return nil
	}
	ex, err := executions.Get(r, p.key(aws.ToString(st.LatestExecution.PipelineExecutionId))...)
	if errors.Is(err, store.ErrNotFound) { // too old to be kept
		return nil
	}
	if err != nil {
		return err
	}
	if run := ex.Stages[aws.ToString(stage.Name)]; run != nil {
		st.BeforeEntryConditionState = run.conditionState(beforeEntry)
		st.OnSuccessConditionState = run.conditionState(onSuccess)
		st.OnFailureConditionState = run.conditionState(onFailure)
	}
	return nil
}

// show fills in the state of an action from its latest execution.
func (a *ActionRecord) show(as *types.ActionState) {
	as.CurrentRevision = a.Revision
	if a.RevisionURL != "" {
		as.RevisionUrl = aws.String(a.RevisionURL)
	}
	x := &types.ActionExecution{ActionExecutionId: a.ActionExecutionId, Status: a.Status,
		LastStatusChange: a.LastUpdateTime, LastUpdatedBy: a.UpdatedBy, PercentComplete: a.Percent}
	if a.Summary != "" {
		x.Summary = aws.String(a.Summary)
	}
	if a.Token != "" && a.Status == types.ActionExecutionStatusInProgress {
		x.Token = aws.String(a.Token)
	}
	if a.Output != nil && a.Output.ExecutionResult != nil {
		r := a.Output.ExecutionResult
		x.ErrorDetails, x.ExternalExecutionUrl, x.LogStreamARN = r.ErrorDetails, r.ExternalExecutionUrl, r.LogStreamARN
		if a.Token == "" { // an approval shows its token only while it is open
			x.ExternalExecutionId = r.ExternalExecutionId
		}
	}
	as.LatestExecution = x
}

// entityURL is the page of what an action works with: the console's, or that
// of a custom action's type.
func (s *Service) entityURL(r store.Reader, p *Pipeline, a *types.ActionDeclaration) (string, error) {
	if t, err := customTypeOf(r, p.Region, a.ActionTypeId); t != nil || err != nil {
		if err != nil {
			return "", err
		}
		return link(t.Settings.EntityUrlTemplate, mask(a.Configuration), "", ""), nil
	}
	console, c := s.own.console, a.Configuration
	page := ""
	switch providerOf(a.ActionTypeId) {
	case "Source/CodeCommit":
		page = "codecommit/repositories/" + c["RepositoryName"]
	case "Source/S3":
		page = "s3/buckets/" + c["S3Bucket"]
	case "Source/ECR":
		page = "ecr/repositories/" + c["RepositoryName"]
	case "Source/" + connectionProvider:
		page = "settings/connections"
	case "Build/CodeBuild", "Test/CodeBuild":
		page = "codebuild/projects/" + c["ProjectName"]
	case "Deploy/ECS":
		page = "ecs/clusters/" + c["ClusterName"] + "/services/" + c["ServiceName"]
	case "Deploy/S3":
		page = "s3/buckets/" + c["BucketName"]
	case "Deploy/CodeDeploy", "Deploy/CodeDeployToECS":
		page = "codedeploy/applications/" + c["ApplicationName"] + "/deployment-groups/" + c["DeploymentGroupName"]
	case "Invoke/Lambda":
		page = "lambda/functions/" + c["FunctionName"]
	default:
		return "", nil
	}
	return console + page, nil
}

// executionFilter narrows a history to one execution, and to the latest attempts
// in it.
type executionFilter struct {
	execution string
	latest    bool
}

func filterOf(id *string, l *types.LatestInPipelineExecutionFilter) (f executionFilter, err error) {
	f.execution = aws.ToString(id)
	if l == nil {
		return f, nil
	}
	if f.execution != "" && f.execution != aws.ToString(l.PipelineExecutionId) {
		return f, invalid("The filter must name either pipelineExecutionId or latestInPipelineExecution")
	}
	return executionFilter{aws.ToString(l.PipelineExecutionId), l.StartTimeRange == types.StartTimeRangeLatest}, nil
}

// ListActionExecutions shows action executions, newest first.
//
// Errors: PipelineNotFoundException, PipelineExecutionNotFoundException,
// InvalidNextTokenException.
func (s *Service) ListActionExecutions(ctx context.Context, in *codepipeline.ListActionExecutionsInput, _ ...func(*codepipeline.Options)) (*codepipeline.ListActionExecutionsOutput, error) {
	out := &codepipeline.ListActionExecutionsOutput{ActionExecutionDetails: []types.ActionExecutionDetail{}}
	var filter executionFilter
	if in.Filter != nil {
		var err error
		if filter, err = filterOf(in.Filter.PipelineExecutionId, in.Filter.LatestInPipelineExecution); err != nil {
			return nil, err
		}
	}
	execution, latest := filter.execution, filter.latest
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		p, err := s.pipelineOf(r, identity.Region(ctx), aws.ToString(in.PipelineName))
		if err != nil {
			return err
		}
		prefix := store.Prefix(append([]string{actionNumbers}, p.key()...)...)
		var current []string
		if execution != "" {
			ex, err := s.executionOf(r, p, execution)
			if err != nil {
				return err
			}
			for _, stage := range ex.Stages {
				for _, run := range stage.Actions {
					current = append(current, run.ID)
				}
			}
			prefix = store.Prefix(append([]string{executionActions}, p.key(execution)...)...)
		}
		pg := page{scope: fmt.Sprint("ListActionExecutions/", p.key(execution), latest), max: limit(in.MaxResults, 100), token: in.NextToken}
		out.NextToken, err = pg.each(r, store.Range{Prefix: prefix, Reverse: true}, func(e store.Entry) (bool, error) {
			if latest && !slices.Contains(current, string(e.Value)) {
				return false, nil
			}
			a, err := actions.Get(r, p.key(string(e.Value))...)
			if err != nil {
				return false, err
			}
			a.Input.Configuration, a.Input.ResolvedConfiguration = mask(a.Input.Configuration), mask(a.Input.ResolvedConfiguration)
			out.ActionExecutionDetails = append(out.ActionExecutionDetails, a.ActionExecutionDetail)
			return true, nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
