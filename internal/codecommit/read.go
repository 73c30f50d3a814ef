package codecommit

import (
	"context"
	"errors"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/codecommit/types"

	"github.com/slipway-dev/slipway/internal/git"
)

// maxFile is the largest content that goes through the API.
const maxFile = 6 << 20

// orMissing replaces "no such object" by the operation's own words for it.
func orMissing(err, missing error) error {
	if errors.Is(err, git.ErrNotFound) {
		return missing
	}
	return err
}

// cleanPath turns a path of a request into one of a tree, "" for the root.
func cleanPath(p *string) (string, error) {
	s := aws.ToString(p)
	if s == "" {
		return "", fail("PathRequired", "A path is required.")
	}
	if len(s) > 4096 || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", fail("InvalidPath", "The path is not valid: it has at most 4096 characters, and no control characters.")
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == ".." || strings.EqualFold(part, ".git") {
			return "", fail("InvalidPath", "The path %s is not valid.", s)
		}
	}
	return strings.Trim(path.Clean("/"+s), "/"), nil
}

// fileName is cleanPath for a file that a commit names.
func fileName(p *string) (string, error) {
	s, err := cleanPath(p)
	if err == nil && s == "" {
		err = fail("InvalidPath", "The path %s is not that of a file.", aws.ToString(p))
	}
	return s, err
}

// resolve finds the commit that a specifier names: a full id, a branch, a tag,
// HEAD or a full ref. nil names the tip of the default branch.
func (s *Service) resolve(ctx context.Context, name, specifier *string) (*repository, *git.Reader, *git.Commit, error) {
	repo, all, err := s.at(ctx, name)
	if err != nil {
		return nil, nil, nil, err
	}
	spec := aws.ToString(specifier)
	if spec == "" || spec == "HEAD" {
		if repo.DefaultBranch == nil {
			return nil, nil, nil, fail("CommitDoesNotExist", "%s has no commit yet.", repo.name())
		}
		spec = *repo.DefaultBranch
	}
	object := ""
	for _, ref := range []string{spec, heads + spec, "refs/tags/" + spec} {
		if id, ok := all[ref]; ok {
			object = id
			break
		}
	}
	if object == "" {
		if !isCommitID(spec) {
			return nil, nil, nil, fail("CommitDoesNotExist", "Could not resolve the commit specifier %s.", spec)
		}
		object = spec
	}
	rd, err := s.Repositories.Reader(ctx, repo.id())
	if err != nil {
		return nil, nil, nil, err
	}
	commit, err := rd.Commit(object)
	if err != nil {
		rd.Close()
		return nil, nil, nil, orMissing(err, fail("CommitDoesNotExist", "The commit %s does not exist in %s.", spec, repo.name()))
	}
	return repo, rd, commit, nil
}

func fileMode(mode string) types.FileModeTypeEnum {
	switch mode {
	case "100755":
		return types.FileModeTypeEnumExecutable
	case "120000":
		return types.FileModeTypeEnumSymlink
	}
	return types.FileModeTypeEnumNormal
}

func gitMode(mode types.FileModeTypeEnum) string {
	switch mode {
	case types.FileModeTypeEnumExecutable:
		return "100755"
	case types.FileModeTypeEnumSymlink:
		return "120000"
	}
	return "100644"
}

// GetFile returns a file of at most 6 MB.
func (s *Service) GetFile(ctx context.Context, in *codecommit.GetFileInput, _ ...func(*codecommit.Options)) (*codecommit.GetFileOutput, error) {
	p, err := cleanPath(in.FilePath)
	if err != nil {
		return nil, err
	}
	repo, rd, commit, err := s.resolve(ctx, in.RepositoryName, in.CommitSpecifier)
	if err != nil {
		return nil, err
	}
	defer rd.Close()
	missing := fail("FileDoesNotExist", "Could not find file %s in %s.", p, commit.ID)
	entries, err := s.Repositories.Tree(ctx, repo.id(), commit.ID+":"+strings.Trim(path.Dir("/"+p), "/"), false)
	if err != nil {
		return nil, orMissing(err, missing)
	}
	for _, e := range entries {
		if e.Path != path.Base(p) || e.Type != "blob" {
			continue
		}
		o, err := rd.Get(e.ID, maxFile)
		if err != nil {
			return nil, err
		}
		if o.Data == nil {
			return nil, fail("FileTooLarge", "The file %s has %d bytes; the API returns at most %d. Use git.", p, o.Size, maxFile)
		}
		return &codecommit.GetFileOutput{
			BlobId: aws.String(e.ID), CommitId: aws.String(commit.ID), FileContent: o.Data,
			FileMode: fileMode(e.Mode), FilePath: aws.String(p), FileSize: o.Size,
		}, nil
	}
	return nil, missing
}

