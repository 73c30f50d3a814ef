package wire

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

func BenchmarkDecodeListPipelines(b *testing.B) {
	n := compileFor(b, "codepipeline", "ListPipelinesInput", reflect.TypeFor[codepipeline.ListPipelinesInput]())
	body := []byte(`{"maxResults": 100, "nextToken": "abcdef"}`)
	b.ReportAllocs()
	for b.Loop() {
		in := new(codepipeline.ListPipelinesInput)
		v := reflect.ValueOf(in).Elem()
		if _, err := decodeJSON(n, body, v); err != nil {
			b.Fatal(err)
		}
		if x := validate(n, v, nil); x != nil {
			b.Fatal(x)
		}
	}
}

func listOutput(count int) *codepipeline.ListPipelinesOutput {
	out := &codepipeline.ListPipelinesOutput{}
	now := time.UnixMilli(1700000000123)
	for i := range count {
		out.Pipelines = append(out.Pipelines, types.PipelineSummary{Name: aws.String(fmt.Sprintf("pipeline-%d", i)), Version: aws.Int32(1),
			Created: &now, Updated: &now, PipelineType: types.PipelineTypeV2, ExecutionMode: types.ExecutionModeQueued})
	}
	return out
}

func BenchmarkEncodeListPipelines(b *testing.B) {
	for _, count := range []int{1, 20} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			n := compileFor(b, "codepipeline", "ListPipelinesOutput", reflect.TypeFor[codepipeline.ListPipelinesOutput]())
			out := listOutput(count)
			b.ReportAllocs()
			var buf []byte
			for b.Loop() {
				var err error
				if buf, err = appendJSON(buf[:0], n, reflect.ValueOf(out).Elem(), nil); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}

// BenchmarkCall is everything between the body and the answer.
func BenchmarkCall(b *testing.B) {
	bound, err := Bind(wholeService(b, "codepipeline"))
	if err != nil {
		b.Fatal(err)
	}
	r, _ := http.NewRequest("POST", "/", nil)
	r.Header.Set("X-Amz-Target", "CodePipeline_20150709.ListPipelines")
	body, out := []byte(`{"maxResults": 100}`), listOutput(5)
	b.ReportAllocs()
	for b.Loop() {
		c, err := bound.Find(r, body)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Decode(r, body); err != nil {
			b.Fatal(err)
		}
		if err := c.Encode(discard{}, r, out); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{ io.Writer }

func (discard) Header() http.Header         { return http.Header{} }
func (discard) WriteHeader(int)             {}
func (discard) Write(b []byte) (int, error) { return len(b), nil }
