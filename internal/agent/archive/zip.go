package archive

import (
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zip"
)

// Zip writes the files.
func Zip(w io.Writer, files []File) error {
	z := zip.NewWriter(w)
	for _, f := range files {
		add := addFile
		if f.Link != "" {
			add = addLink
		}
		if err := add(z, f); err != nil {
			return fmt.Errorf("add %s: %w", f.Name, err)
		}
	}
	return z.Close()
}

func addFile(z *zip.Writer, f File) error {
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

func addLink(z *zip.Writer, f File) error {
	h := &zip.FileHeader{Name: f.Name}
	h.SetMode(fs.ModeSymlink | 0o777)
	out, err := z.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, f.Link)
	return err
}
