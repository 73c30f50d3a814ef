package codeconnections_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/e2e/githost"
	"github.com/slipway-dev/slipway/internal/codeconnections/handshake"
)

func TestHandshakes(t *testing.T) {
	srv := apptest.Start(t, apptest.Enforce)
	c, ctx := codeconnections.NewFromConfig(srv.Config()), t.Context()
	connection := func(kind types.ProviderType) string {
		t.Helper()
		return *apptest.Must(c.CreateConnection(ctx,
			&codeconnections.CreateConnectionInput{ConnectionName: aws.String("c"), ProviderType: kind}))(t).ConnectionArn
	}
	lab, forge := host(t, githost.GitLab), host(t, githost.Gitea)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }))
	defer web.Close()
	arn := connection(types.ProviderTypeGitlab)
	for _, tt := range []struct {
		name       string
		in         handshake.Input
		code, text string
	}{
		{"no such connection", handshake.Input{ConnectionArn: arn + "0", Token: "t"}, "ResourceNotFoundException", arn + "0"},
		{"another region", handshake.Input{ConnectionArn: strings.Replace(arn, "us-east-1", "eu-west-1", 1), Token: "t"}, "ResourceNotFoundException", ""},
		{"no ARN", handshake.Input{ConnectionArn: "x", Token: "t"}, "ResourceNotFoundException", ""},
		{"no token", handshake.Input{ConnectionArn: arn, BaseURL: lab.URL}, "ValidationException", "token"},
		{"two lines", handshake.Input{ConnectionArn: arn, BaseURL: lab.URL, Token: "hunter2\nX-Evil: 1"}, "ValidationException", "characters"},
		{"no URL", handshake.Input{ConnectionArn: arn, BaseURL: "lab", Token: "t"}, "ValidationException", "base URL"},
		{"another scheme", handshake.Input{ConnectionArn: arn, BaseURL: "file:///etc", Token: "t"}, "ValidationException", "base URL"},
		{"a user", handshake.Input{ConnectionArn: arn, BaseURL: strings.Replace(lab.URL, "//", "//u:p@", 1), Token: "t"}, "ValidationException", "base URL"},
		{"another dialect", handshake.Input{ConnectionArn: arn, BaseURL: lab.URL, Dialect: "github", Token: "t"}, "ValidationException", "gitlab or gitea"},
		{"a wrong token", handshake.Input{ConnectionArn: arn, BaseURL: lab.URL, Token: "hunter2"}, "InvalidInputException", "refuses the token"},
		{"a web site", handshake.Input{ConnectionArn: arn, BaseURL: web.URL, Token: "hunter2"}, "InvalidInputException", "no provider"},
		{"nobody there", handshake.Input{ConnectionArn: arn, BaseURL: "http://127.0.0.1:1", Token: "hunter2"}, "ResourceUnavailableException", "does not answer"},
		{"Azure", handshake.Input{ConnectionArn: connection(types.ProviderTypeAzureDevOps), BaseURL: lab.URL, Token: "hunter2"}, "UnsupportedProviderTypeException", "AzureDevOps"},
	} {
		_, err := handshake.Complete(ctx, srv.Config(), &tt.in)
		if code(err) != tt.code || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	for _, tt := range []struct {
		kind          types.ProviderType
		url, as, want string
	}{
		{types.ProviderTypeGitlab, lab.URL, "", "gitlab"}, {types.ProviderTypeGitlab, lab.URL + "/", "gitlab", "gitlab"},
		{types.ProviderTypeGithub, forge.URL, "", "gitea"}, {types.ProviderTypeGitlab, forge.URL, "gitea", "gitea"},
	} {
		out, err := handshake.Complete(ctx, srv.Config(), &handshake.Input{ConnectionArn: connection(tt.kind), BaseURL: tt.url, Dialect: tt.as, Token: " " + githost.Token + "\n"})
		if err != nil || out.Dialect != tt.want || out.BaseURL != strings.TrimSuffix(tt.url, "/") || out.Account != githost.User {
			t.Errorf("%+v: %+v, %v", tt, out, err)
		}
	}
	got := apptest.Must(c.GetConnection(ctx, &codeconnections.GetConnectionInput{ConnectionArn: &arn}))(t)
	if got.Connection.ConnectionStatus != types.ConnectionStatusPending {
		t.Errorf("after refusals: %s", got.Connection.ConnectionStatus)
	}
}

// The handshake is signed and authorized as any operation.
func TestHandshakesOfStrangers(t *testing.T) {
	srv := apptest.Start(t, apptest.Enforce)
	ctx := t.Context()
	c, i := codeconnections.NewFromConfig(srv.Config()), iam.NewFromConfig(srv.Config())
	arn := *apptest.Must(c.CreateConnection(ctx,
		&codeconnections.CreateConnectionInput{ConnectionName: aws.String("c"), ProviderType: types.ProviderTypeGitlab}))(t).ConnectionArn
	lab := host(t, githost.GitLab)
	in := &handshake.Input{ConnectionArn: arn, BaseURL: lab.URL, Token: githost.Token}
	user := func(name, action string) aws.Config {
		apptest.Must(i.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}))(t)
		apptest.Must(i.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"),
			PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"` + arn + `"}]}`)}))(t)
		k := apptest.Must(i.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name}))(t).AccessKey
		return srv.ConfigFor(aws.Credentials{AccessKeyID: *k.AccessKeyId, SecretAccessKey: *k.SecretAccessKey})
	}
	if _, err := handshake.Complete(ctx, user("ann", "codeconnections:UseConnection"), in); code(err) != "AccessDeniedException" || !strings.Contains(err.Error(), "codeconnections:UpdateConnectionInstallation") {
		t.Errorf("without the permission: %v", err)
	}
	bad := srv.ConfigFor(aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "x"})
	if _, err := handshake.Complete(ctx, bad, in); code(err) != "UnrecognizedClientException" {
		t.Errorf("with an unknown key: %v", err)
	}
	id, secret := srv.Keys()
	if _, err := handshake.Complete(ctx, srv.ConfigFor(aws.Credentials{AccessKeyID: id, SecretAccessKey: secret + "x"}), in); code(err) != "InvalidSignatureException" {
		t.Errorf("with a wrong secret: %v", err)
	}
	if seen := lab.Seen(); len(seen) > 0 {
		t.Errorf("the provider was asked: %q", seen)
	}
	for method, want := range map[string]int{http.MethodPost: 400, http.MethodGet: 405} {
		r, err := http.NewRequest(method, srv.URL+handshake.Path, strings.NewReader(`{"ConnectionArn":"`+arn+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil || resp.StatusCode != want {
			t.Errorf("unsigned %s: %v, %v", method, resp, err)
		}
	}
	if _, err := handshake.Complete(ctx, aws.Config{Region: "us-east-1", Credentials: srv.Config().Credentials}, in); err == nil || !strings.Contains(err.Error(), "no endpoint") {
		t.Errorf("without an endpoint: %v", err)
	}
	if out, err := handshake.Complete(ctx, user("bob", "codestar-connections:UpdateConnectionInstallation"), in); err != nil || out.ConnectionStatus != "AVAILABLE" {
		t.Error(out, err)
	}
}
