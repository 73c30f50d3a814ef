package ssm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// GetParametersByPath answers the parameters below a path, and below its paths
// if Recursive, 10 a page.
func (s *Service) GetParametersByPath(ctx context.Context, in *ssm.GetParametersByPathInput, _ ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error) {
	path := strings.TrimSpace(*in.Path)
	if !strings.HasPrefix(path, "/") || !namePattern.MatchString(path) || strings.Contains(path, "//") {
		return nil, fail("ValidationException", `The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash "/". It can't be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.`)
	}
	filters, err := readFilters(in.ParameterFilters, "Type", "KeyId", "Label")
	if err != nil {
		return nil, err
	}
	label := ""
	for _, f := range filters {
		if f.key == "Label" {
			label = f.values[0]
		}
	}
	region, recursive := identity.Region(ctx), aws.ToBool(in.Recursive)
	type found struct {
		w wanted
		r *revision
	}
	var list []found
	out := &ssm.GetParametersByPathOutput{Parameters: []types.Parameter{}}
	err = s.page(ctx, page.Request{Scope: fmt.Sprintf("GetParametersByPath/%s/%v/%v", path, recursive, filters), Token: in.NextToken, Max: page.Limit(in.MaxResults, 10)},
		func(r store.Reader, q page.Request) (err error) {
			list, out.NextToken, err = page.Of(r, parameters, q, func(p *parameter) (found, bool, error) {
				if !recursive && !direct(path, p.Name) || !passes(p, filters) {
					return found{}, false, nil
				}
				w := wanted{name: p.Name}
				if label != "" {
					w.selector = ":" + label
				}
				rev, err := p.pick(r, w)
				return found{w, rev}, true, err
			}, below(region, path)...)
			return err
		})
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		p, err := s.answer(ctx, region, f.w, f.r, aws.ToBool(in.WithDecryption))
		if err != nil {
			return nil, err
		}
		out.Parameters = append(out.Parameters, *p)
	}
	return out, nil
}

// below are the parts with which the keys of a path begin. Everything is below
// "/", what has no path, too.
func below(region, path string) []string {
	path = strings.TrimSuffix(path, "/")
	if path == "" {
		return []string{region}
	}
	return parts(region, path)
}

// direct tells whether name is below path without another path between.
func direct(path, name string) bool {
	rest := strings.TrimPrefix(strings.TrimPrefix(name, strings.TrimSuffix(path, "/")), "/")
	return !strings.Contains(rest, "/")
}

// DescribeParameters tells all of parameters but their values, 50 a page
// (MaxResults; 10 if not given).
func (s *Service) DescribeParameters(ctx context.Context, in *ssm.DescribeParametersInput, _ ...func(*ssm.Options)) (*ssm.DescribeParametersOutput, error) {
	switch {
	case len(in.Filters) > 0 && len(in.ParameterFilters) > 0:
		return nil, fail("ValidationException", "You can use either Filters or ParameterFilters in a single request.")
	case aws.ToBool(in.Shared):
		return nil, fail("ValidationException", "Shared parameters are not implemented by Slipway.")
	}
	filters, err := readFilters(in.ParameterFilters, "Name", "Type", "KeyId", "Path", "Tier", "DataType", "tag:")
	if err != nil {
		return nil, err
	}
	for _, f := range in.Filters { // of the first years
		filters = append(filters, filter{key: string(f.Key), option: "BeginsWith", values: f.Values})
	}
	region := identity.Region(ctx)
	out := &ssm.DescribeParametersOutput{Parameters: []types.ParameterMetadata{}}
	if name, ok := only(filters); ok { // the question of Terraform, of each parameter
		return out, s.cfg.Engine.View(ctx, func(r store.Reader) error {
			p, err := get(r, region, name)
			if errors.Is(err, errNotFound) {
				return nil
			}
			if err == nil {
				out.Parameters = append(out.Parameters, s.metadata(p))
			}
			return err
		})
	}
	from := []string{region}
	for _, f := range filters {
		if f.key == "Path" && len(f.values) == 1 {
			from = below(region, f.values[0])
		}
	}
	most := 10
	if in.MaxResults != nil {
		most = int(*in.MaxResults)
	}
	return out, s.page(ctx, page.Request{Scope: fmt.Sprintf("DescribeParameters/%v", filters), Token: in.NextToken, Max: most}, func(r store.Reader, q page.Request) (err error) {
		out.Parameters, out.NextToken, err = page.Of(r, parameters, q, func(p *parameter) (types.ParameterMetadata, bool, error) {
			return s.metadata(p), passes(p, filters), nil
		}, from...)
		return err
	})
}

// only is the name that filters ask for, if they ask for nothing else.
func only(filters []filter) (string, bool) {
	if len(filters) != 1 || filters[0].key != "Name" || filters[0].option != "Equals" || len(filters[0].values) != 1 {
		return "", false
	}
	return filters[0].values[0], true
}

func (s *Service) page(ctx context.Context, q page.Request, read func(store.Reader, page.Request) error) error {
	q.Scope = "ssm." + q.Scope + "/" + identity.Region(ctx)
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error { return read(r, q) })
	if errors.Is(err, page.ErrToken) {
		return fail("InvalidNextToken", "The specified token isn't valid.")
	}
	return err
}

func (s *Service) metadata(p *parameter) types.ParameterMetadata {
	return types.ParameterMetadata{Name: &p.Name, ARN: aws.String(s.arn(p.Region, p.Name)), Type: p.Type, KeyId: given(p.KeyID), LastModifiedDate: &p.Modified,
		LastModifiedUser: given(p.User), Description: given(p.Description), AllowedPattern: given(p.Pattern), Version: p.Version, Tier: p.Tier,
		DataType: &p.DataType, Policies: inline(p.Policies)}
}

func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// GetParameterHistory answers the versions that are kept, the oldest first, 50
// a page.
func (s *Service) GetParameterHistory(ctx context.Context, in *ssm.GetParameterHistoryInput, _ ...func(*ssm.Options)) (*ssm.GetParameterHistoryOutput, error) {
	name, err := s.named(ctx, *in.Name)
	if err != nil {
		return nil, err
	}
	region := identity.Region(ctx)
	var p *parameter
	var list []*revision
	out := &ssm.GetParameterHistoryOutput{Parameters: []types.ParameterHistory{}}
	err = s.page(ctx, page.Request{Scope: "GetParameterHistory/" + name, Token: in.NextToken, Max: page.Limit(in.MaxResults, 50)}, func(r store.Reader, q page.Request) (err error) {
		if p, err = get(r, region, name); err != nil {
			return err
		}
		list, out.NextToken, err = page.Of(r, revisions, q, func(v *revision) (*revision, bool, error) { return v, true, nil }, region, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, v := range list {
		value, err := s.value(ctx, region, name, v, aws.ToBool(in.WithDecryption))
		if err != nil {
			return nil, err
		}
		out.Parameters = append(out.Parameters, types.ParameterHistory{Name: &name, Type: v.Type, KeyId: given(v.KeyID), LastModifiedDate: &v.Modified,
			LastModifiedUser: given(v.User), Description: given(v.Description), Value: &value, AllowedPattern: given(v.Pattern), Version: v.Version,
			Labels: p.labels(v.Version), Tier: v.Tier, DataType: &v.DataType, Policies: inline(v.Policies)})
	}
	return out, nil
}

// labels are those of a version, in order; never nil.
func (p *parameter) labels(version int64) []string {
	out := []string{}
	for l, v := range p.Labels {
		if v == version {
			out = append(out, l)
		}
	}
	slices.Sort(out)
	return out
}
