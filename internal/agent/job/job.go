// Package job is what the CodeBuild service and the build agent say to each
// other: the job that goes to the agent and the journal that comes back.
package job

import (
	"path"
	"strings"
	"time"
)

// Job is one build, with everything its agent has to know.
type Job struct {
	BuildID   string // PROJECT:UUID
	BuildARN  string
	UUID      string
	Number    int64
	Project   string
	ARN       string // the project's
	Region    string
	Account   string
	Image     string
	Curated   bool // one of aws/codebuild/…: has runtimes to select
	Initiator string
	KMSKey    string
	URL       string // of the build in the console
	LogStream string
	// Logs is where the log goes in S3, when the build has ended; nil if nowhere.
	Logs     *Object
	Started  time.Time
	Deadline time.Time

	Sources         []Source // the primary one first
	SourceVersion   string
	ResolvedVersion string // "" unless it is known beforehand
	Buildspec       string
	Environment     []Variable
	Artifacts       []Artifact // the primary one first
	Cache           Cache
	// Hosts are names with their addresses, NAME:ADDRESS, which the build's
	// container may not know yet.
	Hosts []string
}

// Object is an S3 object to write.
type Object struct {
	Bucket, Key        string
	EncryptionDisabled bool
}

// Source is one place that sources come from.
type Source struct {
	Identifier string // "" for the primary source
	Type       string // CODECOMMIT, S3, CODEPIPELINE, NO_SOURCE, or a git provider
	Location   string
	Version    string
	Depth      int
	Submodules bool
	// Login is for a git provider; both members are "" for a public repository.
	Login Login
	// Secret is the ARN of the secret that has the login, which the build's role
	// may read; "" if Login is it.
	Secret string
	// CloneURL is where this server passes git on to the repository, for the
	// build's role, through a connection; "" if Location is to be cloned.
	CloneURL string
	// Insecure turns the check of the provider's certificate off.
	Insecure bool
}

// Login is what a git provider wants to see; User is "" for tokens.
type Login struct{ User, Token string }

// Hosted tells repositories of git providers.
func (s Source) Hosted() bool {
	switch s.Type {
	case "GITHUB", "GITHUB_ENTERPRISE", "BITBUCKET", "GITLAB", "GITLAB_SELF_MANAGED":
		return true
	}
	return false
}

// Variable is an environment variable of the project or of StartBuild.
type Variable struct{ Name, Value, Type string }

// Artifact is one place that artifacts go to.
type Artifact struct {
	Identifier         string // "" for the primary one
	Type               string // NO_ARTIFACTS, S3, CODEPIPELINE
	Bucket             string
	Path               string
	ByBuildID          bool // namespaceType BUILD_ID
	Name               string
	Zip                bool
	OverrideName       bool
	EncryptionDisabled bool
}

// Key is the S3 key of a zip, or of the folder (without a slash at its end)
// that the files go to.
func (a Artifact) Key(uuid, project, s3Prefix string) string {
	if a.Type == "CODEPIPELINE" {
		return a.Path
	}
	var parts []string
	add := func(p string) {
		if p = strings.Trim(p, "/"); p != "" {
			parts = append(parts, p)
		}
	}
	if s3Prefix != "" {
		add(s3Prefix)
	} else {
		add(a.Path)
	}
	if a.ByBuildID {
		add(uuid)
	}
	name := strings.Trim(a.Name, "/")
	if name == "" && a.Zip {
		name = project + ".zip"
	}
	add(name)
	return strings.Join(parts, "/")
}

// Location is the ARN of what Key names.
func (a Artifact) Location(key string) string {
	if a.Type == "NO_ARTIFACTS" || a.Bucket == "" {
		return ""
	}
	return "arn:aws:s3:::" + path.Join(a.Bucket, key)
}

// Cache says what is kept between builds.
type Cache struct {
	Bucket string // "" unless type S3
	Prefix string // in the bucket; changes when the cache is invalidated
	// Local modes; the agent's configuration says where they are kept.
	LocalSource bool
	LocalCustom bool
}

// Files in a local cache's directory that are locked (flock) while a build uses
// what is there: the custom directories by one build alone, the source cache by
// any number.
const (
	CustomLock = "custom.lock"
	SourceLock = "source.lock"
)
