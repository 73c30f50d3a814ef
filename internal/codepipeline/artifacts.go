package codepipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/klauspost/compress/zip"
)

// objectAPI is what actions need of Amazon S3.
type objectAPI interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	CopyObject(context.Context, *s3.CopyObjectInput, ...func(*s3.Options)) (*s3.CopyObjectOutput, error)
}

// artifactStore reads and writes artifacts in an action's role. They pass
// through files, so that their size does not matter to memory.
type artifactStore struct {
	client objectAPI
	dir    string // for the files
}

func (d *dependencies) artifacts(cfg aws.Config) artifactStore {
	return artifactStore{d.s3(cfg), d.tempDir}
}

func newS3(cfg aws.Config) objectAPI {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

// fetch downloads an artifact; the caller closes and thereby removes it.
func (st artifactStore) fetch(ctx context.Context, a Artifact) (*spool, error) {
	in := &s3.GetObjectInput{Bucket: aws.String(a.Bucket), Key: aws.String(a.Key)}
	if a.VersionID != "" {
		in.VersionId = aws.String(a.VersionID)
	}
	out, err := st.client.GetObject(ctx, in)
	var missing *s3types.NoSuchKey
	switch {
	case errors.As(err, &missing):
		return nil, fail(configurationError, "The input artifact %s does not exist in the Amazon S3 artifact bucket: %s key: %s", a.Name, a.Bucket, a.Key)
	case denied(err):
		return nil, fail(permissionError, "The role of the action is getting S3 access denied for the S3 bucket \"%s\" (input artifact %s). Error: %s", a.Bucket, a.Name, words(err))
	case err != nil:
		return nil, err
	}
	defer out.Body.Close()
	f, err := st.spool()
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(f, out.Body); err != nil {
		f.Close()
		return nil, noSpace(err, a.Name)
	}
	return f, nil
}

// keep writes an output artifact, zipped or not as write likes it, and returns
// its version id.
func (st artifactStore) keep(ctx context.Context, w *Work, a Artifact, write func(io.Writer) error) (version string, err error) {
	return st.keepAs(ctx, w, a, "application/zip", write)
}

func (st artifactStore) keepAs(ctx context.Context, w *Work, a Artifact, contentType string, write func(io.Writer) error) (version string, err error) {
	f, err := st.spool()
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := write(f); err != nil {
		return "", noSpace(err, a.Name)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	in := &s3.PutObjectInput{Bucket: aws.String(a.Bucket), Key: aws.String(a.Key), Body: f.File,
		ContentType: aws.String(contentType), ServerSideEncryption: s3types.ServerSideEncryptionAwsKms}
	in.SSEKMSKeyId = keyID(w.Encryption)
	out, err := st.client.PutObject(ctx, in)
	if err != nil {
		return "", st.writeFailure(err, a)
	}
	return aws.ToString(out.VersionId), nil
}

// keyID is the key that a store wants its artifacts encrypted with; nil is S3's
// own.
func keyID(k *types.EncryptionKey) *string {
	if k == nil {
		return nil
	}
	return k.Id
}

func (st artifactStore) writeFailure(err error, a Artifact) error {
	var missing *s3types.NoSuchBucket
	switch {
	case errors.As(err, &missing):
		return fail(configurationError, "The Amazon S3 artifact bucket %s does not exist", a.Bucket)
	case denied(err):
		return fail(permissionError, "The role of the action is getting S3 access denied for the S3 bucket \"%s\" (output artifact %s). Error: %s", a.Bucket, a.Name, words(err))
	}
	return err
}

// spool is a file that is gone when it is closed.
type spool struct{ *os.File }

func (st artifactStore) spool() (*spool, error) {
	f, err := os.CreateTemp(st.dir, "artifact-*")
	if err != nil {
		return nil, noSpace(err, "of the action")
	}
	return &spool{f}, nil
}

func (s *spool) Close() error {
	err := s.File.Close()
	if rerr := os.Remove(s.Name()); err == nil {
		err = rerr
	}
	return err
}

// noSpace makes a full disk the action's failure: trying again does not help.
func noSpace(err error, artifact string) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fail("SystemUnavailable", "There is no space left on the disk for the artifact %s", artifact)
	}
	return err
}

var errNoEntry = errors.New("no such file in the archive")

// zipped reads one file of an artifact, of at most max bytes. It is errNoEntry
// if the archive does not have it.
func (s *spool) zipped(name string, max int64) ([]byte, error) {
	st, err := s.Stat()
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(s.File, st.Size())
	if err != nil {
		return nil, fail(configurationError, "The input artifact is not a ZIP file")
	}
	for _, f := range z.File {
		if f.Name != path.Clean(name) || !f.Mode().IsRegular() {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", name, err)
		}
		defer r.Close()
		b, err := io.ReadAll(io.LimitReader(r, max+1))
		if err != nil {
			return nil, fail(configurationError, "The file %s in the input artifact is damaged", name)
		}
		if int64(len(b)) > max {
			return nil, fail(configurationError, "The file %s in the input artifact is larger than %d KB", name, max>>10)
		}
		return b, nil
	}
	return nil, errNoEntry
}
