package lint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// Limits of what is read: a repository may hold anything.
const (
	maxFile  = 1 << 20  // bytes of a file that people write
	maxPlan  = 64 << 20 // bytes of a JSON file: plans are long
	maxFiles = 50_000   // files of a directory
)

// skipped are folders that hold other people's files.
var skipped = map[string]bool{".git": true, "node_modules": true, "vendor": true, ".terraform": true, "testdata": true}

// Options of a run.
type Options struct {
	Ignore []string // IDs of rules
}

// Paths checks files and directories. A file is taken for what its name says;
// in a directory, files whose names say nothing are left alone. Links that lead
// out of a directory are not followed.
//
// Errors: that a path does not exist or cannot be read; what is wrong within a
// file is a finding.
func Paths(paths []string, o Options) (*Report, error) {
	l := &linter{report: &Report{}}
	for _, p := range paths {
		if err := l.path(p); err != nil {
			return nil, err
		}
	}
	l.resources()
	l.report.finish(o.Ignore)
	return l.report, nil
}

// linter is one run over files.
type linter struct {
	report *Report
	plans  []*plan
	blocks map[string]place // of Terraform files: resource "type" "name"
}

func (l *linter) path(p string) error {
	info, err := os.Stat(p)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		root, err := os.OpenRoot(filepath.Dir(p))
		if err != nil {
			return err
		}
		defer root.Close()
		return l.file(root, filepath.Base(p), p)
	}
	root, err := os.OpenRoot(p)
	if err != nil {
		return err
	}
	defer root.Close()
	n := 0
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && skipped[d.Name()]:
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		if n++; n > maxFiles {
			return fmt.Errorf("%s has more than %d files: name the folder with the pipeline's files", p, maxFiles)
		}
		return l.file(root, name, path.Join(filepath.ToSlash(p), name))
	})
}

// kinds tell by its name what a file is.
var kinds = []struct {
	name  *regexp.Regexp
	check func(l *linter, file string, text []byte)
}{
	{regexp.MustCompile(`(?i)^(.*[-_.])?buildspec([-_.].*)?\.ya?ml$`), (*linter).buildspec},
	{regexp.MustCompile(`(?i)^(.*[-_.])?appspec([-_.].*)?\.(ya?ml|json)$`), (*linter).appspec},
	{regexp.MustCompile(`(?i)^imagedefinitions([-_.].*)?\.json$`), (*linter).imageDefinitions},
	{regexp.MustCompile(`(?i)^(.*[-_.])?dockerfile([-_.].*)?$`), (*linter).dockerfile},
	{regexp.MustCompile(`(?i)^task[-_]?def(inition)?s?([-_.].*)?\.json$`), (*linter).taskDefinition},
	{regexp.MustCompile(`\.tf$`), (*linter).terraformFile},
	{regexp.MustCompile(`\.json$`), (*linter).otherJSON},
}

func (l *linter) file(root *os.Root, name, shown string) error {
	for _, k := range kinds {
		if !k.name.MatchString(path.Base(filepath.ToSlash(name))) {
			continue
		}
		limit := int64(maxFile)
		if strings.HasSuffix(name, ".json") {
			limit = maxPlan
		}
		text, err := readUpTo(root, name, limit)
		if errors.Is(err, errTooLarge) {
			l.report.add(ruleUnreadable, place{file: shown}, fmt.Sprintf("The file has more than %d bytes.", limit), "Make it smaller, or leave it out.")
			return nil
		}
		if err != nil {
			return err
		}
		k.check(l, shown, text)
		return nil
	}
	return nil
}

var errTooLarge = errors.New("too large")

func readUpTo(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = errTooLarge
	}
	return b, err
}

func (l *linter) checked(file string) { l.report.Checked = append(l.report.Checked, file) }

// lineOf is the line, from 1, on which the first match stands; 0 if none does.
func lineOf(text []byte, what string) int {
	if what == "" {
		return 0
	}
	i := strings.Index(string(text), what)
	if i < 0 {
		return 0
	}
	return strings.Count(string(text[:i]), "\n") + 1
}
