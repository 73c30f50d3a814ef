package gateway

import (
	"net/http/httptest"
	"testing"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Go's SDK leaves out what stands before the last dot of a target's prefix,
// botocore sends all of it.
func TestTargetsWithDots(t *testing.T) {
	routes := newRoutes()
	for _, model := range []string{"codeconnections", "codestarconnections", "codepipeline"} {
		b, err := wire.Bind(wire.Service{Model: model})
		if err != nil {
			t.Fatal(err)
		}
		if err := routes.add(b); err != nil {
			t.Fatal(err)
		}
	}
	for target, want := range map[string]string{
		"com.amazonaws.codeconnections.CodeConnections_20231201.GetHost":     "codeconnections",
		"CodeConnections_20231201.GetHost":                                   "codeconnections",
		"com.amazonaws.codestar.connections.CodeStar_connections_20191201.X": "codestarconnections",
		"CodeStar_connections_20191201.X":                                    "codestarconnections",
		"CodePipeline_20150709.GetPipeline":                                  "codepipeline",
		"com.amazonaws.CodeConnections_20231201.GetHost":                     "",
		"codeconnections.GetHost":                                            "",
		"com":                                                                "",
		".":                                                                  "",
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("X-Amz-Target", target)
		got := ""
		if b, err := routes.find(r); err == nil {
			got = b.Name()
		}
		if got != want {
			t.Errorf("%s: %q", target, got)
		}
	}
}
