package codebuild

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// check refuses what AWS refuses. What a build cannot do here is for
// unavailable, when one is started.
func (s *Service) check(p *project) error {
	if n := aws.ToInt32(p.TimeoutInMinutes); n < 5 || n > 2160 {
		return invalid("Invalid input: timeoutInMinutes must be between 5 and 2160")
	}
	if n := aws.ToInt32(p.QueuedTimeoutInMinutes); n < 5 || n > 480 {
		return invalid("Invalid input: queuedTimeoutInMinutes must be between 5 and 480")
	}
	if p.ConcurrentBuildLimit != nil && *p.ConcurrentBuildLimit < 1 {
		return invalid("Invalid input: concurrentBuildLimit must be at least 1")
	}
	if aws.ToInt32(p.AutoRetryLimit) < 0 {
		return invalid("Invalid input: autoRetryLimit must not be negative")
	}
	if (p.Source.Type == types.SourceTypeCodepipeline) != (p.Artifacts.Type == types.ArtifactsTypeCodepipeline) {
		return invalid("Invalid input: when using CodePipeline both sourceType, and artifactType must be set to: CODEPIPELINE")
	}
	if err := checkSources(p.Source, p.SecondarySources, false); err != nil {
		return err
	}
	if err := checkArtifacts(p.Artifacts, p.SecondaryArtifacts, false); err != nil {
		return err
	}
	return s.checkRest(p)
}

// checkRest is check without sources and artifacts, for which other rules hold
// when a pipeline starts the build.
func (s *Service) checkRest(p *project) error {
	for _, err := range []error{
		checkCache(p.Cache), checkEnvironment(p.Environment), checkLogs(p.LogsConfig), checkVPC(p.VpcConfig),
		checkFileSystems(p.FileSystemLocations), s.checkBatch(p.BuildBatchConfig), checkBadge(p), checkTags(p.Tags),
	} {
		if err != nil {
			return err
		}
	}
	return s.checkRoleARN(aws.ToString(p.ServiceRole))
}

func checkLogs(l *types.LogsConfig) error {
	if l != nil && l.S3Logs != nil && l.S3Logs.Status == types.LogsConfigStatusTypeEnabled {
		if bucket, _, _ := strings.Cut(strings.TrimPrefix(aws.ToString(l.S3Logs.Location), "arn:aws:s3:::"), "/"); bucket == "" {
			return invalid("Invalid logs config: location is required for S3 logs")
		}
	}
	return nil
}

func checkVPC(v *types.VpcConfig) error {
	switch {
	case v == nil:
		return nil
	case aws.ToString(v.VpcId) == "" || len(v.Subnets) == 0 || len(v.SecurityGroupIds) == 0:
		return invalid("Invalid vpc config: vpcId, subnets and securityGroupIds are required")
	case len(v.Subnets) > 16:
		return invalid("Invalid vpc config: at most 16 subnets are allowed")
	case len(v.SecurityGroupIds) > 5:
		return invalid("Invalid vpc config: at most 5 security groups are allowed")
	}
	return nil
}

func checkFileSystems(locations []types.ProjectFileSystemLocation) error {
	for _, l := range locations {
		switch {
		case !identifier.MatchString(aws.ToString(l.Identifier)):
			return invalid(badIdentifier)
		case !strings.Contains(aws.ToString(l.Location), ":"):
			return invalid("Invalid file system location: %s, expected DNS-NAME:/DIRECTORY", aws.ToString(l.Location))
		case !strings.HasPrefix(aws.ToString(l.MountPoint), "/"):
			return invalid("Invalid file system mount point: %s, expected an absolute path", aws.ToString(l.MountPoint))
		}
	}
	return nil
}

func (s *Service) checkBatch(b *types.ProjectBuildBatchConfig) error {
	if b == nil {
		return nil
	}
	if n := aws.ToInt32(b.TimeoutInMins); b.TimeoutInMins != nil && (n < 5 || n > 2160) {
		return invalid("Invalid build batch config: timeoutInMins must be between 5 and 2160")
	}
	if r := b.Restrictions; r != nil && r.MaximumBuildsAllowed != nil && *r.MaximumBuildsAllowed < 1 {
		return invalid("Invalid build batch config: maximumBuildsAllowed must be at least 1")
	}
	return s.checkRoleARN(aws.ToString(b.ServiceRole))
}

