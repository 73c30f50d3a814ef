package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// PublishVersion makes a version of $LATEST, or answers the last one if nothing
// has changed since.
func (s *Service) PublishVersion(ctx context.Context, in *lambda.PublishVersionInput, _ ...func(*lambda.Options)) (*lambda.PublishVersionOutput, error) {
	n, err := s.unversioned(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if in.PublishTo != "" {
		return nil, lacking("PublishTo is")
	}
	var v *version
	err = s.change(ctx, n, func(tx *engine.Tx, f *function) error {
		if err := s.steady(f); err != nil {
			return err
		}
		v, err = s.publish(tx, f, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &lambda.PublishVersionOutput{}
	return out, s.fill(out, v, s.functionARN(n.Region, n.Function)+":"+*v.Version)
}

// publish makes a version within a transition of its function.
func (s *Service) publish(tx *engine.Tx, f *function, in *lambda.PublishVersionInput) (*version, error) {
	if err := same(in.RevisionId, f.Latest.RevisionId); err != nil {
		return nil, err
	}
	if want, is := aws.ToString(in.CodeSha256), aws.ToString(f.Latest.CodeSha256); want != "" && want != is {
		return nil, invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", want, is)
	}
	if f.Published > 0 {
		last, err := versions.Get(tx, f.Region, f.Name, padded(strconv.FormatInt(f.Published, 10)))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if err == nil {
			unchanged, err := s.alike(last, &f.Latest)
			if err != nil || unchanged {
				return last, err
			}
		}
	}
	f.Published++
	v := f.Latest
	v.Version = aws.String(strconv.FormatInt(f.Published, 10))
	v.FunctionArn = aws.String(s.functionARN(f.Region, f.Name) + ":" + *v.Version)
	v.RevisionId, v.Generation = aws.String(id.UUID(s.IDs)), id.Hex(s.IDs, 16)
	if in.Description != nil && *in.Description != "" {
		v.Description = in.Description
	}
	if v.LastUpdateStatus == types.LastUpdateStatusInProgress {
		v.State, v.StateReason, v.StateReasonCode = types.StatePending, aws.String("The function is being created."), types.StateReasonCodeCreating
	}
	v.LastUpdateStatus, v.LastUpdateStatusReason, v.LastUpdateStatusReasonCode = "", nil, ""
	if v.State == types.StateActive {
		v.LastUpdateStatus = types.LastUpdateStatusSuccessful
	}
	if err := s.hold(tx, f.Region, f.Name, *v.Version, nil, v.codes()); err != nil {
		return nil, err
	}
	return &v, versions.Put(tx, &v, f.Region, f.Name, padded(*v.Version))
}

// alike tells whether a version runs the same code in the same way as $LATEST.
func (s *Service) alike(a, b *version) (bool, error) {
	one, err := s.essence(a)
	if err != nil {
		return false, err
	}
	other, err := s.essence(b)
	if err != nil {
		return false, err
	}
	env, err := s.environment(a)
	if err != nil {
		return false, err
	}
	env2, err := s.environment(b)
	return bytes.Equal(one, other) && maps.Equal(env, env2), err
}

// essence is what makes a version one of its own, but for its environment.
func (s *Service) essence(v *version) ([]byte, error) {
	c := v.FunctionConfiguration
	c.Version, c.FunctionArn, c.RevisionId, c.LastModified, c.Description = nil, nil, nil, nil, nil
	c.State, c.StateReason, c.StateReasonCode = "", nil, ""
	c.LastUpdateStatus, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = "", nil, ""
	return json.Marshal(struct {
		C     types.FunctionConfiguration
		Code  code
		Empty bool
	}{c, code{SHA: v.Code.SHA, Image: v.Code.Image}, v.Sealed == ""})
}
