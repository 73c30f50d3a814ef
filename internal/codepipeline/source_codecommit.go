package codepipeline

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	commits "github.com/aws/aws-sdk-go-v2/service/codecommit/types"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// commitAPI is what the source needs of CodeCommit.
type commitAPI interface {
	GetBranch(context.Context, *codecommit.GetBranchInput, ...func(*codecommit.Options)) (*codecommit.GetBranchOutput, error)
	GetCommit(context.Context, *codecommit.GetCommitInput, ...func(*codecommit.Options)) (*codecommit.GetCommitOutput, error)
}

// commitSource takes the newest commit of a branch, or the one an execution
// was started with. The tree is AWS's "upload archive", which has no public
// API, but a permission of its own, which the action's role must have.
type commitSource struct{ *dependencies }

const (
	maxCommitMessage = 100 << 10
	maxSummary       = 2048
)

func (s commitSource) Step(ctx context.Context, w *Work) (*Result, error) {
	cfg, err := w.Session(ctx)
	if err != nil {
		return nil, err
	}
	client := s.codecommit(cfg)
	repository, branch := w.Configuration["RepositoryName"], w.Configuration["BranchName"]
	tip, err := client.GetBranch(ctx, &codecommit.GetBranchInput{RepositoryName: aws.String(repository), BranchName: aws.String(branch)})
	if err != nil {
		return nil, commitFailure(err, repository, branch)
	}
	id := aws.ToString(tip.Branch.CommitId)
	if w.Override != nil {
		id = aws.ToString(w.Override.RevisionValue)
	}
	out, err := client.GetCommit(ctx, &codecommit.GetCommitInput{RepositoryName: aws.String(repository), CommitId: aws.String(id)})
	if err != nil {
		return nil, commitFailure(err, repository, branch)
	}
	commit := out.Commit
	id = aws.ToString(commit.CommitId)

	artifact := w.Outputs[0]
	version, err := s.artifacts(cfg).keep(ctx, w, artifact, func(file io.Writer) error {
		return s.archives.Archive(ctx, cfg.Credentials, w.Region, repository, id, file)
	})
	if accessDenied(err) {
		return nil, commitFailure(err, repository, branch)
	}
	if err != nil {
		return nil, err
	}
	message := strings.TrimRight(cut(aws.ToString(commit.Message), maxCommitMessage), "\n")
	committed := gitTime(commit.Committer)
	url := s.console + "codecommit/repositories/" + repository + "/commit/" + id
	return &Result{
		Done: true, ExternalID: id, ExternalURL: url, Summary: cut(message, maxSummary),
		Versions: map[string]string{artifact.Name: version},
		Revision: &types.ArtifactRevision{RevisionId: aws.String(id), RevisionSummary: aws.String(cut(message, maxSummary)),
			RevisionUrl: aws.String(url), Created: committed},
		Variables: map[string]string{
			"AuthorDate": zulu(gitTime(commit.Author)), "BranchName": branch, "CommitId": id, "CommitMessage": message,
			"CommitterDate": zulu(committed), "RepositoryName": repository,
		},
	}, nil
}

func commitFailure(err error, repository, branch string) error {
	var noBranch *commits.BranchDoesNotExistException
	var noRepository *commits.RepositoryDoesNotExistException
	var noCommit *commits.CommitIdDoesNotExistException
	var badCommit *commits.InvalidCommitIdException
	var badBranch *commits.InvalidBranchNameException
	var badRepository *commits.InvalidRepositoryNameException
	switch {
	case errors.As(err, &noBranch):
		return fail(configurationError, "The action failed because no branch named %s was found in the selected AWS CodeCommit repository %s. Make sure you are using the correct branch name, and then try again.", branch, repository)
	case errors.As(err, &badBranch), errors.As(err, &badRepository):
		return fail(configurationError, "The repository name or the branch name of the action is not valid. Error: %s", words(err))
	case errors.As(err, &noRepository):
		return fail(configurationError, "Could not access the CodeCommit repository %s. Make sure that the repository exists.", repository)
	case denied(err), accessDenied(err):
		return fail(permissionError, "Could not access the CodeCommit repository %s. Make sure that the pipeline IAM role has sufficient permissions to access the repository. Error: %s", repository, words(err))
	case errors.As(err, &noCommit), errors.As(err, &badCommit):
		return fail(revisionUnavailable, "The commit that the execution was started with does not exist in the CodeCommit repository %s", repository)
	}
	return err
}

// gitTime reads "1572319941 -0700", the form in which CodeCommit gives dates.
func gitTime(u *commits.UserInfo) *time.Time {
	if u == nil {
		return nil
	}
	seconds, _, _ := strings.Cut(aws.ToString(u.Date), " ")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return nil
	}
	return aws.Time(time.Unix(n, 0).UTC())
}

func zulu(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format("2006-01-02T15:04:05Z")
}
