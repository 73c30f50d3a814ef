package lint_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/slipway-dev/slipway/internal/lint"
)

var update = flag.Bool("update", false, "write what is found into the corpus")

// TestCorpus lints each archive of testdata as a directory. Its file "want" is
// what people are told.
func TestCorpus(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(archives, err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			want, at := "", -1
			for i, f := range a.Files {
				if f.Name == "want" {
					want, at = string(f.Data), i
					continue
				}
				name := filepath.Join(dir, f.Name)
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, f.Data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got := text(t, dir)
			if *update && at >= 0 {
				a.Files[at].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("found:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func text(t *testing.T, dir string) string {
	t.Helper()
	r, err := lint.Paths([]string{dir}, lint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(b.String(), dir+"/", "")
}

func TestIgnoreAndFormats(t *testing.T) {
	dir := t.TempDir()
	for name, body := range map[string]string{
		"buildspec.yml": "version: 0.2\nenv:\n  variables:\n    API_TOKEN: abc\nphases:\n  build:\n    commands: [npm ci]\n",
		"Dockerfile":    "FROM node\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := lint.Paths([]string{dir}, lint.Options{Ignore: []string{"pinned-images"}})
	if err != nil || len(r.Findings) != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	var b strings.Builder
	if err := r.WriteSARIF(&b, "1"); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID    string `json:"ruleId"`
				RuleIndex int    `json:"ruleIndex"`
				Locations []struct {
					PhysicalLocation struct {
						Region struct{ StartLine int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &doc); err != nil {
		t.Fatal(err)
	}
	for _, res := range doc.Runs[0].Results {
		if doc.Runs[0].Tool.Driver.Rules[res.RuleIndex].ID != res.RuleID || res.Locations[0].PhysicalLocation.Region.StartLine == 0 {
			t.Errorf("%+v", res)
		}
	}
	if strings.Contains(b.String(), "abc") {
		t.Error("the secret is told")
	}
	b.Reset()
	if err := r.WriteJSON(&b); err != nil || !strings.Contains(b.String(), `"rule": "plain-secrets"`) {
		t.Error(b.String(), err)
	}
}

// A repository may link anywhere, and name its files as it likes.
func TestHostileDirectory(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "buildspec.yml")
	if err := os.WriteFile(outside, []byte("x: y"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "buildspec.yml")); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink(dir, filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "appspec.yml"), []byte(strings.Repeat("a", 2<<20)), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := lint.Paths([]string{dir}, lint.Options{})
	if err != nil || len(r.Findings) != 1 || r.Findings[0].Rule != "unreadable" {
		t.Errorf("%+v, %v", r, err)
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"format_version":"1.2","terraform_version":"1.11.4","planned_values":{"root_module":{"resources":[{"address":"aws_codepipeline.p","mode":"managed","type":"aws_codepipeline","name":"p","values":{"stage":[{"name":"Prod","action":[{"name":"D","category":"Deploy","provider":"ECS"}]}]}}]}}}`))
	f.Add([]byte(`{"pipeline":{"name":"p","stages":[{"name":"Prod","actions":[{"name":"D","actionTypeId":{"category":"Deploy","provider":"ECS"}}]}]}}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		name := filepath.Join(dir, "a.json")
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := lint.Paths([]string{name}, lint.Options{}); err != nil {
			t.Error(err)
		}
	})
}
