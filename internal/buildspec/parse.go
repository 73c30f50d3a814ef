package buildspec

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Parse reads a buildspec. The error, if any, is an *Error.
func Parse(text []byte) (*Spec, error) {
	root, err := load(text)
	if err != nil {
		return nil, err
	}
	d := &decoder{}
	s := d.spec(root)
	if d.err != nil {
		return nil, d.err
	}
	return s, nil
}

func (d *decoder) spec(root *yaml.Node) *Spec {
	s := &Spec{Phases: map[PhaseName]*Phase{}, Cache: Cache{Restore: true, Save: true}}
	var version, phases *yaml.Node
	for _, e := range d.mapping(root, "the buildspec") {
		switch e.name {
		case "version":
			version = e.value
			s.Version = d.text(e.value, "version")
		case "run-as":
			s.RunAs = d.text(e.value, "run-as")
		case "env":
			s.Env = d.env(e.value)
		case "proxy":
			s.Proxy = d.proxy(e.value)
		case "phases":
			phases = e.value
			d.phases(e.value, s.Phases)
		case "artifacts":
			s.Artifacts = d.artifacts(e.value)
		case "cache":
			s.Cache = d.cache(e.value)
		case "reports":
			s.Reports = d.reports(e.value)
		case "batch":
			d.mapping(e.value, "batch")
			s.Batch = &Position{e.key.Line, e.key.Column}
		default:
			d.unknown(e, "the buildspec", "version, run-as, env, proxy, batch, phases, reports, artifacts, cache")
		}
	}
	switch {
	case version == nil:
		d.fail(root, "the required key version is missing")
	case s.Version == "0.1":
		d.fail(version, "buildspec version 0.1 is not available, use 0.2")
	case s.Version != "0.2":
		d.fail(version, "unknown buildspec version %q, expected 0.2", s.Version)
	case phases == nil:
		d.fail(root, "the required key phases is missing")
	}
	return s
}

