package codedeploy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/klauspost/compress/zip"

	"github.com/slipway-dev/slipway/internal/appspec"
	"github.com/slipway-dev/slipway/internal/store"
)

// mostBundle is the most bytes of a revision that are read, packed or unpacked:
// it only needs to hold an AppSpec file.
const mostBundle = 64 << 20

func invalidBundle(format string, args ...any) error {
	return failed(types.ErrorCodeInvalidRevision, format, args...)
}

// content is the text of a deployment's AppSpec file.
func (s *Service) content(ctx context.Context, c *clients, d *deployment) (content []byte, err error) {
	if d.Revision.RevisionType == types.RevisionLocationTypeS3 {
		return c.fetch(ctx, d, d.Revision.S3Location)
	}
	err = s.Engine.View(ctx, func(r store.Reader) error {
		v, err := revisions.Get(r, d.Region, d.ApplicationID, identityOf(d.Revision))
		if errors.Is(err, store.ErrNotFound) {
			return failed(types.ErrorCodeRevisionMissing, "The deployment failed because its revision was deleted.")
		}
		if err == nil {
			content = []byte(v.Content)
		}
		return err
	})
	return content, err
}

// fetch reads a revision from Amazon S3.
func (c *clients) fetch(ctx context.Context, d *deployment, o *types.S3Location) ([]byte, error) {
	where := "s3://" + *o.Bucket + "/" + *o.Key
	in := &s3.GetObjectInput{Bucket: o.Bucket, Key: o.Key}
	if aws.ToString(o.Version) != "" {
		in.VersionId = o.Version
	}
	out, err := c.objects.GetObject(ctx, in)
	if err != nil {
		code := types.ErrorCodeInvalidRevision
		if is(err, "NoSuchKey", "NoSuchBucket", "NoSuchVersion") {
			code = types.ErrorCodeRevisionMissing
		}
		return nil, refused(err, d, amazonS3, code, "The revision "+where+" cannot be read: ")
	}
	defer out.Body.Close()
	if want, is := aws.ToString(o.ETag), strings.Trim(aws.ToString(out.ETag), `"`); want != "" && want != is {
		return nil, invalidBundle("The revision %s has the ETag %s, not %s as the deployment says.", where, is, want)
	}
	b, err := io.ReadAll(io.LimitReader(out.Body, mostBundle+1))
	if err != nil {
		return nil, err
	}
	if len(b) > mostBundle {
		return nil, invalidBundle("The revision %s has more than %d bytes.", where, mostBundle)
	}
	switch o.BundleType {
	case types.BundleTypeZip:
		return unzip(b, where)
	case types.BundleTypeTarGZip:
		return untar(b, where)
	case types.BundleTypeJson:
		if !json.Valid(b) {
			return nil, invalidBundle("The revision %s is not JSON, as its bundle type says.", where)
		}
	}
	return b, nil
}

// specName tells whether a file of a bundle is the AppSpec file: at the root, or
// in a directory at the root, with one of the names that people give it.
func specName(name string) bool {
	name = path.Clean(strings.TrimPrefix(name, "./"))
	return slices.Contains([]string{"appspec.yaml", "appspec.yml", "appspec.json"}, strings.ToLower(path.Base(name))) && strings.Count(name, "/") <= 1
}

// better tells whether a file is nearer to the root than the one found before.
func better(name, before string) bool {
	return before == "" || strings.Count(path.Clean(name), "/") < strings.Count(path.Clean(before), "/")
}

func noSpec(where string) error {
	return invalidSpec("An AppSpec file is required, but could not be found in the revision %s.", where)
}

func unzip(b []byte, where string) ([]byte, error) {
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, invalidBundle("The revision %s is not a zip archive, as its bundle type says: %v.", where, err)
	}
	var found *zip.File
	for _, f := range r.File {
		if !f.Mode().IsDir() && specName(f.Name) && (found == nil || better(f.Name, found.Name)) {
			found = f
		}
	}
	if found == nil {
		return nil, noSpec(where)
	}
	in, err := found.Open()
	if err != nil {
		return nil, invalidBundle("The file %s of the revision %s cannot be read: %v.", found.Name, where, err)
	}
	defer in.Close()
	return limited(in, found.Name, where)
}

func untar(b []byte, where string) ([]byte, error) {
	gz, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, invalidBundle("The revision %s is not a gzipped tar archive, as its bundle type says: %v.", where, err)
	}
	r := tar.NewReader(io.LimitReader(gz, mostBundle))
	var text []byte
	for name := ""; ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, invalidBundle("The revision %s is not a gzipped tar archive, as its bundle type says: %v.", where, err)
		}
		if h.Typeflag == tar.TypeReg && specName(h.Name) && better(h.Name, name) {
			if text, err = limited(r, h.Name, where); err != nil {
				return nil, err
			}
			name = h.Name
		}
	}
	if text == nil {
		return nil, noSpec(where)
	}
	return text, nil
}

// limited reads an AppSpec file; Parse tells if it is too long.
func limited(in io.Reader, name, where string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(in, appspec.MaxSize+1))
	if err != nil {
		return nil, invalidBundle("The file %s of the revision %s cannot be read: %v.", name, where, err)
	}
	if b == nil {
		b = []byte{}
	}
	return b, nil
}
