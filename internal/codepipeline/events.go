package codepipeline

import (
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
)

// eventDetail is the detail of the three events of executions, with the
// members of "Monitoring CodePipeline events" in AWS's user guide.
type eventDetail struct {
	Pipeline    string           `json:"pipeline"`
	ExecutionID string           `json:"execution-id"`
	StartTime   string           `json:"start-time,omitempty"`
	Stage       string           `json:"stage,omitempty"`
	Action      string           `json:"action,omitempty"`
	State       string           `json:"state"`
	Region      string           `json:"region,omitempty"`
	Version     int32            `json:"version"`
	Attempt     json.Number      `json:"pipeline-execution-attempt,omitempty"`
	Trigger     any              `json:"execution-trigger,omitempty"` // an eventTrigger or a triggerDetail
	Comments    string           `json:"stop-execution-comments,omitempty"`
	Type        *eventActionType `json:"type,omitempty"`
	Inputs      []eventArtifact  `json:"input-artifacts,omitempty"`
	Outputs     []eventArtifact  `json:"output-artifacts,omitempty"`
	Result      *eventResult     `json:"execution-result,omitempty"`
}

type eventTrigger struct {
	Type   string `json:"trigger-type"`
	Detail string `json:"trigger-detail"`
}

type eventActionType struct {
	Owner    string `json:"owner"`
	Category string `json:"category"`
	Provider string `json:"provider"`
	Version  string `json:"version"`
}

type eventArtifact struct {
	Name       string        `json:"name"`
	S3Location eventLocation `json:"s3location"`
}

type eventLocation struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
}

type eventResult struct {
	URL     string `json:"external-execution-url,omitempty"`
	Summary string `json:"external-execution-summary,omitempty"`
	ID      string `json:"external-execution-id,omitempty"`
	Code    string `json:"error-code,omitempty"`
}

func (s *Service) emitPipeline(tx *engine.Tx, p *Pipeline, e tellPipeline) error {
	d := executionDetail(p, e.ex, e.state)
	if e.state == "STARTED" && e.ex.Trigger != nil {
		d.Trigger = &eventTrigger{string(e.ex.Trigger.TriggerType), aws.ToString(e.ex.Trigger.TriggerDetail)}
		if e.ex.Trigger.TriggerType == types.TriggerTypeWebhookV2 { // its detail is JSON, which AWS shows unpacked
			d.Trigger = json.RawMessage(aws.ToString(e.ex.Trigger.TriggerDetail))
		}
	}
	if e.state == "STOPPING" && e.ex.StopReason != nil {
		d.Comments = aws.ToString(e.ex.StopReason.Reason)
	}
	return s.emit(tx, p, "CodePipeline Pipeline Execution State Change", d)
}

func (s *Service) emitStage(tx *engine.Tx, p *Pipeline, e tellStage) error {
	d := executionDetail(p, e.ex, e.state)
	d.Stage = e.stage
	return s.emit(tx, p, "CodePipeline Stage Execution State Change", d)
}

func executionDetail(p *Pipeline, ex *Execution, state string) *eventDetail {
	return &eventDetail{Pipeline: p.name(), ExecutionID: ex.ID(), State: state, Version: aws.ToInt32(ex.PipelineVersion),
		StartTime: ex.StartTime.UTC().Format(time.RFC3339Nano), Attempt: attempt(ex.Attempt)}
}

// attempt is written as 1.0, as AWS does.
func attempt(n int) json.Number {
	b, _ := json.Marshal(n)
	return json.Number(string(b) + ".0")
}

func (s *Service) emitAction(tx *engine.Tx, p *Pipeline, a *ActionRecord, state string) error {
	t := a.Declaration.ActionTypeId
	d := &eventDetail{Pipeline: p.name(), ExecutionID: aws.ToString(a.PipelineExecutionId), State: state,
		Stage: aws.ToString(a.StageName), Action: aws.ToString(a.ActionName), Region: p.Region,
		StartTime: aws.ToTime(a.StartTime).UTC().Format(time.RFC3339Nano), Version: aws.ToInt32(a.PipelineVersion),
		Type: &eventActionType{string(t.Owner), string(t.Category), aws.ToString(t.Provider), aws.ToString(t.Version)}}
	if state == "STARTED" {
		d.Inputs = eventArtifacts(a.Input.InputArtifacts)
	} else if a.Output != nil {
		d.Outputs = eventArtifacts(a.Output.OutputArtifacts)
		if x := a.Output.ExecutionResult; x != nil {
			d.Result = &eventResult{URL: aws.ToString(x.ExternalExecutionUrl), Summary: aws.ToString(x.ExternalExecutionSummary), ID: aws.ToString(x.ExternalExecutionId)}
			if x.ErrorDetails != nil {
				d.Result.Code = aws.ToString(x.ErrorDetails.Code)
			}
		}
	}
	return s.emit(tx, p, "CodePipeline Action Execution State Change", d)
}

func eventArtifacts(in []types.ArtifactDetail) (out []eventArtifact) {
	for _, a := range in {
		out = append(out, eventArtifact{aws.ToString(a.Name), eventLocation{aws.ToString(a.S3location.Bucket), aws.ToString(a.S3location.Key)}})
	}
	return out
}

func (s *Service) emit(tx *engine.Tx, p *Pipeline, detailType string, d *eventDetail) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return s.cfg.Events.Emit(tx, bus.Event{
		DetailType: detailType, Source: "aws.codepipeline", Account: s.cfg.Site.Account, Region: p.Region,
		Resources: []string{s.pipelineARN(p.Region, p.name())}, Detail: b,
	})
}
