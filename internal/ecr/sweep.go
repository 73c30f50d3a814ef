package ecr

import (
	"context"
	"time"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// sweepAfter is how long blobs that nothing names stay: a push uploads its
// layers first and its manifest last.
const sweepAfter = time.Hour

func (s *Service) scheduleSweep(tx *engine.Tx) error {
	return tx.Enqueue(engine.NewJob{Kind: jobSweep, ID: "all", At: s.Engine.Now().Add(sweepAfter)})
}

// Start sees to what an earlier process left: blobs of pushes that did not end.
func (s *Service) Start(ctx context.Context) error { return s.Engine.Update(ctx, s.scheduleSweep) }

func (s *Service) sweep(ctx context.Context, _ *engine.Job) error {
	named := map[string]bool{}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for im, err := range images.All(r) {
			if err != nil {
				return err
			}
			named[im.Digest] = true
			for _, list := range [][]string{im.Blobs, im.Children} {
				for _, d := range list {
					named[d] = true
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	n, err := s.Registry.Sweep(ctx, s.Engine.Now().Add(-sweepAfter), func(d string) bool { return named[d] })
	if n > 0 {
		s.Log.Info("removed blobs that no image names", "blobs", n)
	}
	return err
}
