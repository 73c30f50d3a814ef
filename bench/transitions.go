package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/clock"
	codepipelineservice "github.com/slipway-dev/slipway/internal/codepipeline"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
	"github.com/slipway-dev/slipway/internal/store/sqlite"
)

const (
	stages         = 20
	transitionRuns = 15
)

// nothing is an action that succeeds at once.
type nothing struct{}

func (nothing) Step(context.Context, *codepipelineservice.Work) (*codepipelineservice.Result, error) {
	return &codepipelineservice.Result{Done: true}, nil
}

// anyone lets the service have every role.
type anyone struct{}

func (anyone) Credentials(context.Context, session.Request) (aws.Credentials, error) {
	return aws.Credentials{}, nil
}
func (anyone) Config(context.Context, session.Request) (aws.Config, error) { return aws.Config{}, nil }

// transitions runs a pipeline of twenty stages whose actions do nothing on the
// engine, bus and database of the server, against twenty bare transactions of
// that database which write one record each. No action of AWS does nothing, so
// this one figure is measured inside this process.
func transitions(ctx context.Context, e *environment) ([]row, error) {
	st, err := sqlite.Open(filepath.Join(e.dir, "transitions.db"))
	if err != nil {
		return nil, err
	}
	defer st.Close()
	ctx, cancel := context.WithCancel(ctx)
	log := slog.New(slog.DiscardHandler)
	eng := engine.New(engine.Config{Store: st, Clock: clock.System, IDs: id.Random, Log: log})
	defer eng.Wait()
	defer cancel()
	events := bus.New(eng, id.Random)
	ended := make(chan struct{}, 1)
	events.Subscribe("bench", func(ev *bus.Event) bool { return ev.DetailType == "CodePipeline Pipeline Execution State Change" },
		func(_ context.Context, ev bus.Event) error {
			if strings.Contains(string(ev.Detail), `"SUCCEEDED"`) {
				ended <- struct{}{}
			}
			return nil
		})
	s := codepipelineservice.New(codepipelineservice.Config{
		Engine: eng, Events: events, IDs: id.Random, Log: log, Sessions: anyone{}, // and no archives: nothing here is fetched
		Site:      site.Site{Account: "000000000000", Region: "us-east-1"},
		Providers: map[string]codepipelineservice.Action{"Source/CodeCommit": nothing{}, "Approval/Manual": nothing{}},
	})
	if err := eng.Start(ctx); err != nil {
		return nil, err
	}
	asRoot := identity.WithRegion(identity.WithCaller(ctx, &identity.Caller{Kind: identity.Root, ARN: "arn:aws:iam::000000000000:root"}), "us-east-1")
	wait := func() error {
		select {
		case <-ended:
			return nil
		case <-time.After(time.Minute):
			return errors.New("the pipeline does not end")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	name := aws.String("twenty")
	if _, err := s.CreatePipeline(asRoot, &codepipeline.CreatePipelineInput{Pipeline: twenty(name)}); err != nil {
		return nil, err
	}
	if err := wait(); err != nil { // creation starts the first execution
		return nil, err
	}
	record := bytes.Repeat([]byte("x"), 1024)
	var ours, theirs []time.Duration
	for run := range transitionRuns {
		began := time.Now()
		if _, err := s.StartPipelineExecution(asRoot, &codepipeline.StartPipelineExecutionInput{Name: name}); err != nil {
			return nil, err
		}
		if err := wait(); err != nil {
			return nil, err
		}
		ours = append(ours, time.Since(began)/stages)
		began = time.Now()
		for i := range stages {
			err := st.Update(ctx, func(tx store.Tx) error { return tx.Put(fmt.Sprintf("bench/%03d/%03d", run, i), record) })
			if err != nil {
				return nil, err
			}
		}
		theirs = append(theirs, time.Since(began)/stages)
	}
	d, b := median(ours), median(theirs)
	return []row{{
		what: "twenty no-op stages, each", slipway: ms(d), baseline: ms(b), versus: "bare database transaction",
		ratio: float64(d) / float64(b), aim: "< 10 ms", met: d < 10*time.Millisecond,
	}}, nil
}

func twenty(name *string) *types.PipelineDeclaration {
	p := &types.PipelineDeclaration{
		Name: name, RoleArn: aws.String("arn:aws:iam::000000000000:role/bench"),
		ArtifactStore: &types.ArtifactStore{Type: types.ArtifactStoreTypeS3, Location: aws.String("bench-artifacts")},
		Stages: []types.StageDeclaration{{Name: aws.String("Source"), Actions: []types.ActionDeclaration{{
			Name:            aws.String("Source"),
			ActionTypeId:    &types.ActionTypeId{Category: types.ActionCategorySource, Owner: types.ActionOwnerAws, Provider: aws.String("CodeCommit"), Version: aws.String("1")},
			Configuration:   map[string]string{"RepositoryName": "r", "BranchName": "main"},
			OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Source")}},
		}}}},
	}
	for i := 1; i < stages; i++ {
		p.Stages = append(p.Stages, approval(fmt.Sprint("Stage", i)))
	}
	return p
}
