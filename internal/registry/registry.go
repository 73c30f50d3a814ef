// Package registry keeps images by the OCI distribution protocol. The library
// distribution does the protocol of blobs and checks manifests; names, tags,
// permissions and times belong to the Backend, which is ECR. Repositories lie
// here under ids of the Backend's own, so that one deleted and made again is
// empty.
package registry

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/distribution/distribution/v3"
	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	"github.com/distribution/distribution/v3/registry/storage"
	"github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/opencontainers/go-digest"
	"github.com/sirupsen/logrus"
)

// ErrNotFound is returned for a manifest or blob that is not there.
var ErrNotFound = errors.New("registry: not found")

// Refused is the registry's own judgement of a manifest: a code of the OCI
// specification such as MANIFEST_BLOB_UNKNOWN.
type Refused struct{ Code, Message string }

func (r *Refused) Error() string { return r.Code + ": " + r.Message }

// OCICode is the code, for callers that do not know this type.
func (r *Refused) OCICode() string { return r.Code }

// Registry is a directory of blobs and repositories.
type Registry struct {
	app       *handlers.App
	driver    driver.StorageDriver
	namespace distribution.Namespace
	root      string
	// naming is held for reading while a manifest is kept, and for writing
	// while a blob is removed.
	naming sync.RWMutex
}

// Open uses a directory, made if missing.
func Open(ctx context.Context, root string) (*Registry, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	// The library logs by logrus' global logger; what it says of a request is
	// in the answer already.
	logrus.SetOutput(io.Discard)
	var secret [16]byte
	_, _ = rand.Read(secret[:]) // signs the state of uploads; a restart voids them, clients begin again
	config := &configuration.Configuration{
		Storage: configuration.Storage{
			"filesystem": {"rootdirectory": root, "maxthreads": 64},
			"delete":     {"enabled": true},
			"redirect":   {"disable": true},
		},
	}
	config.HTTP.RelativeURLs = true
	config.HTTP.Secret = hex.EncodeToString(secret[:])
	config.Log.AccessLog.Disabled = true
	config.Log.Level = "error"
	config.Catalog.MaxEntries = 1000
	files := filesystem.New(filesystem.DriverParameters{RootDirectory: root, MaxThreads: 64})
	namespace, err := storage.NewRegistry(ctx, files, storage.EnableDelete)
	if err != nil {
		return nil, err
	}
	return &Registry{app: handlers.NewApp(ctx, config), driver: files, namespace: namespace, root: root}, nil
}

// Close ends what runs in the background.
func (r *Registry) Close() error { return r.app.Shutdown() }

// PutManifest stores a manifest by its digest after checking that what it
// names is there. Errors are *Refused.
func (r *Registry) PutManifest(ctx context.Context, id, mediaType string, body []byte) (string, error) {
	names, err := checkSchema(body)
	if err != nil {
		return "", err
	}
	d := digest.FromBytes(body).String()
	// What it names may be left from an image that is gone, and about to go as
	// well: from now on it is as young as this manifest.
	r.naming.RLock()
	defer r.naming.RUnlock()
	for _, n := range append(names, digest.Digest(d)) {
		if n.Validate() == nil {
			r.touch(n)
		}
	}
	answer, err := r.call(ctx, http.MethodPut, id, "/manifests/"+d, http.Header{"Content-Type": {mediaType}}, body)
	if err != nil {
		return "", err
	}
	if answer.status == http.StatusCreated {
		return d, nil
	}
	return "", answer.refusal()
}

// DeleteManifest removes a manifest; a missing one is no error. Its blobs go
// with the next Sweep.
func (r *Registry) DeleteManifest(ctx context.Context, id, manifest string) error {
	answer, err := r.call(ctx, http.MethodDelete, id, "/manifests/"+manifest, nil, nil)
	if err != nil {
		return err
	}
	if answer.status == http.StatusAccepted || answer.status == http.StatusNotFound {
		return nil
	}
	return answer.refusal()
}

// touch renews the time of a blob, if there is one, that a client is told of:
// it will name the blob instead of sending it, so the next Sweep must leave it
// alone. The digest must be a valid one.
func (r *Registry) touch(d digest.Digest) {
	now := time.Now() // of the file system, as the times that Sweep compares are
	_ = os.Chtimes(r.file(d), now, now)
}

// Blob tells the size of a blob of a repository, or ErrNotFound.
func (r *Registry) Blob(ctx context.Context, id, blob string) (int64, error) {
	r.touch(digest.Digest(blob))
	answer, err := r.call(ctx, http.MethodHead, id, "/blobs/"+blob, nil, nil)
	if err != nil {
		return 0, err
	}
	if answer.status != http.StatusOK {
		return 0, ErrNotFound
	}
	var size int64
	_, err = fmt.Sscan(answer.header.Get("Content-Length"), &size)
	return size, err
}

// Remove forgets a repository. Its blobs go with the next Sweep.
func (r *Registry) Remove(id string) error {
	return os.RemoveAll(filepath.Join(r.root, "docker", "registry", "v2", "repositories", id))
}

