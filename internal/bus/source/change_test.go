package source_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/bus/source"
)

func TestAChangeIsReadBackFromItsEvent(t *testing.T) {
	want := &source.Change{
		ConnectionARN: "arn:aws:codeconnections:eu-west-1:111122223333:connection/1", ProviderType: "GitHub",
		Repository: "octo/site", Kind: source.Push, Branch: "main", CommitID: "a", Files: []string{"x/y"},
	}
	ev, err := want.Event(time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if !source.Is(&ev) || ev.Region != "eu-west-1" || ev.Account != "111122223333" || ev.Resources[0] != want.ConnectionARN {
		t.Errorf("event %+v", ev)
	}
	got, err := source.Of(&ev)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	ev.Source = "aws.codecommit"
	if source.Is(&ev) {
		t.Error("taken for a change")
	}
}
