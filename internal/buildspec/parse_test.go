package buildspec

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

const full = `version: 0.2
run-as: builder
env:
  shell: bash
  variables:
    OCTAL: 010
    DECIMAL: 1.10
    EMPTY:
    FLAG: yes
  parameter-store: {P: /name}
  secrets-manager: {S: "id:key"}
  exported-variables: [TAG, FLAG]
  git-credential-helper: yes
proxy:
  upload-artifacts: no
  logs: yes
batch:
  fast-fail: true
phases:
  install:
    runtime-versions:
      nodejs: 20
  pre_build:
    on-failure: RETRY-2-time.*out
    run-as: root
    commands:
      - echo one
      - |
        two
        lines
    finally: [echo last]
  build:
    commands: make
reports:
  tests:
    files: ["**/*"]
    file-format: cucumberjson
artifacts:
  files: ["**/*"]
  name: app-$TAG
  discard-paths: yes
  base-directory: out
  exclude-paths: "**/*.md"
  enable-symlinks: no
  s3-prefix: x
  secondary-artifacts:
    two:
      files: [b]
cache:
  key: k-$TAG
  fallback-keys: [k-]
  action: restore
  paths: [/root/.m2/**/*]
`

func TestParseFull(t *testing.T) {
	s, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	var vars []string
	for _, v := range s.Env.Variables {
		vars = append(vars, v.Name+"="+v.Value)
	}
	if got := strings.Join(vars, " "); got != "OCTAL=010 DECIMAL=1.10 EMPTY= FLAG=yes" {
		t.Errorf("variables: %s", got)
	}
	pre := s.Phases[PreBuild]
	if !reflect.DeepEqual(pre.Commands, []string{"echo one", "two\nlines\n"}) || pre.Finally[0] != "echo last" || pre.RunAs != "root" {
		t.Errorf("pre_build: %+v", pre)
	}
	if f := pre.OnFailure; f.Action != Retry || f.Retries != 2 || f.Match.String() != "time.*out" {
		t.Errorf("on-failure: %+v", f)
	}
	if !reflect.DeepEqual(s.Phases[Build].Commands, []string{"make"}) {
		t.Errorf("a single command: %+v", s.Phases[Build])
	}
	if a := s.Artifacts; !a.DiscardPaths || a.EnableSymlinks || a.ExcludePaths[0] != "**/*.md" || a.Secondary[0].Identifier != "two" {
		t.Errorf("artifacts: %+v", a)
	}
	if c := s.Cache; c.Save || !c.Restore || c.Key != "k-$TAG" {
		t.Errorf("cache: %+v", c)
	}
	if s.Reports[0].FileFormat != "CUCUMBERJSON" || s.Batch == nil || !s.Proxy.Logs || !s.Env.GitCredentials {
		t.Errorf("the rest: %+v", s)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"tab", "version: 0.2\nphases:\n\tbuild:\n", "found character that cannot start any token (a tab, indent with blanks) at line 3, column 1"},
		{"flow", "version: 0.2\nphases: {build: {commands: [a, b}}\n", "did not find expected ',' or ']'"},
		{"empty", "", "the buildspec is empty"},
		{"no version", "phases: {}\n", "the required key version is missing at line 1, column 1"},
		{"old version", "version: 0.1\nphases: {}\n", "version 0.1 is not available, use 0.2 at line 1, column 10"},
		{"no phases", "version: 0.2\n", "the required key phases is missing"},
		{"unknown key", "version: 0.2\nphases:\n  build:\n    comands: [a]\n", `unknown key "comands" in phases.build (known: run-as, on-failure, runtime-versions, commands, finally) at line 4, column 5`},
		{"unknown phase", "version: 0.2\nphases:\n  deploy: {}\n", `unknown key "deploy" in phases`},
		{"commands missing", "version: 0.2\nphases:\n  build:\n    finally: [a]\n", "the required key commands is missing in phases.build"},
		{"subkeys", "version: 0.2\nphases:\n  build:\n    commands:\n      - echo a: b\n", "Expected Commands[0] to be of string type: found subkeys instead at line 5, value of the key tag on line 4 might be empty"},
		{"steps", "version: 0.2\nphases:\n  build:\n    steps: []\n", "phases.build.steps (GitHub Actions) is not available"},
		{"on-failure", "version: 0.2\nphases:\n  build:\n    on-failure: IGNORE\n    commands: [a]\n", `phases.build.on-failure "IGNORE" is none of ABORT`},
		{"retry count", "version: 0.2\nphases:\n  build:\n    on-failure: RETRY-101\n    commands: [a]\n", "at most 100"},
		{"runtime elsewhere", "version: 0.2\nphases:\n  build:\n    runtime-versions: {go: 1}\n    commands: [a]\n", "allowed in phases.install only"},
		{"shell", "version: 0.2\nenv: {shell: zsh}\nphases: {}\n", `env.shell "zsh" is not available`},
		{"twice", "version: 0.2\nversion: 0.2\nphases: {}\n", `the key "version" stands twice`},
		{"files", "version: 0.2\nphases: {}\nartifacts: {name: a}\n", "the required key files is missing in artifacts"},
		{"yes or no", "version: 0.2\nphases: {}\nartifacts: {files: a, discard-paths: maybe}\n", "expected yes or no"},
		{"two documents", "version: 0.2\nphases: {}\n---\na: b\n", "second YAML document"},
		{"list", "- a\n", "expected keys with values in the buildspec at line 1"},
		{"not text", "version: 0.2\x80", "not UTF-8"},
		{"recursion", "version: 0.2\nphases: &a\n  build: *a\n", `unknown key "build" in phases.build`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestMergeKeysAndAliases(t *testing.T) {
	s, err := Parse([]byte(`version: 0.2
phases:
  pre_build: &p
    commands: [a]
    run-as: x
  build:
    <<: *p
    run-as: y
`))
	if err != nil {
		t.Fatal(err)
	}
	if b := s.Phases[Build]; b.RunAs != "y" || len(b.Commands) != 1 {
		t.Errorf("merged: %+v", b)
	}
}

func TestBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 0.2\nphases:\n  build: {commands: [a]}\nenv:\n  exported-variables:\n")
	for range 30000 {
		b.WriteString("  - *x\n")
	}
	text := strings.Replace(b.String(), "phases:", "run-as: &x A\nphases:", 1)
	text = strings.Replace(text, "exported-variables:\n", "exported-variables: &l\n", 1) + "cache:\n  paths: *l\n  fallback-keys: *l\n"
	if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("got %v", err)
	}
}