// GetFolder lists one folder; "/" is the root.
func (s *Service) GetFolder(ctx context.Context, in *codecommit.GetFolderInput, _ ...func(*codecommit.Options)) (*codecommit.GetFolderOutput, error) {
	p, err := cleanPath(in.FolderPath)
	if err != nil {
		return nil, err
	}
	repo, rd, commit, err := s.resolve(ctx, in.RepositoryName, in.CommitSpecifier)
	if err != nil {
		return nil, err
	}
	defer rd.Close()
	tree, err := rd.Get(commit.ID+":"+p, 0)
	if err == nil && tree.Type != "tree" {
		err = git.ErrNotFound
	}
	if err != nil {
		return nil, orMissing(err, fail("FolderDoesNotExist", "Could not find folder %s in %s.", p, commit.ID))
	}
	entries, err := s.Repositories.Tree(ctx, repo.id(), tree.ID, false)
	if err != nil {
		return nil, err
	}
	out := &codecommit.GetFolderOutput{
		CommitId: aws.String(commit.ID), FolderPath: aws.String(p), TreeId: aws.String(tree.ID),
		Files: []types.File{}, SubFolders: []types.Folder{}, SymbolicLinks: []types.SymbolicLink{}, SubModules: []types.SubModule{},
	}
	for _, e := range entries {
		name, id, full := aws.String(e.Path), aws.String(e.ID), aws.String(path.Join(p, e.Path))
		switch {
		case e.Type == "tree":
			out.SubFolders = append(out.SubFolders, types.Folder{AbsolutePath: full, RelativePath: name, TreeId: id})
		case e.Type == "commit":
			out.SubModules = append(out.SubModules, types.SubModule{AbsolutePath: full, RelativePath: name, CommitId: id})
		case e.Mode == "120000":
			out.SymbolicLinks = append(out.SymbolicLinks, types.SymbolicLink{AbsolutePath: full, RelativePath: name, BlobId: id, FileMode: fileMode(e.Mode)})
		default:
			out.Files = append(out.Files, types.File{AbsolutePath: full, RelativePath: name, BlobId: id, FileMode: fileMode(e.Mode)})
		}
	}
	return out, nil
}

func toCommit(c *git.Commit) *types.Commit {
	user := func(g git.Signature) *types.UserInfo {
		return &types.UserInfo{Name: aws.String(g.Name), Email: aws.String(g.Email), Date: aws.String(g.Date)}
	}
	parents := c.Parents
	if parents == nil {
		parents = []string{}
	}
	return &types.Commit{
		CommitId: aws.String(c.ID), TreeId: aws.String(c.Tree), Parents: parents, Message: aws.String(c.Message),
		Author: user(c.Author), Committer: user(c.Committer), AdditionalData: aws.String(""),
	}
}

