package console_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/slipway-dev/slipway/cmd/slipway/app"
	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/e2e/githost"
	"github.com/slipway-dev/slipway/internal/clock"
)

func TestMain(m *testing.M) { apptest.Main(m) }

// browser keeps cookies and tells where its forms come from.
type browser struct {
	t    *testing.T
	url  string
	http *http.Client
}

func open(t *testing.T, srv *apptest.Server) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, srv.URL, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (b *browser) do(r *http.Request) (*http.Response, string) {
	b.t.Helper()
	resp, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp, string(body)
}

func (b *browser) get(path string) (*http.Response, string) {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

func (b *browser) form(path string, values url.Values) *http.Request {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.url+path, strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.url)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func (b *browser) post(path string, values url.Values) (*http.Response, string) {
	b.t.Helper()
	return b.do(b.form(path, values))
}

func (b *browser) signIn(id, secret string) {
	b.t.Helper()
	resp, body := b.post("/console/sign-in", url.Values{"key": {id}, "secret": {secret}, "region": {"us-east-1"}})
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != connections {
		b.t.Fatal(resp.Status, body)
	}
}

const (
	connections = "/console/settings/connections"
	update      = connections + "/update"
)

func connection(t *testing.T, srv *apptest.Server, name string) string {
	t.Helper()
	c, err := codeconnections.NewFromConfig(srv.Config()).CreateConnection(t.Context(),
		&codeconnections.CreateConnectionInput{ConnectionName: aws.String(name), ProviderType: types.ProviderTypeGitlab})
	if err != nil {
		t.Fatal(err)
	}
	return *c.ConnectionArn
}

func TestHandshake(t *testing.T) {
	srv := apptest.Start(t, apptest.Enforce)
	git, err := githost.Start(githost.GitLab)
	if err != nil {
		t.Fatal(err)
	}
	defer git.Close()
	arn := connection(t, srv, "<script>alert(1)")
	b := open(t, srv)

	resp, _ := b.get(update + "?arn=" + arn)
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/console/sign-in?next="+url.QueryEscape(update+"?arn="+arn) {
		t.Errorf("without a session: %s to %s", resp.Status, resp.Header.Get("Location"))
	}
	id, secret := srv.Keys()
	if resp, body := b.post("/console/sign-in", url.Values{"key": {id}, "secret": {secret + "x"}}); resp.StatusCode != http.StatusForbidden || strings.Contains(body, secret) || len(resp.Cookies()) > 0 {
		t.Errorf("with a wrong secret: %s, %s", resp.Status, body)
	}
	resp, _ = b.post("/console/sign-in", url.Values{"key": {id}, "secret": {secret}, "next": {"https://evil.example/console/"}})
	if resp.Header.Get("Location") != connections {
		t.Errorf("sent to %s", resp.Header.Get("Location"))
	}
	cookie := resp.Header.Get("Set-Cookie")
	for _, want := range []string{"slipway-console=", "Path=/console/", "HttpOnly", "SameSite=Strict", "Max-Age="} {
		if !strings.Contains(cookie, want) {
			t.Errorf("no %s in the cookie", want)
		}
	}
	if strings.Contains(cookie, id) || strings.Contains(cookie, secret) {
		t.Error("the cookie has the key")
	}
	resp, page := b.get(connections)
	if resp.StatusCode != 200 || !strings.Contains(page, "&lt;script&gt;alert(1)") || strings.Contains(page, "<script>") || !strings.Contains(page, "Update pending connection") ||
		!strings.Contains(resp.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("%s %v\n%s", resp.Status, resp.Header, page)
	}
	if resp, page := b.get(update + "?arn=" + arn); resp.StatusCode != 200 || !strings.Contains(page, `value="https://gitlab.com"`) {
		t.Errorf("%s\n%s", resp.Status, page)
	}
	resp, page = b.post(update, url.Values{"arn": {arn}, "url": {git.URL}, "token": {"a-wrong-token"}})
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(page, "refuses the token") || strings.Contains(page, "a-wrong-token") || !strings.Contains(page, git.URL) {
		t.Errorf("a wrong token: %s\n%s", resp.Status, page)
	}
	resp, page = b.post(update, url.Values{"arn": {arn}, "url": {git.URL}, "token": {githost.Token}})
	if resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s\n%s", resp.Status, page)
	}
	if _, page = b.get(resp.Header.Get("Location")); !strings.Contains(page, "is available") || !strings.Contains(page, "AVAILABLE") || !strings.Contains(page, "Renew the token") {
		t.Errorf("after it\n%s", page)
	}
	if _, page = b.get(connections + "?region=eu-west-1"); !strings.Contains(page, "There are no connections in this region") {
		t.Errorf("in another region\n%s", page)
	}
	if resp, _ := b.post("/console/sign-out", nil); resp.StatusCode != http.StatusSeeOther {
		t.Error(resp.Status)
	}
	if resp, _ := b.get(connections); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("after signing out: %s", resp.Status)
	}
}

