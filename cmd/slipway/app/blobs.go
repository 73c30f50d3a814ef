package app

import "github.com/slipway-dev/slipway/internal/blob/files"

// addBlobs makes the keeper of objects' bytes.
func addBlobs(a *App) error {
	dir, err := a.dir("blobs")
	if err != nil {
		return err
	}
	a.blobs, err = files.Open(dir, a.IDs)
	return err
}
