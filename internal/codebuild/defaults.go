package codebuild

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
)

// complete fills in the defaults that CreateProject returns. What AWS is not
// known to fill in stays as it was sent: Terraform calls anything else a drift.
func (s *Service) complete(region string, p *project) {
	def(&p.TimeoutInMinutes, 60)
	def(&p.QueuedTimeoutInMinutes, 480)
	def(&p.EncryptionKey, s.defaultKey(region))
	if p.Cache == nil {
		p.Cache = &types.ProjectCache{Type: types.CacheTypeNoCache}
	}
	p.Cache.Location = given(p.Cache.Location)
	if v := p.VpcConfig; v != nil && aws.ToString(v.VpcId) == "" && len(v.Subnets)+len(v.SecurityGroupIds) == 0 {
		p.VpcConfig = nil
	}
	// So does an empty buildBatchConfig take the old one away.
	if b := p.BuildBatchConfig; b != nil && aws.ToString(b.ServiceRole) == "" && b.Restrictions == nil && b.TimeoutInMins == nil {
		p.BuildBatchConfig = nil
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

// defaultKey is the alias of S3's own key.
func (s *Service) defaultKey(region string) string {
	return "arn:aws:kms:" + region + ":" + s.Site.Account + ":alias/aws/s3"
}

func def[T any](to **T, value T) {
	if *to == nil {
		*to = &value
	}
}

// given is text that was given, nil for an empty one: Terraform sends those for
// what was left out.
func given(text *string) *string {
	if aws.ToString(text) == "" {
		return nil
	}
	return text
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
	if hosted(s.Type) {
		def(&s.ReportBuildStatus, false)
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
