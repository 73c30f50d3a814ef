package codepipeline

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store/sqlite"
)

// BenchmarkTwentyStages runs a pipeline of twenty stages whose actions do
// nothing, end to end on SQLite; ms/stage is the cost of one transition.
func BenchmarkTwentyStages(b *testing.B) {
	const stages = 20
	st, err := sqlite.Open(filepath.Join(b.TempDir(), "db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { st.Close() })
	e := engine.New(engine.Config{Store: st, Clock: clock.System, IDs: id.Random, Log: slog.New(slog.DiscardHandler)})
	events := bus.New(e, id.Random)
	ended := make(chan struct{}, 1)
	events.Subscribe("end", func(ev *bus.Event) bool { return ev.DetailType == "CodePipeline Pipeline Execution State Change" },
		func(_ context.Context, ev bus.Event) error {
			if state := string(ev.Detail); strings.Contains(state, `"SUCCEEDED"`) {
				ended <- struct{}{}
			}
			return nil
		})
	nothing := &script{do: done}
	s := New(Config{Engine: e, Events: events, IDs: id.Random, Log: slog.New(slog.DiscardHandler), Sessions: sessions{}, Archives: noArchives{}, Secrets: seal.New(make([]byte, 32)).For("test"),
		Site:      site.Site{Account: "000000000000", Region: "us-east-1"},
		Providers: map[string]Action{"Source/CodeCommit": nothing, "Approval/Manual": nothing}})
	enginetest.Start(b, e)
	ctx := identity.WithRegion(identity.WithCaller(b.Context(), &identity.Caller{ARN: "arn:aws:iam::000000000000:root"}), "us-east-1")

	p := sample()
	p.Stages = p.Stages[:1]
	for i := 1; i < stages; i++ {
		p.Stages = append(p.Stages, stage(fmt.Sprint("Stage", i), action("Nothing", types.ActionCategoryApproval, "Manual", "", "")))
	}
	if _, err := s.CreatePipeline(ctx, &codepipeline.CreatePipelineInput{Pipeline: p}); err != nil {
		b.Fatal(err)
	}
	<-ended
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := s.StartPipelineExecution(ctx, &codepipeline.StartPipelineExecutionInput{Name: aws.String("p")}); err != nil {
			b.Fatal(err)
		}
		<-ended
	}
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N*stages), "ms/stage")
}
