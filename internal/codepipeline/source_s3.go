package codepipeline

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// objectSource takes the newest version of an object of a versioned bucket, or
// the version or key an execution was started with.
type objectSource struct{ *dependencies }

// summaryMetadata is the object metadata that becomes the revision's summary.
const summaryMetadata = "codepipeline-artifact-revision-summary"

func (s objectSource) Step(ctx context.Context, w *Work) (*Result, error) {
	cfg, err := w.Session(ctx)
	if err != nil {
		return nil, err
	}
	client := s.s3(cfg)
	bucket, key := w.Configuration["S3Bucket"], w.Configuration["S3ObjectKey"]
	head := &s3.HeadObjectInput{Bucket: aws.String(bucket)}
	if o := w.Override; o != nil && o.RevisionType == types.SourceRevisionTypeS3ObjectKey {
		key = aws.ToString(o.RevisionValue)
	} else if o != nil {
		head.VersionId = o.RevisionValue
	}
	head.Key = aws.String(key)
	found, err := client.HeadObject(ctx, head)
	if err != nil {
		return nil, objectFailure(err, w, bucket, key)
	}
	version := aws.ToString(found.VersionId)
	if version == "" || version == "null" {
		return nil, fail(configurationError, "The S3 bucket \"%s\" must have versioning enabled to be the source of a pipeline", bucket)
	}
	artifact := w.Outputs[0]
	copied, err := s.artifacts(cfg).copy(ctx, Artifact{Bucket: bucket, Key: key, VersionID: version}, artifact, keyID(w.Encryption))
	if err != nil {
		return nil, err
	}
	summary := found.Metadata[summaryMetadata]
	if summary == "" {
		summary = "Amazon S3 version id: " + version
	}
	etag := strings.Trim(aws.ToString(found.ETag), `"`)
	link := s.console + "s3/buckets/" + bucket
	return &Result{
		Done: true, ExternalID: version, ExternalURL: link, Summary: cut(summary, maxSummary),
		Versions: map[string]string{artifact.Name: copied},
		Revision: &types.ArtifactRevision{RevisionId: aws.String(version), RevisionChangeIdentifier: aws.String(etag),
			RevisionSummary: aws.String(cut(summary, maxSummary)), RevisionUrl: aws.String(link), Created: found.LastModified},
		Variables: map[string]string{"BucketName": bucket, "ETag": etag, "ObjectKey": key, "VersionId": version},
	}, nil
}

func objectFailure(err error, w *Work, bucket, key string) error {
	var missing *s3types.NotFound
	switch {
	case errors.As(err, &missing):
		return fail(configurationError, "The object with the key '%s' does not exist in the S3 bucket \"%s\"", key, bucket)
	case denied(err):
		return fail(permissionError, "CodePipeline service role \"%s\" is getting S3 access denied for the S3 bucket \"%s\"", w.RoleARN, bucket)
	}
	return err
}

// escapeKey encodes a key for CopySource, keeping its slashes.
func escapeKey(key string) string {
	parts := strings.Split(key, "/")
	for i := range parts {
		parts[i] = strings.ReplaceAll(url.QueryEscape(parts[i]), "+", "%20")
	}
	return strings.Join(parts, "/")
}
