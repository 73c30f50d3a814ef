package codecommit

import (
	"bytes"
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/codecommit/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/git"
)

const (
	maxEntries = 100       // files of one CreateCommit
	maxMessage = 256 << 10 // bytes of a commit message
)

// draft is a commit in the making: the parent's files and the edits to them.
type draft struct {
	repo   *repository
	branch string
	parent string // "" for the first commit
	files  map[string]git.Entry
	edits  map[string]git.Edit
	out    codecommit.CreateCommitOutput
}

// begin checks branch and parent and reads the parent's files. The caller
// holds the repository's lock.
func (s *Service) begin(ctx context.Context, repo *repository, branch, parent *string) (*draft, error) {
	if err := checkBranch(branch); err != nil {
		return nil, err
	}
	all, err := s.Repositories.Refs(ctx, repo.id())
	if err != nil {
		return nil, err
	}
	d := &draft{repo: repo, branch: *branch, parent: aws.ToString(parent), files: map[string]git.Entry{}, edits: map[string]git.Edit{}}
	d.out = codecommit.CreateCommitOutput{FilesAdded: []types.FileMetadata{}, FilesUpdated: []types.FileMetadata{}, FilesDeleted: []types.FileMetadata{}}
	tip, born := all[heads+*branch]
	if d.parent != "" && !isCommitID(d.parent) {
		return nil, fail("InvalidParentCommitId", "%s is not a full commit id.", d.parent)
	}
	if !born {
		if _, tag := all["refs/tags/"+*branch]; tag {
			return nil, fail("BranchNameIsTagName", "%s is the name of a tag.", *branch)
		}
		if len(all) > 0 {
			return nil, fail("BranchDoesNotExist", "Branch %s does not exist", *branch)
		}
		if d.parent != "" {
			return nil, fail("ParentCommitDoesNotExist", "%s has no commit yet; leave the parent out.", repo.name())
		}
		return d, nil
	}
	switch {
	case d.parent == "":
		return nil, fail("ParentCommitIdRequired", "The parent commit id is required: branch %s is at %s.", *branch, tip)
	case d.parent != tip:
		rd, err := s.Repositories.Reader(ctx, repo.id())
		if err != nil {
			return nil, err
		}
		defer rd.Close()
		if _, err := rd.Commit(d.parent); err != nil {
			return nil, orMissing(err, fail("ParentCommitDoesNotExist", "The commit %s does not exist in %s.", d.parent, repo.name()))
		}
		return nil, fail("ParentCommitIdOutdated", "The parent commit id %s is outdated: branch %s is at %s.", d.parent, *branch, tip)
	}
	entries, err := s.Repositories.Tree(ctx, repo.id(), tip, true)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		d.files[e.Path] = e
	}
	return d, nil
}

// once refuses a second edit of a path.
func (d *draft) once(p string) error {
	if _, ok := d.edits[p]; ok {
		return fail("SamePathRequest", "The path %s is named more than once.", p)
	}
	return nil
}

// put writes a file, refusing paths that are a folder, or go through a file.
func (d *draft) put(p, mode, blob string) error {
	if err := d.once(p); err != nil {
		return err
	}
	for other := range d.edits {
		if strings.HasPrefix(other, p+"/") || strings.HasPrefix(p, other+"/") && d.edits[other].Mode != "" {
			return fail("PutFileEntryConflict", "The path %s is used both as a file and as a folder.", p)
		}
	}
	if e, ok := d.files[p]; ok && e.Type == "commit" {
		return fail("FilePathConflictsWithSubmodulePath", "The path %s is a submodule.", p)
	}
	for other, e := range d.files {
		if strings.HasPrefix(other, p+"/") {
			return fail("FileNameConflictsWithDirectoryName", "The path %s is a folder.", p)
		}
		if strings.HasPrefix(p, other+"/") {
			if e.Type == "commit" {
				return fail("FilePathConflictsWithSubmodulePath", "The path %s is in the submodule %s.", p, other)
			}
			if d.edits[other].Path != other { // not removed in the same commit
				return fail("DirectoryNameConflictsWithFileName", "The path %s goes through the file %s.", p, other)
			}
		}
	}
	meta := types.FileMetadata{AbsolutePath: aws.String(p), BlobId: aws.String(blob), FileMode: fileMode(mode)}
	if old, ok := d.files[p]; !ok {
		d.out.FilesAdded = append(d.out.FilesAdded, meta)
	} else if old.ID != blob || old.Mode != mode {
		d.out.FilesUpdated = append(d.out.FilesUpdated, meta)
	}
	d.edits[p] = git.Edit{Path: p, Mode: mode, Blob: blob}
	return nil
}

