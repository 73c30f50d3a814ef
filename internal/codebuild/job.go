package codebuild

import (
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/agent/job"
	"github.com/slipway-dev/slipway/internal/aws/arn"
)

// job is what the agent has to know of a build.
func (s *Service) job(b *build) *job.Job {
	j := &job.Job{
		BuildID: b.id(), BuildARN: aws.ToString(b.Arn), UUID: b.uuid(), Number: aws.ToInt64(b.BuildNumber),
		Project: b.projectName(), ARN: s.projectARN(b.Region, b.projectName()), Region: b.Region, Account: s.Site.Account,
		Image: aws.ToString(b.Environment.Image), Curated: curated(aws.ToString(b.Environment.Image)),
		Initiator: aws.ToString(b.Initiator), KMSKey: aws.ToString(b.EncryptionKey), URL: s.consoleURL(b), LogStream: aws.ToString(b.Logs.StreamName),
		Started: aws.ToTime(b.StartTime), Deadline: b.Deadline,
		SourceVersion: aws.ToString(b.SourceVersion), ResolvedVersion: aws.ToString(b.ResolvedSourceVersion),
		Buildspec: aws.ToString(b.Source.Buildspec), Cache: s.cache(b),
	}
	primary := source(b.Source, aws.ToString(b.SourceVersion))
	primary.Identifier = ""
	if b.Source.Type == types.SourceTypeCodepipeline {
		primary.Location = aws.ToString(b.SourceVersion)
	}
	j.Sources = []job.Source{primary}
	for i := range b.SecondarySources {
		version := ""
		for _, v := range b.SecondarySourceVersions {
			if aws.ToString(v.SourceIdentifier) == aws.ToString(b.SecondarySources[i].SourceIdentifier) {
				version = aws.ToString(v.SourceVersion)
			}
		}
		j.Sources = append(j.Sources, source(&b.SecondarySources[i], version))
	}
	if bucket, key := s3Log(b); key != "" {
		j.Logs = &job.Object{Bucket: bucket, Key: key, EncryptionDisabled: aws.ToBool(b.Logs.S3Logs.EncryptionDisabled)}
	}
	for _, v := range b.Environment.EnvironmentVariables {
		j.Environment = append(j.Environment, job.Variable{Name: aws.ToString(v.Name), Value: aws.ToString(v.Value), Type: string(v.Type)})
	}
	for i, a := range b.Outputs {
		out := output(a)
		if i == 0 {
			out.Identifier = ""
		}
		j.Artifacts = append(j.Artifacts, out)
	}
	return j
}

func source(s *types.ProjectSource, version string) job.Source {
	return job.Source{Identifier: aws.ToString(s.SourceIdentifier), Type: string(s.Type), Location: aws.ToString(s.Location), Version: version,
		Depth: int(aws.ToInt32(s.GitCloneDepth)), Submodules: s.GitSubmodulesConfig != nil && aws.ToBool(s.GitSubmodulesConfig.FetchSubmodules),
		Insecure: aws.ToBool(s.InsecureSsl)}
}

func output(a types.ProjectArtifacts) job.Artifact {
	bucket := aws.ToString(a.Location)
	if x, ok := arn.Parse(bucket); ok {
		bucket = x.Resource
	}
	return job.Artifact{Identifier: aws.ToString(a.ArtifactIdentifier), Type: string(a.Type), Bucket: bucket, Path: aws.ToString(a.Path),
		ByBuildID: a.NamespaceType == types.ArtifactNamespaceBuildId, Name: aws.ToString(a.Name),
		Zip: a.Packaging == types.ArtifactPackagingZip, OverrideName: aws.ToBool(a.OverrideArtifactName), EncryptionDisabled: aws.ToBool(a.EncryptionDisabled)}
}

func (s *Service) consoleURL(b *build) string {
	return "https://" + b.Region + ".console.aws.amazon.com/codebuild/home?region=" + b.Region + "#/builds/" + url.PathEscape(b.id()) + "/view/new"
}

// locate fills in where a build's logs and artifacts will be.
func (s *Service) locate(b *build) {
	l := b.Logs
	none := "arn:aws:logs:" + b.Region + ":" + s.Site.Account + ":log-group:null:log-stream:null"
	l.CloudWatchLogsArn, l.DeepLink = aws.String(none), aws.String("https://console.aws.amazon.com/cloudwatch/home?region="+b.Region+"#logEvent:group=null;stream=null")
	for i, a := range b.Outputs {
		o := output(a)
		out := types.BuildArtifacts{Location: aws.String(o.Location(o.Key(b.uuid(), b.projectName(), "")))}
		if a.Type == types.ArtifactsTypeS3 {
			out.EncryptionDisabled, out.OverrideArtifactName = a.EncryptionDisabled, a.OverrideArtifactName
			out.Md5sum, out.Sha256sum = aws.String(""), aws.String("")
		}
		if i == 0 {
			b.Artifacts = &out
			continue
		}
		out.ArtifactIdentifier = a.ArtifactIdentifier
		b.SecondaryArtifacts = append(b.SecondaryArtifacts, out)
	}
}
