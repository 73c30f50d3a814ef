package codepipeline

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// sourceRef is a source action that a change starts. Region is that of its
// pipeline, "" if the change is of the same.
type sourceRef struct {
	Pipeline, Action string
	Region           string `json:",omitempty"`
}

// watched is the key under which a change finds a source action: the region of
// what it looks at, the kind, the name and what else tells it from others. ok
// is false for other actions and for those that were told not to look: AWS then
// wants an EventBridge rule, or a trigger of the pipeline.
func watched(p *types.PipelineDeclaration, a *types.ActionDeclaration, region string) (key []string, ok bool) {
	c := a.Configuration
	switch providerOf(a.ActionTypeId) {
	case "Source/CodeCommit":
		key, ok = []string{region, "CodeCommit", c["RepositoryName"], c["BranchName"]}, c["PollForSourceChanges"] != "false"
	case "Source/S3":
		key, ok = []string{region, "S3", c["S3Bucket"], c["S3ObjectKey"]}, c["PollForSourceChanges"] != "false"
	case "Source/ECR":
		key, ok = []string{region, "ECR", c["RepositoryName"], imageTag(c)}, true
	case "Source/" + connectionProvider:
		key = append(connectionKey(c["ConnectionArn"], c["FullRepositoryId"]), region)
		ok = c["DetectChanges"] != "false" || slices.ContainsFunc(p.Triggers, func(t types.PipelineTriggerDeclaration) bool {
			return aws.ToString(t.GitConfiguration.SourceActionName) == aws.ToString(a.Name)
		})
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
			if key, ok := watched(p, a, region); ok {
				ref := sourceRef{aws.ToString(p.Name), aws.ToString(a.Name), region}
				if err := do(ref, append(key, ref.Pipeline, ref.Action)); err != nil {
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
	if err := each(after, func(ref sourceRef, key []string) error { return sources.Put(tx, &ref, key...) }); err != nil {
		return err
	}
	return s.declareConnections(tx, before, after)
}

// changed is what an event of AWS's own sources is about: key is as in watched.
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
		return []string{ev.Region, "CodeCommit", d.RepositoryName, d.ReferenceName}, d.ReferenceType == "branch" &&
			(d.Event == "referenceCreated" || d.Event == "referenceUpdated")
	case "Object Created":
		return []string{ev.Region, "S3", d.Bucket.Name, d.Object.Key}, true
	case "ECR Image Action":
		return []string{ev.Region, "ECR", d.Repository, d.ImageTag}, d.ActionType == "PUSH" && d.Result == "SUCCESS" && d.ImageTag != ""
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
	return ok && t == ev.DetailType || source.Is(ev)
}

// sourceChanged starts the pipelines whose source an event is about, each once
// per event however often it is delivered.
func (s *Service) sourceChanged(ctx context.Context, ev bus.Event) error {
	if source.Is(&ev) {
		return s.repositoryChanged(ctx, ev)
	}
	key, ok := changed(&ev)
	if !ok {
		return nil
	}
	refs, err := s.watching(ctx, key)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		trigger := types.ExecutionTrigger{TriggerType: types.TriggerTypePollForSourceChanges, TriggerDetail: aws.String(ref.Action)}
		if key[1] == "ECR" { // AWS knows no polling for it, only events
			trigger.TriggerType = types.TriggerTypeCloudWatchEvent
		}
		err := s.startBy(ctx, ev.Region, ref.Pipeline, func(*Pipeline) *starting {
			// The token of a rule of EventBridge whose target is the pipeline: one
			// event starts it once, even if it watches its source by itself, too.
			return &starting{trigger: trigger, token: "client:" + ev.ID}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// watching are the source actions that a change may be about.
func (s *Service) watching(ctx context.Context, key []string) (refs []sourceRef, err error) {
	err = s.cfg.Engine.View(ctx, func(r store.Reader) error {
		for ref, err := range sources.All(r, key...) {
			if err != nil {
				return err
			}
			refs = append(refs, *ref)
		}
		return nil
	})
	return refs, err
}

// startBy starts a pipeline for a change, if it is still there and how, given
// the pipeline as it is now, still wants to.
func (s *Service) startBy(ctx context.Context, region, pipeline string, how func(*Pipeline) *starting) error {
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := pipelines.Get(tx, region, pipeline)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		st := how(p)
		if st == nil {
			return nil
		}
		_, err = s.start(tx, p, *st)
		if known(err) {
			s.cfg.Log.Warn("codepipeline: a change could not start a pipeline", "pipeline", pipeline, "reason", err)
			return nil
		}
		return err
	})
}

// repositoryChanged starts the pipelines for which a change of a connection's
// repository matters, on the very commit that it is about.
func (s *Service) repositoryChanged(ctx context.Context, ev bus.Event) error {
	change, err := source.Of(&ev)
	if err != nil {
		return err
	}
	key := connectionKey(change.ConnectionARN, change.Repository)
	refs, err := s.watching(ctx, key)
	if err != nil {
		return err
	}
	byPipeline := map[[2]string][]string{} // one execution, however many sources changed
	var order [][2]string
	for _, ref := range refs {
		k := [2]string{ref.Region, ref.Pipeline}
		if byPipeline[k] == nil {
			order = append(order, k)
		}
		byPipeline[k] = append(byPipeline[k], ref.Action)
	}
	for _, k := range order {
		err := s.startBy(ctx, k[0], k[1], func(p *Pipeline) *starting { return startOf(p, byPipeline[k], change, ev.ID) })
		if err != nil {
			return err
		}
	}
	return nil
}

// startOf is the start of a pipeline by a change, nil if none of the actions
// wants it any more.
func startOf(p *Pipeline, actions []string, change *source.Change, event string) *starting {
	how := &starting{token: "event:" + event, change: change}
	for _, name := range actions {
		a := sourceAction(&p.Declaration, name)
		if a == nil || !starts(&p.Declaration, a, change) {
			continue
		}
		how.overrides = append(how.overrides, types.SourceRevisionOverride{ActionName: a.Name,
			RevisionType: types.SourceRevisionTypeCommitId, RevisionValue: aws.String(change.CommitID)})
	}
	if how.overrides == nil {
		return nil
	}
	how.trigger = webhookTrigger(&p.Declaration, change)
	return how
}
