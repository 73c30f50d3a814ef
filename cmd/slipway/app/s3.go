package app

import "github.com/slipway-dev/slipway/internal/s3"

// addS3 makes S3 on the blobs that addBlobs left.
func addS3(a *App) error {
	s := s3.New(s3.Config{
		Engine: a.engine,
		Blobs:  a.blobs,
		Bus:    a.bus,
		Site:   a.site,
		IDs:    a.IDs,
		Log:    a.Log.With("part", "s3"),
	})
	a.objects = s
	a.onStart(s.Start)
	return a.serve(s.Wire())
}
