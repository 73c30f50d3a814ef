package agent

import "github.com/slipway-dev/slipway/internal/buildspec"

// The phases that the agent runs.
const (
	downloadSource  = "DOWNLOAD_SOURCE"
	install         = "INSTALL"
	preBuild        = "PRE_BUILD"
	build           = "BUILD"
	postBuild       = "POST_BUILD"
	uploadArtifacts = "UPLOAD_ARTIFACTS"
	finalizing      = "FINALIZING"
)

// Statuses of phases and builds.
const (
	succeeded = "SUCCEEDED"
	failed    = "FAILED"
	timedOut  = "TIMED_OUT"
	stopped   = "STOPPED"
)

// next is the phase that follows, "" after the last. What runs after a failure
// is from "Build phase transitions" of the user guide: a build that fails still
// runs POST_BUILD and uploads, earlier failures go to the end, ABORT does so
// always and CONTINUE never.
func next(phase, status string, action buildspec.FailureAction) string {
	if status == timedOut || status == stopped {
		return ""
	}
	if status == failed {
		switch {
		case phase == downloadSource, action == buildspec.Abort && isCommandPhase(phase):
			return finalizing
		case (phase == install || phase == preBuild) && action != buildspec.Continue:
			return finalizing
		}
	}
	switch phase {
	case "":
		return downloadSource
	case downloadSource:
		return install
	case install:
		return preBuild
	case preBuild:
		return build
	case build:
		return postBuild
	case postBuild:
		return uploadArtifacts
	case uploadArtifacts:
		return finalizing
	}
	return ""
}

func isCommandPhase(phase string) bool { return specName[phase] != "" }

// specName is what the buildspec calls a phase.
var specName = map[string]buildspec.PhaseName{
	install: buildspec.Install, preBuild: buildspec.PreBuild, build: buildspec.Build, postBuild: buildspec.PostBuild,
}

// A failure is why a phase failed: the status code and message of its context.
type failure struct{ code, message string }

func (f *failure) Error() string { return f.code + ": " + f.message }

// Status codes of contexts.
const (
	codeYAML    = "YAML_FILE_ERROR"
	codeClient  = "CLIENT_ERROR"
	codeCommand = "COMMAND_EXECUTION_ERROR"
	codeTimeout = "BUILD_TIMED_OUT"

	codeParameter = "Decrypted Variables Error"
	codeSecret    = "Secrets Manager Error"
)
