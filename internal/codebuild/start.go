package codebuild

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// tokenLife is how long an idempotency token is remembered.
const tokenLife = 5 * time.Minute

// maxToken is how long one may be.
const maxToken = 64

// StartBuild queues a build. Errors: InvalidInputException,
// ResourceNotFoundException, AccountLimitExceededException.
func (s *Service) StartBuild(ctx context.Context, in *codebuild.StartBuildInput, _ ...func(*codebuild.Options)) (*codebuild.StartBuildOutput, error) {
	region, name := identity.Region(ctx), nameOf(in.ProjectName)
	if in.ServiceRoleOverride != nil {
		if err := s.checkRole(ctx, region, s.roleARN(*in.ServiceRoleOverride)); err != nil {
			return nil, err
		}
	}
	hash, err := hashOf(in)
	if err != nil {
		return nil, err
	}
	var b *build
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if b, err = s.startedBefore(tx, region, aws.ToString(in.IdempotencyToken), hash); b != nil || err != nil {
			return err
		}
		p, err := s.project(tx, region, name)
		if err != nil {
			return err
		}
		if b, err = s.effective(ctx, tx, region, p, in); err != nil {
			return err
		}
		if err := s.submit(tx, p, b); err != nil {
			return err
		}
		return s.remember(tx, region, aws.ToString(in.IdempotencyToken), hash, b.id())
	})
	if err != nil {
		return nil, err
	}
	return &codebuild.StartBuildOutput{Build: &b.Build}, nil
}

func hashOf(in *codebuild.StartBuildInput) (string, error) {
	text, err := json.Marshal(in)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

func (s *Service) startedBefore(tx *engine.Tx, region, key, hash string) (*build, error) {
	if key == "" {
		return nil, nil
	}
	if len(key) > maxToken {
		return nil, invalid("Invalid input: the idempotency token has %d characters, at most %d are allowed", len(key), maxToken)
	}
	t, err := get(tokens, tx, region, key)
	if err != nil || t == nil || !tx.Now().Before(t.Until) {
		return nil, err
	}
	if t.Hash != hash {
		return nil, invalid("Invalid input: the idempotency token %s was used with other parameters", key)
	}
	return get(builds, tx, region, t.Build)
}

func (s *Service) remember(tx *engine.Tx, region, key, hash, build string) error {
	if key == "" {
		return nil
	}
	until := tx.Now().Add(tokenLife)
	if err := tokens.Put(tx, &token{hash, build, until}, region, key); err != nil {
		return err
	}
	return tx.Enqueue(engine.NewJob{Kind: jobForget, ID: region + "/" + key, At: until, Payload: ref{Region: region, ID: key}})
}

func (s *Service) forget(ctx context.Context, j *engine.Job) error {
	var r ref
	if err := json.Unmarshal(j.Payload, &r); err != nil {
		return err
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if t, err := get(tokens, tx, r.Region, r.ID); err != nil || t == nil || tx.Now().Before(t.Until) {
			return err // used anew meanwhile
		}
		return tokens.Delete(tx, r.Region, r.ID)
	})
}

// effective is the build that a project and overrides make.
func (s *Service) effective(ctx context.Context, r store.Reader, region string, p *project, in *codebuild.StartBuildInput) (*build, error) {
	e, err := merge(p, in)
	if err != nil {
		return nil, err
	}
	pipeline := e.Source.Type == types.SourceTypeCodepipeline
	reserved := map[string]string{}
	if pipeline {
		e.Environment.EnvironmentVariables, reserved = takeReserved(e.Environment.EnvironmentVariables)
	}
	e.Badge = nil // the project's, whatever is built
	if pipeline { // which retries by itself
		e.AutoRetryLimit = nil
	}
	s.complete(region, e)
	if in.ServiceRoleOverride != nil {
		e.ServiceRole = aws.String(s.roleARN(*in.ServiceRoleOverride))
	}
	if pipeline && e.Artifacts.Type != types.ArtifactsTypeCodepipeline {
		return nil, invalid("Invalid input: when using CodePipeline both sourceType, and artifactType must be set to: CODEPIPELINE")
	}
	if pipeline && !strings.HasPrefix(aws.ToString(e.SourceVersion), "arn:aws:s3:::") {
		return nil, invalid("Invalid input: a project with source type CODEPIPELINE is started by its pipeline")
	}
	if err := s.checkStart(e, pipeline); err != nil {
		return nil, err
	}
	if err := unavailable(e); err != nil {
		return nil, err
	}
	if err := s.checkConnections(r, region, e); err != nil {
		return nil, err
	}
	b := &build{Region: region, CacheVersion: p.CacheVersion, Outputs: append([]types.ProjectArtifacts{*e.Artifacts}, e.SecondaryArtifacts...)}
	b.Build = types.Build{
		ProjectName: p.Name, Source: e.Source, SourceVersion: e.SourceVersion, SecondarySources: e.SecondarySources,
		SecondarySourceVersions: e.SecondarySourceVersions, Environment: e.Environment, Cache: e.Cache, ServiceRole: e.ServiceRole,
		TimeoutInMinutes: e.TimeoutInMinutes, QueuedTimeoutInMinutes: e.QueuedTimeoutInMinutes, EncryptionKey: e.EncryptionKey, VpcConfig: e.VpcConfig,
		Initiator: aws.String(initiator(identity.From(ctx))),
	}
	if aws.ToString(b.SourceVersion) == "" {
		b.SourceVersion = nil
	}
	if v := reserved["CODEBUILD_INITIATOR"]; v != "" {
		b.Initiator = aws.String(v)
	}
	if v := reserved["CODEBUILD_RESOLVED_SOURCE_VERSION"]; v != "" {
		b.ResolvedSourceVersion = aws.String(v)
	}
	b.Logs = &types.LogsLocation{CloudWatchLogs: &types.CloudWatchLogsConfig{Status: types.LogsConfigStatusTypeEnabled},
		S3Logs: &types.S3LogsConfig{Status: types.LogsConfigStatusTypeDisabled}}
	if l := e.LogsConfig; l != nil {
		set(&b.Logs.CloudWatchLogs, l.CloudWatchLogs)
		set(&b.Logs.S3Logs, l.S3Logs)
	}
	if limit := aws.ToInt32(e.AutoRetryLimit); limit > 0 {
		b.AutoRetryConfig = &types.AutoRetryConfig{AutoRetryLimit: aws.Int32(limit), AutoRetryNumber: aws.Int32(0)}
	}
	return b, nil
}

