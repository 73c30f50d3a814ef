package codebuild

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

// change is something that happens to a build; see doc.go for the states.
type change interface {
	apply(b *build, t time.Time) []effect
}

// effect is what must be told when the transition commits.
type effect struct {
	// phase that has ended, or "" for a change of the build's status.
	phase types.BuildPhaseType
}

// next is the transition: a change at a time makes of a build another, and the
// effects. A build that is complete does not change any more. It is pure.
func next(b build, c change, t time.Time) (build, []effect) {
	if b.BuildComplete {
		return b, nil
	}
	b.Phases = append([]types.BuildPhase(nil), b.Phases...)
	effects := c.apply(&b, t.UTC().Truncate(time.Millisecond))
	return b, effects
}

// The changes.
type (
	// submitted: StartBuild was accepted.
	submitted struct{}
	// admitted: there is room; a container is looked for.
	admitted struct{ deadline time.Time }
	// began and ended come from the agent.
	began struct{ phase types.BuildPhaseType }
	ended struct{ job.Phase }
	// resolved: the agent knows the version of the primary source.
	resolved struct{ version string }
	// finished: the agent is through.
	finished struct{ job.Result }
	// stop, timeout and fail end a build from outside.
	stop    struct{}
	timeout struct{}
	fail    struct{ code, message string }
)

func (submitted) apply(b *build, t time.Time) []effect {
	b.BuildStatus = types.StatusTypeInProgress
	b.begin(types.BuildPhaseTypeSubmitted, t)
	b.end(types.StatusTypeSucceeded, nil, t)
	b.begin(types.BuildPhaseTypeQueued, t)
	return []effect{{}, {types.BuildPhaseTypeSubmitted}}
}

func (c admitted) apply(b *build, t time.Time) []effect {
	b.end(types.StatusTypeSucceeded, nil, t)
	b.begin(types.BuildPhaseTypeProvisioning, t)
	b.Deadline = c.deadline
	return []effect{{types.BuildPhaseTypeQueued}}
}

func (c began) apply(b *build, t time.Time) []effect {
	var effects []effect
	if p := b.running(); p != nil {
		if p.PhaseType == c.phase {
			return nil
		}
		effects = append(effects, effect{p.PhaseType})
		b.end(types.StatusTypeSucceeded, reasonOf("", ""), t)
	}
	b.begin(c.phase, t)
	return effects
}

func (c ended) apply(b *build, t time.Time) []effect {
	p := b.running()
	if p == nil || string(p.PhaseType) != c.Type {
		return nil
	}
	b.end(types.StatusType(c.Status), reasonOf(c.Code, c.Message), t)
	return []effect{{types.BuildPhaseType(c.Type)}}
}

func (c resolved) apply(b *build, _ time.Time) []effect {
	b.ResolvedSourceVersion = aws.String(c.version)
	return nil
}

func (c finished) apply(b *build, t time.Time) []effect {
	b.Reported = true
	for _, v := range c.Exported {
		b.ExportedEnvironmentVariables = append(b.ExportedEnvironmentVariables, types.ExportedEnvironmentVariable{Name: aws.String(v.Name), Value: aws.String(v.Value)})
	}
	for _, u := range c.Artifacts {
		a := b.Artifacts
		for i := range b.SecondaryArtifacts {
			if u.Identifier != "" && aws.ToString(b.SecondaryArtifacts[i].ArtifactIdentifier) == u.Identifier {
				a = &b.SecondaryArtifacts[i]
			}
		}
		if a != nil {
			a.Location, a.Md5sum, a.Sha256sum = aws.String(u.Location), aws.String(u.MD5), aws.String(u.SHA256)
		}
	}
	return b.complete(types.StatusType(c.Status), t)
}

func (stop) apply(b *build, t time.Time) []effect {
	return b.cut(types.StatusTypeStopped, reasonOf("", ""), t)
}

func (timeout) apply(b *build, t time.Time) []effect {
	return b.cut(types.StatusTypeTimedOut, reasonOf("BUILD_TIMED_OUT", "Build has timed out. "), t)
}

func (c fail) apply(b *build, t time.Time) []effect {
	return b.cut(types.StatusTypeFailed, reasonOf(c.code, c.message), t)
}

// cut ends the running phase and the build with one status.
func (b *build) cut(status types.StatusType, contexts []types.PhaseContext, t time.Time) []effect {
	var effects []effect
	if p := b.running(); p != nil {
		effects = append(effects, effect{p.PhaseType})
		b.end(status, contexts, t)
	}
	return append(effects, b.complete(status, t)...)
}

func (b *build) complete(status types.StatusType, t time.Time) []effect {
	if p := b.running(); p != nil { // an agent ends all phases first
		b.end(status, reasonOf("", ""), t)
	}
	b.begin(types.BuildPhaseTypeCompleted, t)
	b.BuildStatus, b.BuildComplete, b.EndTime = status, true, aws.Time(t)
	return []effect{{types.BuildPhaseTypeCompleted}, {}}
}

// running is the phase that has not ended.
func (b *build) running() *types.BuildPhase {
	if n := len(b.Phases); n > 0 && b.Phases[n-1].EndTime == nil {
		return &b.Phases[n-1]
	}
	return nil
}

// begin starts a phase at the millisecond that the one before ended.
func (b *build) begin(phase types.BuildPhaseType, t time.Time) {
	if n := len(b.Phases); n > 0 && b.Phases[n-1].EndTime != nil {
		t = *b.Phases[n-1].EndTime
	}
	b.Phases = append(b.Phases, types.BuildPhase{PhaseType: phase, StartTime: aws.Time(t)})
	b.CurrentPhase = aws.String(string(phase))
}

func (b *build) end(status types.StatusType, contexts []types.PhaseContext, t time.Time) {
	p := &b.Phases[len(b.Phases)-1]
	if t.Before(*p.StartTime) { // two clocks
		t = *p.StartTime
	}
	p.EndTime, p.PhaseStatus, p.Contexts = aws.Time(t), status, contexts
	p.DurationInSeconds = aws.Int64(int64(t.Sub(*p.StartTime) / time.Second))
}

// reasonOf is what phases from PROVISIONING on carry, empty on success.
func reasonOf(code, message string) []types.PhaseContext {
	return []types.PhaseContext{{StatusCode: aws.String(code), Message: aws.String(message)}}
}