func TestExample(t *testing.T) {
	text, err := os.ReadFile("../../examples/hello/buildspec.yml")
	if err != nil {
		t.Skip(err)
	}
	if _, err := Parse(text); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(full)
	f.Add("a: &a [*a]\n<<: *a")
	f.Add("version: 0.2\nphases:\n\tbuild:\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse([]byte(text))
		if (s == nil) == (err == nil) {
			t.Errorf("spec %v, error %v", s, err)
		}
	})
}

// A few lines that stand for a billion values, or for themselves, cost nothing.
func TestBombs(t *testing.T) {
	merges := "version: 0.2\nbatch:\n  a0: &a0 {k: v}\n"
	for i := 1; i < 30; i++ {
		merges += fmt.Sprintf("  a%d: &a%d\n    <<: [*a%d, *a%d, *a%d]\n", i, i, i-1, i-1, i-1)
	}
	lists := "version: 0.2\nbatch:\n  a0: &a0 [x, x, x, x]\n"
	for i := 1; i < 30; i++ {
		lists += fmt.Sprintf("  a%d: &a%d [*a%d, *a%d, *a%d, *a%d]\n", i, i, i-1, i-1, i-1, i-1)
	}
	for name, tt := range map[string]struct{ text, want string }{
		"merges":    {merges + "env:\n  variables:\n    <<: *a29\nphases: {}\n", "the buildspec"},
		"lists":     {lists + "phases:\n  build: {commands: *a29}\n", "Expected Commands[0] to be of string type"},
		"itself":    {"version: 0.2\nphases:\n  build: &b\n    <<: *b\n    commands: [x]\n", "nested too deep at line 3"},
		"its phase": {"version: 0.2\nphases: &p\n  build: {commands: *p}\n", "Expected Commands to be a list of strings at line 2"},
		"its list":  {"version: 0.2\nphases:\n  build: {commands: &c [*c]}\n", "Expected Commands[0] to be of string type at line 3"},
		"deep":      {"version: 0.2\nphases: " + strings.Repeat("[", 100_000), "max depth"},
		"large":     {"version: 0.2\n#" + strings.Repeat("x", MaxSize), "at most 1048576 are allowed"},
	} {
		_, err := Parse([]byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
