package codestarnotifications

import (
	"encoding/json"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/bus"
)

// detail is what is looked at in the details of events.
type detail struct {
	Event       string `json:"event"`                  // CodeCommit
	Project     string `json:"project-name"`           // CodeBuild
	BuildStatus string `json:"build-status"`           // of a build
	PhaseStatus string `json:"completed-phase-status"` // of a phase
	State       string `json:"state"`                  // CodeDeploy and CodePipeline
	Type        struct {
		Category string `json:"category"`
	} `json:"type"`
}

// words are the ends of event types' ids by the states of events.
var words = map[string]string{
	"referenceCreated": "created", "referenceDeleted": "deleted", "referenceUpdated": "updated",
	"IN_PROGRESS": "in-progress", "SUCCEEDED": "succeeded", "FAILED": "failed", "FAULT": "failed", "TIMED_OUT": "failed",
	"START": "started", "SUCCESS": "succeeded", "FAILURE": "failed",
	"STARTED": "started", "RESUMED": "resumed", "CANCELED": "canceled", "SUPERSEDED": "superseded",
}

// occurrences are the event types that an event of the bus is of, and the
// resource whose rules may be about them. Both are empty for other events.
func occurrences(ev *bus.Event) (resource string, ids []string) {
	var d detail
	if len(ev.Resources) == 0 || json.Unmarshal(ev.Detail, &d) != nil {
		return "", nil
	}
	resource = ev.Resources[0]
	state := words[d.State]
	switch ev.DetailType {
	case "CodeCommit Repository State Change":
		ids = known("codecommit-repository-branches-and-tags-" + words[d.Event])
	case "CodeBuild Build State Change":
		end := words[d.BuildStatus]
		if d.BuildStatus == "STOPPED" {
			end = "stopped"
		}
		resource, ids = project(ev, d.Project), known("codebuild-project-build-state-"+end)
	case "CodeBuild Build Phase Change":
		end := "failure"
		if d.PhaseStatus == "SUCCEEDED" {
			end = "success"
		}
		resource, ids = project(ev, d.Project), known("codebuild-project-build-phase-"+end)
	case "CodeDeploy Deployment State-change Notification":
		ids = known("codedeploy-application-deployment-" + state)
	case "CodePipeline Pipeline Execution State Change":
		ids = known("codepipeline-pipeline-pipeline-execution-" + state)
	case "CodePipeline Stage Execution State Change":
		ids = known("codepipeline-pipeline-stage-execution-" + state)
	case "CodePipeline Action Execution State Change":
		ids = known("codepipeline-pipeline-action-execution-" + state)
		if d.Type.Category == "Approval" {
			if state == "started" {
				state = "needed"
			}
			ids = append(ids, known("codepipeline-pipeline-manual-approval-"+state)...)
		}
	}
	if len(ids) == 0 {
		return "", nil
	}
	return resource, ids
}

// known is the id, if there is such an event type.
func known(id string) []string {
	if _, ok := eventType[id]; !ok {
		return nil
	}
	return []string{id}
}

// project is the ARN of the project of a build's event, which names the build.
func project(ev *bus.Event, name string) string {
	return arn.New("codebuild", ev.Region, ev.Account, "project/"+name)
}

// ours tells whether an event may be of one of the event types.
func ours(ev *bus.Event) bool {
	switch strings.TrimPrefix(ev.Source, "aws.") {
	case "codecommit", "codebuild", "codedeploy", "codepipeline":
		return !ev.Private
	}
	return false
}
