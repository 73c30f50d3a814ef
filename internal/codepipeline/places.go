package codepipeline

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/id"
)

func detail(a Artifact) types.ArtifactDetail {
	return types.ArtifactDetail{Name: aws.String(a.Name), S3location: &types.S3Location{Bucket: aws.String(a.Bucket), Key: aws.String(a.Key)}}
}

func details(list []Artifact) []types.ArtifactDetail {
	out := []types.ArtifactDetail{}
	for _, a := range list {
		out = append(out, detail(a))
	}
	return out
}

// place chooses where an action will put an artifact, as AWS does: the names
// are cut short so that policies which name them stay small.
func (s *Service) place(p *Pipeline, a *types.ActionDeclaration, artifact string) Artifact {
	key := cut(p.name(), 20) + "/" + cut(artifact, 10) + "/" + id.Of(s.cfg.IDs, id.AlphaNum, 7)
	if a.ActionTypeId.Category == types.ActionCategorySource {
		key += ".zip"
	}
	return Artifact{Name: artifact, Bucket: aws.ToString(storeOf(p, regionOf(p, a)).Location), Key: key}
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// regionOf is where an action runs.
func regionOf(p *Pipeline, a *types.ActionDeclaration) string {
	if r := aws.ToString(a.Region); r != "" {
		return r
	}
	return p.Region
}

// storeOf is the artifact store that actions of a region use.
func storeOf(p *Pipeline, region string) *types.ArtifactStore {
	if p.Declaration.ArtifactStore != nil {
		return p.Declaration.ArtifactStore
	}
	st := p.Declaration.ArtifactStores[region]
	return &st
}
