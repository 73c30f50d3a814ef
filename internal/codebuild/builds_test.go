package codebuild_test

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

func (w *world) bucket(name string) {
	w.Helper()
	if _, err := w.bytes.CreateBucket(w.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		w.Fatal(err)
	}
}

// unzipped is the text of a compressed object, which may take a moment to come.
func (w *world) unzipped(bucket, key string) string {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 20*time.Second)
	defer cancel()
	waiter := s3.NewObjectExistsWaiter(w.bytes, func(o *s3.ObjectExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, 100*time.Millisecond
	})
	if err := waiter.Wait(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key}, 20*time.Second); err != nil {
		w.Fatalf("%s: %v", key, err)
	}
	out, err := w.bytes.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		w.Fatal(err)
	}
	z, err := gzip.NewReader(out.Body)
	if err != nil {
		w.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		w.Fatal(err)
	}
	return string(text)
}

// The log goes to S3, also that of a build which is stopped.
func TestLogsInS3(t *testing.T) {
	w := begin(t)
	w.bucket("logs")
	w.project("logged", "version: 0.2\nphases: {build: {commands: [echo hello, 'test -z \"$SLOW\" || sleep 100']}}\n", func(in *codebuild.CreateProjectInput) {
		in.LogsConfig = &types.LogsConfig{CloudWatchLogs: &types.CloudWatchLogsConfig{Status: types.LogsConfigStatusTypeDisabled},
			S3Logs: &types.S3LogsConfig{Status: types.LogsConfigStatusTypeEnabled, Location: aws.String("logs/of/builds")}}
	})
	key := func(b *types.Build) string { return "of/builds/" + strings.TrimPrefix(*b.Id, "logged:") + ".gz" }
	b := w.until(*w.start("logged").Id, complete)
	if b.BuildStatus != types.StatusTypeSucceeded || aws.ToString(b.Logs.S3LogsArn) != "arn:aws:s3:::logs/"+key(b) || b.Logs.GroupName != nil {
		t.Errorf("%s %+v", b.BuildStatus, b.Logs)
	}
	if log := w.unzipped("logs", key(b)); !strings.Contains(log, "\nhello\n") || !strings.Contains(log, "Phase complete: UPLOAD_ARTIFACTS") {
		t.Errorf("log: %s", log)
	}
	b = w.start("logged", func(in *codebuild.StartBuildInput) {
		in.EnvironmentVariablesOverride = []types.EnvironmentVariable{{Name: aws.String("SLOW"), Value: aws.String("yes")}}
	})
	w.until(*b.Id, func(b *types.Build) bool { return *b.CurrentPhase == "BUILD" })
	if _, err := w.cb.StopBuild(t.Context(), &codebuild.StopBuildInput{Id: b.Id}); err != nil {
		t.Fatal(err)
	}
	if log := w.unzipped("logs", key(b)); !strings.Contains(log, "Entering phase BUILD") {
		t.Errorf("log of the stopped build: %s", log)
	}
	// A bucket that is not there fails the build's last phase.
	b = w.until(*w.start("logged", func(in *codebuild.StartBuildInput) {
		in.LogsConfigOverride = &types.LogsConfig{S3Logs: &types.S3LogsConfig{Status: types.LogsConfigStatusTypeEnabled, Location: aws.String("nowhere")}}
	}).Id, complete)
	if p := b.Phases[len(b.Phases)-2]; b.BuildStatus != types.StatusTypeFailed || p.PhaseType != types.BuildPhaseTypeFinalizing || !strings.Contains(*p.Contexts[0].Message, "NoSuchBucket") {
		t.Errorf("%s %+v", b.BuildStatus, p)
	}
}

