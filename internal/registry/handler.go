package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/opencontainers/go-digest"
)

// Action is what a request wants of a repository, named as ECR's API names it.
type Action string

// The actions.
const (
	GetManifest    Action = "BatchGetImage"
	PutManifest    Action = "PutImage"
	DeleteManifest Action = "BatchDeleteImage"
	HeadBlob       Action = "BatchCheckLayerAvailability"
	GetBlob        Action = "GetDownloadUrlForLayer"
	StartUpload    Action = "InitiateLayerUpload"
	PatchUpload    Action = "UploadLayerPart"
	FinishUpload   Action = "CompleteLayerUpload"
	ListTags       Action = "ListImages"
	Catalog        Action = "DescribeRepositories"
)

// Refusal is an answer with one of the specification's error codes.
type Refusal struct {
	Status        int
	Code, Message string
}

func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// Client is an authenticated client of the registry.
type Client interface {
	// Repository permits an action and returns the id the repository lies
	// under. An unknown one is 404 NAME_UNKNOWN, a forbidden one 403 DENIED.
	Repository(name string, action Action) (id string, err error)
	// Tag returns the digest a tag names, or an error of code MANIFEST_UNKNOWN.
	Tag(id, tag string) (digest string, err error)
	// Put records a manifest that the registry will keep under digest, by its
	// tag unless that is "". store keeps it; Put calls it exactly once, after
	// its own checks and before it records anything.
	Put(id, tag, digest, mediaType string, body []byte, store func() error) error
	// Delete removes a tag, or an image by its digest with all of its tags.
	Delete(id, reference string) error
	// Pulled notes that an image was fetched.
	Pulled(id, digest string)
	// Tags lists tags after last in order, at most n.
	Tags(id, last string, n int) (tags []string, more bool, err error)
	// Names lists repositories after last in order, at most n.
	Names(last string, n int) (names []string, more bool, err error)
}

// Backend knows clients. An error that is a *Refusal of status 401 asks for
// Basic credentials.
type Backend interface {
	Client(r *http.Request) (Client, error)
}

// Handler serves /v2/.
type Handler struct {
	Registry *Registry
	Backend  Backend
	// Realm and Service go into the request for credentials.
	Realm, Service string
	Log            *slog.Logger
}

// maxManifest is the most bytes of a manifest.
const maxManifest = 4 << 20

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	client, err := h.Backend.Client(r)
	if err != nil {
		h.fail(w, err)
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/v2")
	switch {
	case !ok:
		h.fail(w, &Refusal{404, "UNSUPPORTED", "not a path of the registry"})
	case rest == "" || rest == "/":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	case rest == "/_catalog":
		h.catalog(w, r, client)
	default:
		err = h.repository(w, r, client, rest[1:])
		if err != nil {
			h.fail(w, err)
		}
	}
}

// split takes a path apart into a repository's name and what is asked of it.
func split(path string) (name, kind, reference string, ok bool) {
	if n, found := strings.CutSuffix(path, "/tags/list"); found {
		return n, "tags", "", n != ""
	}
	for _, kind := range []string{"/blobs/uploads/", "/manifests/", "/blobs/", "/referrers/"} {
		if i := strings.LastIndex(path, kind); i > 0 {
			reference = path[i+len(kind):]
			if kind != "/blobs/uploads/" && (reference == "" || strings.Contains(reference, "/")) {
				continue
			}
			return path[:i], strings.Trim(kind, "/"), reference, true
		}
	}
	return "", "", "", false
}

func (h *Handler) repository(w http.ResponseWriter, r *http.Request, c Client, path string) error {
	name, kind, reference, ok := split(path)
	if !ok {
		return &Refusal{404, "UNSUPPORTED", "not a path of the registry"}
	}
	if kind == "blobs/uploads" && !validUpload(reference) {
		return &Refusal{404, "BLOB_UPLOAD_UNKNOWN", "The upload is not known."}
	}
	unsupported := &Refusal{405, "UNSUPPORTED", "The operation is unsupported."}
	actions := map[string]map[string]Action{
		"manifests":     {"GET": GetManifest, "HEAD": GetManifest, "PUT": PutManifest, "DELETE": DeleteManifest},
		"blobs":         {"GET": GetBlob, "HEAD": HeadBlob},
		"blobs/uploads": {"POST": StartUpload, "PATCH": PatchUpload, "PUT": FinishUpload, "GET": PatchUpload, "DELETE": PatchUpload},
		"tags":          {"GET": ListTags},
		"referrers":     {"GET": GetManifest},
	}
	action, ok := actions[kind][r.Method]
	if !ok {
		return unsupported
	}
	id, err := c.Repository(name, action)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	switch kind {
	case "tags":
		return h.tags(w, r, c, name, id)
	case "referrers":
		// Without this list clients look for the tag sha256-<hex>.
		return &Refusal{404, "UNSUPPORTED", "Referrers are not listed here; the tag scheme works."}
	case "manifests":
		return h.manifest(w, r, c, name, id, reference)
	case "blobs":
		d, err := digest.Parse(reference)
		if err != nil {
			return &Refusal{400, "DIGEST_INVALID", "The digest is not valid."}
		}
		if r.Method == http.MethodGet {
			h.Registry.blob(w, r, name, id, d)
		} else {
			h.Registry.touch(d)
			h.Registry.forward(w, r, name, id, "/blobs/"+reference, query)
		}
	case "blobs/uploads":
		// A mount names another repository by its name, which the client must
		// be able to read; otherwise it uploads.
		if from := query.Get("from"); from != "" {
			if source, err := c.Repository(from, GetBlob); err == nil {
				query.Set("from", source)
				if d, err := digest.Parse(query.Get("mount")); err == nil {
					h.Registry.touch(d)
				}
			} else {
				query.Del("from")
				query.Del("mount")
			}
		}
		h.Registry.forward(w, r, name, id, "/blobs/uploads/"+reference, query)
	}
	return nil
}

