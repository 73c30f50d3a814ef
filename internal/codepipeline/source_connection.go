package codepipeline

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// Connections reads repositories of git providers for those whose credentials
// permit codeconnections:UseConnection, or the same by its older name.
//
// Errors: *wire.Error of code AccessDenied without the permission, of
// ResourceNotFoundException for what the provider does not have, and with other
// codes for what will not get better by trying again.
type Connections interface {
	// Commit describes the newest commit of the branch, or the one with the id
	// commit if that is not "".
	Commit(ctx context.Context, as aws.CredentialsProvider, at source.Place, commit string) (*source.Commit, error)
	// Archive writes the files of a commit as a zip, without .git.
	Archive(ctx context.Context, as aws.CredentialsProvider, at source.Place, commit string, w io.Writer) error
	// CloneURL is where builds clone the repository from.
	CloneURL(connectionARN, repository string) (string, error)
}

// connectionSource takes the commit that a change in a provider's repository
// brought, the one an execution was started with, or the newest of a branch.
type connectionSource struct{ *dependencies }

// The values of OutputArtifactFormat.
const (
	formatZip   = "CODE_ZIP"
	formatClone = "CODEBUILD_CLONE_REF"
)

func (s connectionSource) Step(ctx context.Context, w *Work) (*Result, error) {
	cfg, err := w.Session(ctx)
	if err != nil {
		return nil, err
	}
	at := source.Place{ConnectionARN: w.Configuration["ConnectionArn"], Repository: w.Configuration["FullRepositoryId"], Branch: w.Configuration["BranchName"]}
	id := ""
	if w.Override != nil {
		id = aws.ToString(w.Override.RevisionValue)
	}
	if w.Change != nil && w.Change.Branch != "" {
		at.Branch = w.Change.Branch
	}
	commit, err := s.connected.Commit(ctx, cfg.Credentials, at, id)
	if err != nil {
		return nil, connectionFailure(err, at)
	}
	artifact := w.Outputs[0]
	var version string
	switch format := w.Configuration["OutputArtifactFormat"]; format {
	case "", formatZip:
		version, err = s.artifacts(cfg).keep(ctx, w, artifact, func(file io.Writer) error {
			return s.connected.Archive(ctx, cfg.Credentials, at, commit.ID, file)
		})
	case formatClone:
		version, err = s.keepReference(ctx, cfg, w, artifact, at, commit)
	default:
		return nil, fail(configurationError, "The OutputArtifactFormat %s is not one of %s and %s", format, formatZip, formatClone)
	}
	if err != nil {
		return nil, connectionFailure(err, at)
	}
	return connectionResult(w, at, commit, version)
}

// keepReference leaves in place of the files what a build needs to clone them,
// with the permissions of its own role.
func (s connectionSource) keepReference(ctx context.Context, cfg aws.Config, w *Work, a Artifact, at source.Place, c *source.Commit) (string, error) {
	url, err := s.connected.CloneURL(at.ConnectionARN, at.Repository)
	if err != nil {
		return "", err
	}
	return s.artifacts(cfg).keepAs(ctx, w, a, "application/json", func(file io.Writer) error {
		return json.NewEncoder(file).Encode(source.CloneReference{Provider: c.ProviderType, ConnectionARN: at.ConnectionARN,
			Repository: at.Repository, CloneURL: url, Branch: at.Branch, CommitID: c.ID})
	})
}

// gitSummary is the text by which AWS sums up a commit of a connection.
type gitSummary struct {
	ProviderType  string
	CommitMessage string
}

func connectionResult(w *Work, at source.Place, c *source.Commit, version string) (*Result, error) {
	message := strings.TrimRight(cut(c.Message, maxCommitMessage), "\n")
	// The summary is JSON of at most maxSummary bytes; escapes take up to six.
	summary, err := json.Marshal(gitSummary{c.ProviderType, cut(message, maxSummary/6-50)})
	if err != nil {
		return nil, err
	}
	variables := map[string]string{
		"AuthorDate": c.AuthorDate, "AuthorDisplayName": c.AuthorDisplayName, "AuthorEmail": c.AuthorEmail, "AuthorId": c.AuthorID,
		"CommitId": c.ID, "CommitMessage": message, "ConnectionArn": at.ConnectionARN, "FullRepositoryName": at.Repository, "ProviderType": c.ProviderType,
	}
	switch change := w.Change; {
	case change == nil, change.Kind == source.Push && change.Tag == "":
		variables["BranchName"] = at.Branch
	case change.Kind == source.Push:
		variables["BranchName"], variables["TagName"] = at.Branch, change.Tag
	default:
		variables["SourceBranchName"], variables["DestinationBranchName"] = change.Branch, change.BaseBranch
		variables["PullRequestId"], variables["PullRequestTitle"] = change.PullRequestID, change.PullRequestTitle
	}
	revision := &types.ArtifactRevision{RevisionId: aws.String(c.ID), RevisionSummary: aws.String(string(summary))}
	if c.URL != "" {
		revision.RevisionUrl = aws.String(c.URL)
	}
	if t, err := time.Parse(time.RFC3339, c.AuthorDate); err == nil {
		revision.Created = aws.Time(t)
	}
	return &Result{Done: true, ExternalID: c.ID, ExternalURL: c.URL, Summary: string(summary),
		Versions: map[string]string{w.Outputs[0].Name: version}, Revision: revision, Variables: variables}, nil
}

// connectionFailure turns what a connection refuses into the action's failure,
// in AWS's words where they are known.
func connectionFailure(err error, at source.Place) error {
	var told *wire.Error
	switch {
	case accessDenied(err):
		return fail(permissionError, "Unable to use Connection: %s. The provided role does not have sufficient permissions.", at.ConnectionARN)
	case !errors.As(err, &told):
		return err
	case told.Code == "ResourceNotFoundException":
		return fail(configurationError, "%s", told.Message)
	}
	return fail(configurationError, "Unable to use Connection: %s. %s", at.ConnectionARN, told.Message)
}

// ConnectionRepositories lists the repositories of a connection that source
// actions look at, in lower case.
func (s *Service) ConnectionRepositories(ctx context.Context, connectionARN string) (names []string, err error) {
	prefix := store.Prefix(append([]string{string(sources)}, connectionKey(connectionARN, "")[:4]...)...)
	return names, s.cfg.Engine.View(ctx, func(r store.Reader) error {
		last := ""
		for e, err := range r.Scan(store.Range{Prefix: prefix}) {
			if err != nil {
				return err
			}
			if name, _, _ := strings.Cut(e.Key[len(prefix):], store.Separator); name != last {
				names, last = append(names, name), name
			}
		}
		return nil
	})
}

// declareConnections tells which connections a pipeline begins or ceases to
// use, so that their repositories are watched.
func (s *Service) declareConnections(tx *engine.Tx, declarations ...*types.PipelineDeclaration) error {
	told := map[string]bool{}
	for _, p := range declarations {
		if p == nil {
			continue
		}
		for i := range p.Stages[0].Actions {
			a := &p.Stages[0].Actions[i]
			connection := a.Configuration["ConnectionArn"]
			if aws.ToString(a.ActionTypeId.Provider) != connectionProvider || told[connection] {
				continue
			}
			told[connection] = true
			ev := source.Declared(connection)
			ev.Account, ev.Region = s.cfg.Site.Account, s.cfg.Site.Region
			if err := s.cfg.Events.Emit(tx, ev); err != nil {
				return err
			}
		}
	}
	return nil
}
