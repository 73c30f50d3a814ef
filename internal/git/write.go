package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Edit is one change of a new commit: Mode "" deletes the path.
type Edit struct {
	Path, Mode, Blob string
}

// WriteBlob stores content and returns its id.
func (r *Repositories) WriteBlob(ctx context.Context, id string, content io.Reader) (string, error) {
	out, err := r.output(ctx, r.dir(id), content, "hash-object", "-w", "--stdin")
	return strings.TrimSpace(string(out)), err
}

// Signer is an author or committer of a new commit.
type Signer struct {
	Name, Email string
	When        time.Time
}

// NewCommit applies edits to parent's tree ("" for none) and moves branch from
// parent to the new commit. It returns the commit and its tree.
func (r *Repositories) NewCommit(ctx context.Context, id, branch, parent, message string, by Signer, edits []Edit) (commit, tree string, err error) {
	index, err := os.CreateTemp(r.root, "index-")
	if err != nil {
		return "", "", err
	}
	index.Close()
	os.Remove(index.Name()) // git makes it; only the name was wanted
	defer os.Remove(index.Name())

	command := func(args ...string) *exec.Cmd {
		cmd := r.command(ctx, r.dir(id), args...)
		when := fmt.Sprintf("@%d +0000", by.When.Unix())
		cmd.Env = append(cmd.Env, "GIT_INDEX_FILE="+index.Name(),
			"GIT_AUTHOR_NAME="+clean(by.Name), "GIT_AUTHOR_EMAIL="+clean(by.Email), "GIT_AUTHOR_DATE="+when,
			"GIT_COMMITTER_NAME="+clean(by.Name), "GIT_COMMITTER_EMAIL="+clean(by.Email), "GIT_COMMITTER_DATE="+when)
		return cmd
	}
	withIndex := func(in io.Reader, args ...string) ([]byte, error) { return run(command(args...), in) }
	if parent != "" {
		if _, err = withIndex(nil, "read-tree", "--end-of-options", parent); err != nil {
			return "", "", err
		}
	}
	var list bytes.Buffer
	for _, e := range edits {
		if e.Mode == "" {
			fmt.Fprintf(&list, "0 %s\t%s\x00", Zero, e.Path)
		} else {
			fmt.Fprintf(&list, "%s %s\t%s\x00", e.Mode, e.Blob, e.Path)
		}
	}
	// A path must be harmless on the file systems of all who clone, not only
	// here. Git leaves out one that is not, and says so without failing.
	_, told, err := runTold(command("update-index", "-z", "--index-info"), &list)
	if err != nil {
		return "", "", err
	}
	if len(told) > 0 {
		return "", "", fmt.Errorf("%w: %s", ErrPath, told)
	}
	out, err := withIndex(nil, "write-tree")
	if err != nil {
		return "", "", err
	}
	tree = strings.TrimSpace(string(out))
	args := []string{"commit-tree", "-F", "-"}
	from := Zero
	if parent != "" {
		args = append(args, "-p", parent)
		from = parent
	}
	if out, err = withIndex(strings.NewReader(message), append(args, tree)...); err != nil {
		return "", "", err
	}
	commit = strings.TrimSpace(string(out))
	return commit, tree, r.UpdateRef(ctx, id, "refs/heads/"+branch, commit, from)
}

// clean takes out what would break a commit's header lines.
func clean(s string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x20 || c == '<' || c == '>' || c == 0x7f {
			return -1
		}
		return c
	}, s)
}

// Nameless tells whether nothing is left of a signer's name once git has taken
// off what it does not want there; it makes no commit of such a one.
func Nameless(name string) bool { return strings.Trim(clean(name), ` .,:;<>"\'`) == "" }
