package githost

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Repo is one repository of a host.
type Repo struct {
	Name string // owner/name

	host  *Host
	dir   string
	pulls []*PullRequest
}

// Create makes an empty repository.
func (h *Host) Create(name string) (*Repo, error) {
	r := &Repo{Name: name, host: h, dir: filepath.Join(h.dir, strings.ReplaceAll(strings.ToLower(name), "/", "!")+".git")}
	if _, err := r.run("", nil, "init", "--quiet", "--bare", "--initial-branch=main", r.dir); err != nil {
		return nil, err
	}
	for _, setting := range []string{"http.receivepack=true", "uploadpack.allowFilter=true", "uploadpack.allowAnySHA1InWant=true"} {
		key, value, _ := strings.Cut(setting, "=")
		if _, err := r.run(r.dir, nil, "config", key, value); err != nil {
			return nil, err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.repos[strings.ToLower(name)] = r
	return r, nil
}

// URL is the one to clone from.
func (r *Repo) URL() string { return r.host.URL + "/" + r.Name + ".git" }

func (r *Repo) run(dir string, in []byte, args ...string) (string, error) {
	return r.runWith(dir, in, nil, args...)
}

func (r *Repo) runWith(dir string, in []byte, env []string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Env = append(environment(), env...)
	if dir != "" {
		cmd.Env = append(cmd.Env, "GIT_DIR="+dir)
	}
	cmd.Stdin = bytes.NewReader(in)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, errs.String())
	}
	return strings.TrimSpace(out.String()), nil
}

func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Octo Cat", "GIT_AUTHOR_EMAIL=octo@example.com", "GIT_COMMITTER_NAME=Octo Cat", "GIT_COMMITTER_EMAIL=octo@example.com",
		"GIT_AUTHOR_DATE=2024-05-01T12:00:00+02:00"}
}

// Push makes a commit on a branch with files, by path, "" to remove one, and
// tells of it. The branch is made if it is not there, from main if that is.
func (r *Repo) Push(branch, message string, files map[string]string) (string, error) {
	before := r.refs()
	parent := before["refs/heads/"+branch]
	if parent == "" {
		parent = before["refs/heads/main"]
	}
	commit, err := r.commit(parent, message, files)
	if err != nil {
		return "", err
	}
	if _, err := r.run(r.dir, nil, "update-ref", "refs/heads/"+branch, commit); err != nil {
		return "", err
	}
	r.moved(before)
	return commit, nil
}

// Reset moves a branch to a commit that is there, as a forced push does.
func (r *Repo) Reset(branch, commit string) error {
	before := r.refs()
	if _, err := r.run(r.dir, nil, "update-ref", "refs/heads/"+branch, commit); err != nil {
		return err
	}
	r.moved(before)
	return nil
}

// Tag makes an annotated tag of a commit.
func (r *Repo) Tag(tag, commit string) error {
	before := r.refs()
	if _, err := r.run(r.dir, nil, "tag", "--annotate", "--message=release", tag, commit); err != nil {
		return err
	}
	r.moved(before)
	return nil
}

// Delete removes a branch or tag by its full name.
func (r *Repo) Delete(ref string) error {
	before := r.refs()
	if _, err := r.run(r.dir, nil, "update-ref", "-d", ref); err != nil {
		return err
	}
	r.moved(before)
	return nil
}