// Sweep removes blobs that nothing names and that are older than before: a
// push uploads its layers first and names them last.
func (r *Registry) Sweep(ctx context.Context, before time.Time, named func(digest string) bool) (removed int, err error) {
	var doomed []digest.Digest
	err = r.namespace.Blobs().Enumerate(ctx, func(d digest.Digest) error {
		if named(d.String()) {
			return nil
		}
		info, err := os.Stat(r.file(d))
		if err == nil && info.ModTime().Before(before) {
			doomed = append(doomed, d)
		}
		return ctx.Err()
	})
	var missing driver.PathNotFoundError
	if err != nil && !errors.As(err, &missing) {
		return 0, err
	}
	vacuum := storage.NewVacuum(ctx, r.driver)
	for _, d := range doomed {
		gone, err := r.remove(vacuum, d, before)
		if err != nil {
			return removed, err
		}
		if gone {
			removed++
		}
	}
	return removed, nil
}

// remove takes a blob away, unless it was asked for since it was found old.
func (r *Registry) remove(vacuum storage.Vacuum, d digest.Digest, before time.Time) (bool, error) {
	r.naming.Lock()
	defer r.naming.Unlock()
	info, err := os.Stat(r.file(d))
	if err != nil || !info.ModTime().Before(before) {
		return false, nil
	}
	return true, vacuum.RemoveBlob(d.String())
}

// path of the library's API for a repository.
func path(id, rest string) string { return "/v2/" + id + rest }

type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
func (a *answer) WriteHeader(status int)      { a.status = status }

// call asks the library as its HTTP client would, without a socket.
func (r *Registry) call(ctx context.Context, method, id, rest string, header http.Header, body []byte) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://registry"+path(id, rest), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if header != nil {
		req.Header = header
	}
	a := &answer{status: http.StatusOK, header: http.Header{}}
	r.app.ServeHTTP(a, req)
	return a, nil
}

// checkSchema refuses what the library answers an internal error for, and
// returns the digests that a manifest names.
func checkSchema(manifest []byte) ([]digest.Digest, error) {
	type descriptor struct{ Digest digest.Digest }
	var m struct {
		SchemaVersion     int
		Config            descriptor
		Layers, Manifests []descriptor
	}
	if json.Unmarshal(manifest, &m) != nil || m.SchemaVersion != 2 {
		return nil, &Refused{"MANIFEST_INVALID", "The manifest is not one of schemaVersion 2."}
	}
	names := []digest.Digest{m.Config.Digest}
	for _, d := range slices.Concat(m.Layers, m.Manifests) {
		names = append(names, d.Digest)
	}
	return names, nil
}

func (a *answer) refusal() error {
	code, message := firstError(a.body.Bytes())
	switch {
	case a.status >= 500 && bytes.Contains(a.body.Bytes(), []byte(syscall.ENOSPC.Error())):
		return fmt.Errorf("registry: %w", syscall.ENOSPC)
	case code == "" || a.status >= 500:
		return fmt.Errorf("registry: unexpected status %d: %s", a.status, message)
	case code == "UNKNOWN": // the library's word for a manifest it cannot read
		return &Refused{"MANIFEST_INVALID", "The manifest is not valid."}
	}
	return &Refused{code, message}
}

// blob answers GET of a blob with its file, which the kernel copies to the
// connection; the library would carry it through buffers of its own. The
// library says whether the repository has the blob, and how to name its type.
func (r *Registry) blob(w http.ResponseWriter, req *http.Request, name, id string, d digest.Digest) {
	head, err := r.call(req.Context(), http.MethodHead, id, "/blobs/"+d.String(), nil, nil)
	if err == nil && head.status == http.StatusOK {
		if f, err := os.Open(r.file(d)); err == nil {
			defer f.Close()
			head.header.Del("Content-Length") // of ranges it is another
			maps.Copy(w.Header(), head.header)
			http.ServeContent(w, req, "", time.Time{}, f)
			return
		}
	}
	r.forward(w, req, name, id, "/blobs/"+d.String(), nil)
}

// file is where the library's driver keeps a blob.
func (r *Registry) file(d digest.Digest) string {
	hex := d.Encoded()
	return filepath.Join(r.root, "docker", "registry", "v2", "blobs", d.Algorithm().String(), hex[:2], hex, "data")
}

// forward lets the library answer a client's request for a repository, under
// the name the client knows it by.
func (r *Registry) forward(w http.ResponseWriter, req *http.Request, name, id, rest string, query url.Values) {
	inner := req.Clone(req.Context())
	inner.URL.Path, inner.URL.RawPath = path(id, rest), ""
	inner.URL.RawQuery = query.Encode()
	inner.RequestURI = inner.URL.RequestURI()
	inner.Header.Del("Authorization")
	out := &renaming{ResponseWriter: w, from: path(id, ""), to: path(name, "")}
	r.app.ServeHTTP(out, inner)
	if out.failed {
		out.fail(nil)
	}
}