// A page of somebody else's cannot do anything, nor can a name that points here.
func TestOtherSites(t *testing.T) {
	srv := apptest.Start(t, apptest.Enforce)
	arn := connection(t, srv, "mine")
	b := open(t, srv)
	b.signIn(srv.Keys())
	form := url.Values{"arn": {arn}, "url": {"https://evil.example"}, "token": {"x"}}
	for name, change := range map[string]func(r *http.Request){
		"no origin":      func(r *http.Request) { r.Header.Del("Origin") },
		"a hidden one":   func(r *http.Request) { r.Header.Set("Origin", "null") },
		"another origin": func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"another port":   func(r *http.Request) { r.Header.Set("Origin", "http://localhost:1") },
		"another site":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"same site":      func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"another host": func(r *http.Request) {
			r.Host = "evil.example:" + r.URL.Port()
			r.Header.Set("Origin", "http://"+r.Host)
		},
	} {
		r := b.form(update, form)
		change(r)
		if resp, body := b.do(r); resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s\n%s", name, resp.Status, body)
		}
	}
	for host, want := range map[string]int{"evil.example": 403, "evil.example:" + port(srv.URL): 403, "mine.localhost:" + port(srv.URL): 403,
		"127.0.0.1:" + port(srv.URL): 200, "localhost:" + port(srv.URL): 200} {
		r := b.form("", nil)
		r.Method, r.URL.Path, r.Host, r.Body = http.MethodGet, "/console/sign-in", host, nil
		r.ContentLength = 0
		if resp, _ := b.do(r); resp.StatusCode != want {
			t.Errorf("host %s: %s", host, resp.Status)
		}
	}
}

func port(at string) string {
	u, _ := url.Parse(at)
	return u.Port()
}

// The console may what its user may, and no more.
func TestPermissionsAreTheUsers(t *testing.T) {
	srv := apptest.Start(t, apptest.Enforce)
	arn, ctx := connection(t, srv, "mine"), t.Context()
	c := iam.NewFromConfig(srv.Config())
	if _, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("p"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["codeconnections:List*","codeconnections:Get*"],"Resource":"*"}]}`)}); err != nil {
		t.Fatal(err)
	}
	k, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("ann")})
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, srv)
	b.signIn(*k.AccessKey.AccessKeyId, *k.AccessKey.SecretAccessKey)
	if resp, page := b.get(connections); resp.StatusCode != 200 || !strings.Contains(page, "user/ann") || !strings.Contains(page, arn) {
		t.Errorf("%s\n%s", resp.Status, page)
	}
	resp, page := b.post(update, url.Values{"arn": {arn}, "url": {"http://127.0.0.1:1"}, "token": {"x"}})
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(page, "AccessDeniedException") || !strings.Contains(page, "codeconnections:UpdateConnectionInstallation") {
		t.Errorf("%s\n%s", resp.Status, page)
	}
	if _, err := c.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("ann"), AccessKeyId: k.AccessKey.AccessKeyId}); err != nil {
		t.Fatal(err)
	}
	if resp, _ := b.get(connections); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("with a key that is gone: %s", resp.Status)
	}
}

func TestSessionsEnd(t *testing.T) {
	c := clock.NewFake(time.Now())
	srv := apptest.Start(t, apptest.Clock(c))
	b := open(t, srv)
	b.signIn(srv.Keys())
	if resp, page := b.get(connections); resp.StatusCode != 200 {
		t.Error(resp.Status, page)
	}
	c.Advance(61 * time.Minute) // the root user's sessions last an hour
	if resp, _ := b.get(connections); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("after an hour: %s", resp.Status)
	}
	other := apptest.Start(t, func(cfg *app.Config) {})
	b.url = other.URL
	if resp, _ := b.get(connections); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("at another server: %s", resp.Status)
	}
}