// remove deletes a file that the parent has.
func (d *draft) remove(p string) error {
	if err := d.once(p); err != nil {
		return err
	}
	old, ok := d.files[p]
	if !ok || old.Type != "blob" {
		return fail("FileDoesNotExist", "Could not find file %s in %s.", p, d.parent)
	}
	d.edits[p] = git.Edit{Path: p}
	d.out.FilesDeleted = append(d.out.FilesDeleted, types.FileMetadata{AbsolutePath: aws.String(p), BlobId: aws.String(old.ID), FileMode: fileMode(old.Mode)})
	return nil
}

// keepFolders leaves a .gitkeep where removing files emptied a folder.
func (s *Service) keepFolders(ctx context.Context, d *draft) error {
	for p, e := range d.edits {
		dir := path.Dir(p)
		if e.Mode != "" || dir == "." {
			continue
		}
		used := false
		for other := range d.files {
			used = used || strings.HasPrefix(other, dir+"/") && d.edits[other].Path != other
		}
		for other, o := range d.edits {
			used = used || strings.HasPrefix(other, dir+"/") && o.Mode != ""
		}
		if used {
			continue
		}
		blob, err := s.Repositories.WriteBlob(ctx, d.repo.id(), strings.NewReader(""))
		if err != nil {
			return err
		}
		d.edits[dir+"/.gitkeep"] = git.Edit{Path: dir + "/.gitkeep", Mode: "100644", Blob: blob}
	}
	return nil
}

