package codebuild

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
)

// RetryBuild starts a build with the parameters of another, and the version of
// the source that it had.
func (s *Service) RetryBuild(ctx context.Context, in *codebuild.RetryBuildInput, _ ...func(*codebuild.Options)) (*codebuild.RetryBuildOutput, error) {
	region := identity.Region(ctx)
	buildID := idOf(aws.ToString(in.Id))
	key := aws.ToString(in.IdempotencyToken)
	sum := sha256.Sum256([]byte("retry " + buildID))
	hash := hex.EncodeToString(sum[:])
	var b *build
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		var err error
		if b, err = s.startedBefore(tx, region, key, hash); b != nil || err != nil {
			return err
		}
		old, err := s.build(tx, region, buildID)
		if err != nil {
			return err
		}
		if !old.BuildComplete {
			return invalid("Build %s is not complete", buildID)
		}
		p, err := s.project(tx, region, old.projectName())
		if err != nil {
			return err
		}
		b = &build{Region: region, Outputs: old.Outputs, CacheVersion: p.CacheVersion, Build: types.Build{
			ProjectName: old.ProjectName, Source: old.Source, SourceVersion: old.SourceVersion, SecondarySources: old.SecondarySources,
			SecondarySourceVersions: old.SecondarySourceVersions, Environment: old.Environment, Cache: old.Cache, ServiceRole: old.ServiceRole,
			TimeoutInMinutes: old.TimeoutInMinutes, QueuedTimeoutInMinutes: old.QueuedTimeoutInMinutes, EncryptionKey: old.EncryptionKey, VpcConfig: old.VpcConfig,
			Initiator: aws.String(initiator(identity.From(ctx))),
			Logs:      &types.LogsLocation{CloudWatchLogs: old.Logs.CloudWatchLogs, S3Logs: old.Logs.S3Logs},
		}}
		if git := old.Source.Type == types.SourceTypeCodecommit || hosted(old.Source.Type); git && old.ResolvedSourceVersion != nil {
			b.SourceVersion = aws.String(pinned(aws.ToString(old.SourceVersion), *old.ResolvedSourceVersion))
		} else {
			b.ResolvedSourceVersion = old.ResolvedSourceVersion
		}
		b.AutoRetryConfig = nextRetry(old, key)
		if err := s.submit(tx, p, b); err != nil {
			return err
		}
		if key == autoRetryToken(old) {
			old.AutoRetryConfig.NextAutoRetry = b.Arn
			if err := builds.Put(tx, old, region, buildID); err != nil {
				return err
			}
		}
		return s.remember(tx, region, key, hash, b.id())
	})
	if err != nil {
		return nil, err
	}
	return &codebuild.RetryBuildOutput{Build: &b.Build}, nil
}

// autoRetryToken is the idempotency token of the one automatic retry that a
// build may have.
func autoRetryToken(b *build) string { return "auto-retry-" + b.uuid() }

// nextRetry is what the retry of a build knows of automatic ones: one more if it
// is one, a fresh start if somebody asked for it.
func nextRetry(old *build, token string) *types.AutoRetryConfig {
	c := old.AutoRetryConfig
	if c == nil {
		return nil
	}
	next := &types.AutoRetryConfig{AutoRetryLimit: c.AutoRetryLimit, AutoRetryNumber: aws.Int32(0)}
	if token == autoRetryToken(old) {
		next.AutoRetryNumber, next.PreviousAutoRetry = aws.Int32(aws.ToInt32(c.AutoRetryNumber)+1), old.Arn
	}
	return next
}

// retries tells whether a build that has ended is to be retried by itself.
func retries(b *build) bool {
	c := b.AutoRetryConfig
	return c != nil && b.BuildStatus == types.StatusTypeFailed && aws.ToInt32(c.AutoRetryNumber) < aws.ToInt32(c.AutoRetryLimit)
}

// retry calls RetryBuild as AWS does: in the build's own role, which must allow
// it. https://docs.aws.amazon.com/codebuild/latest/userguide/auto-retry-build.html
func (s *Service) retry(ctx context.Context, j *engine.Job) error {
	var r ref
	if err := json.Unmarshal(j.Payload, &r); err != nil {
		return err
	}
	b, err := s.load(ctx, r)
	if err != nil || b == nil || !retries(b) {
		return err
	}
	cfg, err := s.Sessions.Config(ctx, s.session(b))
	if err == nil {
		_, err = codebuild.NewFromConfig(cfg).RetryBuild(ctx, &codebuild.RetryBuildInput{Id: b.Id, IdempotencyToken: aws.String(autoRetryToken(b))})
	}
	var refused *wire.Error
	var api smithy.APIError
	if errors.As(err, &refused) || errors.As(err, &api) {
		s.Log.Warn("a build is not retried automatically", "build", b.id(), "err", err)
		return nil
	}
	return err
}
