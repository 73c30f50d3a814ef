package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/agent/archive"
	"github.com/slipway-dev/slipway/internal/agent/job"
)

// objects reads and writes S3 with the build's role.
type objects struct{ client *s3.Client }

func newS3(c Config, region string, creds *credentials) objects {
	return objects{s3.New(s3.Options{
		Region:       region,
		BaseEndpoint: aws.String(c.Endpoint),
		UsePathStyle: true,
		Credentials:  aws.NewCredentialsCache(creds),
		HTTPClient:   &http.Client{Transport: transport(c)},
	})}
}

// split takes arn:aws:s3:::bucket/key, s3://bucket/key or bucket/key apart.
func split(location string) (bucket, key string, err error) {
	location = strings.TrimPrefix(strings.TrimPrefix(location, "arn:aws:s3:::"), "s3://")
	bucket, key, _ = strings.Cut(location, "/")
	if bucket == "" || strings.Contains(bucket, ":") {
		return "", "", fmt.Errorf("%q is not the location of an S3 object", location)
	}
	return bucket, key, nil
}

// read returns an object of at most limit bytes.
func (o objects) read(ctx context.Context, location string, limit int64) ([]byte, error) {
	bucket, key, err := split(location)
	if err != nil {
		return nil, err
	}
	out, err := o.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, explain(bucket, key, err)
	}
	defer out.Body.Close()
	return io.ReadAll(io.LimitReader(out.Body, limit))
}

// get writes an object to a file.
func (o objects) get(ctx context.Context, bucket, key, version, file string) error {
	in := &s3.GetObjectInput{Bucket: &bucket, Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	out, err := o.client.GetObject(ctx, in)
	if err != nil {
		return explain(bucket, key, err)
	}
	defer out.Body.Close()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, out.Body)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// encryption is how an object is encrypted: under a key, S3's own if it is "",
// or as its bucket does it by default.
type encryption struct {
	disabled bool
	key      string
}

// encryption is of what a build writes.
func (b *running) encryption(disabled bool) encryption {
	e := encryption{disabled, b.job.KMSKey}
	if strings.HasSuffix(e.key, ":alias/aws/s3") {
		e.key = ""
	}
	return e
}

// put writes a file as an object.
func (o objects) put(ctx context.Context, bucket, key, file string, metadata map[string]string, e encryption) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	in := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: f, Metadata: metadata}
	if !e.disabled {
		in.ServerSideEncryption = types.ServerSideEncryptionAwsKms
		if e.key != "" {
			in.SSEKMSKeyId = &e.key
		}
	}
	if _, err := o.client.PutObject(ctx, in); err != nil {
		return explain(bucket, key, err)
	}
	return nil
}

// list calls visit with the keys below a prefix.
func (o objects) list(ctx context.Context, bucket, prefix string, visit func(key string) error) error {
	pages := s3.NewListObjectsV2Paginator(o.client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return explain(bucket, prefix, err)
		}
		for _, c := range page.Contents {
			if err := visit(aws.ToString(c.Key)); err != nil {
				return err
			}
		}
	}
	return nil
}

// explain keeps of an SDK error what a user can use.
func explain(bucket, key string, err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		return fmt.Errorf("s3://%s/%s: %s: %s", bucket, key, api.ErrorCode(), api.ErrorMessage())
	}
	return fmt.Errorf("s3://%s/%s: %w", bucket, key, err)
}

// fetchS3 unpacks a zip or copies a folder.
func (b *running) fetchS3(ctx context.Context, s job.Source, dir string) error {
	bucket, key, err := split(s.Location)
	if err != nil {
		return err
	}
	if s.Type == "S3" && (key == "" || strings.HasSuffix(key, "/")) {
		return b.fetchFolder(ctx, bucket, key, dir)
	}
	file := filepath.Join(b.shell.tmp, "source.zip")
	defer os.Remove(file)
	version := s.Version
	if s.Type == "CODEPIPELINE" {
		version = ""
	}
	if err := b.s3.get(ctx, bucket, key, version, file); err != nil {
		return err
	}
	if s.Type == "CODEPIPELINE" {
		if r, err := readReference(file); err != nil || r != nil {
			if err == nil {
				err = b.cloneReferred(ctx, r, dir)
			}
			return err
		}
	}
	return archive.Unzip(file, dir, archive.DefaultLimits)
}

func (b *running) fetchFolder(ctx context.Context, bucket, prefix, dir string) error {
	found := false
	err := b.s3.list(ctx, bucket, prefix, func(key string) error {
		found = true
		name := strings.TrimPrefix(key, prefix)
		if name == "" || strings.HasSuffix(name, "/") {
			return nil
		}
		if !filepath.IsLocal(name) || path.Clean(name) != name {
			return fmt.Errorf("s3://%s/%s: the key leaves the source directory", bucket, key)
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return b.s3.get(ctx, bucket, key, "", file)
	})
	if err == nil && !found {
		err = fmt.Errorf("s3://%s/%s: there is nothing", bucket, prefix)
	}
	return err
}
