// Package buildspec reads CodeBuild's build specification. It is pure: text in,
// a Spec or an Error with line and column out.
// https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
package buildspec

import (
	"fmt"
	"regexp"
)

// Limits of what Parse reads.
const (
	MaxSize  = 1 << 20 // bytes of YAML
	maxNodes = 50_000  // after aliases are followed
	maxDepth = 64
)

// Position is where something stands in the text; both count from 1.
type Position struct{ Line, Column int }

// Error tells what is wrong, and where. Code builds show it as the message of
// a YAML_FILE_ERROR.
type Error struct {
	Position
	Message string
}

func (e *Error) Error() string {
	switch {
	case e.Line == 0:
		return e.Message
	case e.Column == 0:
		return fmt.Sprintf("%s at line %d", e.Message, e.Line)
	}
	return fmt.Sprintf("%s at line %d, column %d", e.Message, e.Line, e.Column)
}

// Spec is a build specification, version 0.2.
type Spec struct {
	Version   string
	RunAs     string
	Env       Env
	Proxy     Proxy
	Phases    map[PhaseName]*Phase
	Artifacts *Artifacts
	Cache     Cache
	Reports   []Report
	// Batch tells where the batch section stands; StartBuild ignores it.
	Batch *Position
}

// Env is the section env.
type Env struct {
	// Shell is "", "bash", "/bin/sh" or "sh".
	Shell          string
	Variables      []Variable
	ParameterStore []Variable
	SecretsManager []Variable
	Exported       []string
	GitCredentials bool
}

// Variable is a name with its value, exactly as written: 010 and 1.10 stay.
type Variable struct {
	Name, Value string
	Position
}

// Proxy is the section proxy.
type Proxy struct{ UploadArtifacts, Logs bool }

// PhaseName names a phase that has commands.
type PhaseName string

// The phases, as the buildspec spells them.
const (
	Install   PhaseName = "install"
	PreBuild  PhaseName = "pre_build"
	Build     PhaseName = "build"
	PostBuild PhaseName = "post_build"
)

// PhaseNames are all phases in the order they run.
var PhaseNames = []PhaseName{Install, PreBuild, Build, PostBuild}

// Phase is what one phase does.
type Phase struct {
	RunAs     string
	OnFailure OnFailure
	Runtimes  []Variable // install only: runtime and version
	Commands  []string
	Finally   []string
}

// OnFailure says what follows a failed phase.
type OnFailure struct {
	Action FailureAction
	// Retries is how often a phase is repeated, for Retry.
	Retries int
	// Match, if not nil, limits the repeats to failures whose message it finds.
	Match *regexp.Regexp
}

// FailureAction is the first word of on-failure; "" means it was not given.
type FailureAction string

// The actions.
const (
	Abort    FailureAction = "ABORT"
	Continue FailureAction = "CONTINUE"
	Retry    FailureAction = "RETRY"
)

// Artifact is one set of output files.
type Artifact struct {
	Files          []string
	Name           string
	BaseDirectory  string
	ExcludePaths   []string
	DiscardPaths   bool
	EnableSymlinks bool
	S3Prefix       string
}

// Artifacts is the section artifacts: the primary set, and secondary ones in
// the order they stand in the text.
type Artifacts struct {
	Artifact
	Secondary []SecondaryArtifact
}

// SecondaryArtifact is an Artifact with its identifier.
type SecondaryArtifact struct {
	Identifier string
	Artifact
	Position
}

// Cache is the section cache.
type Cache struct {
	Paths        []string
	Key          string
	FallbackKeys []string
	// Restore and Save tell which actions are wanted; both by default.
	Restore, Save bool
}

// Report is one group of the section reports.
type Report struct {
	Name          string
	Files         []string
	BaseDirectory string
	DiscardPaths  bool
	FileFormat    string
	Position
}
