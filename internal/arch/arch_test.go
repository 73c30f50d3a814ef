// Package arch asserts the arrows of the architecture: who may import whom.
// docs/architecture.md explains them; the table below is where they are written
// down.
package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/slipway-dev/slipway/"

// sdk is what internal/aws may use beside the standard library: AWS's types.
const sdk = "github.com/aws/"

// contracts are what every service may import. None of them knows an adapter
// or a service.
var contracts = []string{
	"internal/aws/arn", "internal/aws/auth", "internal/aws/identity", "internal/aws/session", "internal/aws/wire",
	"internal/aws/sigv4", "internal/aws/tag", "internal/blob", "internal/bus", "internal/bus/source", "internal/clock", "internal/compute", "internal/engine",
	"internal/id", "internal/page", "internal/seal", "internal/seal/envelope", "internal/site", "internal/store",
}

// services are AWS's, each with what it may import beyond the contracts and
// what lies below itself. Never another service.
var services = map[string][]string{
	"internal/cloudwatch":             nil,
	"internal/codebuild":              {"internal/agent", "internal/agent/job", "internal/agent/archive", "internal/buildspec"},
	"internal/codecommit":             {"internal/git"},
	"internal/codeconnections":        {"internal/git"},
	"internal/codedeploy":             {"internal/appspec"},
	"internal/codepipeline":           {"internal/agent/archive", "internal/eventbridge/schedule"}, // pure libraries
	"internal/codestarnotifications":  nil,
	"internal/ec2":                    {"internal/glob"},
	"internal/ecr":                    {"internal/glob"},
	"internal/ecs":                    nil,
	"internal/elasticloadbalancingv2": {"internal/glob", "internal/iam/policy"}, // pure libraries, not the service
	"internal/eventbridge":            nil,
	"internal/iam":                    nil,
	"internal/kms":                    {"internal/iam/policy"}, // a pure library, not the service
	"internal/lambda":                 {"internal/agent/archive", "internal/runtimeapi"},
	"internal/logs":                   {"internal/glob", "internal/iam/policy"}, // pure libraries, not the service
	"internal/s3":                     {"internal/glob"},
	"internal/secretsmanager":         {"internal/iam/policy"},
	"internal/sns":                    {"internal/eventbridge/pattern", "internal/iam/policy"}, // pure libraries, not the services
	"internal/ssm":                    nil,
	"internal/sts":                    {"internal/iam/policy"}, // a pure library, not the service
}

// others are all other packages with everything of ours that they may import.
var others = map[string][]string{
	"internal/aws":     {"internal/aws"}, // and below
	"internal/blob":    {"internal/id"},
	"internal/bus":     {"internal/engine", "internal/id"},
	"internal/clock":   nil,
	"internal/compute": {"internal/id"},
	"internal/engine":  {"internal/clock", "internal/id", "internal/store"},
	"internal/gateway": {"internal/aws", "internal/clock", "internal/id"},
	"internal/id":      nil,
	"internal/page":    {"internal/aws", "internal/store"},
	"internal/seal":    nil,
	"internal/site":    nil,
	"internal/store":   nil,

	"internal/appspec":   nil,
	"internal/load":      nil,
	"internal/lint":      {"internal/appspec", "internal/buildspec", "internal/iam/policy"},
	"internal/agent":     {"internal/buildspec", "internal/forward"},
	"internal/buildspec": nil,
	"internal/console":   {"internal/aws/arn", "internal/clock", "internal/codeconnections/handshake", "internal/seal", "internal/site"},
	"internal/demo":      {"examples", "internal/load"},
	"internal/forward":   nil,
	"internal/glob":      nil,
	"internal/git":       nil,
	"internal/pause":     {"internal/forward"},
	"internal/proxy":     {"internal/clock", "internal/elasticloadbalancingv2/accesslog", "internal/elasticloadbalancingv2/health", "internal/elasticloadbalancingv2/meter", "internal/elasticloadbalancingv2/plane", "internal/id"}, // and below,
	"internal/registry":  nil,

	"internal/runtimeapi": {"internal/forward"},
}

// adapters implement contracts; only cmd, bench and tests may import them.
var adapters = []string{
	"internal/store/sqlite", "internal/store/memory", "internal/compute/docker", "internal/compute/process", "internal/blob/files",
}

// source is one file's imports.
type source struct {
	pkg, file string
	test      bool
	imports   []string
}

// sources are the files of the program, from the root of the repository.
func sources(t *testing.T, root string, yield func(source)) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") || strings.Contains(p, "/testdata/") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		s := source{file: filepath.ToSlash(rel), pkg: path.Dir(filepath.ToSlash(rel))}
		// Packages like storetest are suites for tests.
		s.test = strings.HasSuffix(p, "_test.go") || strings.HasSuffix(s.pkg, "test")
		for _, i := range f.Imports {
			v, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, v)
		}
		yield(s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// below tells whether pkg is in or under dir.
func below(pkg, dir string) bool { return pkg == dir || strings.HasPrefix(pkg, dir+"/") }

func find(table map[string][]string, pkg string) (dir string, allowed []string, ok bool) {
	for d, a := range table {
		if below(pkg, d) {
			return d, a, true
		}
	}
	return "", nil, false
}

func TestArrows(t *testing.T) {
	n := 0
	sources(t, "../..", func(s source) {
		n++
		if s.test || below(s.pkg, "internal/arch") {
			return
		}
		service, extra, isService := find(services, s.pkg)
		other, allowed, isOther := find(others, s.pkg)
		if !isService && !isOther {
			t.Errorf("%s: package %s is in no table of this test: say what it may import", s.file, s.pkg)
			return
		}
		for _, i := range s.imports {
			ours, mine := strings.CutPrefix(i, module)
			if !mine {
				if other == "internal/aws" && strings.Contains(strings.Split(i, "/")[0], ".") && !strings.HasPrefix(i, sdk) {
					t.Errorf("%s imports %s: internal/aws has only the SDK's types and the standard library", s.file, i)
				}
				continue
			}
			ok := false
			if isService {
				ok = below(ours, service) || slices.Contains(contracts, ours) || slices.Contains(extra, ours)
			} else {
				ok = below(ours, other) || slices.ContainsFunc(allowed, func(d string) bool { return below(ours, d) })
			}
			if slices.Contains(adapters, ours) && s.pkg != ours {
				ok = false
			}
			if !ok {
				t.Errorf("%s: %s must not import %s", s.file, s.pkg, ours)
			}
		}
	})
	if n < 50 {
		t.Errorf("only %d files were looked at", n)
	}
}

// TestServicesDoNotTestEachOther: a service's tests use the whole server or
// fakes, never another service's package. sts is tested on the real IAM.
func TestServicesDoNotTestEachOther(t *testing.T) {
	sources(t, "../..", func(s source) {
		own, _, ok := find(services, s.pkg)
		if !ok || !s.test || own == "internal/sts" {
			return
		}
		for _, i := range s.imports {
			other, _, isService := find(services, strings.TrimPrefix(i, module))
			if isService && other != own {
				t.Errorf("%s imports the service %s", s.file, other)
			}
		}
	})
}
