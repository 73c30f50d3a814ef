package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zip"
)

const repo = "0123456789abcdef"

func newRepo(t *testing.T) *Repositories {
	t.Helper()
	r, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Create(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
	return r
}

func commit(t *testing.T, r *Repositories, parent string, files map[string]string) string {
	t.Helper()
	var edits []Edit
	for path, content := range files {
		blob, err := r.WriteBlob(t.Context(), repo, strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		edits = append(edits, Edit{Path: path, Mode: "100644", Blob: blob})
	}
	by := Signer{Name: "Ann <x>", Email: "ann@example.com", When: time.Unix(1e9, 0)}
	id, _, err := r.NewCommit(t.Context(), repo, "main", parent, "say\n\nmore", by, edits)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestCommitsAreReadBack(t *testing.T) {
	r := newRepo(t)
	first := commit(t, r, "", map[string]string{"a b/$(x)": "one", "z": "end"})
	second := commit(t, r, first, map[string]string{"a b/$(x)": "two"})

	rd, err := r.Reader(t.Context(), repo)
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	c, err := rd.Commit("refs/heads/main")
	if err != nil {
		t.Fatal(err)
	}
	if c.ID != second || c.Parents[0] != first || c.Message != "say\n\nmore" || c.Author.Name != "Ann x" || c.Author.Date != "1000000000 +0000" {
		t.Errorf("commit read back as %+v", c)
	}
	o, err := rd.Get(second+":a b/$(x)", 1<<20)
	if err != nil || string(o.Data) != "two" {
		t.Errorf("file: %q, %v", o.Data, err)
	}
	if _, err := rd.Get("nowhere", 10); err != ErrNotFound {
		t.Errorf("missing object: %v", err)
	}
	changes, err := r.Diff(t.Context(), repo, first, second, "")
	if err != nil || len(changes) != 1 || changes[0].Type != "M" || changes[0].Path != "a b/$(x)" {
		t.Errorf("diff: %+v, %v", changes, err)
	}
	if err := r.UpdateRef(t.Context(), repo, "refs/heads/main", first, first); err == nil {
		t.Error("a ref moved though it was not where the writer thought")
	}
}

func TestArchiveKeepsModesAndIgnoresAttributes(t *testing.T) {
	r := newRepo(t)
	blob, _ := r.WriteBlob(t.Context(), repo, strings.NewReader("target"))
	attributes, _ := r.WriteBlob(t.Context(), repo, strings.NewReader("* export-ignore\n"))
	id, _, err := r.NewCommit(t.Context(), repo, "main", "", "m", Signer{Name: "n", When: time.Unix(0, 0)}, []Edit{
		{"run.sh", "100755", blob}, {"link", "120000", blob}, {".gitattributes", "100644", attributes},
	})
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := r.Archive(t.Context(), repo, id, &buf); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]string{}
	for _, f := range z.File {
		modes[f.Name] = f.Mode().String()
	}
	want := map[string]string{"run.sh": "-rwxr-xr-x", "link": "Lrwxrwxrwx", ".gitattributes": "-rw-r--r--"}
	for name, mode := range want {
		if modes[name] != mode {
			t.Errorf("%s has mode %s, want %s", name, modes[name], mode)
		}
	}
}

func TestBranchNames(t *testing.T) {
	for name, want := range map[string]bool{
		"main": true, "feature/x": true, "$(touch x)": false, "`id`": true, "a..b": false, "-x": false,
		"a b": false, "x.lock": false, "a/.b": false, "ü": true, "bad\xff": false, "HEAD": false, "": false, "@": false, "a\x01": false, "$(id)": true,
	} {
		if got := ValidBranch(name); got != want {
			t.Errorf("ValidBranch(%q) = %v", name, got)
		}
	}
}

// open lets everyone in and refuses branches that begin with "no".
type open struct{ pushed chan struct{} }

func (o open) Session(r *http.Request, path string, s Service) (*Session, error) {
	if path != "/v1/repos/demo" {
		return nil, &Refusal{http.StatusNotFound, "no such repository"}
	}
	return &Session{ID: repo,
		Check: func(_ context.Context, updates []RefUpdate) map[string]string {
			refused := map[string]string{}
			for _, u := range updates {
				if strings.HasPrefix(u.Ref, "refs/heads/no") {
					refused[u.Ref] = "not this one"
				}
			}
			return refused
		},
		Pushed: func(context.Context) error { o.pushed <- struct{}{}; return nil },
	}, nil
}

func TestCloneAndPushWithGit(t *testing.T) {
	r := newRepo(t)
	pushed := make(chan struct{}, 10)
	srv := httptest.NewServer(&Handler{Repositories: r, Backend: open{pushed}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	defer srv.Close()
	work := t.TempDir()
	git := func(args ...string) (string, error) {
		cmd := exec.Command("git", args...)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b",
			"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b", "GIT_TERMINAL_PROMPT=0")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	must := func(args ...string) string {
		t.Helper()
		out, err := git(args...)
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return out
	}
	url := srv.URL + "/v1/repos/demo"
	must("init", "-q", "-b", "main")
	os.WriteFile(filepath.Join(work, "f"), bytes.Repeat([]byte("line\n"), 100_000), 0o644)
	must("add", "f")
	must("commit", "-qm", "one")
	must("push", "-q", url, "main")
	<-pushed
	if out, err := git("push", url, "main:nope", "main:fine"); err == nil || !strings.Contains(out, "not this one") {
		t.Errorf("a refused branch was pushed: %v\n%s", err, out)
	}
	refs, err := r.Refs(t.Context(), repo)
	if err != nil || len(refs) != 1 {
		t.Errorf("refs after the refusal: %v, %v", refs, err)
	}
	must("clone", "-q", "--depth=1", url, "copy")
	if out, err := git("clone", srv.URL+"/v1/repos/other", "other"); err == nil {
		t.Errorf("cloned what does not exist:\n%s", out)
	}
}

func TestAFullDiskIsTold(t *testing.T) {
	err := reason(errors.New("exit status 128"), []byte("fatal: unable to write loose object file: No space left on device\n"))
	if !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
	if err := reason(errors.New("exit status 1"), []byte("fatal: bad object")); errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
}

func TestNothingIsLeftOfARepositoryThatCouldNotBeMade(t *testing.T) {
	r, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	// A directory where git's settings are to be written.
	if err := os.MkdirAll(filepath.Join(r.root, repo+".git", "config"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := r.Create(t.Context(), repo); err == nil {
		t.Fatal("made")
	}
	if ids, err := r.IDs(); err != nil || len(ids) > 0 {
		t.Errorf("%v, %v", ids, err)
	}
}

func TestTooManyReferences(t *testing.T) {
	h := &Handler{Repositories: newRepo(t), Backend: open{make(chan struct{}, 1)}, Log: slog.New(slog.DiscardHandler)}
	var push bytes.Buffer
	for i := range maxCommands + 1 {
		line := fmt.Sprintf("%s %s refs/heads/b%d", Zero, strings.Repeat("a", 40), i)
		if i == 0 {
			line += "\x00report-status"
		}
		fmt.Fprintf(&push, "%04x%s", len(line)+4, line)
	}
	push.WriteString("0000")
	r := httptest.NewRequest("POST", "/v1/repos/demo/git-receive-pack", &push)
	r.Header.Set("Content-Type", "application/x-git-receive-pack-request")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "ng refs/heads/b4000 a push may update at most 4000 references") {
		t.Errorf("%d %.300s", w.Code, w.Body)
	}
}

// Lines that are no commands must not be kept without end either.
func TestCommandsOfAPushAreBounded(t *testing.T) {
	shallow := "0035shallow " + strings.Repeat("a", 40) + "\n"
	endless := strings.NewReader(strings.Repeat(shallow, maxCommandBytes/len(shallow)+10) + "0000")
	if _, head, _, err := readCommands(bufio.NewReader(endless)); err == nil {
		t.Errorf("%d bytes were taken", len(head))
	}
}
