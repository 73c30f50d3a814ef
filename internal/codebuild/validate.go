package codebuild

import (
	"context"
	"errors"
	"regexp"
	"runtime"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// complete fills in the defaults that CreateProject returns.
func (s *Service) complete(region string, p *project) {
	def(&p.TimeoutInMinutes, 60)
	def(&p.QueuedTimeoutInMinutes, 480)
	def(&p.EncryptionKey, "arn:aws:kms:"+region+":"+s.Site.Account+":alias/aws/s3")
	if p.Cache == nil {
		p.Cache = &types.ProjectCache{Type: types.CacheTypeNoCache}
	}
	if v := p.VpcConfig; v != nil && aws.ToString(v.VpcId) == "" && len(v.Subnets)+len(v.SecurityGroupIds) == 0 {
		p.VpcConfig = nil
	}
	if p.SecondarySources == nil {
		p.SecondarySources = []types.ProjectSource{}
	}
	if p.SecondaryArtifacts == nil {
		p.SecondaryArtifacts = []types.ProjectArtifacts{}
	}
	if p.SecondarySourceVersions == nil {
		p.SecondarySourceVersions = []types.ProjectSourceVersion{}
	}
	if p.Tags == nil {
		p.Tags = []types.Tag{}
	}
	completeEnvironment(p.Environment)
	completeSource(p.Source)
	for i := range p.SecondarySources {
		completeSource(&p.SecondarySources[i])
	}
	completeArtifacts(p.Artifacts, aws.ToString(p.Name))
	for i := range p.SecondaryArtifacts {
		completeArtifacts(&p.SecondaryArtifacts[i], aws.ToString(p.Name))
	}
}

func def[T any](to **T, value T) {
	if *to == nil {
		*to = &value
	}
}

func completeEnvironment(e *types.ProjectEnvironment) {
	def(&e.PrivilegedMode, false)
	if e.ImagePullCredentialsType == "" {
		e.ImagePullCredentialsType = types.ImagePullCredentialsTypeCodebuild
	}
	if e.EnvironmentVariables == nil {
		e.EnvironmentVariables = []types.EnvironmentVariable{}
	}
	for i := range e.EnvironmentVariables {
		if v := &e.EnvironmentVariables[i]; v.Type == "" {
			v.Type = types.EnvironmentVariableTypePlaintext
		}
	}
}

func completeSource(s *types.ProjectSource) {
	def(&s.InsecureSsl, false)
	if s.Type == types.SourceTypeCodecommit && s.GitSubmodulesConfig == nil {
		s.GitSubmodulesConfig = &types.GitSubmodulesConfig{FetchSubmodules: aws.Bool(false)}
	}
}

func completeArtifacts(a *types.ProjectArtifacts, project string) {
	if a == nil || a.Type != types.ArtifactsTypeS3 {
		return
	}
	def(&a.Name, project)
	def(&a.EncryptionDisabled, false)
	if a.Packaging == "" {
		a.Packaging = types.ArtifactPackagingNone
	}
	if a.NamespaceType == "" {
		a.NamespaceType = types.ArtifactNamespaceNone
	}
}

// check refuses what AWS refuses, and by name what is not there yet.
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
	if (p.Source.Type == types.SourceTypeCodepipeline) != (p.Artifacts.Type == types.ArtifactsTypeCodepipeline) {
		return invalid("Invalid input: when using CodePipeline both sourceType, and artifactType must be set to: CODEPIPELINE")
	}
	if err := checkSources(p.Source, p.SecondarySources, false); err != nil {
		return err
	}
	if err := checkArtifacts(p.Artifacts, p.SecondaryArtifacts, false); err != nil {
		return err
	}
	if err := checkCache(p.Cache); err != nil {
		return err
	}
	if err := checkEnvironment(p.Environment); err != nil {
		return err
	}
	if a, ok := arn.Parse(aws.ToString(p.ServiceRole)); !ok || a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/") {
		return invalid("Invalid service role")
	} else if a.Account != s.Site.Account {
		return invalid("Invalid service role: Service role account ID does not match caller's account")
	}
	return checkLater(p)
}