func (h *Handler) manifest(w http.ResponseWriter, r *http.Request, c Client, name, id, reference string) error {
	d, byDigest := reference, strings.Contains(reference, ":")
	if byDigest {
		if _, err := digest.Parse(reference); err != nil {
			return &Refusal{400, "DIGEST_INVALID", "The digest is not valid."}
		}
	} else if !validTag(reference) {
		return &Refusal{400, "TAG_INVALID", "The tag is not valid."}
	}
	switch r.Method {
	case http.MethodPut:
		body, err := io.ReadAll(io.LimitReader(r.Body, maxManifest+1))
		if err != nil {
			return &Refusal{400, "MANIFEST_INVALID", "The manifest could not be read."}
		}
		if len(body) > maxManifest {
			return &Refusal{413, "MANIFEST_INVALID", fmt.Sprintf("A manifest has at most %d bytes.", maxManifest)}
		}
		actual, tag := digest.FromBytes(body).String(), reference
		if byDigest {
			if tag = ""; actual != reference {
				return &Refusal{400, "DIGEST_INVALID", "The manifest does not have this digest."}
			}
		}
		mediaType := r.Header.Get("Content-Type")
		err = c.Put(id, tag, actual, mediaType, body, func() error {
			_, err := h.Registry.PutManifest(r.Context(), id, mediaType, body)
			return err
		})
		if err != nil {
			return err
		}
		w.Header().Set("Location", "/v2/"+name+"/manifests/"+actual)
		w.Header().Set("Docker-Content-Digest", actual)
		w.WriteHeader(http.StatusCreated)
		return nil
	case http.MethodDelete:
		if err := c.Delete(id, reference); err != nil {
			return err
		}
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
	if !byDigest {
		var err error
		if d, err = c.Tag(id, reference); err != nil {
			return err
		}
	}
	if r.Method == http.MethodGet {
		c.Pulled(id, d)
	}
	if takesAny(r.Header["Accept"]) {
		r.Header["Accept"] = acceptAll
	}
	h.Registry.forward(w, r, name, id, "/manifests/"+d, nil)
	return nil
}

var acceptAll = []string{
	"application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json", "*/*",
}

// takesAny tells whether a client takes every media type: it says so, or
// nothing (RFC 9110, 12.5.1). The library wants each one named.
func takesAny(accept []string) bool {
	return len(accept) == 0 || slices.ContainsFunc(accept, func(v string) bool { return strings.Contains(v, "*/*") })
}

// validUpload tells whether a reference may be an upload's, "" for a new one.
func validUpload(reference string) bool { return strings.Trim(reference, "0123456789abcdef-") == "" }

func validTag(tag string) bool {
	if tag == "" || len(tag) > 128 || tag[0] == '.' || tag[0] == '-' {
		return false
	}
	for _, c := range []byte(tag) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-') {
			return false
		}
	}
	return true
}

func pageSize(q url.Values) (last string, n int) {
	n, err := strconv.Atoi(q.Get("n"))
	if err != nil || n <= 0 || n > 1000 {
		n = 1000
	}
	return q.Get("last"), n
}

func (h *Handler) tags(w http.ResponseWriter, r *http.Request, c Client, name, id string) error {
	last, n := pageSize(r.URL.Query())
	tags, more, err := c.Tags(id, last, n)
	if err != nil {
		return err
	}
	if more {
		next(w, r.URL.Path, tags[len(tags)-1], n)
	}
	answerJSON(w, http.StatusOK, map[string]any{"name": name, "tags": tags})
	return nil
}

func (h *Handler) catalog(w http.ResponseWriter, r *http.Request, c Client) {
	last, n := pageSize(r.URL.Query())
	names, more, err := c.Names(last, n)
	if err != nil {
		h.fail(w, err)
		return
	}
	if more {
		next(w, r.URL.Path, names[len(names)-1], n)
	}
	answerJSON(w, http.StatusOK, map[string]any{"repositories": names})
}

func next(w http.ResponseWriter, path, last string, n int) {
	q := url.Values{"last": {last}, "n": {strconv.Itoa(n)}}
	w.Header().Set("Link", "<"+path+"?"+q.Encode()+`>; rel="next"`)
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

const noSpace = "There is no space left on the disk that keeps the images."

type errorBody struct {
	Errors []struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"errors"`
}

func firstError(b []byte) (code, message string) {
	var body errorBody
	if json.Unmarshal(b, &body) != nil || len(body.Errors) == 0 {
		return "", ""
	}
	return body.Errors[0].Code, body.Errors[0].Message
}

func (h *Handler) fail(w http.ResponseWriter, err error) {
	var refusal *Refusal
	var refused *Refused
	switch {
	case errors.As(err, &refusal):
	case errors.Is(err, syscall.ENOSPC):
		refusal = &Refusal{http.StatusInsufficientStorage, "UNKNOWN", noSpace}
	case errors.As(err, &refused):
		refusal = &Refusal{400, refused.Code, refused.Message}
		if refused.Code == "NAME_UNKNOWN" {
			refusal.Status = 404
		}
	default:
		h.Log.Error("registry", "error", err)
		refusal = &Refusal{500, "UNKNOWN", "internal error"}
	}
	if refusal.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Basic realm=%q,service=%q", h.Realm, h.Service))
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "Not Authorized\n")
		return
	}
	answerJSON(w, refusal.Status, map[string]any{"errors": []any{map[string]any{"code": refusal.Code, "message": refusal.Message}}})
}
