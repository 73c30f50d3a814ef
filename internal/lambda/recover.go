package lambda

import (
	"context"

	"github.com/slipway-dev/slipway/internal/compute"
)

// Start removes what the last server left: its instances have lost their
// connection, and end anyway.
func (s *Service) Start(context.Context) error {
	s.busy.Go(func() {
		compute.Follow(s.ending, s.Compute, map[string]string{labelService: service}, func() error {
			err := s.recover(s.ending)
			if err != nil && s.ending.Err() == nil {
				s.Log.Warn("functions' containers", "err", err)
			}
			return err
		}, func(compute.Event) error { return nil }, func(err error) { s.Log.Warn("container engine went away", "err", err) })
	})
	return nil
}

// Stop ends what runs.
func (s *Service) Stop() {
	s.stopNow()
	s.pool.close()
	s.busy.Wait()
}

func (s *Service) recover(ctx context.Context) error {
	found, err := s.Compute.List(ctx, map[string]string{labelService: service, compute.LabelInstallation: s.Site.Installation})
	if err != nil {
		return err
	}
	for _, c := range found {
		if s.pool.find(c.Labels[labelInstance]) != nil {
			continue
		}
		if err := s.Compute.Remove(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}
