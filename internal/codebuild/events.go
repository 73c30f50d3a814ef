package codebuild

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
)

// Detail types of CodeBuild's events.
const (
	StateChange = "CodeBuild Build State Change"
	PhaseChange = "CodeBuild Build Phase Change"
)

// emit tells the effects of a transition.
func (s *Service) emit(tx *engine.Tx, b *build, effects []effect) error {
	for _, e := range effects {
		typ, detail := StateChange, stateDetail(b)
		if e.phase != "" {
			typ, detail = PhaseChange, phaseDetail(b, e.phase)
		}
		body, err := json.Marshal(detail)
		if err != nil {
			return err
		}
		err = s.Bus.Emit(tx, bus.Event{DetailType: typ, Source: "aws.codebuild", Account: s.Site.Account, Region: b.Region,
			Resources: []string{aws.ToString(b.Arn)}, Detail: body})
		if err != nil {
			return err
		}
	}
	return nil
}

// https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications.html
func stateDetail(b *build) map[string]any {
	return map[string]any{
		"build-status": b.BuildStatus, "project-name": b.ProjectName, "build-id": b.Arn,
		"current-phase": b.CurrentPhase, "current-phase-context": "[]", "version": "1",
		"additional-information": information(b),
	}
}

func phaseDetail(b *build, phase types.BuildPhaseType) map[string]any {
	var p types.BuildPhase
	for _, o := range b.Phases {
		// COMPLETED, which takes no time, has status and times of the one before.
		if o.PhaseType == phase && phase != types.BuildPhaseTypeCompleted || o.EndTime != nil && phase == types.BuildPhaseTypeCompleted {
			p = o
		}
	}
	return map[string]any{
		"completed-phase": phase, "completed-phase-status": p.PhaseStatus, "completed-phase-context": contextText(p.Contexts),
		"completed-phase-duration-seconds": aws.ToInt64(p.DurationInSeconds),
		"completed-phase-start":            eventTime(p.StartTime), "completed-phase-end": eventTime(p.EndTime),
		"project-name": b.ProjectName, "build-id": b.Arn, "version": "1",
		"additional-information": information(b),
	}
}

func contextText(contexts []types.PhaseContext) string {
	var out []string
	for _, c := range contexts {
		out = append(out, aws.ToString(c.StatusCode)+": "+aws.ToString(c.Message))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func information(b *build) map[string]any {
	info := map[string]any{
		"timeout-in-minutes": b.TimeoutInMinutes, "queued-timeout-in-minutes": b.QueuedTimeoutInMinutes,
		"build-complete": b.BuildComplete, "build-number": b.BuildNumber, "initiator": b.Initiator, "build-start-time": eventTime(b.StartTime),
		"phases": phaseList(b),
	}
	if e := b.Environment; e != nil {
		vars := []map[string]any{}
		for _, v := range e.EnvironmentVariables {
			vars = append(vars, map[string]any{"name": v.Name, "type": v.Type, "value": v.Value})
		}
		info["environment"] = map[string]any{"image": e.Image, "privileged-mode": aws.ToBool(e.PrivilegedMode), "compute-type": e.ComputeType,
			"type": e.Type, "image-pull-credentials-type": e.ImagePullCredentialsType, "environment-variables": vars}
	}
	if a := b.Artifacts; a != nil {
		info["artifact"] = map[string]any{"md5sum": aws.ToString(a.Md5sum), "sha256sum": aws.ToString(a.Sha256sum), "location": aws.ToString(a.Location)}
	}
	if src := b.Source; src != nil {
		m := map[string]any{"type": src.Type}
		if src.Location != nil {
			m["location"] = src.Location
		}
		info["source"] = m
	}
	if b.SourceVersion != nil {
		info["source-version"] = b.SourceVersion
	}
	if l := b.Logs; l != nil {
		info["logs"] = map[string]any{"group-name": l.GroupName, "stream-name": l.StreamName, "deep-link": l.DeepLink}
	}
	return info
}

func phaseList(b *build) []map[string]any {
	out := []map[string]any{}
	for _, p := range b.Phases {
		m := map[string]any{"phase-type": p.PhaseType, "start-time": eventTime(p.StartTime)}
		if p.EndTime != nil {
			contexts := []string{}
			for _, c := range p.Contexts {
				contexts = append(contexts, aws.ToString(c.StatusCode)+": "+aws.ToString(c.Message))
			}
			m["phase-context"], m["end-time"] = contexts, eventTime(p.EndTime)
			m["duration-in-seconds"], m["phase-status"] = aws.ToInt64(p.DurationInSeconds), p.PhaseStatus
		}
		out = append(out, m)
	}
	return out
}

func eventTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("Jan 2, 2006 3:04:05 PM")
}
