package archive

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zip"
)

// File is one file of an archive to make.
type File struct {
	Name string // in the archive, with slashes
	Path string // on disk
}

// Zip writes the files. Links are followed; with keepLinks those that stay
// within dir are kept as links.
func Zip(w io.Writer, files []File, dir string, keepLinks bool) error {
	z := zip.NewWriter(w)
	for _, f := range files {
		if err := addFile(z, f, dir, keepLinks); err != nil {
			return fmt.Errorf("add %s: %w", f.Name, err)
		}
	}
	return z.Close()
}

func addFile(z *zip.Writer, f File, dir string, keepLinks bool) error {
	if keepLinks {
		if done, err := addLink(z, f, dir); done || err != nil {
			return err
		}
	}
	in, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	h, err := zip.FileInfoHeader(st)
	if err != nil {
		return err
	}
	h.Name, h.Method = f.Name, zip.Deflate
	out, err := z.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return err
}

func addLink(z *zip.Writer, f File, dir string) (bool, error) {
	st, err := os.Lstat(f.Path)
	if err != nil || st.Mode().Type() != fs.ModeSymlink {
		return false, err
	}
	target, err := os.Readlink(f.Path)
	if err != nil || filepath.IsAbs(target) {
		return false, err
	}
	rel, err := filepath.Rel(dir, filepath.Join(filepath.Dir(f.Path), target))
	if err != nil || !filepath.IsLocal(rel) {
		return false, nil
	}
	h, err := zip.FileInfoHeader(st)
	if err != nil {
		return true, err
	}
	h.Name = f.Name
	out, err := z.CreateHeader(h)
	if err != nil {
		return true, err
	}
	_, err = io.Copy(out, strings.NewReader(filepath.ToSlash(target)))
	return true, err
}
