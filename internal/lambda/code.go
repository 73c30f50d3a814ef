package lambda

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/agent/archive"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// Limits of deployment packages, in bytes.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxUnzipped = 262144000
	maxZipped   = 262144000 // from S3; what comes in a request is smaller
	maxEntries  = 200_000
)

// Names within the directory of a piece of code.
const (
	zipName  = "code.zip"
	taskName = "task"
)

func (s *Service) codeDir(sha string) string { return filepath.Join(s.Dir, "code", sha) }

// take reads the code that a request brings or points to, and keeps it unpacked.
func (s *Service) take(ctx context.Context, in *types.FunctionCode, kind types.PackageType) (code, int64, error) {
	ways := 0
	for _, there := range []bool{in.ZipFile != nil, aws.ToString(in.S3Bucket) != "" || aws.ToString(in.S3Key) != "", aws.ToString(in.ImageUri) != ""} {
		if there {
			ways++
		}
	}
	switch {
	case ways != 1:
		return code{}, 0, invalid("Please provide exactly one source of the function's code: ZipFile, S3Bucket with S3Key, or ImageUri")
	case aws.ToString(in.SourceKMSKeyArn) != "":
		return code{}, 0, lacking("SourceKMSKeyArn: keys of KMS for deployment packages are")
	case kind == types.PackageTypeImage && in.ImageUri == nil:
		return code{}, 0, invalid("Please provide ImageUri when updating a function with packageType Image.")
	case kind == types.PackageTypeZip && in.ImageUri != nil:
		return code{}, 0, invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
	case in.ImageUri != nil:
		return code{Image: *in.ImageUri}, 0, nil
	case in.ZipFile != nil:
		return s.unpack(bytes.NewReader(in.ZipFile))
	}
	body, err := s.fromS3(ctx, in)
	if err != nil {
		return code{}, 0, err
	}
	defer body.Close()
	return s.unpack(body)
}

// fromS3 opens an object in the caller's name.
func (s *Service) fromS3(ctx context.Context, in *types.FunctionCode) (io.ReadCloser, error) {
	if aws.ToString(in.S3Bucket) == "" || aws.ToString(in.S3Key) == "" {
		return nil, invalid("Please provide both S3Bucket and S3Key")
	}
	action := "s3:GetObject"
	if in.S3ObjectVersion != nil {
		action = "s3:GetObjectVersion"
	}
	if err := s.Authorizer.Authorize(ctx, wire.Access{Action: action, Resource: "arn:aws:s3:::" + *in.S3Bucket + "/" + *in.S3Key}); err != nil {
		return nil, fail("AccessDenied", "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for %s/%s. S3 Error Code: AccessDenied. S3 Error Message: Access Denied", *in.S3Bucket, *in.S3Key)
	}
	out, err := s.Objects.GetObject(ctx, &s3.GetObjectInput{Bucket: in.S3Bucket, Key: in.S3Key, VersionId: in.S3ObjectVersion})
	var own *wire.Error
	var api smithy.APIError
	switch {
	case errors.As(err, &own):
		return nil, invalid("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", own.Code, own.Message)
	case errors.As(err, &api):
		return nil, invalid("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", api.ErrorCode(), api.ErrorMessage())
	case err != nil:
		return nil, err
	}
	return out.Body, nil
}

var errEmptyZip = invalid("Uploaded file must be a non-empty zip")

var errNoZip = invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")

// unpack keeps a zip under the name of its content, ready to be mounted. The
// caller holds codeMu for reading.
func (s *Service) unpack(r io.Reader) (code, int64, error) {
	work := filepath.Join(s.Dir, "incoming", id.Hex(s.IDs, 16))
	if err := os.MkdirAll(filepath.Join(work, taskName), 0o755); err != nil {
		return code{}, 0, err
	}
	defer os.RemoveAll(work)
	file, err := os.Create(filepath.Join(work, zipName))
	if err != nil {
		return code{}, 0, err
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(file, sum), io.LimitReader(r, maxZipped+1))
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	switch {
	case err != nil:
		return code{}, 0, err
	case size > maxZipped:
		return code{}, 0, fail("RequestTooLarge", "Zipped size must be smaller than %d bytes", maxZipped)
	case size == 0:
		return code{}, 0, errEmptyZip
	}
	sha := hex.EncodeToString(sum.Sum(nil))
	dir := s.codeDir(sha)
	if _, err := os.Stat(dir); err == nil {
		return code{SHA: sha}, size, nil
	}
	if err := unzip(file.Name(), filepath.Join(work, taskName)); err != nil {
		return code{}, 0, err
	}
	return code{SHA: sha}, size, place(work, dir)
}

