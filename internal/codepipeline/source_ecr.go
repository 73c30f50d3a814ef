package codepipeline

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/klauspost/compress/zip"
)

// imageAPI is what the source needs of ECR.
type imageAPI interface {
	DescribeImages(context.Context, *ecr.DescribeImagesInput, ...func(*ecr.Options)) (*ecr.DescribeImagesOutput, error)
	DescribeRepositories(context.Context, *ecr.DescribeRepositoriesInput, ...func(*ecr.Options)) (*ecr.DescribeRepositoriesOutput, error)
}

// imageSource takes the image that has a tag, or the digest an execution was
// started with; its artifact describes the image in imageDetail.json.
type imageSource struct{ *dependencies }

// imageDetail is the content of imageDetail.json as AWS writes it.
type imageDetail struct {
	ImageSizeInBytes string
	ImageDigest      string
	Version          string
	ImagePushedAt    string
	RegistryID       string `json:"RegistryId"`
	RepositoryName   string
	ImageURI         string
	ImageTags        []string
}

// imageTag is the tag an ECR source looks at.
func imageTag(configuration map[string]string) string {
	if t := configuration["ImageTag"]; t != "" {
		return t
	}
	return "latest"
}

func (s imageSource) Step(ctx context.Context, w *Work) (*Result, error) {
	cfg, err := w.Session(ctx)
	if err != nil {
		return nil, err
	}
	client := s.ecr(cfg)
	repository, tag := w.Configuration["RepositoryName"], imageTag(w.Configuration)
	repositories, err := client.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{repository}})
	if err != nil {
		return nil, imageFailure(err, repository, tag)
	}
	wanted := ecrtypes.ImageIdentifier{ImageTag: aws.String(tag)}
	if w.Override != nil {
		wanted = ecrtypes.ImageIdentifier{ImageDigest: w.Override.RevisionValue}
	}
	images, err := client.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: aws.String(repository), ImageIds: []ecrtypes.ImageIdentifier{wanted}})
	if err != nil {
		return nil, imageFailure(err, repository, tag)
	}
	if len(images.ImageDetails) == 0 || len(repositories.Repositories) == 0 {
		return nil, imageFailure(&ecrtypes.ImageNotFoundException{}, repository, tag)
	}
	image := images.ImageDetails[0]
	digest := aws.ToString(image.ImageDigest)
	d := imageDetail{
		ImageSizeInBytes: strconv.FormatInt(aws.ToInt64(image.ImageSizeInBytes), 10), ImageDigest: digest, Version: "1.0",
		ImagePushedAt: aws.ToTime(image.ImagePushedAt).UTC().Format(time.UnixDate),
		RegistryID:    aws.ToString(image.RegistryId), RepositoryName: repository,
		ImageURI: aws.ToString(repositories.Repositories[0].RepositoryUri) + "@" + digest, ImageTags: image.ImageTags,
	}
	artifact := w.Outputs[0]
	version, err := s.artifacts(cfg).keep(ctx, w, artifact, func(file io.Writer) error { return zipOne(file, "imageDetail.json", d) })
	if err != nil {
		return nil, err
	}
	return &Result{
		Done: true, ExternalID: digest, ExternalURL: s.console + "ecr/repositories/" + repository,
		Versions: map[string]string{artifact.Name: version},
		Revision: &types.ArtifactRevision{RevisionId: aws.String(digest), RevisionSummary: aws.String("ImageTag: " + tag), Created: image.ImagePushedAt},
		Variables: map[string]string{"ImageDigest": digest, "ImageTag": tag, "ImageURI": d.ImageURI,
			"RegistryId": d.RegistryID, "RepositoryName": repository},
	}, nil
}

func imageFailure(err error, repository, tag string) error {
	var noImage *ecrtypes.ImageNotFoundException
	var noRepository *ecrtypes.RepositoryNotFoundException
	switch {
	case errors.As(err, &noImage):
		return fail(revisionUnavailable, "The Amazon ECR repository %s does not have an image with the tag %s or the digest the execution was started with", repository, tag)
	case errors.As(err, &noRepository):
		return fail(configurationError, "The Amazon ECR repository %s does not exist", repository)
	case denied(err):
		return fail(permissionError, "The pipeline IAM role does not have sufficient permissions to access the Amazon ECR repository %s", repository)
	}
	return err
}

// zipOne writes a zip with one JSON file.
func zipOne(w io.Writer, name string, content any) error {
	b, err := json.Marshal(content)
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	f, err := z.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.Write(b); err != nil {
		return err
	}
	return z.Close()
}