func checkLater(p *project) error {
	switch {
	case p.VpcConfig != nil:
		return notYet("vpcConfig")
	case len(p.FileSystemLocations) > 0:
		return notYet("fileSystemLocations (EFS)")
	case p.BuildBatchConfig != nil:
		return notYet("buildBatchConfig (batch builds)")
	case p.Badge != nil && p.Badge.BadgeEnabled:
		return notYet("badgeEnabled (build badges)")
	case aws.ToInt32(p.AutoRetryLimit) > 0:
		return notYet("autoRetryLimit (automatic retry)")
	}
	return checkLogs(p.LogsConfig)
}

func checkLogs(l *types.LogsConfig) error {
	if l != nil && l.S3Logs != nil && l.S3Logs.Status == types.LogsConfigStatusTypeEnabled {
		return notYet("logsConfig.s3Logs")
	}
	return nil
}

var identifier = regexp.MustCompile(`^[A-Za-z0-9_]{1,127}$`)

const badIdentifier = "Invalid input: identifier must contain only alphanumeric characters and underscores and be less than 128 characters in length"

// checkSources takes pipeline's secondary sources, too, for a build that a
// pipeline starts.
func checkSources(primary *types.ProjectSource, secondary []types.ProjectSource, pipeline bool) error {
	if err := checkSource(primary); err != nil {
		return err
	}
	if len(secondary) > 12 {
		return invalid("Invalid input: at most 12 secondarySources are allowed")
	}
	seen := map[string]bool{}
	for i := range secondary {
		src, id := &secondary[i], aws.ToString(secondary[i].SourceIdentifier)
		switch {
		case pipeline: // artifact names, which may have dashes
		case src.Type == types.SourceTypeCodepipeline:
			return invalid("Invalid input: sourceType CODEPIPELINE is not allowed for secondarySources")
		case src.Type == types.SourceTypeNoSource:
			return invalid("Invalid input: sourceType NO_SOURCE is not allowed for secondarySources")
		case !identifier.MatchString(id):
			return invalid(badIdentifier)
		}
		if seen[id] {
			return invalid("Invalid input: secondarySources has the sourceIdentifier %s twice", id)
		}
		seen[id] = true
		if err := checkSource(src); err != nil {
			return err
		}
	}
	return nil
}

func checkSource(src *types.ProjectSource) error {
	location := aws.ToString(src.Location)
	switch src.Type {
	case types.SourceTypeCodepipeline:
	case types.SourceTypeNoSource:
		if location != "" {
			return invalid("Invalid input: source type NO_SOURCE should have null location")
		}
		if !inline(aws.ToString(src.Buildspec)) {
			return invalid("Invalid input: a buildspec is required when source type is NO_SOURCE")
		}
	case types.SourceTypeS3:
		if location == "" {
			return invalid("Project source location is required")
		}
		if !strings.Contains(strings.TrimPrefix(location, "arn:aws:s3:::"), "/") {
			return invalid("Invalid project source location: %s, expected bucket/key", location)
		}
	case types.SourceTypeCodecommit:
		if location == "" {
			return invalid("Project source location is required")
		}
		_, name, ok := strings.Cut(location, "/v1/repos/")
		if !ok || name == "" || strings.ContainsAny(name, "/?#") {
			return invalid("Invalid project source location: %s, expected the clone URL of a repository", location)
		}
	case types.SourceTypeGithub, types.SourceTypeGithubEnterprise, types.SourceTypeBitbucket, types.SourceTypeGitlab, types.SourceTypeGitlabSelfManaged:
		return notYet("source type " + string(src.Type))
	default:
		return invalid("Invalid type provided: Project source type")
	}
	switch {
	case aws.ToBool(src.ReportBuildStatus):
		return invalid("Invalid input: reportBuildStatus is not supported for source type %s", src.Type)
	case aws.ToInt32(src.GitCloneDepth) < 0:
		return invalid("Invalid input: gitCloneDepth must not be negative")
	}
	return nil
}

// inline tells a buildspec's text from the name of a file: see the agent.
func inline(buildspec string) bool {
	t := strings.TrimSpace(buildspec)
	return strings.Contains(buildspec, "\n") || strings.HasPrefix(t, "{") || strings.HasPrefix(t, "version:")
}

