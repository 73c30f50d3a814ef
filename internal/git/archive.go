package git

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/klauspost/compress/zip"
)

// Archive writes the files of a commit as a zip, without .git and without a
// folder around them. git archive is not used because attributes inside the
// repository would change what it writes.
func (r *Repositories) Archive(ctx context.Context, id, commit string, w io.Writer) error {
	entries, err := r.Tree(ctx, id, commit, true)
	if err != nil {
		return err
	}
	rd, err := r.Reader(ctx, id)
	if err != nil {
		return err
	}
	defer rd.Close()
	z := zip.NewWriter(w)
	// A fixed time makes equal trees equal bytes.
	epoch := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, e := range entries {
		if e.Type != "blob" { // a submodule has no content here
			continue
		}
		h := &zip.FileHeader{Name: e.Path, Method: zip.Deflate, Modified: epoch}
		switch e.Mode {
		case "120000":
			h.SetMode(fs.ModeSymlink | 0o777)
		case "100755":
			h.SetMode(0o755)
		default:
			h.SetMode(0o644)
		}
		f, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := rd.CopyTo(f, e.ID); err != nil {
			return fmt.Errorf("git: archive %s: %w", e.ID, err)
		}
	}
	return z.Close()
}
