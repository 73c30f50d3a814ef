// Package git keeps bare repositories with the git binary. It knows nothing of
// AWS: repositories are directories named by ids that Slipway chose, and every
// name from outside reaches git as one argument after --end-of-options, or on
// standard input.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"unicode/utf8"
)

// Errors of reading and writing.
var (
	ErrNotFound = errors.New("git: no such object")
	// ErrPath is returned for a path that git does not take into a tree.
	ErrPath = errors.New("git: invalid path")
	// ErrMoved is returned when a ref is no longer what the writer saw.
	ErrMoved = errors.New("git: the reference has moved")
)

// Zero is the object id that stands for no object.
const Zero = "0000000000000000000000000000000000000000"

// Repositories is a directory of bare repositories.
type Repositories struct {
	root string
	bin  string
}

// Open uses root, made if missing. It fails without a git binary.
func Open(root string) (*Repositories, error) {
	bin, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("git: the git command is needed to serve repositories: %w", err)
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	return &Repositories{root: root, bin: bin}, nil
}

var idPattern = regexp.MustCompile(`^[0-9a-f-]{8,64}$`)

func (r *Repositories) dir(id string) string {
	if !idPattern.MatchString(id) {
		panic("git: repository id " + id) // ids are ours; never a name from outside
	}
	return filepath.Join(r.root, id+".git")
}

// Create makes an empty repository whose HEAD names a branch not yet born.
func (r *Repositories) Create(ctx context.Context, id string) error {
	err := r.create(ctx, r.dir(id))
	if err != nil {
		_ = r.Remove(id) // half of one is of no use
	}
	return err
}

func (r *Repositories) create(ctx context.Context, dir string) error {
	if _, err := r.output(ctx, "", nil, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", dir); err != nil {
		return err
	}
	// Settings live in the repository, so that they hold for every command. What
	// is pushed stays in the pack it came in: taking it apart would compress large
	// files once more, and again for every clone.
	config := `[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
	hooksPath = /dev/null
	protectHFS = true
	protectNTFS = true
[receive]
	fsckObjects = true
	maxInputSize = 4294967296
	denyDeleteCurrent = refuse
	autogc = true
	unpackLimit = 1
[transfer]
	hideRefs = refs/slipway
[uploadpack]
	allowFilter = true
	allowAnySHA1InWant = true
[gc]
	auto = 6700
	autoDetach = true
[http]
	receivepack = true
`
	return os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600)
}

// Remove deletes a repository; a missing one is no error.
func (r *Repositories) Remove(id string) error { return os.RemoveAll(r.dir(id)) }

// IDs lists what is there.
func (r *Repositories) IDs() ([]string, error) {
	entries, err := os.ReadDir(r.root)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ".git"); ok && idPattern.MatchString(id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Refs returns every ref with the object it names; for an annotated tag that
// is the tag object.
func (r *Repositories) Refs(ctx context.Context, id string) (map[string]string, error) {
	out, err := r.output(ctx, r.dir(id), nil, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags")
	if err != nil {
		return nil, err
	}
	refs := map[string]string{}
	for line := range strings.Lines(string(out)) {
		object, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if ok {
			refs[name] = object
		}
	}
	return refs, nil
}

// SetHead makes HEAD name a branch, which clones then check out.
func (r *Repositories) SetHead(ctx context.Context, id, branch string) error {
	_, err := r.output(ctx, r.dir(id), nil, "symbolic-ref", "HEAD", "refs/heads/"+branch)
	return err
}

// UpdateRef moves a ref from one object to another; Zero means absent.
func (r *Repositories) UpdateRef(ctx context.Context, id, ref, to, from string) error {
	line := fmt.Sprintf("update %s\x00%s\x00%s\x00", ref, to, from)
	if to == Zero {
		line = fmt.Sprintf("delete %s\x00%s\x00", ref, from)
	}
	_, err := r.output(ctx, r.dir(id), strings.NewReader("start\x00"+line+"commit\x00"), "update-ref", "--stdin", "-z")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMoved, err)
	}
	return nil
}

// ValidBranch tells whether git takes the name for a branch. It must be UTF-8,
// which git does not ask for, because it goes into JSON.
func ValidBranch(name string) bool {
	if name == "" || name == "@" || name == "HEAD" || !utf8.ValidString(name) || strings.HasPrefix(name, "-") || strings.HasPrefix(name, "/") ||
		strings.HasSuffix(name, "/") || strings.HasSuffix(name, ".") ||
		strings.Contains(name, "..") || strings.Contains(name, "//") || strings.Contains(name, "@{") ||
		strings.ContainsAny(name, " ~^:?*[\\\x7f") {
		return false
	}
	for _, c := range name {
		if c < 0x20 {
			return false
		}
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return true
}

// command prepares git in a repository with an environment of its own, so that
// nothing of the user's configuration has a say.
func (r *Repositories) command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, r.bin, args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + r.root,
		"LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_OPTIONAL_LOCKS=0",
	}
	if dir != "" {
		cmd.Env = append(cmd.Env, "GIT_DIR="+dir)
	}
	return cmd
}

// output runs git to its end and returns what it printed.
func (r *Repositories) output(ctx context.Context, dir string, in io.Reader, args ...string) ([]byte, error) {
	return run(r.command(ctx, dir, args...), in)
}

func run(cmd *exec.Cmd, in io.Reader) ([]byte, error) {
	out, _, err := runTold(cmd, in)
	return out, err
}

// runTold also returns what git said on its standard error.
func runTold(cmd *exec.Cmd, in io.Reader) (output, told []byte, err error) {
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, nil, fmt.Errorf("git %s: %w: %s", cmd.Args[1], reason(err, errs.Bytes()), strings.TrimSpace(errs.String()))
	}
	return out.Bytes(), errs.Bytes(), nil
}

// reason is why git failed: a full disk is told from git's own words, as there
// is no exit status for it. LC_ALL is C here.
func reason(err error, stderr []byte) error {
	if bytes.Contains(stderr, []byte("No space left on device")) {
		return fmt.Errorf("%w: %w", syscall.ENOSPC, err)
	}
	return err
}
