package lambda

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// maxPage is the most items of a page.
const maxPage = 50

func badMarker(err error) error {
	if errors.Is(err, page.ErrToken) {
		return invalid("Invalid Marker")
	}
	return err
}

// ListFunctions lists the functions of the region; with FunctionVersion ALL,
// all of their versions.
func (s *Service) ListFunctions(ctx context.Context, in *lambda.ListFunctionsInput, _ ...func(*lambda.Options)) (*lambda.ListFunctionsOutput, error) {
	region := identity.Region(ctx)
	out := &lambda.ListFunctionsOutput{}
	req := page.Request{Scope: store.Key("ListFunctions", region, string(in.FunctionVersion)), Token: in.Marker, Max: page.Limit(in.MaxItems, maxPage)}
	err := s.view(ctx, func(r store.Reader) (err error) {
		if in.FunctionVersion == "" {
			out.Functions, out.NextMarker, err = page.Of(r, functions, req, func(f *function) (types.FunctionConfiguration, bool, error) {
				c, err := s.configuration(&f.Latest, s.functionARN(f.Region, f.Name))
				return *c, true, err
			}, region)
			return err
		}
		// $LATEST of each function comes with its first page.
		lists, next, err := page.Of(r, functions, req, func(f *function) ([]types.FunctionConfiguration, bool, error) {
			all, err := s.allVersions(r, f)
			return all, true, err
		}, region)
		out.Functions, out.NextMarker = []types.FunctionConfiguration{}, next
		for _, l := range lists {
			out.Functions = append(out.Functions, l...)
		}
		return err
	})
	return out, badMarker(err)
}

func (s *Service) allVersions(r store.Reader, f *function) ([]types.FunctionConfiguration, error) {
	first, err := s.versioned(f, &f.Latest)
	if err != nil {
		return nil, err
	}
	all := []types.FunctionConfiguration{first}
	for v, err := range versions.All(r, f.Region, f.Name) {
		if err != nil {
			return nil, err
		}
		c, err := s.versioned(f, v)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// versioned is a version's configuration under its own ARN.
func (s *Service) versioned(f *function, v *version) (types.FunctionConfiguration, error) {
	c, err := s.configuration(v, s.functionARN(f.Region, f.Name)+":"+*v.Version)
	if err != nil {
		return types.FunctionConfiguration{}, err
	}
	return *c, nil
}

// ListVersionsByFunction lists $LATEST and then the versions.
func (s *Service) ListVersionsByFunction(ctx context.Context, in *lambda.ListVersionsByFunctionInput, _ ...func(*lambda.Options)) (*lambda.ListVersionsByFunctionOutput, error) {
	n, err := s.named(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	n.Qualifier = ""
	out := &lambda.ListVersionsByFunctionOutput{}
	req := page.Request{Scope: store.Key("ListVersionsByFunction", n.Region, n.Function), Token: in.Marker, Max: page.Limit(in.MaxItems, maxPage)}
	err = s.view(ctx, func(r store.Reader) error {
		f, err := s.load(r, n)
		if err != nil {
			return err
		}
		first := aws.ToString(in.Marker) == ""
		if first {
			req.Max-- // $LATEST is one of the page
		}
		out.Versions, out.NextMarker, err = page.Of(r, versions, req, func(v *version) (types.FunctionConfiguration, bool, error) {
			c, err := s.versioned(f, v)
			return c, true, err
		}, n.Region, n.Function)
		if err != nil || !first {
			return err
		}
		c, err := s.versioned(f, &f.Latest)
		out.Versions = append([]types.FunctionConfiguration{c}, out.Versions...)
		return err
	})
	return out, badMarker(err)
}
