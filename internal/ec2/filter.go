package ec2

import (
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/glob"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// Filter narrows a list: a resource must have one of the values under each
// filter's name. Values may have the wildcards * and ?.
type Filter struct {
	Name   string
	Values []string
}

// facts answers what values a resource has under a filter's name; ok is false
// for a filter that this kind of resource does not know.
type facts func(name string) (values []string, ok bool)

// matches tells whether a resource passes all filters.
func matches(filters []Filter, tags tag.Set, of facts) bool {
	for _, f := range filters {
		values, ok := tagFacts(tags, f.Name)
		if !ok {
			values, ok = of(f.Name)
		}
		if !ok || !slices.ContainsFunc(values, func(v string) bool {
			return slices.ContainsFunc(f.Values, func(p string) bool { return glob.Match(p, v) })
		}) {
			return false
		}
	}
	return true
}

func tagFacts(tags tag.Set, name string) ([]string, bool) {
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		if v, has := tags[key]; has {
			return []string{v}, true
		}
		return nil, true
	}
	var out []string
	switch name {
	case "tag-key":
		for k := range tags {
			out = append(out, k)
		}
		return out, true
	case "tag-value":
		for _, v := range tags {
			out = append(out, v)
		}
		return out, true
	}
	return nil, false
}

// one makes the values of a filter that has a single one.
func one(v string) ([]string, bool) { return []string{v}, true }

func flag(b bool) ([]string, bool) { return one(strconv.FormatBool(b)) }

// listing is what a Describe request asks for.
type listing struct {
	region  string
	kind    kind
	ids     []string
	filters []Filter
	max     *int32
	token   string
}

// describe is a page of a table, in the order of ids. Every id that is asked
// for must be there. facts and make are of one document.
func describe[D, T any](r store.Reader, t store.Table[D], in listing, id func(*D) string, tags func(*D) tag.Set, of func(*D) facts, make func(*D) T) ([]T, string, error) {
	if len(in.ids) > 0 && in.max != nil {
		return nil, "", fail("InvalidParameterCombination", "The parameter MaxResults cannot be used with the parameter that lists ids")
	}
	if err := checkFilters(in.filters, of(new(D))); err != nil {
		return nil, "", err
	}
	for _, id := range in.ids {
		if _, err := get(r, t, in.kind, in.region, id); err != nil {
			return nil, "", err
		}
	}
	items, next, err := page.Of(r, t, page.Request{Scope: "ec2." + in.kind.name + "/" + in.region, Token: &in.token, Max: page.Limit(in.max, 1000)},
		func(d *D) (item T, ok bool, err error) {
			if len(in.ids) > 0 && !slices.Contains(in.ids, id(d)) {
				return item, false, nil
			}
			if ok = matches(in.filters, tags(d), of(d)); ok {
				item = make(d)
			}
			return item, ok, nil
		}, in.region)
	if err == page.ErrToken {
		return nil, "", fail("InvalidNextToken", "The token '%s' is invalid", in.token)
	}
	if err != nil || next == nil {
		return items, "", err
	}
	return items, *next, nil
}

// checkFilters refuses an unknown filter also where there is nothing to filter.
func checkFilters(filters []Filter, of facts) error {
	for _, f := range filters {
		_, ok := tagFacts(nil, f.Name)
		if !ok {
			_, ok = of(f.Name)
		}
		switch {
		case !ok:
			return fail("InvalidParameterValue", "The filter '%s' is invalid", f.Name)
		case len(f.Values) == 0:
			return fail("InvalidParameterValue", "The filter '%s' has no values", f.Name)
		}
	}
	return nil
}
