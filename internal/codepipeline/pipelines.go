package codepipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// complete fills in what AWS returns for members that were left out. It copies
// what it changes.
func complete(p *types.PipelineDeclaration) *types.PipelineDeclaration {
	c := *p
	if c.ExecutionMode == "" {
		c.ExecutionMode = types.ExecutionModeSuperseded
	}
	if c.PipelineType == "" {
		c.PipelineType = types.PipelineTypeV1
		if len(c.Variables) > 0 || len(c.Triggers) > 0 || c.ExecutionMode != types.ExecutionModeSuperseded {
			c.PipelineType = types.PipelineTypeV2
		}
	}
	c.Stages = append([]types.StageDeclaration(nil), p.Stages...)
	for i := range c.Stages {
		s := &c.Stages[i]
		s.Actions = append([]types.ActionDeclaration(nil), s.Actions...)
		for j := range s.Actions {
			a := &s.Actions[j]
			a.RunOrder = aws.Int32(runOrder(a))
			if a.InputArtifacts == nil {
				a.InputArtifacts = []types.InputArtifact{}
			}
			if a.OutputArtifacts == nil {
				a.OutputArtifacts = []types.OutputArtifact{}
			}
			if a.Configuration == nil {
				a.Configuration = map[string]string{}
			}
		}
	}
	return &c
}