// place moves what is complete to where its content has its name; somebody else
// may have been first.
func place(work, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	err := os.Rename(work, dir)
	if err == nil {
		return nil
	}
	if _, there := os.Stat(dir); there == nil {
		return nil
	}
	return err
}

// unzip unpacks, and lets the user that functions run as read everything: who
// packed it often had files for themselves only.
func unzip(file, dir string) error {
	err := archive.Unzip(file, dir, archive.Limits{Entries: maxEntries, Bytes: maxUnzipped, Ratio: maxUnzipped})
	var entry *archive.EntryError
	switch {
	case errors.As(err, &entry) && strings.Contains(entry.Reason, "more than"):
		return invalid("Unzipped size must be smaller than %d bytes", maxUnzipped)
	case errors.As(err, &entry):
		return invalid("Could not unzip uploaded file: %s", entry)
	case err != nil && errors.Is(err, os.ErrPermission):
		return err
	case err != nil:
		return errNoZip
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) == 0 {
		return cmp.Or(err, errEmptyZip)
	}
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		mode := st.Mode().Perm() | 0o444
		if d.IsDir() || mode&0o100 != 0 {
			mode |= 0o555
		}
		return os.Chmod(p, mode)
	})
}

// codes are the pieces of code that a version runs.
func (v *version) codes() (list []string) {
	if v.Code.SHA != "" {
		list = append(list, v.Code.SHA)
	}
	if v.Opt != "" && v.Opt != v.Code.SHA {
		list = append(list, v.Opt)
	}
	return list
}

// hold notes which code a version of a function or of a layer has, after what
// it had before; what nobody has is removed when nothing can run it any more.
func (s *Service) hold(tx *engine.Tx, region, owner, number string, before, after []string) error {
	for _, sha := range before {
		if slices.Contains(after, sha) {
			continue
		}
		if err := uses.Delete(tx, sha, region, owner, number); err != nil {
			return err
		}
		if err := tx.Enqueue(engine.NewJob{Kind: jobSweep, ID: sha, At: tx.Now().Add((maxTimeout + 60) * time.Second), Payload: sha}); err != nil {
			return err
		}
	}
	for _, sha := range after {
		if err := uses.Put(tx, &number, sha, region, owner, number); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes code that no version has.
func (s *Service) sweep(ctx context.Context, job *engine.Job) error {
	var sha string
	if err := json.Unmarshal(job.Payload, &sha); err != nil {
		return nil
	}
	s.codeMu.Lock()
	defer s.codeMu.Unlock()
	used := false
	err := s.view(ctx, func(r store.Reader) error {
		for _, err := range uses.All(r, sha) {
			used = true
			return err
		}
		return nil
	})
	if err != nil || used {
		return err
	}
	return os.RemoveAll(s.codeDir(sha))
}

// codeSHA is CodeSha256 of a zip's hexadecimal hash.
func codeSHA(sha string) *string {
	raw, _ := hex.DecodeString(sha)
	return aws.String(base64.StdEncoding.EncodeToString(raw))
}

// PathCode is where the gateway mounts Code.
const PathCode = "/_slipway/lambda/code/"

// codeLife is how long the address of code is good for: AWS's ten minutes.
const codeLife = 10 * time.Minute

// address is what a sealed address of code says.
type address struct {
	SHA   string
	Until time.Time
}

func (s *Service) codeURL(sha string) (*string, error) {
	b, err := json.Marshal(address{sha, s.Clock.Now().Add(codeLife)})
	if err != nil {
		return nil, err
	}
	return aws.String(s.Site.URL + PathCode + s.URLs.Seal(b)), nil
}

// Code serves deployment packages at the addresses that GetFunction tells.
func (s *Service) Code() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a address
		b, err := s.URLs.Open(strings.TrimPrefix(r.URL.Path, PathCode))
		if err != nil || json.Unmarshal(b, &a) != nil || s.Clock.Now().After(a.Until) {
			http.Error(w, "the address is not valid, or not any more", http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "application/zip")
		http.ServeFile(w, r, filepath.Join(s.codeDir(a.SHA), zipName))
	})
}
