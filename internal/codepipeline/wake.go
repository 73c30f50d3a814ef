package codepipeline

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// wakeKeys are the keys of whoever may wait for an event.
func (s *Service) wakeKeys(ev *bus.Event) (keys []string) {
	for _, p := range s.providers {
		if l, ok := p.(Listener); ok {
			if k := l.Key(ev); k != "" && !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

func (s *Service) wakesSomebody(ev *bus.Event) bool { return len(s.wakeKeys(ev)) > 0 }

// wake calls the next step of the actions that wait for an event.
func (s *Service) wake(ctx context.Context, ev bus.Event) error {
	keys := s.wakeKeys(&ev)
	var waiting []actionRef
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		for _, k := range keys {
			for ref, err := range wakes.All(r, k) {
				if err != nil {
					return err
				}
				waiting = append(waiting, *ref)
			}
		}
		return nil
	})
	if err != nil || len(waiting) == 0 {
		return err
	}
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		for _, ref := range waiting {
			if _, err := running.Get(tx, ref.ID); errors.Is(err, store.ErrNotFound) {
				continue // ended meanwhile
			} else if err != nil {
				return err
			}
			if err := s.enqueueStep(tx, ref, false); err != nil {
				return err
			}
		}
		return nil
	})
}

// sourceRef is a source action that a change starts.
type sourceRef struct{ Pipeline, Action string }

// watched is what a source action looks at; ok is false for other actions and
// for those that were told not to look: AWS then wants an EventBridge rule.
func watched(a *types.ActionDeclaration) (key []string, ok bool) {
	c := a.Configuration
	switch providerOf(a.ActionTypeId) {
	case "Source/CodeCommit":
		key, ok = []string{"CodeCommit", c["RepositoryName"], c["BranchName"]}, c["PollForSourceChanges"] != "false"
	case "Source/S3":
		key, ok = []string{"S3", c["S3Bucket"], c["S3ObjectKey"]}, c["PollForSourceChanges"] != "false"
	case "Source/ECR":
		key, ok = []string{"ECR", c["RepositoryName"], imageTag(c)}, true
	}
	return key, ok
}

// watch keeps the index of source actions; before and after may be nil.
func (s *Service) watch(tx *engine.Tx, region string, before, after *types.PipelineDeclaration) error {
	each := func(p *types.PipelineDeclaration, do func(ref sourceRef, key []string) error) error {
		if p == nil {
			return nil
		}
		for i := range p.Stages[0].Actions {
			a := &p.Stages[0].Actions[i]
			if key, ok := watched(a); ok {
				ref := sourceRef{aws.ToString(p.Name), aws.ToString(a.Name)}
				if err := do(ref, append(append([]string{region}, key...), ref.Pipeline, ref.Action)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err := each(before, func(_ sourceRef, key []string) error { return sources.Delete(tx, key...) })
	if err != nil {
		return err
	}
	return each(after, func(ref sourceRef, key []string) error { return sources.Put(tx, &ref, key...) })
}

// changed is what a source event is about: key is as in watched.
func changed(ev *bus.Event) (key []string, ok bool) {
	var d struct {
		// CodeCommit Repository State Change
		Event          string `json:"event"`
		RepositoryName string `json:"repositoryName"`
		ReferenceType  string `json:"referenceType"`
		ReferenceName  string `json:"referenceName"`
		// Object Created
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key string `json:"key"`
		} `json:"object"`
		// ECR Image Action
		ActionType string `json:"action-type"`
		Result     string `json:"result"`
		Repository string `json:"repository-name"`
		ImageTag   string `json:"image-tag"`
	}
	if json.Unmarshal(ev.Detail, &d) != nil {
		return nil, false
	}
	switch ev.DetailType {
	case "CodeCommit Repository State Change":
		return []string{"CodeCommit", d.RepositoryName, d.ReferenceName}, d.ReferenceType == "branch" &&
			(d.Event == "referenceCreated" || d.Event == "referenceUpdated")
	case "Object Created":
		return []string{"S3", d.Bucket.Name, d.Object.Key}, true
	case "ECR Image Action":
		return []string{"ECR", d.Repository, d.ImageTag}, d.ActionType == "PUSH" && d.Result == "SUCCESS" && d.ImageTag != ""
	}
	return nil, false
}

// sourceEvents are the detail types that can start a pipeline, by source.
var sourceEvents = map[string]string{
	"aws.codecommit": "CodeCommit Repository State Change",
	"aws.s3":         "Object Created",
	"aws.ecr":        "ECR Image Action",
}

func isSourceChange(ev *bus.Event) bool {
	t, ok := sourceEvents[ev.Source]
	return ok && t == ev.DetailType
}

// sourceChanged starts the pipelines whose source an event is about, each once
// per event however often it is delivered.
func (s *Service) sourceChanged(ctx context.Context, ev bus.Event) error {
	key, ok := changed(&ev)
	if !ok {
		return nil
	}
	var refs []sourceRef
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		for ref, err := range sources.All(r, append([]string{ev.Region}, key...)...) {
			if err != nil {
				return err
			}
			refs = append(refs, *ref)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, ref := range refs {
		trigger := types.ExecutionTrigger{TriggerType: types.TriggerTypePollForSourceChanges, TriggerDetail: aws.String(ref.Action)}
		if key[0] == "ECR" { // AWS knows no polling for it, only events
			trigger.TriggerType = types.TriggerTypeCloudWatchEvent
		}
		err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
			p, err := pipelines.Get(tx, ev.Region, ref.Pipeline)
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			_, err = s.start(tx, p, starting{trigger: trigger, token: "event:" + ev.ID})
			if known(err) {
				s.cfg.Log.Warn("codepipeline: a change could not start a pipeline", "pipeline", ref.Pipeline, "reason", err)
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
