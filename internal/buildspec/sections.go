package buildspec

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

func (d *decoder) artifacts(n *yaml.Node) *Artifacts {
	a := &Artifacts{}
	files := false
	for _, e := range d.mapping(n, "artifacts") {
		if e.name == "secondary-artifacts" {
			for _, s := range d.mapping(e.value, "artifacts.secondary-artifacts") {
				a.Secondary = append(a.Secondary, d.secondary(s))
			}
			continue
		}
		files = files || e.name == "files"
		d.artifactKey(&a.Artifact, e, "artifacts", ", s3-prefix, secondary-artifacts")
	}
	// AWS asks for files even when only the secondary artifacts are wanted.
	if !files {
		d.fail(n, "the required key files is missing in artifacts")
	}
	return a
}

func (d *decoder) secondary(s entry) SecondaryArtifact {
	where := "artifacts.secondary-artifacts." + s.name
	a := SecondaryArtifact{Identifier: s.name, Position: Position{s.key.Line, s.key.Column}}
	files := false
	for _, e := range d.mapping(s.value, where) {
		files = files || e.name == "files"
		d.artifactKey(&a.Artifact, e, where, "")
	}
	if !files {
		d.fail(s.value, "the required key files is missing in %s", where)
	}
	return a
}

func (d *decoder) artifactKey(a *Artifact, e entry, where, more string) {
	at := where + "." + e.name
	switch e.name {
	case "files":
		a.Files = d.list(e.value, at)
	case "name":
		a.Name = d.text(e.value, at)
	case "discard-paths":
		a.DiscardPaths = d.boolean(e.value, at)
	case "base-directory":
		a.BaseDirectory = d.text(e.value, at)
	case "exclude-paths":
		a.ExcludePaths = d.list(e.value, at)
	case "enable-symlinks":
		a.EnableSymlinks = d.boolean(e.value, at)
	case "s3-prefix":
		a.S3Prefix = d.text(e.value, at)
	default:
		d.unknown(e, where, "files, name, discard-paths, base-directory, exclude-paths, enable-symlinks"+more)
	}
}

func (d *decoder) cache(n *yaml.Node) Cache {
	c := Cache{Restore: true, Save: true}
	for _, e := range d.mapping(n, "cache") {
		switch e.name {
		case "paths":
			c.Paths = d.list(e.value, "cache.paths")
		case "key":
			c.Key = d.text(e.value, "cache.key")
		case "fallback-keys":
			c.FallbackKeys = d.list(e.value, "cache.fallback-keys")
			if len(c.FallbackKeys) > 5 {
				d.fail(e.value, "cache.fallback-keys has %d entries, at most 5 are allowed", len(c.FallbackKeys))
			}
		case "action":
			switch action := d.text(e.value, "cache.action"); action {
			case "restore":
				c.Save = false
			case "save":
				c.Restore = false
			default:
				d.fail(e.value, "cache.action %q is neither restore nor save", action)
			}
		default:
			d.unknown(e, "cache", "paths, key, fallback-keys, action")
		}
	}
	return c
}

func (d *decoder) reports(n *yaml.Node) []Report {
	var out []Report
	for _, g := range d.mapping(n, "reports") {
		where := "reports." + g.name
		r := Report{Name: g.name, FileFormat: "JUNITXML", Position: Position{g.key.Line, g.key.Column}}
		for _, e := range d.mapping(g.value, where) {
			at := where + "." + e.name
			switch e.name {
			case "files":
				r.Files = d.list(e.value, at)
			case "base-directory":
				r.BaseDirectory = d.text(e.value, at)
			case "discard-paths":
				r.DiscardPaths = d.boolean(e.value, at)
			case "file-format":
				r.FileFormat = strings.ToUpper(d.text(e.value, at))
				if !reportFormats[r.FileFormat] {
					d.fail(e.value, "unknown file-format %q in %s", r.FileFormat, where)
				}
			default:
				d.unknown(e, where, "files, base-directory, discard-paths, file-format")
			}
		}
		out = append(out, r)
	}
	if len(out) > 5 {
		d.fail(n, "reports has %d groups, at most 5 are allowed", len(out))
	}
	return out
}

var reportFormats = map[string]bool{
	"JUNITXML": true, "NUNITXML": true, "NUNIT3XML": true, "TESTNGXML": true, "CUCUMBERJSON": true, "VISUALSTUDIOTRX": true,
	"JACOCOXML": true, "COBERTURAXML": true, "CLOVERXML": true, "SIMPLECOV": true,
}
