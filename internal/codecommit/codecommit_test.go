package codecommit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/codecommit/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/git"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
)

// anyKey knows every key.
type anyKey struct{}

func (anyKey) DescribeKey(_ context.Context, in *kms.DescribeKeyInput, _ ...func(*kms.Options)) (*kms.DescribeKeyOutput, error) {
	return &kms.DescribeKeyOutput{KeyMetadata: &kmstypes.KeyMetadata{Arn: in.KeyId, Enabled: true}}, nil
}

type fixture struct {
	*Service
	ctx context.Context
	e   *engine.Engine
	mu  sync.Mutex
	got []detail // events
}

func start(t *testing.T) *fixture {
	t.Helper()
	e, _ := enginetest.New(t)
	b := bus.New(e, id.Random)
	r, err := git.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{e: e}
	b.Subscribe("test", func(*bus.Event) bool { return true }, func(_ context.Context, ev bus.Event) error {
		var d detail
		if err := json.Unmarshal(ev.Detail, &d); err != nil {
			return err
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.got = append(f.got, d)
		return nil
	})
	f.Service = New(Config{
		Engine: e, Bus: b, IDs: id.Random, Log: enginetest.Log(t), Repositories: r, KMS: anyKey{},
		Site: site.Site{Account: "000000000000", Region: "us-east-1", URL: "http://localhost:4566", Host: "localhost:4566"},
	})
	t.Cleanup(enginetest.Start(t, e))
	f.ctx = identity.WithRegion(identity.WithCaller(t.Context(), &identity.Caller{Kind: identity.User, UserName: "ann", ARN: "arn:aws:iam::000000000000:user/ann"}), "us-east-1")
	if _, err := f.CreateRepository(f.ctx, &codecommit.CreateRepositoryInput{RepositoryName: aws.String("app")}); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) events(t *testing.T) []string {
	t.Helper()
	enginetest.Settle(t, f.e)
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, d := range f.got {
		out = append(out, d.Event+" "+d.ReferenceName)
	}
	f.got = nil
	return out
}

func (f *fixture) putFile(path, content, parent string) (string, error) {
	in := &codecommit.PutFileInput{RepositoryName: aws.String("app"), BranchName: aws.String("main"), FilePath: aws.String(path), FileContent: []byte(content)}
	if parent != "" {
		in.ParentCommitId = aws.String(parent)
	}
	out, err := f.PutFile(f.ctx, in)
	if err != nil {
		return "", err
	}
	return *out.CommitId, nil
}

func code(err error) string {
	var e *wire.Error
	if errors.As(err, &e) {
		return strings.TrimSuffix(e.Code, "Exception")
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestFirstFileMakesTheDefaultBranch(t *testing.T) {
	f := start(t)
	first, err := f.putFile("dir/a.txt", "one", "")
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.GetRepository(f.ctx, &codecommit.GetRepositoryInput{RepositoryName: aws.String("app")})
	if err != nil || aws.ToString(out.RepositoryMetadata.DefaultBranch) != "main" {
		t.Fatalf("default branch %v, %v", out.RepositoryMetadata.DefaultBranch, err)
	}
	if got := f.events(t); !slices.Equal(got, []string{"referenceCreated main"}) {
		t.Errorf("events %v", got)
	}
	second, err := f.putFile("dir/a.txt", "two", first)
	if err != nil {
		t.Fatal(err)
	}
	file, err := f.GetFile(f.ctx, &codecommit.GetFileInput{RepositoryName: aws.String("app"), FilePath: aws.String("/dir/a.txt")})
	if err != nil || !bytes.Equal(file.FileContent, []byte("two")) || *file.CommitId != second {
		t.Errorf("file %+v, %v", file, err)
	}
	commit, err := f.GetCommit(f.ctx, &codecommit.GetCommitInput{RepositoryName: aws.String("app"), CommitId: aws.String(second)})
	if err != nil || commit.Commit.Parents[0] != first || *commit.Commit.Author.Name != "ann" {
		t.Errorf("commit %+v, %v", commit, err)
	}
	if got := f.events(t); !slices.Equal(got, []string{"referenceUpdated main"}) {
		t.Errorf("events %v", got)
	}
}

func TestWritesThatAreRefused(t *testing.T) {
	f := start(t)
	first, err := f.putFile("a", "one", "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := f.putFile("d/b", "two", first)
	if err != nil {
		t.Fatal(err)
	}
	unknown := strings.Repeat("a", 40)
	for _, tc := range []struct{ path, content, parent, want string }{
		{"x", "x", "", "ParentCommitIdRequired"},
		{"x", "x", first, "ParentCommitIdOutdated"},
		{"x", "x", unknown, "ParentCommitDoesNotExist"},
		{"x", "x", "main", "InvalidParentCommitId"},
		{"a", "one", second, "SameFileContent"},
		{"d", "x", second, "FileNameConflictsWithDirectoryName"},
		{"a/b", "x", second, "DirectoryNameConflictsWithFileName"},
		{"../x", "x", second, "InvalidPath"},
		{".git/hooks/x", "x", second, "InvalidPath"},
		{".git./x", "x", second, "InvalidPath"},
		{"git~1/config", "x", second, "InvalidPath"},
		{".g\u200cit/config", "x", second, "InvalidPath"},
		{"tab\tx", "x", second, "InvalidPath"},
		{"bad\xff", "x", second, "InvalidPath"},
		{".", "x", second, "InvalidPath"},
		{"/", "x", second, "InvalidPath"},
		{"", "x", second, "PathRequired"},
	} {
		if _, err := f.putFile(tc.path, tc.content, tc.parent); code(err) != tc.want {
			t.Errorf("PutFile(%q, parent %.7s) = %q, want %q", tc.path, tc.parent, code(err), tc.want)
		}
	}
	if _, err := f.CreateBranch(f.ctx, &codecommit.CreateBranchInput{RepositoryName: aws.String("app"), BranchName: aws.String(strings.Repeat("x", 300) + "$(id)"), CommitId: aws.String(first)}); code(err) != "InvalidBranchName" {
		t.Errorf("a name of 300 characters: %v", err)
	}
	if _, err := f.DeleteBranch(f.ctx, &codecommit.DeleteBranchInput{RepositoryName: aws.String("app"), BranchName: aws.String("main")}); code(err) != "DefaultBranchCannotBeDeleted" {
		t.Errorf("deleted the default branch: %v", err)
	}
	if got := f.events(t); len(got) != 2 {
		t.Errorf("refused writes made events: %v", got)
	}
}

// A name that git would not take is not one.
func TestNamesOfAuthors(t *testing.T) {
	f := start(t)
	parent := ""
	for name, want := range map[string]string{"Zed <z>": "Zed z", "<>": "ann", "...": "ann", " ": "ann", "a\nparent x": "aparent x"} {
		in := &codecommit.PutFileInput{RepositoryName: aws.String("app"), BranchName: aws.String("main"), FilePath: aws.String("f"), FileContent: []byte(name), Name: &name, Email: aws.String("<e>\n")}
		if parent != "" {
			in.ParentCommitId = &parent
		}
		out, err := f.PutFile(f.ctx, in)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		parent = *out.CommitId
		c, err := f.GetCommit(f.ctx, &codecommit.GetCommitInput{RepositoryName: aws.String("app"), CommitId: &parent})
		if err != nil || *c.Commit.Author.Name != want || *c.Commit.Author.Email != "e" {
			t.Errorf("%q: %q <%s>, %v", name, *c.Commit.Author.Name, *c.Commit.Author.Email, err)
		}
	}
}

func TestCommitOfManyFiles(t *testing.T) {
	f := start(t)
	first, err := f.putFile("d/old", "one", "")
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.CreateCommit(f.ctx, &codecommit.CreateCommitInput{
		RepositoryName: aws.String("app"), BranchName: aws.String("main"), ParentCommitId: aws.String(first),
		PutFiles: []types.PutFileEntry{
			{FilePath: aws.String("new"), SourceFile: &types.SourceFileSpecifier{FilePath: aws.String("d/old"), IsMove: true}},
			{FilePath: aws.String("run.sh"), FileContent: []byte("#!/bin/sh"), FileMode: types.FileModeTypeEnumExecutable},
		},
		KeepEmptyFolders: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.FilesAdded) != 2 || len(out.FilesDeleted) != 1 {
		t.Errorf("answer %+v", out)
	}
	diff, err := f.GetDifferences(f.ctx, &codecommit.GetDifferencesInput{RepositoryName: aws.String("app"), BeforeCommitSpecifier: aws.String(first), AfterCommitSpecifier: aws.String("main")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range diff.Differences {
		p := d.AfterBlob
		if p == nil {
			p = d.BeforeBlob
		}
		got = append(got, string(d.ChangeType)+" "+*p.Path+" "+*p.Mode)
	}
	if want := []string{"A d/.gitkeep 100644", "D d/old 100644", "A new 100644", "A run.sh 100755"}; !slices.Equal(got, want) {
		t.Errorf("differences %v, want %v", got, want)
	}
	if _, err := f.CreateCommit(f.ctx, &codecommit.CreateCommitInput{
		RepositoryName: aws.String("app"), BranchName: aws.String("main"), ParentCommitId: out.CommitId,
		PutFiles: []types.PutFileEntry{{FilePath: aws.String("x"), FileContent: []byte("")}, {FilePath: aws.String("x/y"), FileContent: []byte("")}},
	}); code(err) != "PutFileEntryConflict" {
		t.Errorf("a file that is also a folder: %v", err)
	}
}

// A crash after git's write and before ours must not lose the event.
func TestStartAnnouncesWhatACrashLeft(t *testing.T) {
	f := start(t)
	first, err := f.putFile("a", "one", "")
	if err != nil {
		t.Fatal(err)
	}
	f.events(t)
	repo, err := f.find(f.ctx, aws.String("app"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Repositories.UpdateRef(t.Context(), repo.id(), "refs/heads/late", first, git.Zero); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second start has nothing to tell
		if err := f.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.events(t); !slices.Equal(got, []string{"referenceCreated late"}) {
		t.Errorf("events %v", got)
	}
}

// keys knows every access key as that of the user of this name.
type keys struct{}

func (keys) Lookup(_ context.Context, id, _ string) (auth.Credential, error) {
	return auth.Credential{Caller: &identity.Caller{Kind: identity.User, UserName: id}}, nil
}

// only lets one user do one thing.
type only struct {
	user   string
	access wire.Access
}

func (o only) Authorize(ctx context.Context, checks ...wire.Access) error {
	for _, c := range checks {
		if identity.From(ctx).UserName != o.user || c.Action != o.access.Action || c.Resource != o.access.Resource {
			return &wire.Error{Code: "AccessDenied", Message: c.Action}
		}
	}
	return nil
}

func TestArchiveNeedsItsPermission(t *testing.T) {
	f := start(t)
	f.Keys = keys{}
	f.Authorizer = only{"ann", wire.Access{Action: "codecommit:UploadArchive", Resource: "arn:aws:codecommit:us-east-1:000000000000:app"}}
	commit, err := f.putFile("a", "one", "")
	if err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]string{"ann": "", "bob": "AccessDenied"} {
		as := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{AccessKeyID: user}, nil })
		var zip bytes.Buffer
		if err := f.Archive(t.Context(), as, "us-east-1", "app", commit, &zip); code(err) != want || (zip.Len() > 0) != (want == "") {
			t.Errorf("%s: %v, %d bytes", user, err, zip.Len())
		}
	}
}
