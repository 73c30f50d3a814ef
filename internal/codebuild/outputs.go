package codebuild

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
)

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

// checkArtifact does not look at bucketOwnerAccess: an installation has one
// account, whose buckets own what is written to them.
func checkArtifact(a *types.ProjectArtifacts) error {
	switch a.Type {
	case types.ArtifactsTypeCodepipeline:
	case types.ArtifactsTypeNoArtifacts:
		switch {
		case aws.ToString(a.Location) != "":
			return invalid("Invalid artifacts: artifact type NO_ARTIFACTS should have null location")
		case a.EncryptionDisabled != nil:
			return invalid("Invalid artifacts: artifact type NO_ARTIFACTS should have null encryptionDisabled")
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
	return nil
}
