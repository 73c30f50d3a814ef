package app

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/slipway-dev/slipway/internal/codebuild"
)

// agentPrefix is where build agents call; their own tokens let them in.
const agentPrefix = "/_slipway/agent/"

// addCodeBuild makes CodeBuild on the engine that addCompute left.
func addCodeBuild(a *App) error {
	dir, err := a.dir("codebuild")
	if err != nil {
		return err
	}
	path := os.Getenv("PATH")
	if path == "" {
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	s := codebuild.New(codebuild.Config{
		Engine:       a.engine,
		Bus:          a.bus,
		Site:         a.site,
		IDs:          a.IDs,
		Log:          a.Log.With("part", "codebuild"),
		Sessions:     a.sessions,
		Compute:      a.compute,
		Hosts:        a.bridge.Hosts,
		Logs:         a.logs,
		Connections:  a.connections,
		Tokens:       a.keys.For("codebuild.agent"),
		PublicURL:    a.PublicURL,
		Secrets:      a.keys.For("codebuild.secret"),
		URLs:         a.keys.For("codebuild.url"),
		Executable:   a.Executable,
		Socket:       filepath.Join(a.Data, runDir, socketFile),
		EngineSocket: engineSocket(),
		Dir:          dir,
		Path:         path,
		Images:       a.Images,
		Warm:         max(a.Warm, 0),
		Concurrent:   2 * runtime.NumCPU(),
	})
	a.gateway.Mount(agentPrefix, s.Agents())
	a.gateway.Mount(codebuild.PathWebhooks, s.Deliveries())
	a.gateway.Mount(codebuild.PathBadges, s.Badges())
	a.onStart(s.Start)
	a.onStop(s.Stop)
	return a.serve(s.Wire())
}

// engineSocket is the container engine's socket on this machine, which
// privileged builds get; "" if the engine is elsewhere.
func engineSocket() string {
	host := os.Getenv("DOCKER_HOST")
	if host == "" {
		return "/var/run/docker.sock"
	}
	path, ok := strings.CutPrefix(host, "unix://")
	if !ok {
		return ""
	}
	return path
}
