package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

// Object is a git object with its content.
type Object struct {
	ID, Type string // commit, tree, blob, tag
	Size     int64
	Data     []byte
}

// Entry is one line of a tree.
type Entry struct {
	Mode string // 100644, 100755, 120000, 040000, 160000
	Type string // blob, tree, commit
	ID   string
	Path string // from the tree that was asked for
}

// Commit is a parsed commit.
type Commit struct {
	ID, Tree          string
	Parents           []string
	Author, Committer Signature
	Message           string
}

// Signature is who did something when; Date is git's raw "epoch zone".
type Signature struct{ Name, Email, Date string }

// Reader reads objects of one repository through one git process.
type Reader struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// Reader starts reading; Close ends it.
func (r *Repositories) Reader(ctx context.Context, id string) (*Reader, error) {
	cmd := r.command(ctx, r.dir(id), "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Reader{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 64<<10)}, nil
}

// Close ends the process.
func (rd *Reader) Close() error {
	rd.in.Close()
	_, _ = io.Copy(io.Discard, rd.out)
	return rd.cmd.Wait()
}

// header asks for an object by name (an id, a ref, id:path) and returns what
// it is; its content must be read next.
func (rd *Reader) header(name string) (Object, error) {
	if strings.ContainsAny(name, "\n\x00") {
		return Object{}, ErrNotFound
	}
	if _, err := io.WriteString(rd.in, name+"\n"); err != nil {
		return Object{}, err
	}
	line, err := rd.out.ReadString('\n')
	if err != nil {
		return Object{}, err
	}
	line = strings.TrimSuffix(line, "\n")
	f := strings.Fields(line)
	if strings.HasSuffix(line, " missing") || strings.HasSuffix(line, " ambiguous") || len(f) != 3 {
		return Object{}, ErrNotFound
	}
	size, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return Object{}, ErrNotFound
	}
	return Object{ID: f[0], Type: f[1], Size: size}, nil
}

// Get reads a whole object. Objects above max bytes come without Data.
func (rd *Reader) Get(name string, max int64) (Object, error) {
	o, err := rd.header(name)
	if err != nil {
		return o, err
	}
	if o.Size > max {
		_, err = io.CopyN(io.Discard, rd.out, o.Size+1)
		return o, err
	}
	o.Data = make([]byte, o.Size)
	if _, err = io.ReadFull(rd.out, o.Data); err != nil {
		return o, err
	}
	_, err = rd.out.Discard(1)
	return o, err
}

// CopyTo streams an object's content.
func (rd *Reader) CopyTo(w io.Writer, name string) (Object, error) {
	o, err := rd.header(name)
	if err != nil {
		return o, err
	}
	if _, err = io.CopyN(w, rd.out, o.Size); err != nil {
		return o, err
	}
	_, err = rd.out.Discard(1)
	return o, err
}

// Commit reads a commit; a tag is followed to what it names.
func (rd *Reader) Commit(name string) (*Commit, error) {
	o, err := rd.Get(name+"^{commit}", 16<<20)
	if err != nil {
		return nil, err
	}
	if o.Type != "commit" || o.Data == nil {
		return nil, ErrNotFound
	}
	return parseCommit(o), nil
}

func parseCommit(o Object) *Commit {
	c := &Commit{ID: o.ID}
	head, message, _ := bytes.Cut(o.Data, []byte("\n\n"))
	c.Message = string(message)
	for line := range strings.Lines(string(head)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch key {
		case "tree":
			c.Tree = value
		case "parent":
			c.Parents = append(c.Parents, value)
		case "author":
			c.Author = parseSignature(value)
		case "committer":
			c.Committer = parseSignature(value)
		}
	}
	return c
}

func parseSignature(s string) Signature {
	open, end := strings.LastIndex(s, "<"), strings.LastIndex(s, ">")
	if open < 0 || end < open {
		return Signature{Name: s}
	}
	return Signature{
		Name:  strings.TrimSpace(s[:open]),
		Email: s[open+1 : end],
		Date:  strings.TrimSpace(s[end+1:]),
	}
}

// Tree lists the entries of a tree, commit or id:path, one level or all files.
func (r *Repositories) Tree(ctx context.Context, id, treeish string, recursive bool) ([]Entry, error) {
	args := []string{"ls-tree", "-z", "--full-tree"}
	if recursive {
		args = append(args, "-r")
	}
	out, err := r.output(ctx, r.dir(id), nil, append(args, "--end-of-options", treeish)...)
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, ErrNotFound
		}
		return nil, err
	}
	var entries []Entry
	for rec := range strings.SplitSeq(string(out), "\x00") {
		meta, path, ok := strings.Cut(rec, "\t")
		f := strings.Fields(meta)
		if !ok || len(f) != 3 {
			continue
		}
		entries = append(entries, Entry{Mode: f[0], Type: f[1], ID: f[2], Path: path})
	}
	return entries, nil
}

// Change is one difference between two trees.
type Change struct {
	Type                           string // A, M, D
	OldMode, NewMode, OldID, NewID string
	Path                           string
}

// EmptyTree is the id of the tree without entries.
const EmptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// Diff lists what changed from one tree-ish to another, without rename
// detection, under a path if one is given.
func (r *Repositories) Diff(ctx context.Context, id, before, after, path string) ([]Change, error) {
	args := []string{"diff-tree", "-r", "-z", "--no-renames", "--raw", "--no-abbrev", "--end-of-options", before, after}
	if path != "" {
		args = append(args, "--", ":(literal)"+path)
	}
	out, err := r.output(ctx, r.dir(id), nil, args...)
	if err != nil {
		return nil, err
	}
	var changes []Change
	parts := strings.Split(string(out), "\x00")
	for i := 0; i+1 < len(parts); i += 2 {
		f := strings.Fields(strings.TrimPrefix(parts[i], ":"))
		if len(f) != 5 {
			return nil, fmt.Errorf("git: unexpected difference %q", parts[i])
		}
		t := f[4][:1]
		if t == "T" { // a change of type is a modification to AWS
			t = "M"
		}
		changes = append(changes, Change{Type: t, OldMode: f[0], NewMode: f[1], OldID: f[2], NewID: f[3], Path: parts[i+1]})
	}
	return changes, nil
}