// A build that fails is retried as often as the project says, in the service
// role.
func TestAutoRetry(t *testing.T) {
	w := begin(t, apptest.Enforce)
	w.project("again", "version: 0.2\nphases: {build: {commands: [exit 1]}}\n", func(in *codebuild.CreateProjectInput) { in.AutoRetryLimit = aws.Int32(2) })
	first := w.until(*w.start("again").Id, func(b *types.Build) bool { return b.BuildComplete && b.AutoRetryConfig.NextAutoRetry != nil })
	second := w.until(strings.TrimPrefix(*first.AutoRetryConfig.NextAutoRetry, "arn:aws:codebuild:us-east-1:000000000000:build/"), func(b *types.Build) bool { return b.BuildComplete && b.AutoRetryConfig.NextAutoRetry != nil })
	third := w.until(*second.AutoRetryConfig.NextAutoRetry, complete)
	if *first.AutoRetryConfig.AutoRetryNumber != 0 || *second.AutoRetryConfig.AutoRetryNumber != 1 || *third.AutoRetryConfig.AutoRetryNumber != 2 ||
		*third.AutoRetryConfig.PreviousAutoRetry != *second.Arn || *third.BuildNumber != 3 || !strings.HasPrefix(*third.Initiator, "builder/AWSCodeBuild-") {
		t.Errorf("%+v\n%+v\n%+v", first.AutoRetryConfig, second.AutoRetryConfig, third.AutoRetryConfig)
	}
	// Without the permission there is no retry; a build after that is the fourth.
	if _, err := iam.NewFromConfig(w.cfg).PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("builder"), PolicyName: aws.String("less"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"codebuild:RetryBuild","Resource":"*"}]}`)}); err != nil {
		t.Fatal(err)
	}
	w.until(*w.start("again").Id, complete)
	good := w.until(*w.start("again", func(in *codebuild.StartBuildInput) {
		in.BuildspecOverride, in.AutoRetryLimitOverride = aws.String("version: 0.2\nphases: {build: {commands: ['true']}}\n"), aws.Int32(1)
	}).Id, complete)
	if third = w.until(*third.Id, complete); third.AutoRetryConfig.NextAutoRetry != nil || *good.BuildNumber != 5 || *good.AutoRetryConfig.AutoRetryLimit != 1 {
		t.Errorf("%+v, number %d", third.AutoRetryConfig, *good.BuildNumber)
	}
}

// What a build leaves in its local cache the next one has; invalidating ends it.
func TestLocalCache(t *testing.T) {
	w := begin(t)
	own := t.TempDir() // not the build's: nothing is done to it
	w.project("cached", "version: 0.2\nphases: {build: {commands: ['cat deps/n || echo cold; echo warm > deps/n; test ! -L "+own+"']}}\ncache: {paths: ['deps/**/*', '"+own+"/**/*']}\n", func(in *codebuild.CreateProjectInput) {
		in.Cache = &types.ProjectCache{Type: types.CacheTypeLocal, Modes: []types.CacheMode{types.CacheModeLocalCustomCache, types.CacheModeLocalSourceCache}}
	})
	for _, want := range []string{"cold", "warm", "cold"} {
		b := w.until(*w.start("cached").Id, complete)
		if log := w.log(b); b.BuildStatus != types.StatusTypeSucceeded || !strings.Contains(log, "\n"+want+"\n") {
			t.Errorf("not %s: %s\n%s", want, b.BuildStatus, log)
		}
		if want == "warm" {
			if _, err := w.cb.InvalidateProjectCache(t.Context(), &codebuild.InvalidateProjectCacheInput{ProjectName: aws.String("cached")}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A repository of a git host, with the token that was imported for its kind.
func TestHostedSource(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("no git")
	}
	const token = "the-token-of-the-host"
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(git, append([]string{"-c", "user.name=a", "-c", "user.email=a@b"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v %s", args, err, out)
		}
	}
	run("init", "-q", "-b", "main", "work")
	if err := os.WriteFile(filepath.Join(dir, "work", "buildspec.yml"), []byte("version: 0.2\nphases: {build: {commands: ['pwd; git status | head -1']}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run("-C", "work", "add", ".")
	run("-C", "work", "commit", "-qm", "one")
	run("clone", "-q", "--bare", "work", "o/r.git")
	host := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != token {
			rw.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		(&cgi.Handler{Path: git, Args: []string{"http-backend"}, Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1"}}).ServeHTTP(rw, r)
	}))
	t.Cleanup(host.Close)
	w := begin(t)
	w.project("hosted", "", func(in *codebuild.CreateProjectInput) {
		in.Source = &types.ProjectSource{Type: types.SourceTypeGithubEnterprise, Location: aws.String(host.URL + "/o/r.git"), GitCloneDepth: aws.Int32(1)}
	})
	if b := w.until(*w.start("hosted").Id, complete); b.BuildStatus != types.StatusTypeFailed || *b.Phases[3].Contexts[0].StatusCode != "CLIENT_ERROR" {
		t.Errorf("without a token: %s %+v", b.BuildStatus, b.Phases[3])
	}
	if _, err := w.cb.ImportSourceCredentials(t.Context(), &codebuild.ImportSourceCredentialsInput{AuthType: types.AuthTypePersonalAccessToken, ServerType: types.ServerTypeGithubEnterprise, Token: aws.String(token)}); err != nil {
		t.Fatal(err)
	}
	b := w.until(*w.start("hosted").Id, complete)
	if log := w.log(b); b.BuildStatus != types.StatusTypeSucceeded || len(aws.ToString(b.ResolvedSourceVersion)) != 40 || !strings.Contains(log, "/src/127.0.0.1/o/r\n") {
		t.Fatalf("%s\n%s", b.BuildStatus, log)
	}
	again, err := w.cb.RetryBuild(t.Context(), &codebuild.RetryBuildInput{Id: b.Id})
	if err != nil || *again.Build.SourceVersion != *b.ResolvedSourceVersion {
		t.Fatalf("%+v %v", again, err)
	}
	if b := w.until(*again.Build.Id, complete); b.BuildStatus != types.StatusTypeSucceeded {
		t.Errorf("retried: %s\n%s", b.BuildStatus, w.log(b))
	}
}

// The badge shows how the last build of a branch ended, to whoever has its
// address.
func TestBadge(t *testing.T) {
	w := begin(t)
	p := w.project("badged", "version: 0.2\nphases: {build: {commands: ['$RUN']}}\n", func(in *codebuild.CreateProjectInput) {
		in.Source.Type, in.Source.Location = types.SourceTypeCodecommit, aws.String(w.srv.URL+"/v1/repos/app")
		in.BadgeEnabled = aws.Bool(true)
	})
	shows := func(query, want string) {
		t.Helper()
		address, _, _ := strings.Cut(*p.Badge.BadgeRequestUrl, "&")
		resp, err := http.Get(address + query)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); resp.Header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(string(body), ">"+want+"<") {
			t.Errorf("%s: not %s: %d %s", query, want, resp.StatusCode, body)
		}
	}
	build := func(version, run string) {
		t.Helper()
		w.until(*w.start("badged", func(in *codebuild.StartBuildInput) {
			in.SourceTypeOverride, in.SourceVersion = types.SourceTypeNoSource, aws.String(version)
			in.EnvironmentVariablesOverride = []types.EnvironmentVariable{{Name: aws.String("RUN"), Value: aws.String(run)}}
		}).Id, complete)
	}
	shows("", "unknown")
	build("refs/heads/main", "true")
	build("refs/heads/broken", "false")
	shows("&branch=main", "passing")
	shows("&branch=broken", "failing")
	shows("&branch=other", "unknown")
	if _, err := w.cb.UpdateProject(t.Context(), &codebuild.UpdateProjectInput{Name: p.Name, BadgeEnabled: aws.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	shows("&branch=main", "unknown")
	if resp, err := http.Get(w.srv.URL + "/_slipway/badges?uuid=AAAA"); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("somebody's badge: %v %v", resp, err)
	}
}
