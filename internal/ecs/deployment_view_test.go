package ecs

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A deployment replaces what an earlier one had not ended, too.
func TestSourceRevisions(t *testing.T) {
	web := svc(1, 100, 200, "new", "old", "older")
	d := &deployment{Target: "new", Source: "old", Others: []string{"older"}, Revisions: map[string]string{"new": "3", "old": "1", "older": "2"}}
	out := (&Service{}).describeDeployment(&web, d, nil)
	var all []string
	for _, r := range append(out.SourceServiceRevisions, *out.TargetServiceRevision) {
		all = append(all, lastPart(aws.ToString(r.Arn)))
	}
	if got := strings.Join(all, " "); got != "1 2 3" {
		t.Errorf("revisions %s", got)
	}
}
