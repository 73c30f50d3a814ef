package ecs

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// reconcile makes a service's plan and writes what follows from it, all in one
// transaction; the tasks' own jobs have the effects.
func (s *Service) reconcile(ctx context.Context, job *engine.Job) error {
	var key taskKey // ID is the service's name
	if err := json.Unmarshal(job.Payload, &key); err != nil {
		return err
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		svc, err := services.Get(tx, key.Region, key.Cluster, key.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		running, err := liveTasks(tx, key.Region, key.Cluster, key.ID)
		if err != nil {
			return err
		}
		open := svc.Deploy.open()
		views := make([]view, len(running))
		for i, t := range running {
			views[i] = t.view()
		}
		p := schedule(*svc, views, tx.Now(), s.StableAfter)
		if d := p.Service.Deploy; open && !d.open() {
			d.Counts = p.Service.counts(running)
			if err := s.watchAlarms(tx, &p.Service, d, false); err != nil {
				return err
			}
		}
		return s.follow(tx, running, p)
	})
}

// follow does what a plan says.
func (s *Service) follow(tx *engine.Tx, running []*task, p plan) error {
	svc := &p.Service
	byID := map[string]*task{}
	for _, t := range running {
		byID[t.ID] = t
	}
	for _, id := range p.Healthy {
		byID[id].WasHealthy = true
		if err := byID[id].put(tx); err != nil {
			return err
		}
	}
	for _, id := range p.Blamed {
		t := byID[id]
		for i := range t.Targets {
			t.Targets[i].Blamed = t.Targets[i].failed()
		}
		if err := t.put(tx); err != nil {
			return err
		}
	}
	for _, st := range p.Stop {
		t := byID[st.ID]
		err := s.changed(tx, t, func() error { t.stop(types.TaskStopCodeServiceSchedulerInitiated, st.Reason); return nil })
		if err != nil {
			return err
		}
	}
	for _, owner := range slices.Sorted(maps.Keys(p.Start)) {
		ids, err := s.startTasks(tx, svc, svc.rollout(owner), running, p.Start[owner])
		if err != nil {
			return err
		}
		p.Say = append(p.Say, svc.who(owner)+"has started "+countTasks(len(ids), "")+": "+taskList(ids)+".")
	}
	for _, message := range p.Say {
		if err := s.say(tx, svc, message); err != nil {
			return err
		}
	}
	for _, n := range p.Emit {
		if err := s.emitNotice(tx, svc, n); err != nil {
			return err
		}
	}
	if err := services.Put(tx, svc, svc.Region, svc.cluster(), svc.name()); err != nil {
		return err
	}
	if p.Errand != nil {
		if err := s.sendErrand(tx, svc, p.Errand); err != nil {
			return err
		}
	}
	if p.Wake.IsZero() {
		return nil
	}
	return s.wakeService(tx, svc.Region, svc.cluster(), svc.name(), p.Wake)
}

// startTasks makes n tasks of a deployment or task set.
func (s *Service) startTasks(tx *engine.Tx, svc *service, ro *rollout, running []*task, n int) ([]string, error) {
	c, err := clusters.Get(tx, svc.Region, svc.cluster())
	if err != nil {
		return nil, err
	}
	// An INACTIVE definition keeps serving the services that have it.
	d, err := findDefinition(tx, svc.Region, aws.ToString(ro.TaskDefinition))
	if err != nil {
		return nil, err
	}
	lt, placed := ro.LaunchType, map[string]int{}
	if len(ro.CapacityProviderStrategy) > 0 {
		lt = types.LaunchTypeFargate
	}
	alike := 0
	for _, t := range running {
		if t.Deployment == ro.id() && !t.stopping() {
			placed[aws.ToString(t.CapacityProviderName)]++
			alike++
		}
	}
	var tags []types.Tag
	switch svc.PropagateTags {
	case types.PropagateTagsService:
		tags = slices.Clone(svc.Tags)
	case types.PropagateTagsTaskDefinition:
		tags = slices.Clone(d.Tags)
	}
	if svc.EnableECSManagedTags {
		tags = mergeTags(tags, managedTags(svc.cluster(), svc.name()))
	}
	var ids []string
	for i := range n {
		provider := ""
		if len(ro.CapacityProviderStrategy) > 0 {
			provider = pick(ro.CapacityProviderStrategy, placed)
			placed[provider]++
		}
		t, err := s.newTask(tx, launch{
			cluster: c, definition: d, launchType: lt, provider: provider, network: ro.NetworkConfiguration,
			group: "service:" + svc.name(), startedBy: ro.id(), service: svc.name(), deployment: ro.id(), tags: tags,
			execute: svc.EnableExecuteCommand, targets: ro.memberships(),
			platform: ro.PlatformVersion, images: ro.Images, number: alike + i,
		})
		if err != nil {
			return nil, err
		}
		ids = append(ids, t.ID)
	}
	return ids, nil
}
