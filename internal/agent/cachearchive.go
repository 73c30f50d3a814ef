package agent

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/slipway-dev/slipway/internal/agent/archive"
)

// packCache writes entries named INDEX/PATH, where INDEX counts the paths: an
// archive can then only ever restore below the directories that this build's
// own buildspec names.
func packCache(w io.Writer, dirs []cacheDir) (int, error) {
	z, err := zstd.NewWriter(w)
	if err != nil {
		return 0, err
	}
	t, n := tar.NewWriter(z), 0
	for i, d := range dirs {
		files, _, err := archive.Find(d.dir, []string{d.pattern}, nil, archive.KeepAll)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return n, err
		}
		for _, f := range files {
			if err := addCached(t, i, f); err != nil {
				return n, err
			}
			n++
		}
	}
	if err := t.Close(); err != nil {
		return n, err
	}
	return n, z.Close()
}

func addCached(t *tar.Writer, index int, file archive.File) error {
	name := fmt.Sprintf("%d/%s", index, file.Name)
	if file.Link != "" {
		return t.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: file.Link, Mode: 0o777, Format: tar.FormatPAX})
	}
	f, err := os.Open(file.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Name: name, Size: st.Size(), Mode: int64(st.Mode().Perm()), ModTime: st.ModTime(), Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err = io.CopyN(t, f, st.Size())
	return err
}

func unpackCache(file string, dirs []cacheDir) (n int, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		return 0, err
	}
	defer z.Close()
	roots := make([]*os.Root, len(dirs))
	for i, d := range dirs {
		if err := os.MkdirAll(d.dir, 0o755); err != nil {
			return 0, err
		}
		if roots[i], err = os.OpenRoot(d.dir); err != nil {
			return 0, err
		}
		defer roots[i].Close()
	}
	var links []func() error
	t := tar.NewReader(z)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return n, err
		}
		var index int
		at, name, ok := strings.Cut(h.Name, "/")
		if _, err := fmt.Sscanf(at, "%d", &index); err != nil || !ok || index < 0 || index >= len(roots) || h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeSymlink {
			return n, fmt.Errorf("cache entry %q is not one of this build's paths", h.Name)
		}
		if n++; h.Typeflag == tar.TypeSymlink {
			links = append(links, func() error { return restoreLink(roots[index], name, h.Linkname) })
			continue
		}
		if err := restoreFile(roots[index], name, h, t); err != nil {
			return n, err
		}
	}
	for _, link := range links { // last: no file is written through one
		if err := link(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// restoreLink makes a link, which may lead anywhere: it is of a build of the
// same project. What the image or the source has there stays.
func restoreLink(root *os.Root, name, target string) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	if err := root.Symlink(target, name); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func restoreFile(root *os.Root, name string, h *tar.Header, r io.Reader) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fs.FileMode(h.Mode).Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		_ = root.Chtimes(name, h.ModTime, h.ModTime)
	}
	return err
}
