package agent

import (
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

// gitHost serves repositories below dir to whoever has the token, as git
// providers do, and notes who asks.
type gitHost struct {
	dir, token string
	moved      string // where /moved/… redirects to

	mu   sync.Mutex
	seen []string // user:password
}

func (g *gitHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rest, ok := strings.CutPrefix(r.URL.Path, "/moved/"); ok {
		http.Redirect(w, r, g.moved+"/o/"+rest+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
		return
	}
	user, password, ok := r.BasicAuth()
	g.mu.Lock()
	if ok {
		g.seen = append(g.seen, user+":"+password)
	}
	g.mu.Unlock()
	if g.token != "" && password != g.token {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	program, _ := exec.LookPath("git")
	(&cgi.Handler{Path: program, Args: []string{"http-backend"}, Env: []string{"GIT_PROJECT_ROOT=" + g.dir, "GIT_HTTP_EXPORT_ALL=1"}}).ServeHTTP(w, r)
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestHostedSources(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	dir := t.TempDir()
	bare := filepath.Join(dir, "o", "r.git")
	git(t, dir, "init", "-q", "--bare", "-b", "main", bare)
	work := filepath.Join(dir, "work")
	git(t, dir, "clone", "-q", bare, work)
	if err := os.WriteFile(filepath.Join(work, "f"), []byte("one\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	git(t, work, "checkout", "-qb", "main")
	git(t, work, "add", "f")
	git(t, work, "commit", "-qm", "one")
	git(t, work, "push", "-q", "origin", "main")
	git(t, work, "checkout", "-qb", "fork")
	git(t, work, "commit", "-q", "--allow-empty", "-m", "two")
	git(t, work, "push", "-q", "origin", "HEAD:refs/pull/7/head")
	main, pull := git(t, work, "rev-parse", "main"), git(t, work, "rev-parse", "fork")

	private := &gitHost{dir: dir, token: "a-secret-token"}
	elsewhere := &gitHost{dir: dir, token: "another"}
	here, there := httptest.NewServer(private), httptest.NewServer(elsewhere)
	t.Cleanup(here.Close)
	t.Cleanup(there.Close)
	private.moved = there.URL
	login := job.Login{Token: "a-secret-token"}
	source := func(s job.Source) job.Source {
		s.Type, s.Login = "GITHUB_ENTERPRISE", login
		if s.Location == "" {
			s.Location = here.URL + "/o/r.git"
		}
		return s
	}
	spec := "version: 0.2\nenv: {git-credential-helper: yes}\nphases:\n  build:\n    commands:\n      - git rev-parse HEAD; pwd; git -C $CODEBUILD_SRC_DIR_again rev-parse HEAD\n      - git ls-remote --exit-code " + here.URL + "/o/r.git refs/heads/main\n"

	t.Run("checked out", func(t *testing.T) {
		again := source(job.Source{Identifier: "again", Depth: 1, Version: "pr/7"})
		o := runOn(t, &service{}, job.Job{Sources: []job.Source{source(job.Source{Version: "main"}), again}, SourceVersion: "main", Buildspec: spec})
		if o.result == nil || o.result.Status != succeeded || !strings.Contains(o.log, "\n"+main+"\n") || !strings.Contains(o.log, "\n"+pull+"\n") || !strings.Contains(o.log, "/src/127.0.0.1/o/r\n") {
			t.Fatalf("%s\n%s", o.statuses(), o.log)
		}
		if strings.Contains(string(o.journal), login.Token) {
			t.Error("the token is in the log")
		}
		for _, s := range private.seen {
			if s != "x-access-token:"+login.Token {
				t.Errorf("logged in as %s", s)
			}
		}
	})
	for name, tt := range map[string]struct {
		source  job.Source
		message string
	}{
		"wrong token":    {func() job.Source { s := source(job.Source{}); s.Login.Token = "wrong-token"; return s }(), "primary source: git fetch failed:"},
		"no such branch": {source(job.Source{Version: "nowhere"}), `for source version "nowhere"`},
		"moved":          {source(job.Source{Location: here.URL + "/moved/r.git"}), "git fetch failed:"},
		"file":           {source(job.Source{Location: "file://" + bare}), "is not the clone URL of a repository"},
	} {
		t.Run(name, func(t *testing.T) {
			o := runOn(t, &service{}, job.Job{Sources: []job.Source{tt.source}, Buildspec: spec})
			p := o.phases[downloadSource]
			if p == nil || p.Status != failed || !strings.Contains(p.Message, tt.message) || strings.Contains(p.Message, "token") {
				t.Errorf("%+v", p)
			}
		})
	}
	if len(elsewhere.seen) > 0 {
		t.Errorf("another host was told %v", elsewhere.seen)
	}
}

// Each source has a directory of its own, also the same repository twice.
func TestSourceDirectories(t *testing.T) {
	b := &running{cfg: Config{Root: "/codebuild"}, job: &job.Job{UUID: "u", Region: "us-east-1"}}
	place := func(sources ...job.Source) []string {
		b.job.Sources = sources
		var out []string
		for i, s := range sources {
			out = append(out, b.sourceDir(i, s))
		}
		return out
	}
	app := job.Source{Type: "CODECOMMIT", Location: "http://localhost:4566/v1/repos/app"}
	again := app
	again.Identifier = "again"
	zip := job.Source{Type: "S3", Location: "b/k", Identifier: "zip"}
	got := place(app, again, zip)
	for i, dir := range got {
		for j, other := range got {
			if i != j && (dir == other || strings.HasPrefix(other, dir+"/")) {
				t.Errorf("%s and %s", dir, other)
			}
		}
	}
	if got := place(job.Source{Type: "CODEPIPELINE"}, job.Source{Type: "CODEPIPELINE", Identifier: "two"}); !strings.HasSuffix(got[0], "/src/s3/00") || filepath.Dir(got[1]) != filepath.Dir(got[0]) {
		t.Errorf("a pipeline's: %v", got)
	}
	if got := hostedPath("https://x@bitbucket.org/../../etc/./r.git"); got != "bitbucket.org/etc/r" {
		t.Errorf("hosted: %s", got)
	}
}
