package archive

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Links is what becomes of symbolic links.
type Links int

// The ways: what a link leads to takes its place; links that stay within the
// directory stay links; all links stay links.
const (
	Follow Links = iota
	KeepInside
	KeepAll
)

// File is one file of an archive to make.
type File struct {
	Name string // in the archive, with slashes
	Path string // on disk
	Link string // where it leads to, for a link that stays one
}

// Find returns the files under dir that one of the patterns matches and none of
// exclude, sorted by name; and the patterns that matched nothing. A pattern is a
// path, dir/*, dir/**/* or **/*; hidden files match. Links that are followed are
// never followed in a circle.
func Find(dir string, patterns, exclude []string, links Links) (files []File, unmatched []string, err error) {
	f := finder{dir: dir, exclude: exclude, links: links, found: map[string]File{}}
	matched := make([]bool, len(patterns))
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
		matched[i] = f.one(p)
	}
	if len(globs) > 0 {
		err = f.walk("", nil, func(file File) {
			for _, i := range globs {
				if ok, _ := doublestar.Match(clean(patterns[i]), file.Name); ok {
					matched[i] = true
					f.add(file)
				}
			}
		})
	}
	for _, name := range slices.Sorted(maps.Keys(f.found)) {
		files = append(files, f.found[name])
	}
	for i, ok := range matched {
		if !ok {
			unmatched = append(unmatched, patterns[i])
		}
	}
	return files, unmatched, err
}

func clean(pattern string) string { return strings.TrimPrefix(path.Clean(pattern), "./") }

type finder struct {
	dir     string
	exclude []string
	links   Links
	found   map[string]File
}

func (f *finder) add(file File) {
	if _, ok := f.found[file.Name]; ok {
		return
	}
	for _, x := range f.exclude {
		if ok, _ := doublestar.Match(clean(x), file.Name); ok {
			return
		}
	}
	f.found[file.Name] = file
}

func (f *finder) file(name string) File {
	return File{Name: name, Path: filepath.Join(f.dir, filepath.FromSlash(name))}
}

// one looks for the file of a pattern without wildcards.
func (f *finder) one(name string) bool {
	file := f.file(name)
	st, err := os.Lstat(file.Path)
	if err == nil && st.Mode().Type() == fs.ModeSymlink && f.keep(&file) {
		f.add(file)
		return true
	}
	if st, err = os.Stat(file.Path); err != nil || !st.Mode().IsRegular() {
		return false
	}
	f.add(file)
	return true
}

// keep tells whether a link stays one, and where it leads to.
func (f *finder) keep(file *File) bool {
	if f.links == Follow {
		return false
	}
	target, err := os.Readlink(file.Path)
	if err != nil {
		return false
	}
	target = filepath.ToSlash(target)
	if f.links == KeepInside && (path.IsAbs(target) || !filepath.IsLocal(path.Join(path.Dir(file.Name), target))) {
		return false
	}
	file.Link = target
	return true
}

// walk visits files; above holds the directories that are open now, to see
// circles.
func (f *finder) walk(rel string, above []fs.FileInfo, visit func(File)) error {
	here := filepath.Join(f.dir, filepath.FromSlash(rel))
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
		file := f.file(path.Join(rel, e.Name()))
		mode := e.Type()
		if mode == fs.ModeSymlink {
			if f.keep(&file) {
				visit(file)
				continue
			}
			target, err := os.Stat(file.Path)
			if err != nil {
				continue // dangling
			}
			mode = target.Mode().Type()
		}
		switch {
		case mode.IsDir():
			if err := f.walk(file.Name, append(above, st), visit); err != nil {
				return err
			}
		case mode.IsRegular():
			visit(file)
		}
	}
	return nil
}
