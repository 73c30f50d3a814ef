package archive

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Find returns the files under dir that one of the patterns matches and none of
// exclude, sorted, with slashes; and the patterns that matched nothing. A
// pattern is a path, dir/*, dir/**/* or **/*; hidden files match. Links are
// followed, though never in a circle.
func Find(dir string, patterns, exclude []string) (files, unmatched []string, err error) {
	found := map[string]bool{}
	matched := make([]bool, len(patterns))
	excluded := func(name string) bool {
		for _, x := range exclude {
			if ok, _ := doublestar.Match(clean(x), name); ok {
				return true
			}
		}
		return false
	}
	var globs []int
	for i, p := range patterns {
		p = clean(p)
		if !filepath.IsLocal(p) || !doublestar.ValidatePattern(p) {
			continue
		}
		if strings.ContainsAny(p, "*?[{\\") {
			globs = append(globs, i)
			continue
		}
		if st, err := os.Stat(filepath.Join(dir, p)); err == nil && st.Mode().IsRegular() {
			matched[i] = true
			if !excluded(p) {
				found[p] = true
			}
		}
	}
	if len(globs) > 0 {
		err = walk(dir, "", nil, func(name string) {
			for _, i := range globs {
				if ok, _ := doublestar.Match(clean(patterns[i]), name); ok {
					matched[i] = true
					if !found[name] && !excluded(name) {
						found[name] = true
					}
				}
			}
		})
	}
	for name := range found {
		files = append(files, name)
	}
	sort.Strings(files)
	for i, ok := range matched {
		if !ok {
			unmatched = append(unmatched, patterns[i])
		}
	}
	return files, unmatched, err
}

func clean(pattern string) string { return strings.TrimPrefix(path.Clean(pattern), "./") }

// walk visits regular files, following links; above holds the directories that
// are open now, to see circles.
func walk(dir, rel string, above []fs.FileInfo, visit func(name string)) error {
	here := filepath.Join(dir, filepath.FromSlash(rel))
	st, err := os.Stat(here)
	if err != nil {
		return err
	}
	for _, a := range above {
		if os.SameFile(a, st) {
			return nil
		}
	}
	entries, err := os.ReadDir(here)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(rel, e.Name())
		mode := e.Type()
		if mode == fs.ModeSymlink {
			target, err := os.Stat(filepath.Join(dir, name))
			if err != nil {
				continue // dangling
			}
			mode = target.Mode().Type()
		}
		switch {
		case mode.IsDir():
			if err := walk(dir, name, append(above, st), visit); err != nil {
				return err
			}
		case mode.IsRegular():
			visit(name)
		}
	}
	return nil
}
