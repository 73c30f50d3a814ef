package lambda

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// CreateFunction makes a function. It is Pending until its code is ready.
func (s *Service) CreateFunction(ctx context.Context, in *lambda.CreateFunctionInput, _ ...func(*lambda.Options)) (*lambda.CreateFunctionOutput, error) {
	n, err := s.named(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	switch {
	case aws.ToString(in.CodeSigningConfigArn) != "":
		return nil, lacking("CodeSigningConfigArn: code signing is")
	case in.TenancyConfig != nil:
		return nil, lacking("TenancyConfig: tenant isolation is")
	case in.PublishTo != "":
		return nil, lacking("PublishTo is")
	}
	v := s.blank(n, in.PackageType)
	if err := s.apply(v, settingsOf(in)); err != nil {
		return nil, err
	}
	if err := complete(v); err != nil {
		return nil, err
	}
	if err := checkArchitectures(in.Architectures); err != nil {
		return nil, err
	}
	f := &function{Region: n.Region, Name: n.Function, Tags: in.Tags}
	if err := badTags(f.Tags.Check()); err != nil {
		return nil, err
	}
	if err := s.absent(ctx, n); err != nil { // before the work of unpacking
		return nil, err
	}
	if err := s.assumable(ctx, v); err != nil {
		return nil, err
	}
	if in.Code.ImageUri != nil {
		if err := s.checkImage(ctx, *in.Code.ImageUri); err != nil {
			return nil, err
		}
	}
	s.codeMu.RLock()
	defer s.codeMu.RUnlock()
	if v.Code, v.CodeSize, err = s.take(ctx, in.Code, v.PackageType); err != nil {
		return nil, err
	}
	if v.Code.SHA != "" {
		v.CodeSha256 = codeSHA(v.Code.SHA)
	}
	l, err := s.stack(ctx, n.Region, in.Layers)
	if err != nil {
		return nil, err
	}
	v.Layers, v.Opt = l.list, l.opt
	if err := s.within(v.Code, v.Opt); err != nil {
		return nil, err
	}
	v.State, v.StateReason, v.StateReasonCode = types.StatePending, aws.String("The function is being created."), types.StateReasonCodeCreating
	answer := v
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if _, err := functions.Get(tx, n.Region, n.Function); !errors.Is(err, store.ErrNotFound) {
			return s.exists(n, err)
		}
		s.touch(v, tx.Now())
		f.Latest, answer = *v, v
		if err := s.hold(tx, n.Region, n.Function, latest, nil, v.codes()); err != nil {
			return err
		}
		if in.Publish {
			if answer, err = s.publish(tx, f, &lambda.PublishVersionInput{}); err != nil {
				return err
			}
		}
		return s.ready(tx, f)
	})
	if err != nil {
		return nil, err
	}
	out := &lambda.CreateFunctionOutput{}
	return out, s.fill(out, answer, s.functionARN(n.Region, n.Function))
}

// blank is a version with AWS's defaults.
func (s *Service) blank(n name, kind types.PackageType) *version {
	if kind == "" {
		kind = types.PackageTypeZip
	}
	v := &version{}
	v.FunctionName, v.PackageType, v.Version = aws.String(n.Function), kind, aws.String(latest)
	v.FunctionArn = aws.String(s.functionARN(n.Region, n.Function))
	v.Timeout, v.MemorySize, v.Description = aws.Int32(defaultTimeout), aws.Int32(defaultMemory), aws.String("")
	v.Architectures = []types.Architecture{architecture()}
	v.TracingConfig = &types.TracingConfigResponse{Mode: types.TracingModePassThrough}
	v.EphemeralStorage = &types.EphemeralStorage{Size: aws.Int32(512)}
	v.SnapStart = &types.SnapStartResponse{ApplyOn: types.SnapStartApplyOnNone, OptimizationStatus: types.SnapStartOptimizationStatusOff}
	return v
}

// settingsOf is what creation and update have in common.
func settingsOf(in *lambda.CreateFunctionInput) *lambda.UpdateFunctionConfigurationInput {
	return &lambda.UpdateFunctionConfigurationInput{
		FunctionName: in.FunctionName, CapacityProviderConfig: in.CapacityProviderConfig, DeadLetterConfig: in.DeadLetterConfig,
		Description: in.Description, DurableConfig: in.DurableConfig, Environment: in.Environment, EphemeralStorage: in.EphemeralStorage,
		FileSystemConfigs: in.FileSystemConfigs, Handler: in.Handler, ImageConfig: in.ImageConfig, KMSKeyArn: in.KMSKeyArn, Layers: in.Layers,
		LoggingConfig: in.LoggingConfig, MemorySize: in.MemorySize, Role: in.Role, Runtime: in.Runtime, SnapStart: in.SnapStart,
		Timeout: in.Timeout, TracingConfig: in.TracingConfig, VpcConfig: in.VpcConfig,
	}
}

func (s *Service) absent(ctx context.Context, n name) error {
	return s.view(ctx, func(r store.Reader) error {
		if _, err := functions.Get(r, n.Region, n.Function); !errors.Is(err, store.ErrNotFound) {
			return s.exists(n, err)
		}
		return nil
	})
}

func (s *Service) exists(n name, err error) error {
	if err != nil {
		return err
	}
	return fail("ResourceConflict", "Function already exist: %s", n.Function)
}

// assumable refuses a role that cannot be had; clients try again after it,
// since a new role takes a while at AWS.
func (s *Service) assumable(ctx context.Context, v *version) error {
	_, err := s.Sessions.Credentials(ctx, s.sessionOf(v))
	var told *wire.Error
	if errors.As(err, &told) {
		return invalid("The role defined for the function cannot be assumed by Lambda.")
	}
	return err
}

// sessionOf is how a version acts: in its execution role.
func (s *Service) sessionOf(v *version) session.Request {
	n, _ := s.parse(s.Site.Region, *v.FunctionArn)
	return session.Request{RoleARN: aws.ToString(v.Role), Name: n.Function, Service: principal, SourceARN: s.functionARN(n.Region, n.Function), Region: n.Region}
}

// touch gives a version that was changed its new identity.
func (s *Service) touch(v *version, now time.Time) {
	v.RevisionId, v.Generation = aws.String(id.UUID(s.IDs)), id.Hex(s.IDs, 16)
	v.LastModified = aws.String(modified(now))
}

func badTags(err error) error {
	var p *tag.Problem
	if errors.As(err, &p) {
		return invalid("%s", p)
	}
	return err
}
