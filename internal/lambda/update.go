package lambda

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// steady refuses a change while another one, or the creation, is under way.
func (s *Service) steady(f *function) error {
	switch {
	case f.Latest.State == types.StatePending:
		return fail("ResourceConflict", "The operation cannot be performed at this time. The function is currently in the following state: Pending")
	case f.Latest.LastUpdateStatus == types.LastUpdateStatusInProgress:
		return fail("ResourceConflict", "The operation cannot be performed at this time. An update is in progress for resource: %s", s.functionARN(f.Region, f.Name))
	}
	return nil
}

var errRevision = fail("PreconditionFailed", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")

// same checks the revision that a request expects, if it does.
func same(want *string, is *string) error {
	if want != nil && *want != aws.ToString(is) {
		return errRevision
	}
	return nil
}

// unversioned is the name of a function whose $LATEST a request changes.
func (s *Service) unversioned(ctx context.Context, text *string) (name, error) {
	n, err := s.named(ctx, text, nil)
	if err == nil && n.Qualifier != "" && n.Qualifier != latest {
		return n, invalid("This operation does not support versions other than $LATEST. Please do not specify a version in the function name.")
	}
	n.Qualifier = ""
	return n, err
}

// update changes $LATEST: what runs goes on until the change is ready. With
// publish it makes a version of it, and answers that.
func (s *Service) update(ctx context.Context, n name, revision *string, publish bool, do func(*version) error) (v *version, err error) {
	err = s.change(ctx, n, func(tx *engine.Tx, f *function) error {
		if err := s.steady(f); err != nil {
			return err
		}
		if err := same(revision, f.Latest.RevisionId); err != nil {
			return err
		}
		before := f.Latest
		next := f.Latest
		v = &next
		if err := do(v); err != nil {
			return err
		}
		if err := s.hold(tx, n.Region, n.Function, latest, before.codes(), v.codes()); err != nil {
			return err
		}
		s.touch(v, tx.Now())
		v.LastUpdateStatus, v.LastUpdateStatusReasonCode = types.LastUpdateStatusInProgress, "Creating"
		v.LastUpdateStatusReason = aws.String("The function is being created.")
		if f.Serving == nil && before.State == types.StateActive {
			f.Serving = &before
		}
		f.Latest = *v
		if publish { // it is as little ready as the code that comes
			if v, err = s.publish(tx, f, &lambda.PublishVersionInput{}); err != nil {
				return err
			}
		}
		return s.ready(tx, f)
	})
	return v, err
}

// UpdateFunctionConfiguration changes everything but the code.
func (s *Service) UpdateFunctionConfiguration(ctx context.Context, in *lambda.UpdateFunctionConfigurationInput, _ ...func(*lambda.Options)) (*lambda.UpdateFunctionConfigurationOutput, error) {
	n, err := s.unversioned(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if in.Role != nil {
		v := &version{}
		v.Role, v.FunctionArn = in.Role, aws.String(s.functionARN(n.Region, n.Function))
		if err := s.assumable(ctx, v); err != nil {
			return nil, err
		}
	}
	s.codeMu.RLock()
	defer s.codeMu.RUnlock()
	l, err := s.stack(ctx, n.Region, in.Layers)
	if err != nil {
		return nil, err
	}
	if l.opt != "" {
		at, _, err := s.findIn(ctx, in.FunctionName, nil)
		if err == nil {
			err = s.within(at.version.Code, l.opt)
		}
		if err != nil {
			return nil, err
		}
	}
	v, err := s.update(ctx, n, in.RevisionId, false, func(v *version) error {
		if err := s.apply(v, in); err != nil {
			return err
		}
		if in.Layers != nil {
			v.Layers, v.Opt = l.list, l.opt
		}
		return complete(v)
	})
	if err != nil {
		return nil, err
	}
	out := &lambda.UpdateFunctionConfigurationOutput{}
	return out, s.fill(out, v, s.functionARN(n.Region, n.Function))
}

// UpdateFunctionCode replaces the code.
func (s *Service) UpdateFunctionCode(ctx context.Context, in *lambda.UpdateFunctionCodeInput, _ ...func(*lambda.Options)) (*lambda.UpdateFunctionCodeOutput, error) {
	n, err := s.unversioned(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if in.PublishTo != "" {
		return nil, lacking("PublishTo is")
	}
	if err := checkArchitectures(in.Architectures); err != nil {
		return nil, err
	}
	var kind types.PackageType
	var opt string
	err = s.view(ctx, func(r store.Reader) error {
		f, err := s.load(r, n)
		if err != nil {
			return err
		}
		kind, opt = f.Latest.PackageType, f.Latest.Opt
		return s.steady(f)
	})
	if err != nil {
		return nil, err
	}
	if in.ImageUri != nil {
		if err := s.checkImage(ctx, *in.ImageUri); err != nil {
			return nil, err
		}
	}
	s.codeMu.RLock()
	defer s.codeMu.RUnlock()
	c, size, err := s.take(ctx, &types.FunctionCode{ZipFile: in.ZipFile, S3Bucket: in.S3Bucket, S3Key: in.S3Key,
		S3ObjectVersion: in.S3ObjectVersion, ImageUri: in.ImageUri, SourceKMSKeyArn: in.SourceKMSKeyArn}, kind)
	if err != nil {
		return nil, err
	}
	if err := s.within(c, opt); err != nil {
		return nil, err
	}
	change := func(v *version) error {
		if v.PackageType != kind {
			return fail("ResourceConflict", "The function has been replaced meanwhile.")
		}
		v.Code, v.CodeSize, v.CodeSha256 = c, size, nil
		if c.SHA != "" {
			v.CodeSha256 = codeSHA(c.SHA)
		}
		return nil
	}
	var v *version
	arn := s.functionARN(n.Region, n.Function)
	if in.DryRun {
		v, err = s.rehearse(ctx, n, in.RevisionId, change)
	} else {
		v, err = s.update(ctx, n, in.RevisionId, in.Publish, change)
	}
	if err != nil {
		return nil, err
	}
	if *v.Version != latest {
		arn += ":" + *v.Version
	}
	out := &lambda.UpdateFunctionCodeOutput{}
	return out, s.fill(out, v, arn)
}

var errRehearsed = errors.New("lambda: a dry run ends here")

// rehearse checks a change and undoes it.
func (s *Service) rehearse(ctx context.Context, n name, revision *string, do func(*version) error) (v *version, err error) {
	err = s.change(ctx, n, func(_ *engine.Tx, f *function) error {
		if err := same(revision, f.Latest.RevisionId); err != nil {
			return err
		}
		next := f.Latest
		v = &next
		if err := do(v); err != nil {
			return err
		}
		return errRehearsed
	})
	if errors.Is(err, errRehearsed) {
		err = nil
	}
	return v, err
}
