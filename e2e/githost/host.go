// Package githost is a git provider for tests: it speaks the REST dialects and
// webhooks of GitHub, GitLab, Bitbucket and Gitea over HTTP, in front of real
// repositories that git itself serves. It knows one user and one token.
package githost

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
)

// The names of dialects.
const (
	GitHub    = "github"
	GitLab    = "gitlab"
	Bitbucket = "bitbucket"
	Gitea     = "gitea"
)

// Token is what the host accepts, and User who it belongs to.
const (
	Token = "glpat-s3cr3t-0123456789"
	User  = "octo"
)

// Host is a provider that runs.
type Host struct {
	// URL is its base URL.
	URL string

	dialects []string
	dir      string
	server   *http.Server

	mu         sync.Mutex
	token      string
	repos      map[string]*Repo  // by name in lower case
	redirects  map[string]string // of REST and git, by repository
	gitMoved   map[string]string // of git alone
	hooks      []*hook
	deliveries []*Delivery
	silent     bool
	seen       []string // Authorization headers of requests
	next       int64
	sending    sync.WaitGroup
}

type hook struct {
	id          int64
	dialect     string
	repo        *Repo
	url, secret string
}

// Start runs a host that speaks the given dialects, or all, on a free port of
// the loopback interface.
func Start(dialects ...string) (*Host, error) {
	if len(dialects) == 0 {
		dialects = []string{GitHub, GitLab, Bitbucket, Gitea}
	}
	dir, err := os.MkdirTemp("", "githost-")
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &Host{URL: "http://" + l.Addr().String(), dialects: dialects, dir: dir, token: Token,
		repos: map[string]*Repo{}, redirects: map[string]string{}, gitMoved: map[string]string{}}
	h.server = &http.Server{Handler: h}
	go func() { _ = h.server.Serve(l) }()
	return h, nil
}

// Close ends the host and removes its repositories.
func (h *Host) Close() {
	_ = h.server.Close()
	h.sending.Wait()
	_ = os.RemoveAll(h.dir)
}

// Silence makes webhooks get lost, or not any more.
func (h *Host) Silence(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.silent = on
}

// Revoke makes the token a wrong one.
func (h *Host) Revoke() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.token = "revoked"
}

// Redirect sends everybody who asks for a repository to another URL.
func (h *Host) Redirect(repository, to string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.redirects[strings.ToLower(repository)] = to
}

// RedirectGit is Redirect for git alone.
func (h *Host) RedirectGit(repository, to string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gitMoved[strings.ToLower(repository)] = to
}

// Seen are the values of Authorization that requests came with.
func (h *Host) Seen() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.seen)
}

// Hooks tells how many webhooks a repository has.
func (h *Host) Hooks(repository string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, k := range h.hooks {
		if k.repo == h.repos[strings.ToLower(repository)] {
			n++
		}
	}
	return n
}

func (h *Host) id() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next++
	return h.next
}

func (h *Host) repo(name string) *Repo {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.repos[strings.ToLower(strings.TrimSuffix(name, ".git"))]
}

// ServeHTTP answers for the REST APIs and for git.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	if a := r.Header.Get("Authorization"); a != "" {
		h.seen = append(h.seen, a)
	}
	h.mu.Unlock()
	for _, d := range h.dialects {
		if path, ok := strings.CutPrefix(r.URL.EscapedPath(), prefixes[d]); ok {
			h.rest(w, r, d, path)
			return
		}
	}
	h.git(w, r)
}

// prefixes are where the REST APIs are.
var prefixes = map[string]string{GitHub: "/api/v3/", GitLab: "/api/v4/", Bitbucket: "/2.0/", Gitea: "/api/v1/"}

// known checks the credential of a REST call or of git, whichever way it came.
func (h *Host) known(r *http.Request) bool {
	h.mu.Lock()
	token := h.token
	h.mu.Unlock()
	if _, password, ok := r.BasicAuth(); ok {
		return password == token
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return (scheme == "Bearer" || scheme == "token") && given == token
}

func (h *Host) redirect(w http.ResponseWriter, r *http.Request, repository string, git bool) bool {
	name := strings.ToLower(strings.TrimSuffix(repository, ".git"))
	h.mu.Lock()
	to := h.redirects[name]
	if to == "" && git {
		to = h.gitMoved[name]
	}
	h.mu.Unlock()
	if to != "" {
		http.Redirect(w, r, to+r.URL.RequestURI(), http.StatusFound)
	}
	return to != ""
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message":%q}`, text)
}
