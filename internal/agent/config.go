// Package agent is the build agent: it runs one build where the build runs, as
// the first process of its container or as a plain process. It needs nothing of
// the image but sh.
//
//	Main ─▶ worker (worker.go) ─▶ build (build.go) ─▶ shell, sources, artifacts, cache
//	            │                      │
//	            │                      ▼
//	            └──▶ shipper ◀──── journal   every line and phase, on disk
//
// The agent takes a job, keeps what happens in a journal file and sends the
// journal piece by piece. A server that dies is awaited while the build goes
// on; what it has acknowledged is never sent again.
package agent

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Config is the file that the service leaves for an agent. It holds the
// agent's token, so the agent removes it as soon as it has read it: commands of
// the build find nothing.
type Config struct {
	// Token authenticates this agent to the service.
	Token string
	// Endpoint is Slipway's URL, http://localhost:4566, as the build sees it.
	Endpoint string
	// EndpointS3 is for clients of S3, which put a bucket before a name.
	EndpointS3 string
	// Socket is the gateway's unix socket; "" means to dial Endpoint.
	Socket string
	// Forward says that Endpoint's port must be made to answer here, in this
	// network namespace, by forwarding to Socket.
	Forward bool
	// Root stands for /codebuild: sources and temporary files are below it.
	Root string
	// Cache is the directory of the project's local cache; "" means none.
	Cache string
	// Contained says that the agent has a container for itself; otherwise the
	// environment of whoever started it is not passed on to the build.
	Contained bool
}

func loadConfig(path string) (Config, error) {
	var c Config
	b, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("agent configuration: %w", err)
	}
	if err := os.Remove(path); err != nil {
		return c, fmt.Errorf("agent configuration: %w", err)
	}
	return c, nil
}

// journalFile lies beside the configuration, where the service can read what a
// dead agent could not send.
func journalFile(config string) string { return filepath.Join(filepath.Dir(config), JournalName) }

// Names of the files in an agent's directory.
const (
	ConfigName  = "config.json"
	JournalName = "journal"
)
