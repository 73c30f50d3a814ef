package ssm

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// filter is one that was checked. A parameter passes if any value fits.
type filter struct {
	key, option string
	values      []string
}

// options that a key may have; the first is the default.
var options = map[string][]string{
	"Name":  {"Equals", "BeginsWith", "Contains"},
	"Path":  {"OneLevel", "Recursive"},
	"Label": {"Equals"},
	"":      {"Equals", "BeginsWith"},
}

func readFilters(list []types.ParameterStringFilter, keys ...string) ([]filter, error) {
	var out []filter
	for _, in := range list {
		f := filter{key: *in.Key, option: aws.ToString(in.Option), values: in.Values}
		isTag := strings.HasPrefix(f.key, "tag:")
		if !slices.Contains(keys, f.key) && (!isTag || !slices.Contains(keys, "tag:")) {
			return nil, fail("InvalidFilterKey", "The following filter key is not valid: %s. Valid filter keys include: [%s].", f.key, strings.Join(keys, ", "))
		}
		if slices.ContainsFunc(out, func(o filter) bool { return o.key == f.key }) {
			return nil, fail("ValidationException", "The following filter is duplicated in the request: %s. A request can contain only one occurrence of a specific filter.", f.key)
		}
		valid := options[f.key]
		if valid == nil {
			valid = options[""]
		}
		if f.option == "" {
			f.option = valid[0]
		}
		switch {
		case !slices.Contains(valid, f.option):
			return nil, fail("InvalidFilterOption", "The following filter option is not valid: %s. Valid options include: [%s].", f.option, strings.Join(valid, ", "))
		case len(f.values) == 0 && !isTag:
			return nil, fail("InvalidFilterValue", "The following filter values are missing : null for filter key %s.", f.key)
		case f.key == "Path":
			for _, v := range f.values {
				if !strings.HasPrefix(v, "/") {
					return nil, fail("ValidationException", "The parameter path %s must begin with a forward slash.", v)
				}
			}
		}
		out = append(out, f)
	}
	return out, nil
}

func passes(p *parameter, filters []filter) bool {
	for _, f := range filters {
		if !f.fits(p) {
			return false
		}
	}
	return true
}

func (f *filter) fits(p *parameter) bool {
	switch f.key {
	case "Name":
		return f.any(p.Name)
	case "Type":
		return f.any(string(p.Type))
	case "KeyId":
		return f.any(p.KeyID)
	case "Tier":
		return f.any(string(p.Tier))
	case "DataType":
		return f.any(p.DataType)
	case "Label":
		return slices.ContainsFunc(f.values, func(v string) bool { return p.Labels[v] != 0 })
	case "Path":
		return slices.ContainsFunc(f.values, func(path string) bool {
			prefix := strings.TrimSuffix(path, "/") + "/"
			return (path == "/" || strings.HasPrefix(p.Name, prefix)) && (f.option == "Recursive" || direct(path, p.Name))
		})
	}
	v, ok := p.Tags[strings.TrimPrefix(f.key, "tag:")]
	return ok && (len(f.values) == 0 || f.any(v))
}

// any compares with each value as the option says.
func (f *filter) any(have string) bool {
	return slices.ContainsFunc(f.values, func(want string) bool {
		switch f.option {
		case "BeginsWith":
			return strings.HasPrefix(have, want)
		case "Contains":
			return strings.Contains(have, want)
		}
		return have == want
	})
}
