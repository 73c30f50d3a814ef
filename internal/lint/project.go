package lint

import "fmt"

// defaultTimeout is CodeBuild's, in minutes.
const defaultTimeout = 60

// project is what is checked of a CodeBuild project, from a plan or the API.
type project struct {
	at      place
	timeout int    // minutes; 0 means not said, which is the default
	cache   string // NO_CACHE, S3, LOCAL, or "" which is NO_CACHE
	image   string
	plain   [][2]string // name and value of plain variables
}

func (l *linter) project(p project) {
	if p.timeout == 0 || p.timeout >= defaultTimeout {
		minutes := p.timeout
		if minutes == 0 {
			minutes = defaultTimeout
		}
		l.report.add(ruleTimeout, p.at, fmt.Sprintf("A build that hangs is stopped after %d minutes only.", minutes),
			"Set build_timeout (timeoutInMinutes) to about three times what a build takes, for example 20.")
	}
	if p.cache == "" || p.cache == "NO_CACHE" {
		l.report.add(ruleCache, p.at, "The project has no cache, so cache.paths of its buildspec have no effect.",
			"Add a cache of type LOCAL (LOCAL_SOURCE_CACHE, LOCAL_DOCKER_LAYER_CACHE, LOCAL_CUSTOM_CACHE) or S3.")
	}
	l.image(p.at, p.image, "Name a version of the build image.")
	for _, v := range p.plain {
		l.variable(p.at, v[0], v[1], "Keep it in Secrets Manager or Parameter Store, and give the variable the type SECRETS_MANAGER or PARAMETER_STORE.")
	}
}

func (l *linter) lifecycle(at place, repository string) {
	l.report.add(ruleLifecycle, at, fmt.Sprintf("The image repository %s keeps every image for ever.", clip(repository)),
		"Add a lifecycle policy, for example one that keeps the last 30 images (aws_ecr_lifecycle_policy).")
}
