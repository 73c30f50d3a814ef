package codepipeline_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// The server dies again and again while executions run; every one of them ends,
// and no action is done twice.
func TestServerThatDies(t *testing.T) {
	e := newEverything(t)
	e.upload(map[string]string{"index.html": "hello"})
	p := e.pipeline()
	p.ExecutionMode = types.ExecutionModeParallel
	deploy := func(name string, order int32) types.ActionDeclaration {
		a := p.Stages[2].Actions[0]
		a.Name, a.RunOrder = aws.String(name), aws.Int32(order)
		a.Configuration = map[string]string{"BucketName": "site", "Extract": "false", "ObjectKey": name + "/#{codepipeline.PipelineExecutionId}"}
		return a
	}
	p.Stages = []types.StageDeclaration{p.Stages[0],
		{Name: aws.String("Copy"), Actions: []types.ActionDeclaration{deploy("A", 1), deploy("B", 1), deploy("C", 2)}},
		{Name: aws.String("Again"), Actions: []types.ActionDeclaration{deploy("D", 1)}}}
	_, err := e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: p})
	e.must(err)
	var ids []*string
	for range 6 {
		for range 3 {
			ids = append(ids, e.startWith(""))
		}
		time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond) // whenever it may be
		e.restart()
	}
	for _, id := range ids {
		if s := e.ended(id); s != types.PipelineExecutionStatusSucceeded {
			t.Fatalf("%s ended %s", *id, s)
		}
		out, err := e.ListActionExecutions(t.Context(), &codepipeline.ListActionExecutionsInput{PipelineName: aws.String("web"),
			Filter: &types.ActionExecutionFilter{PipelineExecutionId: id}})
		e.must(err)
		if n := len(out.ActionExecutionDetails); n != 5 {
			t.Errorf("%s has %d action executions", *id, n)
		}
		for _, name := range []string{"A", "B", "C", "D"} {
			e.read("site", name+"/"+*id)
		}
	}
}
