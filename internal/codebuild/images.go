package codebuild

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
)

// curated tells AWS's own build images, which have a local stand-in.
func curated(image string) bool { return strings.HasPrefix(image, "aws/codebuild/") }

// mapped is the engine's reference of an image; a name that the configuration
// does not map is a reference itself.
func (s *Service) mapped(image string) string {
	best, to := -1, image
	for pattern, reference := range s.Images {
		prefix, wild := strings.CutSuffix(pattern, "*")
		switch {
		case pattern == image:
			return reference
		case wild && strings.HasPrefix(image, prefix) && len(prefix) > best:
			best, to = len(prefix), reference
		}
	}
	return to
}

// curatedImages are AWS's names that projects use, with what they are there.
// Here they all stand for the configured image.
var curatedImages = []struct {
	platform    types.PlatformType
	name, about string
}{
	{types.PlatformTypeUbuntu, "aws/codebuild/standard:5.0", "AWS CodeBuild - Docker image for Ubuntu 20.04"},
	{types.PlatformTypeUbuntu, "aws/codebuild/standard:6.0", "AWS CodeBuild - Docker image for Ubuntu 22.04"},
	{types.PlatformTypeUbuntu, "aws/codebuild/standard:7.0", "AWS CodeBuild - Docker image for Ubuntu 22.04"},
	{types.PlatformTypeAmazonLinux, "aws/codebuild/amazonlinux-x86_64-standard:5.0", "AWS CodeBuild - Docker image for Amazon Linux 2023"},
	{types.PlatformTypeAmazonLinux, "aws/codebuild/amazonlinux2-x86_64-standard:5.0", "AWS CodeBuild - Docker image for Amazon Linux 2023"},
	{types.PlatformTypeAmazonLinux, "aws/codebuild/amazonlinux-aarch64-standard:3.0", "AWS CodeBuild - Docker image for Amazon Linux 2023 on ARM"},
}

// ListCuratedEnvironmentImages lists the names that are mapped to local images.
func (s *Service) ListCuratedEnvironmentImages(context.Context, *codebuild.ListCuratedEnvironmentImagesInput, ...func(*codebuild.Options)) (*codebuild.ListCuratedEnvironmentImagesOutput, error) {
	out := &codebuild.ListCuratedEnvironmentImagesOutput{}
	for _, platform := range []types.PlatformType{types.PlatformTypeUbuntu, types.PlatformTypeAmazonLinux} {
		base := types.EnvironmentLanguage{Language: types.LanguageTypeBase}
		for _, i := range curatedImages {
			if i.platform == platform {
				base.Images = append(base.Images, types.EnvironmentImage{Name: aws.String(i.name), Description: aws.String(i.about), Versions: []string{i.name}})
			}
		}
		out.Platforms = append(out.Platforms, types.EnvironmentPlatform{Platform: platform, Languages: []types.EnvironmentLanguage{base}})
	}
	return out, nil
}
