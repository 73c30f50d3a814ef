package codecommit

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/codecommit/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/git"
	"github.com/slipway-dev/slipway/internal/store"
)

const heads = "refs/heads/"

// checkBranch applies CodeCommit's rules to a branch name: git's own, at most
// 256 characters, and nothing that looks like a commit id.
func checkBranch(name *string) error {
	n := aws.ToString(name)
	switch {
	case n == "":
		return fail("BranchNameRequired", "A branch name is required.")
	case len(n) > 256:
		return fail("InvalidBranchName", "A branch name has at most 256 characters, this one has %d.", len(n))
	case !git.ValidBranch(n) || isCommitID(n):
		return fail("InvalidBranchName", "The branch name %q is not valid.", n)
	}
	return nil
}

// at reads a repository together with its refs.
func (s *Service) at(ctx context.Context, name *string) (repo *repository, all map[string]string, err error) {
	err = s.Engine.View(ctx, func(r store.Reader) error {
		if repo, err = named(r, identity.Region(ctx), name); err != nil {
			return err
		}
		all, err = refsOf(r, repo.id())
		return err
	})
	return repo, all, err
}

// CreateBranch makes a branch at a commit, which must be given by its full id.
func (s *Service) CreateBranch(ctx context.Context, in *codecommit.CreateBranchInput, _ ...func(*codecommit.Options)) (*codecommit.CreateBranchOutput, error) {
	if err := checkBranch(in.BranchName); err != nil {
		return nil, err
	}
	repo, err := s.find(ctx, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	commit := aws.ToString(in.CommitId)
	if !isCommitID(commit) {
		return nil, fail("InvalidCommitId", "%s is not a full commit id.", commit)
	}
	defer s.lock(repo.id())()
	rd, err := s.Repositories.Reader(ctx, repo.id())
	if err != nil {
		return nil, err
	}
	defer rd.Close()
	if _, err := rd.Commit(commit); err != nil {
		return nil, orMissing(err, fail("CommitDoesNotExist", "The commit %s does not exist in %s.", commit, repo.name()))
	}
	all, err := s.Repositories.Refs(ctx, repo.id())
	if err != nil {
		return nil, err
	}
	if _, ok := all[heads+*in.BranchName]; ok {
		return nil, fail("BranchNameExists", "A branch named %s exists already in %s.", *in.BranchName, repo.name())
	}
	if err := s.Repositories.UpdateRef(ctx, repo.id(), heads+*in.BranchName, commit, git.Zero); err != nil {
		// A branch "a" leaves no room for "a/b": git keeps them as files.
		return nil, fail("InvalidBranchName", "The branch %s conflicts with another branch of %s.", *in.BranchName, repo.name())
	}
	return &codecommit.CreateBranchOutput{}, s.reconcile(ctx, repo.Region, repo.name())
}

// GetBranch returns the tip of a branch, by default the default branch's.
func (s *Service) GetBranch(ctx context.Context, in *codecommit.GetBranchInput, _ ...func(*codecommit.Options)) (*codecommit.GetBranchOutput, error) {
	if in.BranchName != nil {
		if err := checkBranch(in.BranchName); err != nil {
			return nil, err
		}
	}
	repo, all, err := s.at(ctx, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	branch := aws.ToString(in.BranchName)
	if branch == "" {
		if branch = aws.ToString(repo.DefaultBranch); branch == "" {
			return nil, fail("BranchDoesNotExist", "%s has no branch yet.", repo.name())
		}
	}
	commit, ok := all[heads+branch]
	if !ok {
		return nil, fail("BranchDoesNotExist", "Branch %s does not exist", branch)
	}
	return &codecommit.GetBranchOutput{Branch: &types.BranchInfo{BranchName: aws.String(branch), CommitId: aws.String(commit)}}, nil
}

// ListBranches lists branch names in order, 1,000 a page.
func (s *Service) ListBranches(ctx context.Context, in *codecommit.ListBranchesInput, _ ...func(*codecommit.Options)) (*codecommit.ListBranchesOutput, error) {
	repo, all, err := s.at(ctx, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	branches := []string{}
	for ref := range all {
		if b, ok := strings.CutPrefix(ref, heads); ok {
			branches = append(branches, b)
		}
	}
	slices.Sort(branches)
	page, next, err := paged(branches, func(b string) string { return b }, "codecommit.ListBranches/"+repo.id(), in.NextToken, 1000)
	if err != nil {
		return nil, err
	}
	return &codecommit.ListBranchesOutput{Branches: page, NextToken: next}, nil
}

// DeleteBranch removes a branch other than the default one; an unknown branch
// succeeds without an answer.
func (s *Service) DeleteBranch(ctx context.Context, in *codecommit.DeleteBranchInput, _ ...func(*codecommit.Options)) (*codecommit.DeleteBranchOutput, error) {
	if err := checkBranch(in.BranchName); err != nil {
		return nil, err
	}
	repo, err := s.find(ctx, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if aws.ToString(repo.DefaultBranch) == *in.BranchName {
		return nil, fail("DefaultBranchCannotBeDeleted", "%s is the default branch of %s; make another one the default first.", *in.BranchName, repo.name())
	}
	defer s.lock(repo.id())()
	all, err := s.Repositories.Refs(ctx, repo.id())
	if err != nil {
		return nil, err
	}
	commit, ok := all[heads+*in.BranchName]
	if !ok {
		return &codecommit.DeleteBranchOutput{}, nil
	}
	if err := s.Repositories.UpdateRef(ctx, repo.id(), heads+*in.BranchName, git.Zero, commit); err != nil {
		return nil, err
	}
	out := &codecommit.DeleteBranchOutput{DeletedBranch: &types.BranchInfo{BranchName: in.BranchName, CommitId: aws.String(commit)}}
	return out, s.reconcile(ctx, repo.Region, repo.name())
}

// UpdateDefaultBranch chooses the branch that clones check out.
func (s *Service) UpdateDefaultBranch(ctx context.Context, in *codecommit.UpdateDefaultBranchInput, _ ...func(*codecommit.Options)) (*codecommit.UpdateDefaultBranchOutput, error) {
	if err := checkBranch(in.DefaultBranchName); err != nil {
		return nil, err
	}
	repo, all, err := s.at(ctx, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if _, ok := all[heads+*in.DefaultBranchName]; !ok {
		return nil, fail("BranchDoesNotExist", "Branch %s does not exist", *in.DefaultBranchName)
	}
	defer s.lock(repo.id())()
	err = s.change(ctx, in.RepositoryName, func(repo *repository) error {
		repo.DefaultBranch = in.DefaultBranchName
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &codecommit.UpdateDefaultBranchOutput{}, s.Repositories.SetHead(ctx, repo.id(), *in.DefaultBranchName)
}