func (r *Repo) commit(parent, message string, files map[string]string) (string, error) {
	index := filepath.Join(r.host.dir, fmt.Sprintf("index-%d", r.host.id()))
	defer os.Remove(index)
	env := []string{"GIT_INDEX_FILE=" + index}
	if parent != "" {
		if _, err := r.runWith(r.dir, nil, env, "read-tree", parent); err != nil {
			return "", err
		}
	}
	for path, content := range files {
		line := "0 0000000000000000000000000000000000000000\t" + path + "\n"
		if content != "" {
			blob, err := r.run(r.dir, []byte(content), "hash-object", "-w", "--stdin")
			if err != nil {
				return "", err
			}
			line = "100644 " + blob + "\t" + path + "\n"
		}
		if _, err := r.runWith(r.dir, []byte(line), env, "update-index", "--index-info"); err != nil {
			return "", err
		}
	}
	tree, err := r.runWith(r.dir, nil, env, "write-tree")
	if err != nil {
		return "", err
	}
	args := []string{"commit-tree", "-m", message}
	if parent != "" {
		args = append(args, "-p", parent)
	}
	return r.run(r.dir, nil, append(args, tree)...)
}

// refs are branches and tags with the objects they name.
func (r *Repo) refs() map[string]string {
	out, _ := r.run(r.dir, nil, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags")
	refs := map[string]string{}
	for line := range strings.Lines(out) {
		object, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		refs[name] = object
	}
	return refs
}

// commitInfo is a commit as providers describe it.
type commitInfo struct {
	ID, Message, Date, Name, Email string
	Added, Removed, Modified       []string
}

func (r *Repo) info(name string) (*commitInfo, error) {
	out, err := r.run(r.dir, nil, "log", "-1", "--format=%H%n%aI%n%an%n%ae%n%B", "--end-of-options", name)
	if err != nil {
		return nil, err
	}
	f := strings.SplitN(out, "\n", 5)
	c := &commitInfo{ID: f[0], Date: f[1], Name: f[2], Email: f[3], Added: []string{}, Removed: []string{}, Modified: []string{}}
	if len(f) > 4 {
		c.Message = strings.TrimSpace(f[4])
	}
	changes, err := r.run(r.dir, nil, "diff-tree", "--root", "--no-commit-id", "-r", "--no-renames", "--name-status", c.ID)
	for line := range strings.Lines(changes) {
		status, path, _ := strings.Cut(strings.TrimSpace(line), "\t")
		switch status {
		case "A":
			c.Added = append(c.Added, path)
		case "D":
			c.Removed = append(c.Removed, path)
		default:
			c.Modified = append(c.Modified, path)
		}
	}
	return c, err
}

// between are the commits of a push, the oldest first.
func (r *Repo) between(before, after string) (list []*commitInfo) {
	span := after
	if before != "" {
		span = before + ".." + after
	}
	out, _ := r.run(r.dir, nil, "rev-list", "--reverse", "--max-count=20", span)
	for line := range strings.Lines(out) {
		if c, err := r.info(strings.TrimSpace(line)); err == nil {
			list = append(list, c)
		}
	}
	return list
}

// changed are the paths that differ between two commits.
func (r *Repo) changed(before, after string) []string {
	base, err := r.run(r.dir, nil, "merge-base", before, after)
	if err != nil {
		return nil
	}
	out, _ := r.run(r.dir, nil, "diff-tree", "-r", "--no-renames", "--name-only", base, after)
	return strings.Fields(out)
}

// git serves clone, fetch and push with git's own program, and tells of pushes.
func (h *Host) git(w http.ResponseWriter, r *http.Request) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), ".git/")
	if h.redirect(w, r, name, true) {
		return
	}
	if !h.known(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="githost"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	repo := h.repo(name)
	if repo == nil {
		http.NotFound(w, r)
		return
	}
	program, err := exec.LookPath("git")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	before := repo.refs()
	backend := &cgi.Handler{Path: program, Args: []string{"http-backend"}, Dir: h.dir,
		Env: append(environment(), "GIT_PROJECT_ROOT="+h.dir, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER="+User,
			"GIT_PROTOCOL="+r.Header.Get("Git-Protocol"), "PATH_INFO=/"+filepath.Base(repo.dir)+"/"+rest)}
	backend.ServeHTTP(w, r)
	if strings.HasSuffix(rest, "git-receive-pack") {
		repo.moved(before)
	}
}
