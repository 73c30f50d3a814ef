package codebuild

import (
	"encoding/json"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
)

// merge lays StartBuild's overrides over a project. It refuses by name the one
// that no member of a project stands for and that is not there yet.
func merge(p *project, in *codebuild.StartBuildInput) (*project, error) {
	if aws.ToBool(in.DebugSessionEnabled) {
		return nil, notYet("debugSessionEnabled")
	}
	e, err := clone(p)
	if err != nil {
		return nil, err
	}
	mergeSource(e, in)
	mergeEnvironment(e.Environment, in)
	set(&e.Artifacts, in.ArtifactsOverride)
	if in.SecondaryArtifactsOverride != nil {
		e.SecondaryArtifacts = in.SecondaryArtifactsOverride
	}
	set(&e.Cache, in.CacheOverride)
	set(&e.LogsConfig, in.LogsConfigOverride)
	set(&e.EncryptionKey, in.EncryptionKeyOverride)
	set(&e.TimeoutInMinutes, in.TimeoutInMinutesOverride)
	set(&e.QueuedTimeoutInMinutes, in.QueuedTimeoutInMinutesOverride)
	set(&e.AutoRetryLimit, in.AutoRetryLimitOverride)
	return e, nil
}

// clone is a deep copy: an override must not reach the project.
func clone(p *project) (*project, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	c := &project{}
	return c, json.Unmarshal(b, c)
}

func mergeSource(e *project, in *codebuild.StartBuildInput) {
	src := e.Source
	if in.SourceTypeOverride != "" && in.SourceTypeOverride != src.Type {
		src.Type = in.SourceTypeOverride
		src.Auth, src.GitCloneDepth, src.GitSubmodulesConfig, src.ReportBuildStatus, src.BuildStatusConfig = nil, nil, nil, nil, nil
		if in.SourceLocationOverride == nil {
			src.Location = nil
		}
	}
	set(&src.Location, in.SourceLocationOverride)
	set(&src.Buildspec, in.BuildspecOverride)
	set(&src.GitCloneDepth, in.GitCloneDepthOverride)
	set(&src.GitSubmodulesConfig, in.GitSubmodulesConfigOverride)
	set(&src.InsecureSsl, in.InsecureSslOverride)
	set(&src.Auth, in.SourceAuthOverride)
	set(&src.ReportBuildStatus, in.ReportBuildStatusOverride)
	set(&src.BuildStatusConfig, in.BuildStatusConfigOverride)
	set(&e.SourceVersion, in.SourceVersion)
	if in.SecondarySourcesOverride != nil {
		e.SecondarySources = in.SecondarySourcesOverride
	} else if in.SourceTypeOverride == types.SourceTypeCodepipeline {
		e.SecondarySources = nil
	}
	for _, v := range in.SecondarySourcesVersionOverride {
		same := func(o types.ProjectSourceVersion) bool {
			return aws.ToString(o.SourceIdentifier) == aws.ToString(v.SourceIdentifier)
		}
		if i := slices.IndexFunc(e.SecondarySourceVersions, same); i >= 0 {
			e.SecondarySourceVersions[i] = v
		} else {
			e.SecondarySourceVersions = append(e.SecondarySourceVersions, v)
		}
	}
	if in.SourceTypeOverride == types.SourceTypeCodepipeline && in.SecondaryArtifactsOverride == nil {
		e.SecondaryArtifacts = nil
	}
}

func mergeEnvironment(e *types.ProjectEnvironment, in *codebuild.StartBuildInput) {
	set(&e.Image, in.ImageOverride)
	set(&e.PrivilegedMode, in.PrivilegedModeOverride)
	set(&e.Certificate, in.CertificateOverride)
	set(&e.RegistryCredential, in.RegistryCredentialOverride)
	set(&e.Fleet, in.FleetOverride)
	if in.ComputeTypeOverride != "" {
		e.ComputeType = in.ComputeTypeOverride
	}
	if in.EnvironmentTypeOverride != "" {
		e.Type = in.EnvironmentTypeOverride
	}
	if in.ImagePullCredentialsTypeOverride != "" {
		e.ImagePullCredentialsType = in.ImagePullCredentialsTypeOverride
	}
	for _, v := range in.EnvironmentVariablesOverride {
		same := func(o types.EnvironmentVariable) bool { return aws.ToString(o.Name) == aws.ToString(v.Name) }
		if i := slices.IndexFunc(e.EnvironmentVariables, same); i >= 0 {
			e.EnvironmentVariables[i] = v
		} else {
			e.EnvironmentVariables = append(e.EnvironmentVariables, v)
		}
	}
}
