// Package archive packs and unpacks what builds exchange. What it unpacks was
// made by others: nothing leaves the directory, and nothing grows without end.
package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zip"
)

// Limits of what is unpacked.
type Limits struct {
	Entries int   // most entries
	Bytes   int64 // most bytes of all files together
	// Ratio is how many times larger than the archive the whole may become,
	// once it is larger than 1 GiB.
	Ratio int64
}

// DefaultLimits allow what a build's disk would take.
var DefaultLimits = Limits{Entries: 1_000_000, Bytes: 64 << 30, Ratio: 200}

// An EntryError names the entry that was refused.
type EntryError struct{ Entry, Reason string }

func (e *EntryError) Error() string { return fmt.Sprintf("archive entry %q: %s", e.Entry, e.Reason) }

// Unzip unpacks the zip file into dir, which must exist. It refuses the whole
// archive for an entry that would land outside: absolute, with "..", or through
// or as a link that leaves dir.
func Unzip(file, dir string, limits Limits) error {
	st, err := os.Stat(file)
	if err != nil {
		return err
	}
	r, err := zip.OpenReader(file)
	if err != nil {
		return fmt.Errorf("not a zip archive: %w", err)
	}
	defer r.Close()
	if len(r.File) > limits.Entries {
		return fmt.Errorf("the archive has %d entries, at most %d are allowed", len(r.File), limits.Entries)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	budget := limits.Bytes
	if grown := max(st.Size()*limits.Ratio, 1<<30); grown < budget {
		budget = grown
	}
	u := unzipper{root: root, budget: budget}
	for _, f := range r.File {
		if err := u.check(f); err != nil {
			return err
		}
	}
	for _, f := range r.File {
		if err := u.entry(f); err != nil {
			return err
		}
	}
	return u.makeLinks()
}

type unzipper struct {
	root   *os.Root
	budget int64
	links  []link
}

type link struct{ name, target string }

// check looks at an entry's name before anything is written.
func (u *unzipper) check(f *zip.File) error {
	name := strings.TrimSuffix(f.Name, "/")
	switch {
	case strings.ContainsAny(f.Name, "\x00\\"):
		return &EntryError{f.Name, "the name has a character that is not allowed"}
	case path.IsAbs(f.Name):
		return &EntryError{f.Name, "the path is absolute"}
	case !filepath.IsLocal(name):
		return &EntryError{f.Name, "the path leaves the directory"}
	}
	switch kind := f.Mode().Type(); kind {
	case 0, fs.ModeDir, fs.ModeSymlink:
		return nil
	default:
		return &EntryError{f.Name, "neither a file, a directory nor a link"}
	}
}

func (u *unzipper) entry(f *zip.File) error {
	name := path.Clean(f.Name)
	refuse := func(err error) error {
		if errors.Is(err, os.ErrExist) {
			return &EntryError{f.Name, "the archive has it twice, as different things"}
		}
		return fmt.Errorf("archive entry %q: %w", f.Name, err)
	}
	if f.Mode().IsDir() || strings.HasSuffix(f.Name, "/") {
		if err := u.root.MkdirAll(name, 0o755); err != nil {
			return refuse(err)
		}
		return nil
	}
	if err := u.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return refuse(err)
	}
	if f.Mode().Type() == fs.ModeSymlink {
		return u.link(f, name)
	}
	in, err := f.Open()
	if err != nil {
		return refuse(err)
	}
	defer in.Close()
	out, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return refuse(err)
	}
	n, err := io.Copy(out, io.LimitReader(in, u.budget+1))
	if u.budget -= n; err == nil && u.budget < 0 {
		err = &EntryError{f.Name, "the archive unpacks to more than is allowed"}
	}
	mode := f.Mode().Perm() | 0o600
	if f.Mode().Perm() == 0 { // made where there are no modes
		mode = 0o644
	}
	if cerr := out.Chmod(mode); err == nil {
		err = cerr
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	var refused *EntryError
	if err != nil && !errors.As(err, &refused) {
		err = refuse(err)
	}
	if err == nil && !f.Modified.IsZero() {
		_ = u.root.Chtimes(name, f.Modified, f.Modified)
	}
	return err
}

// link is checked now and made when all files are there, so that no file is
// written through one.
func (u *unzipper) link(f *zip.File, name string) error {
	in, err := f.Open()
	if err != nil {
		return fmt.Errorf("archive entry %q: %w", f.Name, err)
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, 4096))
	if err != nil {
		return fmt.Errorf("archive entry %q: %w", f.Name, err)
	}
	target := string(b)
	if target == "" || path.IsAbs(target) || !filepath.IsLocal(path.Join(path.Dir(name), target)) && path.Join(path.Dir(name), target) != "." {
		return &EntryError{f.Name, fmt.Sprintf("the link to %q leaves the directory", target)}
	}
	u.links = append(u.links, link{name, target})
	return nil
}

func (u *unzipper) makeLinks() error {
	for _, l := range u.links {
		if err := u.root.Symlink(l.target, l.name); err != nil {
			return &EntryError{l.name, "the link cannot be made: " + reason(err)}
		}
	}
	// Links may lead outside through each other: a → b/.., b → .. and so on.
	for _, l := range u.links {
		if _, err := u.root.Stat(l.name); err != nil && !errors.Is(err, os.ErrNotExist) {
			for _, made := range u.links {
				_ = u.root.Remove(made.name)
			}
			return &EntryError{l.name, fmt.Sprintf("the link to %q leaves the directory", l.target)}
		}
	}
	return nil
}

// reason is an error without the path that os puts before it.
func reason(err error) string {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	var le *os.LinkError
	if errors.As(err, &le) {
		return le.Err.Error()
	}
	return err.Error()
}
