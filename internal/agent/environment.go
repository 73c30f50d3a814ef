package agent

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/agent/job"
	"github.com/slipway-dev/slipway/internal/buildspec"
)

// environment makes what the first command sees: the image's variables, then
// the buildspec's, the project's and StartBuild's, then CodeBuild's own.
func (b *running) environment(ctx context.Context) error {
	env := &variables{}
	for _, v := range os.Environ() {
		name, value, _ := strings.Cut(v, "=")
		if b.cfg.Contained || inherited[name] {
			env.set(name, value)
		}
	}
	if b.cfg.Contained && os.Getuid() == 0 {
		env.set("HOME", "/root")
	}
	vars, err := b.variables()
	if err != nil {
		return err
	}
	values, err := b.kept(ctx, vars)
	if err != nil {
		return err
	}
	for _, v := range vars {
		if v.Type != "" && v.Type != plaintext {
			v.Value = values[v]
		}
		env.set(v.Name, v.Value)
	}
	if env.values["AWS_ENDPOINT_URL_S3"] == "" {
		env.set("AWS_ENDPOINT_URL_S3", b.cfg.EndpointS3)
	}
	b.codebuild(env)
	if err := b.hosts(env); err != nil {
		b.log.say("load balancers cannot be named: %v", err)
	}
	if dir, err := b.commandsDir(); err != nil {
		b.log.say("%s is not there: %v", hashName, err)
	} else if path := env.values["PATH"]; path != "" { // else the shell has one of its own
		env.set("PATH", path+":"+dir)
	}
	b.shell.env = env.list()
	b.shell.dir = b.src
	return nil
}

// plaintext is the type of a variable that is its own value; so is "".
const plaintext = "PLAINTEXT"

// variables are the buildspec's, the project's and StartBuild's, the last of a
// name being the one that counts; what a later one hides is not fetched.
func (b *running) variables() ([]job.Variable, error) {
	var all []job.Variable
	for _, section := range []struct {
		name, typ string
		vars      []buildspec.Variable
	}{
		{"variables", plaintext, b.spec.Env.Variables}, {"parameter-store", parameterStore, b.spec.Env.ParameterStore}, {"secrets-manager", secretsManager, b.spec.Env.SecretsManager},
	} {
		for _, v := range section.vars {
			if strings.HasPrefix(v.Name, "CODEBUILD_") {
				return nil, &failure{codeYAML, fmt.Sprintf("env.%s: names that begin with CODEBUILD_ are reserved: %s at line %d, column %d", section.name, v.Name, v.Line, v.Column)}
			}
			all = append(all, job.Variable{Name: v.Name, Value: v.Value, Type: section.typ})
		}
	}
	for _, v := range b.job.Environment {
		switch v.Type {
		case "", plaintext, parameterStore, secretsManager:
		default:
			return nil, &failure{codeClient, fmt.Sprintf("environment variable %s: unknown type %s", v.Name, v.Type)}
		}
		all = append(all, v)
	}
	last := map[string]int{}
	for i, v := range all {
		last[v.Name] = i
	}
	out := make([]job.Variable, 0, len(last))
	for i, v := range all {
		if last[v.Name] == i {
			out = append(out, v)
		}
	}
	return out, nil
}

// quoted is a word of the shell's.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// inherited are the variables that a plain process has of the server's. The
// others, above all credentials, are not the build's business.
var inherited = map[string]bool{"PATH": true, "HOME": true, "LANG": true, "LC_ALL": true, "TZ": true, "USER": true, "LOGNAME": true, "TMPDIR": true}

// codebuild sets what CodeBuild sets.
// https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
func (b *running) codebuild(env *variables) {
	j := b.job
	for name, value := range map[string]string{
		"AWS_DEFAULT_REGION":                 j.Region,
		"AWS_REGION":                         j.Region,
		"AWS_ENDPOINT_URL":                   b.cfg.Endpoint,
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": b.serve.URL,
		"AWS_CONTAINER_AUTHORIZATION_TOKEN":  b.serve.Token,
		"CODEBUILD_BUILD_ARN":                j.BuildARN,
		"CODEBUILD_BUILD_ID":                 j.BuildID,
		"CODEBUILD_BUILD_NUMBER":             strconv.FormatInt(j.Number, 10),
		"CODEBUILD_BUILD_IMAGE":              j.Image,
		"CODEBUILD_BUILD_SUCCEEDING":         "1",
		"CODEBUILD_BUILD_URL":                j.URL,
		"CODEBUILD_CI":                       "true",
		"CODEBUILD_INITIATOR":                j.Initiator,
		"CODEBUILD_KMS_KEY_ID":               j.KMSKey,
		"CODEBUILD_LOG_PATH":                 j.LogStream,
		"CODEBUILD_PROJECT_ARN":              j.ARN,
		"CODEBUILD_SRC_DIR":                  b.src,
		"CODEBUILD_START_TIME":               strconv.FormatInt(j.Started.UnixMilli(), 10),
	} {
		env.set(name, value)
	}
	if b.resolved != "" {
		env.set("CODEBUILD_RESOLVED_SOURCE_VERSION", b.resolved)
	}
	for i, s := range j.Sources {
		suffix, version := "", s.Version
		if i > 0 {
			suffix = "_" + s.Identifier
			env.set("CODEBUILD_SRC_DIR"+suffix, b.dirs[s.Identifier])
		} else {
			version = j.SourceVersion
		}
		if s.Type == "NO_SOURCE" {
			continue
		}
		env.set("CODEBUILD_SOURCE_REPO_URL"+suffix, repositoryURL(s))
		if version != "" {
			env.set("CODEBUILD_SOURCE_VERSION"+suffix, version)
		}
	}
	if b.spec.Env.GitCredentials {
		if self, err := os.Executable(); err == nil {
			env.set("GIT_CONFIG_COUNT", "2")
			env.set("GIT_CONFIG_KEY_0", "credential.helper")
			env.set("GIT_CONFIG_VALUE_0", "!"+quoted(self)+" build-agent git-credential")
			env.set("GIT_CONFIG_KEY_1", "credential.useHttpPath")
			env.set("GIT_CONFIG_VALUE_1", "true")
		}
	}
}

func repositoryURL(s job.Source) string {
	switch s.Type {
	case "S3":
		return "s3://" + strings.TrimPrefix(s.Location, "arn:aws:s3:::")
	case "CODEPIPELINE":
		return ""
	}
	return s.Location
}

// variables keep the order in which they were set, and the last value.
type variables struct {
	names  []string
	values map[string]string
}

func (v *variables) set(name, value string) {
	if v.values == nil {
		v.values = map[string]string{}
	}
	if _, ok := v.values[name]; !ok {
		v.names = append(v.names, name)
	}
	v.values[name] = value
}

func (v *variables) list() []string {
	out := make([]string, 0, len(v.names))
	for _, n := range v.names {
		out = append(out, n+"="+v.values[n])
	}
	return out
}

// lookPath finds a program of the image. The agent's own PATH is the image's;
// one without any has the usual places.
func lookPath(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/local/bin", "/usr/bin", "/bin"} {
		path := filepath.Join(dir, name)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode().Perm()&0o111 != 0 {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}
