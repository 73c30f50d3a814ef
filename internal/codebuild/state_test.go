package codebuild

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

var zero = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func phase(name, status string) change { return ended{job.Phase{Type: name, Status: status}} }

func describe(b build) string {
	var out []string
	for _, p := range b.Phases {
		t := string(p.PhaseType)
		if p.EndTime != nil {
			t += "=" + string(p.PhaseStatus) + fmt.Sprint(aws.ToInt64(p.DurationInSeconds))
			for _, c := range p.Contexts {
				t += aws.ToString(c.StatusCode)
			}
		}
		out = append(out, t)
	}
	return strings.Join(out, " ") + " → " + string(b.BuildStatus) + " " + aws.ToString(b.CurrentPhase)
}

// A second passes between changes.
func TestTransitions(t *testing.T) {
	const queued = "SUBMITTED=SUCCEEDED0 QUEUED"
	for _, tt := range []struct {
		name    string
		changes []change
		want    string
	}{
		{"queued", nil, queued + " → IN_PROGRESS QUEUED"},
		{"stopped in the queue", []change{stop{}}, queued + "=STOPPED1 COMPLETED → STOPPED COMPLETED"},
		{"timed out in the queue", []change{timeout{}}, queued + "=TIMED_OUT1BUILD_TIMED_OUT COMPLETED → TIMED_OUT COMPLETED"},
		{"no image", []change{admitted{}, fail{"X", "why"}}, queued + "=SUCCEEDED1 PROVISIONING=FAILED1X COMPLETED → FAILED COMPLETED"},
		{"through", []change{admitted{}, began{"DOWNLOAD_SOURCE"}, phase("DOWNLOAD_SOURCE", "SUCCEEDED"), began{"INSTALL"}, phase("INSTALL", "SUCCEEDED"), finished{job.Result{Status: "SUCCEEDED"}}},
			queued + "=SUCCEEDED1 PROVISIONING=SUCCEEDED1 DOWNLOAD_SOURCE=SUCCEEDED1 INSTALL=SUCCEEDED2 COMPLETED → SUCCEEDED COMPLETED"},
		{"said twice", []change{admitted{}, began{"DOWNLOAD_SOURCE"}, began{"DOWNLOAD_SOURCE"}, phase("INSTALL", "FAILED")},
			queued + "=SUCCEEDED1 PROVISIONING=SUCCEEDED1 DOWNLOAD_SOURCE → IN_PROGRESS DOWNLOAD_SOURCE"},
		{"nothing after the end", []change{stop{}, admitted{}, began{"BUILD"}, finished{job.Result{Status: "SUCCEEDED"}}},
			queued + "=STOPPED1 COMPLETED → STOPPED COMPLETED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := zero
			b, effects := next(build{}, submitted{}, now)
			if len(effects) != 2 {
				t.Errorf("effects of the start: %v", effects)
			}
			for _, c := range tt.changes {
				now = now.Add(time.Second)
				before := describe(b)
				was := b
				b, effects = next(b, c, now)
				if describe(was) != before {
					t.Fatal("the build before has changed")
				}
				if was.BuildComplete && len(effects) > 0 {
					t.Errorf("effects after the end: %v", effects)
				}
			}
			if got := describe(b); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestFinishedKeepsWhatWasUploaded(t *testing.T) {
	b, _ := next(build{Build: types.Build{Artifacts: &types.BuildArtifacts{}, SecondaryArtifacts: []types.BuildArtifacts{{ArtifactIdentifier: aws.String("two")}}}}, submitted{}, zero)
	b, _ = next(b, finished{job.Result{Status: "SUCCEEDED", Exported: []job.Variable{{Name: "A", Value: "1"}},
		Artifacts: []job.Uploaded{{Location: "first", MD5: "m"}, {Identifier: "two", Location: "second"}}}}, zero)
	if *b.Artifacts.Location != "first" || *b.Artifacts.Md5sum != "m" || *b.SecondaryArtifacts[0].Location != "second" || *b.ExportedEnvironmentVariables[0].Value != "1" {
		t.Errorf("%+v", b)
	}
}