func checkArtifacts(primary *types.ProjectArtifacts, secondary []types.ProjectArtifacts, pipeline bool) error {
	if err := checkArtifact(primary); err != nil {
		return err
	}
	if len(secondary) > 12 {
		return invalid("Invalid input: at most 12 secondaryArtifacts are allowed")
	}
	seen := map[string]bool{}
	for i := range secondary {
		a, id := &secondary[i], aws.ToString(secondary[i].ArtifactIdentifier)
		switch {
		case pipeline:
		case a.Type == types.ArtifactsTypeCodepipeline:
			return invalid("Invalid input: artifactType CODEPIPELINE is not allowed for secondaryArtifacts")
		case id == "":
			return invalid("Invalid input: artifactIdentifier is required for secondaryArtifacts")
		case !identifier.MatchString(id):
			return invalid(badIdentifier)
		}
		if seen[id] {
			return invalid("Invalid input: secondaryArtifacts has the artifactIdentifier %s twice", id)
		}
		seen[id] = true
		if err := checkArtifact(a); err != nil {
			return err
		}
	}
	return nil
}

func checkArtifact(a *types.ProjectArtifacts) error {
	switch a.Type {
	case types.ArtifactsTypeCodepipeline:
	case types.ArtifactsTypeNoArtifacts:
		if aws.ToString(a.Location) != "" {
			return invalid("Invalid artifacts: artifact type NO_ARTIFACTS should have null location")
		}
	case types.ArtifactsTypeS3:
		if aws.ToString(a.Location) == "" {
			return invalid("Invalid artifacts: artifact type S3 requires a location")
		}
	default:
		return invalid("Invalid type provided: Artifact type")
	}
	if a.Type != types.ArtifactsTypeS3 && aws.ToBool(a.EncryptionDisabled) {
		return invalid("Invalid artifacts: encryptionDisabled is allowed for artifact type S3 only")
	}
	if a.BucketOwnerAccess != "" && a.BucketOwnerAccess != types.BucketOwnerAccessNone {
		return notYet("artifacts.bucketOwnerAccess")
	}
	return nil
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

// computeTypes are those of LINUX_CONTAINER, with their memory in GiB and vCPUs.
var computeTypes = map[types.ComputeType][2]int64{
	types.ComputeTypeBuildGeneral1Small:   {4, 2},
	types.ComputeTypeBuildGeneral1Medium:  {8, 4},
	types.ComputeTypeBuildGeneral1Large:   {16, 8},
	types.ComputeTypeBuildGeneral1Xlarge:  {72, 36},
	types.ComputeTypeBuildGeneral12xlarge: {144, 72},
}

func checkEnvironment(e *types.ProjectEnvironment) error {
	want := types.EnvironmentTypeLinuxContainer
	if runtime.GOARCH == "arm64" {
		want = types.EnvironmentTypeArmContainer
	}
	switch {
	case e.Fleet != nil:
		return notYet("environment.fleet")
	case e.Type != want && e.Type != types.EnvironmentTypeLinuxContainer:
		return notYet("environment type " + string(e.Type) + " on this machine")
	case aws.ToString(e.Image) == "":
		return invalid("Invalid environment: image is required")
	case e.Certificate != nil && *e.Certificate != "":
		return notYet("environment.certificate")
	case e.RegistryCredential != nil:
		return notYet("environment.registryCredential")
	case e.ComputeConfiguration != nil:
		return notYet("environment.computeConfiguration")
	case e.DockerServer != nil:
		return notYet("environment.dockerServer")
	}
	if _, ok := computeTypes[e.ComputeType]; !ok {
		return invalid("Invalid compute type provided: %s", e.ComputeType)
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

// checkRole asks for a session: the role must exist and trust CodeBuild.
func (s *Service) checkRole(ctx context.Context, region, role string) error {
	a, ok := arn.Parse(role)
	switch {
	case !ok || a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/"):
		return invalid("Invalid service role")
	case a.Account != s.Site.Account:
		return invalid("Invalid service role: Service role account ID does not match caller's account")
	}
	_, err := s.Sessions.Credentials(ctx, session.Request{RoleARN: role, Name: "AWSCodeBuild", Service: principal, Region: region})
	var denied *wire.Error
	if errors.As(err, &denied) {
		return invalid("CodeBuild is not authorized to perform: sts:AssumeRole on %s", role)
	}
	return err
}
