package ssm

import (
	"context"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
)

const maxLabels = 10 // of a version

var labelPattern = regexp.MustCompile(`^[a-zA-Z_.-][a-zA-Z0-9_.-]{0,99}$`)

func validLabel(l string) bool {
	lower := strings.ToLower(l)
	return labelPattern.MatchString(l) && !strings.HasPrefix(lower, "aws") && !strings.HasPrefix(lower, "ssm")
}

// LabelParameterVersion gives labels to a version, the newest if none is named,
// and so takes them from others. Labels that are none are answered as invalid.
func (s *Service) LabelParameterVersion(ctx context.Context, in *ssm.LabelParameterVersionInput, _ ...func(*ssm.Options)) (*ssm.LabelParameterVersionOutput, error) {
	name, err := s.named(ctx, *in.Name)
	if err != nil {
		return nil, err
	}
	out := &ssm.LabelParameterVersionOutput{InvalidLabels: []string{}}
	return out, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		out.InvalidLabels = []string{}
		p, err := get(tx, identity.Region(ctx), name)
		if err != nil {
			return err
		}
		version := p.Version
		if in.ParameterVersion != nil {
			version = *in.ParameterVersion
		}
		if err := p.has(version); err != nil {
			return err
		}
		if p.Labels == nil {
			p.Labels = map[string]int64{}
		}
		for _, l := range in.Labels {
			if !validLabel(l) {
				out.InvalidLabels = append(out.InvalidLabels, l)
				continue
			}
			p.Labels[l] = version
		}
		if len(p.labels(version)) > maxLabels {
			return fail("ParameterVersionLabelLimitExceeded", "An error occurred (ParameterVersionLabelLimitExceeded) when calling the LabelParameterVersion operation: A parameter version can have maximum %d labels. Move one or more labels to another version and try again.", maxLabels)
		}
		out.ParameterVersion = version
		if err := p.put(tx); err != nil {
			return err
		}
		return s.announce(tx, p, "LabelParameterVersion")
	})
}

// UnlabelParameterVersion takes labels away from a version; those that it does
// not have are answered as invalid.
func (s *Service) UnlabelParameterVersion(ctx context.Context, in *ssm.UnlabelParameterVersionInput, _ ...func(*ssm.Options)) (*ssm.UnlabelParameterVersionOutput, error) {
	name, err := s.named(ctx, *in.Name)
	if err != nil {
		return nil, err
	}
	out := &ssm.UnlabelParameterVersionOutput{}
	return out, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		out.RemovedLabels, out.InvalidLabels = []string{}, []string{}
		p, err := get(tx, identity.Region(ctx), name)
		if err != nil {
			return err
		}
		if err := p.has(*in.ParameterVersion); err != nil {
			return err
		}
		for _, l := range in.Labels {
			if p.Labels[l] != *in.ParameterVersion {
				out.InvalidLabels = append(out.InvalidLabels, l)
				continue
			}
			delete(p.Labels, l)
			out.RemovedLabels = append(out.RemovedLabels, l)
		}
		return p.put(tx)
	})
}

// has refuses a version that there is not.
func (p *parameter) has(version int64) error {
	if version < p.Oldest || version > p.Version {
		return fail("ParameterVersionNotFound", "Systems Manager could not find version %d of %s. Verify the version and try again.", version, p.Name)
	}
	return nil
}
