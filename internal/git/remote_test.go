package git

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// guarded serves the repository to who has the password, and remembers what
// came with requests.
type guarded struct {
	open
	mu   sync.Mutex
	seen []string
}

func (g *guarded) Session(r *http.Request, path string, s Service) (*Session, error) {
	user, password, ok := r.BasicAuth()
	g.mu.Lock()
	g.seen = append(g.seen, user+":"+password)
	g.mu.Unlock()
	switch {
	case !ok:
		return nil, &Refusal{http.StatusUnauthorized, "who?"}
	case password != "hunter2":
		return nil, &Refusal{http.StatusForbidden, "no"}
	}
	return g.open.Session(r, path, s)
}

func TestRemote(t *testing.T) {
	r := newRepo(t)
	first := commit(t, r, "", map[string]string{"a": "1", "dir/b": "1"})
	second := commit(t, r, first, map[string]string{"dir/b": "2"})
	if _, err := r.output(t.Context(), r.dir(repo), nil, "-c", "user.name=t", "-c", "user.email=t@t", "tag", "-a", "-m", "m", "v1", first); err != nil {
		t.Fatal(err)
	}
	g := &guarded{open: open{make(chan struct{}, 1)}}
	srv := httptest.NewServer(&Handler{Repositories: r, Backend: g, Log: slog.New(slog.DiscardHandler)})
	defer srv.Close()
	from := Remote{URL: srv.URL + "/v1/repos/demo", User: "x", Password: "hunter2"}

	refs, err := r.RemoteRefs(t.Context(), from, "refs/heads/*", "refs/tags/*")
	if err != nil || len(refs) != 2 || refs["refs/heads/main"] != second || refs["refs/tags/v1"] != first {
		t.Errorf("refs %v, %v", refs, err)
	}
	refs, err = r.RemoteRefs(t.Context(), from, "refs/heads/main")
	if err != nil || len(refs) != 1 {
		t.Errorf("one ref: %v, %v", refs, err)
	}

	refs, err = r.RemoteRefs(t.Context(), from, "refs/tags/v1")
	if err != nil || refs["refs/tags/v1"] != first {
		t.Errorf("one tag: %v, %v", refs, err)
	}

	mine := newRepo(t)
	if err := mine.Fetch(t.Context(), repo, from, 1, true, first, second); err != nil {
		t.Fatal(err)
	}
	changes, err := mine.Diff(t.Context(), repo, first, second, "")
	if err != nil || len(changes) != 1 || changes[0].Path != "dir/b" {
		t.Errorf("changes %v, %v", changes, err)
	}
	if err := mine.Fetch(t.Context(), repo, from, 1, false, strings.Repeat("1", 40)); !errors.Is(err, ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
	bad := from
	bad.Password = "hunter3"
	if _, err := r.RemoteRefs(t.Context(), bad); !errors.Is(err, ErrRemoteDenied) || strings.Contains(err.Error(), "hunter3") {
		t.Errorf("a wrong password: %v", err)
	}
	bad = from
	bad.URL = srv.URL + "/v1/repos/other"
	if _, err := r.RemoteRefs(t.Context(), bad); !errors.Is(err, ErrRemoteNotFound) {
		t.Errorf("another repository: %v", err)
	}
	bad.URL = "file:///etc"
	if _, err := r.RemoteRefs(t.Context(), bad); err == nil {
		t.Error("files of this machine are read")
	}
}

// Whoever can make a server redirect gets neither a request nor a credential.
func TestRedirectsAreNotFollowed(t *testing.T) {
	g := &guarded{open: open{make(chan struct{}, 1)}}
	r := newRepo(t)
	elsewhere := httptest.NewServer(&Handler{Repositories: r, Backend: g, Log: slog.New(slog.DiscardHandler)})
	defer elsewhere.Close()
	srv := httptest.NewServer(http.RedirectHandler(elsewhere.URL+"/v1/repos/demo/info/refs?service=git-upload-pack", http.StatusFound))
	defer srv.Close()
	_, err := r.RemoteRefs(t.Context(), Remote{URL: srv.URL + "/v1/repos/demo", User: "x", Password: "hunter2"})
	if !errors.Is(err, ErrRemoteMoved) || len(g.seen) > 0 {
		t.Errorf("%v; the other server was sent %q", err, g.seen)
	}
}