// GetCommit describes a commit, given by its full id.
func (s *Service) GetCommit(ctx context.Context, in *codecommit.GetCommitInput, _ ...func(*codecommit.Options)) (*codecommit.GetCommitOutput, error) {
	repo, err := s.find(ctx, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	id := aws.ToString(in.CommitId)
	if !isCommitID(id) {
		return nil, fail("InvalidCommitId", "%s is not a full commit id.", id)
	}
	rd, err := s.Repositories.Reader(ctx, repo.id())
	if err != nil {
		return nil, err
	}
	defer rd.Close()
	c, err := rd.Commit(id)
	if err != nil {
		return nil, orMissing(err, fail("CommitIdDoesNotExist", "The commit %s does not exist in %s.", id, repo.name()))
	}
	return &codecommit.GetCommitOutput{Commit: toCommit(c)}, nil
}

// BatchGetCommits describes up to 100 commits; unknown ones are listed as errors.
func (s *Service) BatchGetCommits(ctx context.Context, in *codecommit.BatchGetCommitsInput, _ ...func(*codecommit.Options)) (*codecommit.BatchGetCommitsOutput, error) {
	if len(in.CommitIds) == 0 {
		return nil, fail("CommitIdsListRequired", "A list of commit ids is required.")
	}
	if len(in.CommitIds) > 100 {
		return nil, fail("CommitIdsLimitExceeded", "At most 100 commit ids are allowed, got %d.", len(in.CommitIds))
	}
	repo, err := s.find(ctx, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	rd, err := s.Repositories.Reader(ctx, repo.id())
	if err != nil {
		return nil, err
	}
	defer rd.Close()
	out := &codecommit.BatchGetCommitsOutput{Commits: []types.Commit{}, Errors: []types.BatchGetCommitsError{}}
	for _, id := range in.CommitIds {
		code, message := "CommitIdDoesNotExistException", "The commit does not exist in "+repo.name()+"."
		if isCommitID(id) {
			c, err := rd.Commit(id)
			if err == nil {
				out.Commits = append(out.Commits, *toCommit(c))
				continue
			}
			if !errors.Is(err, git.ErrNotFound) {
				return nil, err
			}
		} else {
			code, message = "InvalidCommitIdException", "Not a full commit id."
		}
		out.Errors = append(out.Errors, types.BatchGetCommitsError{CommitId: aws.String(id), ErrorCode: aws.String(code), ErrorMessage: aws.String(message)})
	}
	return out, nil
}

// GetBlob returns a blob of at most 6 MB.
func (s *Service) GetBlob(ctx context.Context, in *codecommit.GetBlobInput, _ ...func(*codecommit.Options)) (*codecommit.GetBlobOutput, error) {
	repo, err := s.find(ctx, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	id := aws.ToString(in.BlobId)
	if !isCommitID(id) {
		return nil, fail("InvalidBlobId", "%s is not a full blob id.", id)
	}
	rd, err := s.Repositories.Reader(ctx, repo.id())
	if err != nil {
		return nil, err
	}
	defer rd.Close()
	o, err := rd.Get(id, maxFile)
	if err == nil && o.Type != "blob" {
		err = git.ErrNotFound
	}
	if err != nil {
		return nil, orMissing(err, fail("BlobIdDoesNotExist", "The blob %s does not exist in %s.", id, repo.name()))
	}
	if o.Data == nil {
		return nil, fail("FileTooLarge", "The blob has %d bytes; the API returns at most %d. Use git.", o.Size, maxFile)
	}
	return &codecommit.GetBlobOutput{Content: o.Data}, nil
}

// GetDifferences compares two commits, or one with nothing. Renames are a
// deletion and an addition.
func (s *Service) GetDifferences(ctx context.Context, in *codecommit.GetDifferencesInput, _ ...func(*codecommit.Options)) (*codecommit.GetDifferencesOutput, error) {
	if in.MaxResults != nil && *in.MaxResults < 1 {
		return nil, fail("InvalidMaxResults", "MaxResults must be at least 1.")
	}
	filter := ""
	for _, p := range []*string{in.BeforePath, in.AfterPath} {
		if aws.ToString(p) == "" {
			continue
		}
		clean, err := cleanPath(p)
		if err != nil {
			return nil, err
		}
		filter = clean
	}
	repo, rd, after, err := s.resolve(ctx, in.RepositoryName, in.AfterCommitSpecifier)
	if err != nil {
		return nil, err
	}
	rd.Close()
	before := git.EmptyTree
	if aws.ToString(in.BeforeCommitSpecifier) != "" {
		_, rd, c, err := s.resolve(ctx, in.RepositoryName, in.BeforeCommitSpecifier)
		if err != nil {
			return nil, err
		}
		rd.Close()
		before = c.ID
	}
	changes, err := s.Repositories.Diff(ctx, repo.id(), before, after.ID, filter)
	if err != nil {
		return nil, err
	}
	size := 400
	if in.MaxResults != nil {
		size = min(size, int(*in.MaxResults))
	}
	scope := strings.Join([]string{"codecommit.GetDifferences", repo.id(), before, after.ID, filter}, "/")
	page, next, err := paged(changes, func(c git.Change) string { return c.Path }, scope, in.NextToken, size)
	if err != nil {
		return nil, err
	}
	out := &codecommit.GetDifferencesOutput{Differences: []types.Difference{}, NextToken: next}
	for _, c := range page {
		d := types.Difference{ChangeType: types.ChangeTypeEnum(c.Type)}
		if c.Type != "A" {
			d.BeforeBlob = &types.BlobMetadata{BlobId: aws.String(c.OldID), Mode: aws.String(c.OldMode), Path: aws.String(c.Path)}
		}
		if c.Type != "D" {
			d.AfterBlob = &types.BlobMetadata{BlobId: aws.String(c.NewID), Mode: aws.String(c.NewMode), Path: aws.String(c.Path)}
		}
		out.Differences = append(out.Differences, d)
	}
	return out, nil
}