// https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-badges.html
func checkBadge(p *project) error {
	if p.Badge == nil || !p.Badge.BadgeEnabled {
		return nil
	}
	switch p.Source.Type {
	case types.SourceTypeCodepipeline:
		return invalid("Build badges are not supported for CodePipeline source")
	case types.SourceTypeS3:
		return invalid("Build badges are not supported for S3 source")
	case types.SourceTypeNoSource:
		return invalid("Build badges are not supported for projects without a source")
	}
	return nil
}

func checkTags(tags []types.Tag) error {
	_, err := tag.From(tags, func(t types.Tag) (key, value *string) { return t.Key, t.Value })
	var p *tag.Problem
	if errors.As(err, &p) {
		return invalid("Invalid tags: %s", p.Error())
	}
	return err
}

func checkCache(c *types.ProjectCache) error {
	switch c.Type {
	case types.CacheTypeS3:
		if aws.ToString(c.Location) == "" {
			return invalid("Invalid cache: location is required for cache type S3")
		}
	case types.CacheTypeLocal:
		if len(c.Modes) == 0 {
			return invalid("Invalid cache: modes are required for cache type LOCAL")
		}
	case types.CacheTypeNoCache:
	default:
		return invalid("Invalid type provided: Project cache type")
	}
	return nil
}

func checkEnvironment(e *types.ProjectEnvironment) error {
	lambda := e.Type == types.EnvironmentTypeLinuxLambdaContainer || e.Type == types.EnvironmentTypeArmLambdaContainer
	switch {
	case aws.ToString(e.Image) == "":
		return invalid("Invalid environment: image is required")
	case lambda != strings.HasPrefix(string(e.ComputeType), "BUILD_LAMBDA_"):
		return invalid("Invalid compute type provided: %s", e.ComputeType)
	case lambda && aws.ToBool(e.PrivilegedMode):
		return invalid("Invalid environment: privilegedMode is not supported for environment type %s", e.Type)
	case e.RegistryCredential != nil && e.ImagePullCredentialsType != types.ImagePullCredentialsTypeServiceRole:
		return invalid("Invalid environment: registryCredential requires imagePullCredentialsType SERVICE_ROLE")
	case curated(aws.ToString(e.Image)) && e.ImagePullCredentialsType != types.ImagePullCredentialsTypeCodebuild:
		return invalid("Invalid environment: imagePullCredentialsType must be CODEBUILD for image %s", *e.Image)
	}
	return checkVariables(e.EnvironmentVariables)
}

func checkVariables(vars []types.EnvironmentVariable) error {
	for _, v := range vars {
		name := aws.ToString(v.Name)
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(aws.ToString(v.Value), "\x00"):
			return invalid("Invalid environment variable name: %q", name)
		case strings.HasPrefix(name, "CODEBUILD_") && !strings.HasPrefix(name, "CODEBUILD_CONFIG_"):
			return invalid("Invalid environment variable name: %s. Names that begin with CODEBUILD_ are reserved", name)
		}
	}
	return nil
}

func (s *Service) checkRoleARN(role string) error {
	a, ok := arn.Parse(role)
	switch {
	case !ok || a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/"):
		return invalid("Invalid service role")
	case a.Account != s.Site.Account:
		return invalid("Invalid service role: Service role account ID does not match caller's account")
	}
	return nil
}

// checkRole asks for a session: the role must exist and trust CodeBuild.
func (s *Service) checkRole(ctx context.Context, region, role string) error {
	if err := s.checkRoleARN(role); err != nil {
		return err
	}
	_, err := s.Sessions.Credentials(ctx, session.Request{RoleARN: role, Name: "AWSCodeBuild", Service: principal, Region: region})
	var denied *wire.Error
	if errors.As(err, &denied) {
		return invalid("CodeBuild is not authorized to perform: sts:AssumeRole on %s", role)
	}
	return err
}