func (s *Service) checkStart(e *project, pipeline bool) error {
	if !pipeline {
		return s.check(e)
	}
	if err := checkSources(e.Source, e.SecondarySources, true); err != nil {
		return err
	}
	if err := checkArtifacts(e.Artifacts, e.SecondaryArtifacts, true); err != nil {
		return err
	}
	return s.checkRest(e)
}

// takeReserved takes out the variables by which a pipeline says what StartBuild
// has no member for: see doc.go.
func takeReserved(vars []types.EnvironmentVariable) (rest []types.EnvironmentVariable, reserved map[string]string) {
	reserved = map[string]string{}
	for _, v := range vars {
		switch name := aws.ToString(v.Name); name {
		case "CODEBUILD_INITIATOR", "CODEBUILD_RESOLVED_SOURCE_VERSION":
			reserved[name] = aws.ToString(v.Value)
		default:
			rest = append(rest, v)
		}
	}
	return rest, reserved
}

// initiator is who started a build, as CodeBuild writes it.
func initiator(c *identity.Caller) string {
	switch c.Kind {
	case identity.User:
		return c.UserName
	case identity.AssumedRole:
		return c.RoleName + "/" + c.SessionName
	case identity.Service:
		return c.ARN
	}
	return "root"
}

// submit numbers a build and queues it.
func (s *Service) submit(tx *engine.Tx, p *project, b *build) error {
	region, name := b.Region, aws.ToString(p.Name)
	if p.ConcurrentBuildLimit != nil {
		limit := int(*p.ConcurrentBuildLimit)
		if n, err := count(open, tx, limit, region, name); err != nil {
			return err
		} else if n >= limit {
			return &types.AccountLimitExceededException{Message: aws.String("Cannot have more than " + strconv.Itoa(limit) + " active builds for the project")}
		}
	}
	waiting := 5 * s.Concurrent
	if n, err := count(queue, tx, waiting); err != nil {
		return err
	} else if n >= waiting {
		return &types.AccountLimitExceededException{Message: aws.String("Cannot have more than " + strconv.Itoa(waiting) + " builds in queue for the account")}
	}
	now := tx.Now()
	p.Builds++
	buildID := name + ":" + id.UUID(s.IDs)
	b.Id, b.Arn = aws.String(buildID), aws.String(s.buildARN(region, buildID))
	b.BuildNumber, b.StartTime = aws.Int64(p.Builds), aws.Time(now)
	s.locate(b)
	var effects []effect
	*b, effects = next(*b, submitted{}, now)
	if err := projects.Put(tx, p, region, name); err != nil {
		return err
	}
	if err := builds.Put(tx, b, region, buildID); err != nil {
		return err
	}
	if err := numbers.Put(tx, &buildID, region, name, numberKey(p.Builds), buildID); err != nil {
		return err
	}
	if err := started.Put(tx, &buildID, region, b.startedAt(), buildID); err != nil {
		return err
	}
	r := &ref{Region: region, ID: buildID, Project: name}
	if err := open.Put(tx, r, region, name, buildID); err != nil {
		return err
	}
	if err := queue.Put(tx, r, b.startedAt(), buildID); err != nil {
		return err
	}
	if err := tx.Enqueue(engine.NewJob{Kind: jobDeadline, ID: buildID + "@" + region, At: now.Add(minutes(b.QueuedTimeoutInMinutes)), Payload: r}); err != nil {
		return err
	}
	if err := tx.Enqueue(engine.NewJob{Kind: jobDispatch, ID: "dispatch"}); err != nil {
		return err
	}
	return s.emit(tx, b, effects)
}