func (d *decoder) env(n *yaml.Node) Env {
	var env Env
	for _, e := range d.mapping(n, "env") {
		switch e.name {
		case "shell":
			env.Shell = d.text(e.value, "env.shell")
			switch env.Shell {
			case "bash", "/bin/sh", "sh":
			default:
				d.fail(e.value, "env.shell %q is not available, expected bash or /bin/sh", env.Shell)
			}
		case "variables":
			env.Variables = d.variables(e.value, "env.variables")
		case "parameter-store":
			env.ParameterStore = d.variables(e.value, "env.parameter-store")
		case "secrets-manager":
			env.SecretsManager = d.variables(e.value, "env.secrets-manager")
		case "exported-variables":
			env.Exported = d.list(e.value, "env.exported-variables")
			for _, name := range env.Exported {
				if !variableName.MatchString(name) {
					d.fail(e.value, "env.exported-variables: %q is not the name of a variable", name)
				}
			}
		case "git-credential-helper":
			env.GitCredentials = d.boolean(e.value, "env.git-credential-helper")
		default:
			d.unknown(e, "env", "shell, variables, parameter-store, secrets-manager, exported-variables, git-credential-helper")
		}
	}
	return env
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (d *decoder) variables(n *yaml.Node, where string) []Variable {
	var vars []Variable
	for _, e := range d.mapping(n, where) {
		if e.name == "" || strings.ContainsAny(e.name, "=\x00") {
			d.fail(e.key, "%s: %q is not the name of a variable", where, e.name)
		}
		v := d.text(e.value, where+"."+e.name)
		if strings.ContainsRune(v, 0) {
			d.fail(e.value, "%s.%s contains a null character", where, e.name)
		}
		vars = append(vars, Variable{e.name, v, Position{e.key.Line, e.key.Column}})
	}
	return vars
}

func (d *decoder) proxy(n *yaml.Node) (p Proxy) {
	for _, e := range d.mapping(n, "proxy") {
		switch e.name {
		case "upload-artifacts":
			p.UploadArtifacts = d.boolean(e.value, "proxy.upload-artifacts")
		case "logs":
			p.Logs = d.boolean(e.value, "proxy.logs")
		default:
			d.unknown(e, "proxy", "upload-artifacts, logs")
		}
	}
	return p
}

func (d *decoder) phases(n *yaml.Node, into map[PhaseName]*Phase) {
	for _, e := range d.mapping(n, "phases") {
		switch name := PhaseName(e.name); name {
		case Install, PreBuild, Build, PostBuild:
			into[name] = d.phase(e.value, name)
		default:
			d.unknown(e, "phases", "install, pre_build, build, post_build")
		}
	}
}

func (d *decoder) phase(n *yaml.Node, name PhaseName) *Phase {
	where := "phases." + string(name)
	p, commands := &Phase{}, false
	for _, e := range d.mapping(n, where) {
		switch e.name {
		case "run-as":
			p.RunAs = d.text(e.value, where+".run-as")
		case "on-failure":
			p.OnFailure = d.onFailure(e.value, where)
		case "runtime-versions":
			if name != Install {
				d.fail(e.key, "runtime-versions is allowed in phases.install only, found in %s", where)
			}
			p.Runtimes = d.variables(e.value, where+".runtime-versions")
		case "commands":
			commands = true
			p.Commands = d.commands(e.value, "Commands")
		case "finally":
			p.Finally = d.commands(e.value, "Finally")
		case "steps":
			d.fail(e.key, "%s.steps (GitHub Actions) is not available, use commands", where)
		default:
			d.unknown(e, where, "run-as, on-failure, runtime-versions, commands, finally")
		}
	}
	if !commands && name != Install {
		d.fail(n, "the required key commands is missing in %s", where)
	}
	return p
}

// onFailure reads ABORT, CONTINUE, RETRY, RETRY-n, RETRY-regex, RETRY-n-regex.
func (d *decoder) onFailure(n *yaml.Node, where string) OnFailure {
	text := d.text(n, where+".on-failure")
	switch text {
	case "ABORT", "CONTINUE":
		return OnFailure{Action: FailureAction(text)}
	case "RETRY":
		return OnFailure{Action: Retry, Retries: 3}
	}
	rest, ok := strings.CutPrefix(text, "RETRY-")
	if !ok || rest == "" {
		d.fail(n, "%s.on-failure %q is none of ABORT, CONTINUE, RETRY, RETRY-count, RETRY-regex, RETRY-count-regex", where, text)
		return OnFailure{}
	}
	f := OnFailure{Action: Retry, Retries: 3}
	count, pattern, both := strings.Cut(rest, "-")
	if i, err := strconv.Atoi(count); err == nil && i >= 0 {
		if i > 100 {
			d.fail(n, "%s.on-failure: the count of RETRY is at most 100, found %d", where, i)
		}
		f.Retries = i
		if !both {
			return f
		}
	} else {
		pattern = rest
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		d.fail(n, "%s.on-failure: %v", where, err)
	}
	f.Match = re
	return f
}

// commands are strings; "key: value" instead of a string is the usual mistake,
// and gets CodeBuild's own wording.
func (d *decoder) commands(n *yaml.Node, what string) []string {
	n = d.follow(n)
	if n == nil || d.null(n) {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "Expected %s to be a list of strings", what)
		return nil
	}
	out := make([]string, 0, len(n.Content))
	for i, c := range n.Content {
		c = d.follow(c)
		switch {
		case c == nil:
			return nil
		case c.Kind == yaml.ScalarNode && strings.ContainsRune(c.Value, 0):
			d.fail(c, "%s[%d] contains a null character", what, i)
		case c.Kind == yaml.ScalarNode && !d.null(c):
			out = append(out, c.Value)
		case c.Kind == yaml.MappingNode:
			d.fail(c, "Expected %s[%d] to be of string type: found subkeys instead at line %d, value of the key tag on line %d might be empty",
				what, i, c.Line, max(c.Line-1, 1))
		default:
			d.fail(c, "Expected %s[%d] to be of string type", what, i)
		}
	}
	return out
}
