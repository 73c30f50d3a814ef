package secretsmanager

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// The stages that the service moves by itself.
const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
	pending  = "AWSPENDING"
)

const (
	maxStages   = 20  // of a version
	maxVersions = 100 // that stay though they have no stage
	fresh       = 24 * time.Hour
)

// holder is the version that has a stage, "" if none has.
func (x *secret) holder(stage string) string {
	for id, v := range x.Versions {
		if slices.Contains(v.Stages, stage) {
			return id
		}
	}
	return ""
}

// stage gives a stage to a version, and so takes it from the one that had it.
// With AWSCURRENT goes AWSPREVIOUS, to the version that was current.
func (x *secret) stage(stage, to string) {
	from := x.holder(stage)
	if from == to {
		return
	}
	x.unstage(stage)
	x.Versions[to].Stages = append(x.Versions[to].Stages, stage)
	if stage == current && from != "" {
		x.stage(previous, from)
	}
}

// unstage takes a stage away from whichever version has it.
func (x *secret) unstage(stage string) {
	if v := x.Versions[x.holder(stage)]; v != nil {
		v.Stages = slices.DeleteFunc(v.Stages, func(s string) bool { return s == stage })
	}
}

// deprecated are the versions to forget: the oldest without stages, where there
// are more than maxVersions, unless they are younger than a day.
func (x *secret) deprecated(now time.Time) (ids []string) {
	for id, v := range x.Versions {
		if len(v.Stages) == 0 && now.Sub(v.Created) > fresh {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int {
		if c := x.Versions[a].Created.Compare(x.Versions[b].Created); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	return ids[:max(0, min(len(ids), len(x.Versions)-maxVersions))]
}

// staged are the stages of each version that has any.
func (x *secret) staged() map[string][]string {
	m := map[string][]string{}
	for id, v := range x.Versions {
		if len(v.Stages) > 0 {
			m[id] = v.Stages
		}
	}
	return m
}

// newest are the IDs of all versions, the newest first.
func (x *secret) newest() []string {
	return slices.SortedFunc(maps.Keys(x.Versions), func(a, b string) int {
		if c := x.Versions[b].Created.Compare(x.Versions[a].Created); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
}