// commit writes the draft, moves the branch and announces it.
func (s *Service) commit(ctx context.Context, d *draft, name, email, message *string, fallback string) error {
	if len(aws.ToString(message)) > maxMessage {
		return fail("CommitMessageLengthExceeded", "A commit message has at most %d bytes.", maxMessage)
	}
	text := aws.ToString(message)
	if text == "" {
		text = fallback
	}
	by := git.Signer{Name: aws.ToString(name), Email: aws.ToString(email), When: s.Engine.Now()}
	if git.Nameless(by.Name) {
		by.Name = callerName(identity.From(ctx))
	}
	edits := make([]git.Edit, 0, len(d.edits))
	for _, e := range d.edits {
		edits = append(edits, e)
	}
	// Deletions first, so that a file can take a removed folder's place.
	slices.SortFunc(edits, func(a, b git.Edit) int {
		if (a.Mode == "") != (b.Mode == "") {
			if a.Mode == "" {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Path, b.Path)
	})
	id, tree, err := s.Repositories.NewCommit(ctx, d.repo.id(), d.branch, d.parent, text, by, edits)
	if errors.Is(err, git.ErrPath) {
		return fail("InvalidPath", "A path of the commit is not valid: to some file systems it is that of a .git directory.")
	}
	if errors.Is(err, git.ErrMoved) {
		return fail("ConcurrentReferenceUpdate", "Branch %s moved while the commit was made; try again.", d.branch)
	}
	if err != nil {
		return err
	}
	d.out.CommitId, d.out.TreeId = aws.String(id), aws.String(tree)
	return s.reconcile(ctx, d.repo.Region, d.repo.name())
}

func callerName(c *identity.Caller) string {
	for _, n := range []string{c.UserName, c.SessionName} {
		if n != "" {
			return n
		}
	}
	return "root"
}

func (s *Service) blob(ctx context.Context, d *draft, p string, content []byte) (string, error) {
	if len(content) > maxFile {
		return "", fail("FileContentSizeLimitExceeded", "The file %s has %d bytes; the API takes at most %d. Use git.", p, len(content), maxFile)
	}
	return s.Repositories.WriteBlob(ctx, d.repo.id(), bytes.NewReader(content))
}

// PutFile adds or updates one file.
func (s *Service) PutFile(ctx context.Context, in *codecommit.PutFileInput, _ ...func(*codecommit.Options)) (*codecommit.PutFileOutput, error) {
	p, err := fileName(in.FilePath)
	if err != nil {
		return nil, err
	}
	repo, err := s.find(ctx, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	defer s.lock(repo.id())()
	d, err := s.begin(ctx, repo, in.BranchName, in.ParentCommitId)
	if err != nil {
		return nil, err
	}
	blob, err := s.blob(ctx, d, p, in.FileContent)
	if err != nil {
		return nil, err
	}
	mode := gitMode(in.FileMode)
	if old, ok := d.files[p]; ok && old.ID == blob && (old.Mode == mode || in.FileMode == "") {
		return nil, fail("SameFileContent", "The file %s has this content and mode already.", p)
	}
	if err := d.put(p, mode, blob); err != nil {
		return nil, err
	}
	verb := "Added "
	if len(d.out.FilesUpdated) > 0 {
		verb = "Edited "
	}
	if err := s.commit(ctx, d, in.Name, in.Email, in.CommitMessage, verb+p); err != nil {
		return nil, err
	}
	return &codecommit.PutFileOutput{BlobId: aws.String(blob), CommitId: d.out.CommitId, TreeId: d.out.TreeId}, nil
}

// DeleteFile removes one file.
func (s *Service) DeleteFile(ctx context.Context, in *codecommit.DeleteFileInput, _ ...func(*codecommit.Options)) (*codecommit.DeleteFileOutput, error) {
	p, err := fileName(in.FilePath)
	if err != nil {
		return nil, err
	}
	repo, err := s.find(ctx, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	defer s.lock(repo.id())()
	d, err := s.begin(ctx, repo, in.BranchName, in.ParentCommitId)
	if err != nil {
		return nil, err
	}
	if err := d.remove(p); err != nil {
		return nil, err
	}
	if in.KeepEmptyFolders {
		if err := s.keepFolders(ctx, d); err != nil {
			return nil, err
		}
	}
	if err := s.commit(ctx, d, in.Name, in.Email, in.CommitMessage, "Deleted "+p); err != nil {
		return nil, err
	}
	return &codecommit.DeleteFileOutput{BlobId: d.out.FilesDeleted[0].BlobId, CommitId: d.out.CommitId, FilePath: aws.String(p), TreeId: d.out.TreeId}, nil
}

// CreateCommit changes up to 100 files at once.
func (s *Service) CreateCommit(ctx context.Context, in *codecommit.CreateCommitInput, _ ...func(*codecommit.Options)) (*codecommit.CreateCommitOutput, error) {
	switch n := len(in.PutFiles) + len(in.DeleteFiles) + len(in.SetFileModes); {
	case n == 0:
		return nil, fail("FileEntryRequired", "At least one file to put, delete or change the mode of is required.")
	case n > maxEntries:
		return nil, fail("MaximumFileEntriesExceeded", "A commit through the API changes at most %d files, got %d.", maxEntries, n)
	}
	repo, err := s.find(ctx, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	defer s.lock(repo.id())()
	d, err := s.begin(ctx, repo, in.BranchName, in.ParentCommitId)
	if err != nil {
		return nil, err
	}
	for _, f := range in.DeleteFiles {
		p, err := fileName(f.FilePath)
		if err != nil {
			return nil, err
		}
		if err := d.remove(p); err != nil {
			return nil, err
		}
	}
	for _, f := range in.PutFiles {
		if err := s.putEntry(ctx, d, f); err != nil {
			return nil, err
		}
	}
	for _, f := range in.SetFileModes {
		p, err := fileName(f.FilePath)
		if err != nil {
			return nil, err
		}
		old, ok := d.files[p]
		if !ok || old.Type != "blob" {
			return nil, fail("FileDoesNotExist", "Could not find file %s in %s.", p, d.parent)
		}
		if err := d.put(p, gitMode(f.FileMode), old.ID); err != nil {
			return nil, err
		}
	}
	if len(d.out.FilesAdded)+len(d.out.FilesUpdated)+len(d.out.FilesDeleted) == 0 {
		return nil, fail("NoChange", "The commit would change nothing.")
	}
	if in.KeepEmptyFolders {
		if err := s.keepFolders(ctx, d); err != nil {
			return nil, err
		}
	}
	if err := s.commit(ctx, d, in.AuthorName, in.Email, in.CommitMessage, "Changed files"); err != nil {
		return nil, err
	}
	return &d.out, nil
}

func (s *Service) putEntry(ctx context.Context, d *draft, f types.PutFileEntry) error {
	p, err := fileName(f.FilePath)
	if err != nil {
		return err
	}
	if f.SourceFile == nil {
		if f.FileContent == nil {
			return fail("SourceFileOrContentRequired", "The file %s needs content or a source file.", p)
		}
		blob, err := s.blob(ctx, d, p, f.FileContent)
		if err != nil {
			return err
		}
		mode := gitMode(f.FileMode)
		if old, ok := d.files[p]; ok && f.FileMode == "" && old.Type == "blob" {
			mode = old.Mode
		}
		return d.put(p, mode, blob)
	}
	if f.FileContent != nil {
		return fail("FileContentAndSourceFileSpecified", "The file %s has both content and a source file.", p)
	}
	from, err := fileName(f.SourceFile.FilePath)
	if err != nil {
		return err
	}
	source, ok := d.files[from]
	if !ok || source.Type != "blob" {
		return fail("FileDoesNotExist", "Could not find file %s in %s.", from, d.parent)
	}
	mode := source.Mode
	if f.FileMode != "" {
		mode = gitMode(f.FileMode)
	}
	if f.SourceFile.IsMove {
		if err := d.remove(from); err != nil {
			return err
		}
	}
	return d.put(p, mode, source.ID)
}
