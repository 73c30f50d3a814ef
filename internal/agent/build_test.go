package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

// The test's program is also the agent's, as git's credential helper calls it.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "build-agent" {
		os.Exit(Main(os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// service is the other side: it takes the journal, and can be rude.
type service struct {
	mu      sync.Mutex
	journal []byte
	fails   int // answers that come before a good one
	gone    bool
	job     *job.Job
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer secret-token" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch r.URL.Path {
	case PathJob:
		_ = json.NewEncoder(w).Encode(s.job)
	case PathCredentials:
		_ = json.NewEncoder(w).Encode(job.Credentials{RoleArn: "arn:aws:iam::000000000000:role/r", AccessKeyID: "ASIAEXAMPLE00000", SecretAccessKey: "very-secret-key",
			Token: "very-secret-session", Expiration: time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
	case PathJournal:
		if s.gone {
			w.WriteHeader(http.StatusGone)
			return
		}
		b, _ := io.ReadAll(r.Body)
		offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		if offset == len(s.journal) {
			s.journal = append(s.journal, b...)
		} else {
			defer w.WriteHeader(http.StatusConflict)
		}
		if s.fails > 0 { // taken, though the agent does not learn it
			s.fails--
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(job.Offset{Offset: int64(len(s.journal))})
	}
}

type outcome struct {
	phases  map[string]*job.Phase
	order   []string
	result  *job.Result
	log     string
	journal []byte
}

func (o *outcome) statuses() string {
	var out []string
	for _, p := range o.order {
		out = append(out, p+"="+o.phases[p].Status)
	}
	return strings.Join(out, " ")
}

// other is a service, perhaps with more than build agents need.
type other interface {
	http.Handler
	inner() *service
}

func (s *service) inner() *service { return s }

func run(t *testing.T, s *service, j job.Job) *outcome { return runOn(t, s, j) }

func runOn(t *testing.T, on other, j job.Job) *outcome {
	t.Helper()
	s := on.inner()
	server := httptest.NewServer(on)
	t.Cleanup(server.Close)
	if j.Deadline.IsZero() {
		j.Deadline = time.Now().Add(time.Minute)
	}
	if j.Sources == nil {
		j.Sources = []job.Source{{Type: "NO_SOURCE"}}
	}
	j.Region, j.UUID, j.BuildID = "us-east-1", "uuid", "project:uuid"
	s.job = &j
	dir := t.TempDir()
	config := filepath.Join(dir, ConfigName)
	b, _ := json.Marshal(Config{Token: "secret-token", Endpoint: server.URL, Root: filepath.Join(dir, "codebuild")})
	if err := os.WriteFile(config, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := work(context.Background(), config); err != nil && !s.gone {
		t.Fatal(err)
	}
	o := &outcome{phases: map[string]*job.Phase{}, journal: s.journal}
	records, err := job.Decode(s.journal)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		o.log += r.Log
		if r.End != nil {
			o.phases[r.End.Type] = r.End
			o.order = append(o.order, r.End.Type)
		}
		if r.Result != nil {
			o.result = r.Result
		}
	}
	return o
}

func phasesSpec(build string) string {
	return "version: 0.2\nphases:\n  build:\n    commands:\n" + build
}

func TestOneShell(t *testing.T) {
	o := run(t, &service{}, job.Job{Buildspec: `version: 0.2
env:
  variables: {OCTAL: 010, "A-B": odd}
  exported-variables: [TAG, EMPTY, MISSING]
phases:
  install:
    commands:
      - PLAIN="with 'quotes' and
        more"
      - mkdir -p "a dir"; cd "a dir"
  pre_build:
    commands:
      - TAG=v1; EMPTY=
      - exit 0; TAG=never
  build:
    commands:
      - test "$PLAIN" = "with 'quotes' and more"
      - test "$(basename "$PWD")" = "a dir"
      - test "$OCTAL" = 010
      - |
        echo multi
        false
        echo line
      - (sleep 60; echo never) &
      - echo out; echo err >&2
      - test "$CODEBUILD_BUILD_SUCCEEDING" = 1
      - test -z "$AWS_ACCESS_KEY_ID"
      - sh -c 'test "$PLAIN"'
`})
	if o.result == nil || o.result.Status != succeeded {
		t.Fatalf("%s\n%s", o.statuses(), o.log)
	}
	if got := o.result.Exported; len(got) != 2 || got[0] != (job.Variable{Name: "TAG", Value: "v1"}) || got[1].Name != "EMPTY" {
		t.Errorf("exported: %+v", got)
	}
	for _, want := range []string{"multi\nline\n", "out\nerr\n", "Phases found in YAML: 3", " BUILD: 9 commands", "Exported variable MISSING is not set", "Entering phase POST_BUILD"} {
		if !strings.Contains(o.log, want) {
			t.Errorf("log lacks %q:\n%s", want, o.log)
		}
	}
}

func TestFailures(t *testing.T) {
	const all = "DOWNLOAD_SOURCE=SUCCEEDED INSTALL=SUCCEEDED PRE_BUILD=SUCCEEDED "
	for _, tt := range []struct{ name, spec, phases, code, message string }{
		{"build", "  build:\n    commands: [exit 3, echo no]\n    finally: ['echo finally $CODEBUILD_BUILD_SUCCEEDING']\n  post_build:\n    commands: ['test \"$CODEBUILD_BUILD_SUCCEEDING\" = 0']\n",
			all + "BUILD=FAILED POST_BUILD=SUCCEEDED UPLOAD_ARTIFACTS=SUCCEEDED FINALIZING=SUCCEEDED",
			codeCommand, "Error while executing command: exit 3. Reason: exit status 3"},
		{"abort", "  build:\n    on-failure: ABORT\n    commands: [exit 1]\n", all + "BUILD=FAILED FINALIZING=SUCCEEDED", codeCommand, "exit status 1"},
		{"pre_build", "  pre_build:\n    commands: [exit 1]\n  build:\n    commands: [echo no]\n", "DOWNLOAD_SOURCE=SUCCEEDED INSTALL=SUCCEEDED PRE_BUILD=FAILED FINALIZING=SUCCEEDED", codeCommand, "exit status 1"},
		{"continue", "  install:\n    on-failure: CONTINUE\n    commands: [exit 1]\n", "DOWNLOAD_SOURCE=SUCCEEDED INSTALL=FAILED PRE_BUILD=SUCCEEDED BUILD=SUCCEEDED POST_BUILD=SUCCEEDED UPLOAD_ARTIFACTS=SUCCEEDED FINALIZING=SUCCEEDED", codeCommand, "exit status 1"},
		{"finally fails", "  build:\n    commands: [echo yes]\n    finally: [exit 4]\n", all + "BUILD=FAILED POST_BUILD=SUCCEEDED UPLOAD_ARTIFACTS=SUCCEEDED FINALIZING=SUCCEEDED", codeCommand, "exit 4. Reason: exit status 4"},
		{"not found", "  build:\n    commands: [no-such-program]\n", all + "BUILD=FAILED POST_BUILD=SUCCEEDED UPLOAD_ARTIFACTS=SUCCEEDED FINALIZING=SUCCEEDED", codeCommand, "exit status 127"},
		{"quote", "  build:\n    commands: ['echo \"open']\n", all + "BUILD=FAILED POST_BUILD=SUCCEEDED UPLOAD_ARTIFACTS=SUCCEEDED FINALIZING=SUCCEEDED", codeCommand, "exit status 2"},
		{"user", "  build:\n    run-as: nobody-like-this\n    commands: [id]\n", all + "BUILD=FAILED POST_BUILD=SUCCEEDED UPLOAD_ARTIFACTS=SUCCEEDED FINALIZING=SUCCEEDED", codeCommand, `the image has no user "nobody-like-this"`},
		{"yaml", "  build:\n\tcommands: [a]\n", "DOWNLOAD_SOURCE=FAILED FINALIZING=SUCCEEDED", codeYAML, "found character that cannot start any token (a tab, indent with blanks) at line 4, column 1"},
		{"reports", "  build:\n    commands: [a]\nreports:\n  r: {files: a}\n", "DOWNLOAD_SOURCE=FAILED FINALIZING=SUCCEEDED", codeYAML, "reports are not available in Slipway yet at line 6, column 3"},
		{"retry", "  build:\n    on-failure: RETRY-2\n    commands: ['echo x >> n; test $(wc -l < n) = 3']\n", all + "BUILD=SUCCEEDED POST_BUILD=SUCCEEDED UPLOAD_ARTIFACTS=SUCCEEDED FINALIZING=SUCCEEDED", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := run(t, &service{}, job.Job{Buildspec: "version: 0.2\nphases:\n" + tt.spec})
			if o.statuses() != tt.phases {
				t.Errorf("phases: %s\nwant    %s\n%s", o.statuses(), tt.phases, o.log)
			}
			for _, p := range o.order {
				if ph := o.phases[p]; ph.Status == failed && (ph.Code != tt.code || !strings.Contains(ph.Message, tt.message)) {
					t.Errorf("context: %+v", ph)
				}
			}
			if want := map[bool]string{true: succeeded, false: failed}[tt.code == ""]; o.result.Status != want {
				t.Errorf("result: %+v", o.result)
			}
			if tt.name == "build" && !strings.Contains(o.log, "\nfinally 0\n") {
				t.Errorf("finally did not run:\n%s", o.log)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	o := run(t, &service{}, job.Job{Deadline: time.Now().Add(500 * time.Millisecond), Buildspec: phasesSpec("      - sleep 100 | sleep 100\n")})
	p := o.phases[build]
	if p == nil || p.Status != timedOut || p.Code != "BUILD_TIMED_OUT" || p.Message != "Build has timed out. " || o.result.Status != timedOut {
		t.Errorf("%s %+v", o.statuses(), p)
	}
}

// Whatever the service answers, it ends up with the journal exactly once.
func TestDeliveryOnce(t *testing.T) {
	o := run(t, &service{fails: 5}, job.Job{Buildspec: phasesSpec("      - i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done\n")})
	if o.result == nil || strings.Count(o.log, "\nline ") != 20000 {
		t.Errorf("%d lines", strings.Count(o.log, "\nline "))
	}
}

func TestDismissed(t *testing.T) {
	run(t, &service{gone: true}, job.Job{Buildspec: phasesSpec("      - sleep 100\n")})
}

func TestSecretsAreMasked(t *testing.T) {
	o := run(t, &service{}, job.Job{Buildspec: phasesSpec(`      - |
        export GOT=$(curl -s -H "Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN" "$AWS_CONTAINER_CREDENTIALS_FULL_URI")
      - echo "$GOT"
      - curl -s -o /dev/null -w '%{http_code}' "$AWS_CONTAINER_CREDENTIALS_FULL_URI"
      - printf very-; sleep 0.1; echo secret-key
      - env | grep ^AWS_CONTAINER_AUTHORIZATION_TOKEN
`)})
	if !strings.Contains(o.log, "\nAWS_CONTAINER_AUTHORIZATION_TOKEN=***\n") {
		t.Errorf("log:\n%s", o.log)
	}
	if bytes.Contains(o.journal, []byte("very-secret")) || !strings.Contains(o.log, `"AccessKeyId":"***"`) || !strings.Contains(o.log, "\n401\n") || !strings.Contains(o.log, "\n***\n") {
		t.Errorf("log:\n%s", o.log)
	}
}

func TestGitPassword(t *testing.T) {
	at := time.Date(2024, 5, 1, 10, 0, 0, 0, time.UTC)
	const want = "20240501T100000Za19ac47a0b38a55b58b4058adb3007b30112fa1818ef1e4a75446f075697fc82"
	if got := gitPassword("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "localhost", "/v1/repos/demo", at); got != want {
		t.Errorf("got %s", got)
	}
}

func TestVersions(t *testing.T) {
	sha := strings.Repeat("a", 40)
	for in, want := range map[string][2]string{
		"": {"", ""}, "main": {"main", ""}, sha: {"", sha}, "refs/heads/x^{" + sha + "}": {"refs/heads/x", sha}, "v1/$(touch x)": {"v1/$(touch x)", ""},
		"pr/25": {"refs/pull/25/head", ""}, "pr/x": {"pr/x", ""},
	} {
		ref, commit, err := version(job.Source{Type: "GITHUB", Version: in})
		if err == nil && (ref != want[0] || commit != want[1]) || err != nil && !strings.Contains(in, " ") {
			t.Errorf("%q: %q %q %v", in, ref, commit, err)
		}
	}
	for _, bad := range []string{"--upload-pack=x", "a..b", "a b", "a:b"} {
		if _, _, err := version(job.Source{Version: bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestHashFiles(t *testing.T) {
	o := run(t, &service{}, job.Job{Buildspec: phasesSpec(`      - mkdir a; echo 1 > a/x; echo 2 > y
      - ONE=$(codebuild-hash-files y 'a/**/*'); test ${#ONE} = 64; test "$ONE" = "$(codebuild-hash-files '**/*')"
      - echo 3 > y; test "$ONE" != "$(codebuild-hash-files '**/*')"
      - codebuild-hash-files none; test $? = 1
`)})
	if o.result.Status != succeeded || !strings.Contains(o.log, `codebuild-hash-files: no file matches ["none"]`) {
		t.Errorf("%s\n%s", o.statuses(), o.log)
	}
}
