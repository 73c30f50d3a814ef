package secretsmanager

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func made(stages map[string][]string) *secret {
	x := &secret{Versions: map[string]*version{}}
	for id, s := range stages {
		x.Versions[id] = &version{Stages: s}
	}
	return x
}

func TestStage(t *testing.T) {
	for _, tt := range []struct {
		name      string
		have      map[string][]string
		stage, to string
		want      map[string][]string
	}{
		{"the first", map[string][]string{"a": nil}, current, "a", map[string][]string{"a": {current}}},
		{"a second", map[string][]string{"a": {current}, "b": nil}, current, "b", map[string][]string{"a": {previous}, "b": {current}}},
		{"a third", map[string][]string{"a": {previous}, "b": {current}, "c": nil}, current, "c", map[string][]string{"b": {previous}, "c": {current}}},
		{"back", map[string][]string{"a": {previous}, "b": {current}}, current, "a", map[string][]string{"a": {current}, "b": {previous}}},
		{"own label", map[string][]string{"a": {current, "blue"}, "b": {previous}}, "blue", "b", map[string][]string{"a": {current}, "b": {previous, "blue"}}},
		{"has it", map[string][]string{"a": {current}}, current, "a", map[string][]string{"a": {current}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := made(tt.have)
			x.stage(tt.stage, tt.to)
			if got := x.staged(); fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("%v", got)
			}
		})
	}
}

func TestDeprecated(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	x := &secret{Versions: map[string]*version{"now": {Stages: []string{current}, Created: now}}}
	for i := range maxVersions + 2 {
		x.Versions[fmt.Sprintf("v%03d", i)] = &version{Created: now.Add(time.Duration(i)*time.Minute - 25*time.Hour)}
	}
	if got := x.deprecated(now); !slices.Equal(got, []string{"v000", "v001", "v002"}) {
		t.Errorf("%v", got)
	}
	if got := x.deprecated(now.Add(-2 * time.Hour)); len(got) != 0 {
		t.Errorf("younger than a day: %v", got)
	}
}
