package model

import (
	"testing"
)

func TestEveryModelLoads(t *testing.T) {
	m, err := index()
	if err != nil {
		t.Fatal(err)
	}
	if len(m) == 0 {
		t.Fatal("the index is empty")
	}
	for name, e := range m {
		s, err := Load(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(s.Operations) != len(e.info.OperationNames) || s.SigningName == "" {
			t.Errorf("%s: the index does not fit the model: go generate", name)
		}
		for _, shape := range s.Shapes {
			for _, mem := range shape.Members {
				if mem.Shape == nil {
					t.Errorf("%s %s.%s has no shape", name, shape.Name, mem.Name)
				}
			}
		}
	}
}

func TestTraits(t *testing.T) {
	iam, err := Load("iam")
	if err != nil {
		t.Fatal(err)
	}
	if s := iam.Shapes["NoSuchEntityException"]; s.ErrorCode != "NoSuchEntity" || s.ErrorStatus != 404 || !s.Exception {
		t.Errorf("%+v", s)
	}
	s3, err := Load("s3")
	if err != nil {
		t.Fatal(err)
	}
	put := s3.Operations["PutObject"]
	if put.Method != "PUT" || put.URI != "/{Bucket}/{Key+}" || put.Input.Payload != "Body" || !put.Input.Member("Body").Shape.Streaming && !put.Input.Member("Body").Streaming {
		t.Errorf("%+v", put)
	}
	if m := put.Input.Member("Metadata"); m.Location != "headers" || m.Wire() != "x-amz-meta-" {
		t.Errorf("%+v", m)
	}
	if _, err := Load("nothing"); err == nil {
		t.Error("a model that does not exist loads")
	}
}

// BenchmarkIndex is what a start costs.
func BenchmarkIndex(b *testing.B) {
	for b.Loop() {
		raw, err := unzip("index")
		if err != nil || len(raw) == 0 {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		raw, err := unzip("s3")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Parse("s3", raw); err != nil {
			b.Fatal(err)
		}
	}
}
