package codeconnections_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"

	"github.com/slipway-dev/slipway/cmd/slipway/app"
	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/e2e/githost"
	"github.com/slipway-dev/slipway/internal/codeconnections/handshake"
)

// A push whose webhook is lost is found when the server starts, and when the
// webhook comes after all, nothing starts twice.
func TestLostWebhooks(t *testing.T) {
	s := begin(t, types.ProviderTypeGithub, githost.GitHub, anything)
	s.complete()
	s.pipeline("p", nil)
	s.hooked()
	s.source("p", 1)
	s.git.Silence(true)
	commit := apptest.Must(s.repo.Push("main", "unheard", map[string]string{"index.html": "two"}))(t)
	s.srv.Restart()
	a := s.source("p", 2)
	if v := a.Output.OutputVariables; v["CommitId"] != commit || v["BranchName"] != "main" {
		t.Errorf("found: %v", v)
	}
	s.srv.Restart()
	s.git.Silence(false)
	apptest.Must(s.repo.Push("main", "heard", map[string]string{"index.html": "three"}))(t)
	if got := s.file(s.source("p", 3), "index.html"); got != "three" || len(s.executions("p")) != 3 {
		t.Errorf("%q in the third of %d executions", got, len(s.executions("p")))
	}
	if n := s.git.Hooks("octo/site"); n != 1 {
		t.Errorf("%d webhooks after restarts", n)
	}
}

// logs is what a server logged.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logs) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.buf.String(), text)
}

// The token is in no log, no answer and no file of the data directory.
func TestTokensAreKeptSecret(t *testing.T) {
	said := &logs{}
	s := begin(t, types.ProviderTypeGithub, githost.GitHub, anything, func(c *app.Config) {
		c.Log = slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	_, err := handshake.Complete(t.Context(), s.srv.Config(), &handshake.Input{ConnectionArn: s.arn, BaseURL: s.git.URL, Token: githost.Token + "wrong"})
	if code(err) != "InvalidInputException" || strings.Contains(err.Error(), githost.Token) {
		t.Error(err)
	}
	s.complete()
	s.pipeline("p", nil)
	s.hooked()
	s.source("p", 1)
	s.git.Revoke()
	apptest.Must(s.repo.Push("main", "second", map[string]string{"index.html": "two"}))(t)
	if e := s.source("p", 2).Output.ExecutionResult.ErrorDetails; e == nil || !strings.Contains(*e.Message, "refuses the token") {
		t.Errorf("with a revoked token: %+v", e)
	}
	c := codeconnections.NewFromConfig(s.srv.Config())
	got := apptest.Must(c.GetConnection(t.Context(), &codeconnections.GetConnectionInput{ConnectionArn: &s.arn}))(t)
	if got.Connection.ConnectionStatus != types.ConnectionStatusError {
		t.Errorf("status %s", got.Connection.ConnectionStatus)
	}
	if said.has(githost.Token) || !said.has("the connection needs a new one") {
		t.Error("the log")
	}
	n := 0
	err = filepath.WalkDir(s.srv.Data(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if n++; bytes.Contains(b, []byte(githost.Token)) {
			t.Errorf("the token is in %s", path)
		}
		return err
	})
	if err != nil || n < 3 {
		t.Error(n, err)
	}
}

// A repository that redirects to another host gets its visitor there, but not
// their token: neither by REST nor by git.
func TestTokensStayWithTheirHost(t *testing.T) {
	s := begin(t, types.ProviderTypeGithub, githost.GitHub, anything)
	s.complete()
	mallory := host(t)
	stolen := apptest.Must(mallory.Create("octo/site"))(t)
	apptest.Must(stolen.Push("main", "evil", map[string]string{"index.html": "evil"}))(t)
	s.git.Redirect("octo/site", mallory.URL)
	s.pipeline("p", nil)
	e := s.source("p", 1).Output.ExecutionResult.ErrorDetails
	if e == nil || !strings.Contains(*e.Message, "redirects to another host") {
		t.Errorf("%+v", e)
	}
	if seen := mallory.Seen(); len(seen) > 0 {
		t.Errorf("the other host was sent %q", seen)
	}
	// The provider itself still knows the token.
	got := apptest.Must(codeconnections.NewFromConfig(s.srv.Config()).GetConnection(t.Context(), &codeconnections.GetConnectionInput{ConnectionArn: &s.arn}))(t)
	if got.Connection.ConnectionStatus != types.ConnectionStatusAvailable {
		t.Errorf("status %s", got.Connection.ConnectionStatus)
	}
}

// A host that moves takes no tokens along.
func TestAHostThatMoves(t *testing.T) {
	s := begin(t, types.ProviderTypeGithubEnterpriseServer, githost.GitHub, anything)
	s.complete()
	c, ctx := codeconnections.NewFromConfig(s.srv.Config()), t.Context()
	get := func() *types.Connection {
		return apptest.Must(c.GetConnection(ctx, &codeconnections.GetConnectionInput{ConnectionArn: &s.arn}))(t).Connection
	}
	h := get().HostArn
	if got := apptest.Must(c.GetHost(ctx, &codeconnections.GetHostInput{HostArn: h}))(t); *got.Status != "AVAILABLE" {
		t.Errorf("host %s", *got.Status)
	}
	other := host(t)
	apptest.Must(c.UpdateHost(ctx, &codeconnections.UpdateHostInput{HostArn: h, ProviderEndpoint: aws.String(other.URL)}))(t)
	if got := get(); got.ConnectionStatus != types.ConnectionStatusPending {
		t.Errorf("status %s", got.ConnectionStatus)
	}
	if seen := other.Seen(); len(seen) > 0 {
		t.Errorf("the other host was sent %q", seen)
	}
	_, err := handshake.Complete(ctx, s.srv.Config(), &handshake.Input{ConnectionArn: s.arn, BaseURL: s.git.URL, Token: githost.Token})
	if code(err) != "ValidationException" || !strings.Contains(err.Error(), other.URL) {
		t.Errorf("to where the host was: %v", err)
	}
	if out, err := handshake.Complete(ctx, s.srv.Config(), &handshake.Input{ConnectionArn: s.arn, Token: githost.Token}); err != nil || out.BaseURL != other.URL {
		t.Error(out, err)
	}
}
