package codepipeline

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"mime"
	"os"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/agent/archive"
)

// objectDeploy writes an artifact, or each of its files, to a bucket. Objects
// that the artifact does not have stay.
type objectDeploy struct{ *dependencies }

// objectMemo keeps the key: templates like {datetime} must give the same if the
// step is repeated.
type objectMemo struct{ Key string }

// deployLimits are those of an artifact's content.
var deployLimits = archive.Limits{Entries: 100_000, Bytes: 16 << 30, Ratio: 200}

func (d objectDeploy) Step(ctx context.Context, w *Work) (*Result, error) {
	if w.Memo == nil {
		return &Result{Memo: objectMemo{expandKey(w)}, Again: true}, nil
	}
	var memo objectMemo
	if err := json.Unmarshal(w.Memo, &memo); err != nil {
		return nil, err
	}
	cfg, err := w.Session(ctx)
	if err != nil {
		return nil, err
	}
	store := d.artifacts(cfg)
	artifact, err := store.fetch(ctx, w.Inputs[0])
	if err != nil {
		return nil, err
	}
	defer artifact.Close()
	if w.Configuration["Extract"] == "true" {
		err = d.extract(ctx, store, w, memo.Key, artifact)
	} else {
		if _, err = artifact.Seek(0, io.SeekStart); err == nil {
			err = d.put(ctx, store, w, memo.Key, artifact.File)
		}
	}
	if err != nil {
		return nil, err
	}
	return &Result{Done: true, ExternalURL: d.console + "s3/buckets/" + w.Configuration["BucketName"]}, nil
}

// expandKey fills in the templates {datetime} (UTC) and {uuid}. The uuid is
// the action execution's, so that it is fresh for each.
func expandKey(w *Work) string {
	return strings.NewReplacer("{datetime}", w.Now.UTC().Format("2006-01-02_15-04-05"), "{uuid}", w.ActionExecutionID).
		Replace(w.Configuration["ObjectKey"])
}

// extract uploads the files of a zip. Nothing is uploaded from an archive that
// has an entry which would land outside of the prefix.
func (d objectDeploy) extract(ctx context.Context, store artifactStore, w *Work, prefix string, artifact *spool) error {
	dir, err := os.MkdirTemp(d.tempDir, "deploy-*")
	if err != nil {
		return noSpace(err, w.Inputs[0].Name)
	}
	defer os.RemoveAll(dir)
	if err := archive.Unzip(artifact.Name(), dir, deployLimits); err != nil {
		if pass := noSpace(err, w.Inputs[0].Name); pass != err {
			return pass
		}
		return fail(jobFailed, "The input artifact %s cannot be extracted: %s", w.Inputs[0].Name, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		f, err := root.Open(name) // a link is followed, within the artifact
		if err != nil {
			if e.Type()&fs.ModeSymlink != 0 && errors.Is(err, fs.ErrNotExist) {
				return nil // it points at nothing
			}
			return err
		}
		defer f.Close()
		if st, err := f.Stat(); err != nil || st.IsDir() {
			return err // the files of a linked directory have their own names
		}
		return d.put(ctx, store, w, strings.TrimPrefix(path.Join(prefix, name), "/"), f)
	})
}

func (d objectDeploy) put(ctx context.Context, store artifactStore, w *Work, key string, f *os.File) error {
	c := w.Configuration
	in := &s3.PutObjectInput{Bucket: aws.String(c["BucketName"]), Key: aws.String(key), Body: f, ACL: s3types.ObjectCannedACL(c["CannedACL"])}
	if t := mime.TypeByExtension(path.Ext(key)); t != "" {
		in.ContentType = aws.String(t)
	}
	if v := c["CacheControl"]; v != "" {
		in.CacheControl = aws.String(v)
	}
	if v := c["KMSEncryptionKeyARN"]; v != "" {
		in.SSEKMSKeyId, in.ServerSideEncryption = aws.String(v), s3types.ServerSideEncryptionAwsKms
	}
	_, err := store.client.PutObject(ctx, in)
	var missing *s3types.NoSuchBucket
	switch {
	case errors.As(err, &missing):
		return fail(configurationError, "The S3 bucket \"%s\" does not exist", c["BucketName"])
	case denied(err):
		return fail(permissionError, "The role of the action is getting S3 access denied for the S3 bucket \"%s\". Error: %s", c["BucketName"], words(err))
	}
	return err
}