// CreatePipeline makes a pipeline and starts its first execution.
//
// Errors: PipelineNameInUseException, those of checkStructure and checkTags,
// InvalidStructureException if the role cannot be assumed.
func (s *Service) CreatePipeline(ctx context.Context, in *codepipeline.CreatePipelineInput, _ ...func(*codepipeline.Options)) (*codepipeline.CreatePipelineOutput, error) {
	region := identity.Region(ctx)
	decl := complete(in.Pipeline)
	decl.Version = aws.Int32(1)
	if err := s.check(ctx, decl, nil, region); err != nil {
		return nil, err
	}
	tags, err := mergeTags(nil, in.Tags, s.pipelineARN(region, aws.ToString(decl.Name)))
	if err != nil {
		return nil, err
	}
	if err := s.checkRole(ctx, decl, region); err != nil {
		return nil, err
	}
	err = s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		if _, err := pipelines.Get(tx, region, aws.ToString(decl.Name)); err == nil {
			return &types.PipelineNameInUseException{Message: aws.String(fmt.Sprintf(
				"A pipeline with the name '%s' already exists in account '%s'", aws.ToString(decl.Name), s.cfg.Site.Account))}
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		now := s.cfg.Engine.Now()
		p := &Pipeline{Declaration: *decl, Region: region, Generation: id.Hex(s.cfg.IDs, 16), Created: now, Updated: now, Tags: tags}
		if err := s.putPipeline(tx, p, nil); err != nil {
			return err
		}
		if err := boards.Put(tx, &Board{Version: 1}, p.key()...); err != nil {
			return err
		}
		_, err := s.start(tx, p, starting{trigger: types.ExecutionTrigger{
			TriggerType: types.TriggerTypeCreatePipeline, TriggerDetail: aws.String(identity.From(ctx).ARN)}})
		if _, invalid := err.(*types.ValidationException); invalid {
			return nil // a variable without a value: it exists, and waits for a start that gives one
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &codepipeline.CreatePipelineOutput{Pipeline: shown(decl), Tags: tags}, nil
}

// check checks a declaration and seals its secrets; before is the one it
// replaces, if any.
func (s *Service) check(ctx context.Context, p, before *types.PipelineDeclaration, region string) error {
	return s.cfg.Engine.View(ctx, func(r store.Reader) error {
		find, err := s.catalog(r, region, p)
		if err != nil {
			return err
		}
		if err := checkStructure(p, region, find); err != nil {
			return err
		}
		return s.sealSecrets(p, before, find)
	})
}

// putPipeline writes a new version of a pipeline.
func (s *Service) putPipeline(tx *engine.Tx, p *Pipeline, before *types.PipelineDeclaration) error {
	if err := pipelines.Put(tx, p, p.Region, p.name()); err != nil {
		return err
	}
	if err := versions.Put(tx, &p.Declaration, p.key(number(uint64(p.version())))...); err != nil {
		return err
	}
	return s.watch(tx, p.Region, before, &p.Declaration)
}

// UpdatePipeline replaces a pipeline's structure with a new version. Running
// executions end after their running actions, except in PARALLEL mode.
//
// Errors: PipelineNotFoundException besides those of CreatePipeline.
func (s *Service) UpdatePipeline(ctx context.Context, in *codepipeline.UpdatePipelineInput, _ ...func(*codepipeline.Options)) (*codepipeline.UpdatePipelineOutput, error) {
	region := identity.Region(ctx)
	decl := complete(in.Pipeline)
	var before *Pipeline
	err := s.cfg.Engine.View(ctx, func(r store.Reader) (err error) {
		before, err = s.pipelineOf(r, region, aws.ToString(decl.Name))
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.check(ctx, decl, &before.Declaration, region); err != nil {
		return nil, err
	}
	if err := s.checkRole(ctx, decl, region); err != nil {
		return nil, err
	}
	err = s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := s.pipelineOf(tx, region, aws.ToString(decl.Name))
		if err != nil {
			return err
		}
		f, err := s.load(tx, p, "")
		if err != nil {
			return err
		}
		before := p.Declaration
		decl.Version = aws.Int32(p.version() + 1)
		p.Declaration, p.Updated = *decl, f.now
		f.definitions[p.version()] = &p.Declaration
		f.definitions[*before.Version] = &before
		f.updated(p.version())
		if err := s.putPipeline(tx, p, &before); err != nil {
			return err
		}
		return s.save(tx, p, f)
	})
	if err != nil {
		return nil, err
	}
	return &codepipeline.UpdatePipelineOutput{Pipeline: shown(decl)}, nil
}

// GetPipeline shows the current version of a pipeline, or an older one.
//
// Errors: PipelineNotFoundException, PipelineVersionNotFoundException.
func (s *Service) GetPipeline(ctx context.Context, in *codepipeline.GetPipelineInput, _ ...func(*codepipeline.Options)) (*codepipeline.GetPipelineOutput, error) {
	var out codepipeline.GetPipelineOutput
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		p, err := s.pipelineOf(r, identity.Region(ctx), aws.ToString(in.Name))
		if err != nil {
			return err
		}
		out.Metadata = &types.PipelineMetadata{PipelineArn: aws.String(s.pipelineARN(p.Region, p.name())),
			Created: aws.Time(p.Created), Updated: aws.Time(p.Updated)}
		out.Pipeline = &p.Declaration
		if in.Version == nil || *in.Version == p.version() {
			return nil
		}
		out.Pipeline, err = versions.Get(r, p.key(number(uint64(*in.Version)))...)
		if errors.Is(err, store.ErrNotFound) {
			return &types.PipelineVersionNotFoundException{Message: aws.String(fmt.Sprintf(
				"Pipeline '%s' does not have a version %d", p.name(), *in.Version))}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Pipeline = shown(out.Pipeline)
	return &out, nil
}

// sweepJob removes the history of a deleted pipeline.
const sweepJob = "codepipeline.sweep"

// sweepChunk is how many entries one transaction removes.
const sweepChunk = 500

// DeletePipeline removes a pipeline; a missing one is no error. What its
// running actions do outside goes on. The artifacts stay.
func (s *Service) DeletePipeline(ctx context.Context, in *codepipeline.DeletePipelineInput, _ ...func(*codepipeline.Options)) (*codepipeline.DeletePipelineOutput, error) {
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := pipelines.Get(tx, identity.Region(ctx), aws.ToString(in.Name))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		f, err := s.load(tx, p, "")
		if err != nil {
			return err
		}
		for _, ex := range f.executions {
			for _, stage := range ex.Stages {
				for _, id := range stage.atWork() {
					if err := s.forget(tx, p, id); err != nil {
						return err
					}
				}
			}
		}
		if err := s.watch(tx, p.Region, &p.Declaration, nil); err != nil {
			return err
		}
		if err := pipelines.Delete(tx, p.Region, p.name()); err != nil {
			return err
		}
		return tx.Enqueue(engine.NewJob{Kind: sweepJob, ID: p.Generation, Payload: p.key()})
	})
	if err != nil {
		return nil, err
	}
	return &codepipeline.DeletePipelineOutput{}, nil
}

// forget drops the jobs and indexes of a running action.
func (s *Service) forget(tx *engine.Tx, p *Pipeline, action string) error {
	a, err := actions.Get(tx, p.key(action)...)
	if err != nil {
		return err
	}
	if err := s.unwatch(tx, a); err != nil {
		return err
	}
	for _, kind := range []string{stepJob, timeoutJob} {
		if err := tx.Cancel(kind, action); err != nil {
			return err
		}
	}
	if a.Job != "" {
		if err := s.endJob(tx, a.Job, types.JobStatusFailed); err != nil {
			return err
		}
	}
	return running.Delete(tx, action)
}

// sweep removes what is kept under a deleted pipeline's generation.
func (s *Service) sweep(ctx context.Context, job *engine.Job) error {
	var key []string
	if err := json.Unmarshal(job.Payload, &key); err != nil {
		return err
	}
	for _, table := range []string{string(versions), string(executions), string(actions),
		string(ruleRuns), executionNumbers, actionNumbers, executionActions, executionRules, startTokens} {
		prefix := store.Prefix(append([]string{table}, key...)...)
		for more := true; more; {
			err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
				var found []string
				for e, err := range tx.Scan(store.Range{Prefix: prefix, Limit: sweepChunk}) {
					if err != nil {
						return err
					}
					found = append(found, e.Key)
				}
				more = len(found) == sweepChunk
				for _, k := range found {
					if err := tx.Delete(k); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error { return boards.Delete(tx, key...) })
}
