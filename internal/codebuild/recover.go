package codebuild

import (
	"context"
	"time"

	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// removal is the most time that removing a container may take.
const removal = 30 * time.Second

// Start finds the containers of builds again, removes those without an owner,
// and from then on hears of every one that ends.
func (s *Service) Start(context.Context) error {
	s.busy.Go(func() {
		s.watch(s.ending)
	})
	return nil
}

// Stop ends what Start began and removes the containers that wait. Those of
// builds go on; their agents find the next server.
func (s *Service) Stop() {
	s.stopNow()
	s.pool.close()
	s.busy.Wait()
}

func (s *Service) watch(ctx context.Context) {
	compute.Follow(ctx, s.Compute, map[string]string{labelService: service}, func() error {
		err := s.recover(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.Warn("builds' containers", "err", err)
		}
		return err
	}, func(e compute.Event) error {
		if e.Type != compute.Died {
			return nil
		}
		return s.died(ctx, e.Labels[labelWorker])
	}, func(err error) { s.Log.Warn("container engine went away", "err", err) })
}

func (s *Service) died(ctx context.Context, worker string) error {
	if s.pool.knows(worker) {
		s.pool.died(worker)
		return nil
	}
	err := s.look(ctx, worker)
	if err != nil && ctx.Err() == nil {
		s.Log.Error("container of a build ended", "err", err)
	}
	return err
}

// look has the build of an agent looked after, if it is unfinished.
func (s *Service) look(ctx context.Context, worker string) error {
	b, err := s.buildOf(ctx, worker)
	if err != nil || b == nil {
		return err
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error { return s.enqueueRun(tx, b) })
}

// recover compares containers and builds.
func (s *Service) recover(ctx context.Context) error {
	found, err := s.Compute.List(ctx, map[string]string{labelService: service, compute.LabelInstallation: s.Site.Installation})
	if err != nil {
		return err
	}
	for _, c := range found {
		worker := c.Labels[labelWorker]
		if s.pool.knows(worker) {
			continue
		}
		b, err := s.buildOf(ctx, worker)
		if err != nil {
			return err
		}
		if b == nil {
			if err := s.cleanUp(ctx, worker); err != nil {
				return err
			}
		}
	}
	var unfinished []*ref
	var wanted []class
	err = s.Engine.View(ctx, func(r store.Reader) error {
		for a, err := range active.All(r) {
			if err != nil {
				return err
			}
			unfinished = append(unfinished, a)
		}
		for p, err := range projects.Scan(r, store.Range{Prefix: store.Prefix(string(projects)), Limit: pageSize}) {
			if err != nil {
				return err
			}
			if warmable(p.Environment) {
				wanted = append(wanted, s.classOf(p.Environment))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range unfinished {
		b, err := s.load(ctx, *r)
		if err != nil {
			return err
		}
		if b != nil {
			if err := s.Engine.Update(ctx, func(tx *engine.Tx) error { return s.enqueueRun(tx, b) }); err != nil {
				return err
			}
		}
	}
	for _, c := range wanted {
		s.pool.want(c)
	}
	return nil
}
