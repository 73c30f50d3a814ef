package codepipeline_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

func hook(auth types.WebhookAuthenticationType, c types.WebhookAuthConfiguration) *codepipeline.PutWebhookInput {
	return &codepipeline.PutWebhookInput{
		Tags: []types.Tag{{Key: aws.String("Team"), Value: aws.String("web")}},
		Webhook: &types.WebhookDefinition{Name: aws.String("hook"), TargetPipeline: aws.String("web"), TargetAction: aws.String("Get"),
			Filters:        []types.WebhookFilterRule{{JsonPath: aws.String("$.ref"), MatchEquals: aws.String("refs/heads/{S3Bucket}")}},
			Authentication: auth, AuthenticationConfiguration: &c}}
}

func signature(algorithm func() hash.Hash, secret, body string) string {
	sum := hmac.New(algorithm, []byte(secret))
	_, _ = io.WriteString(sum, body)
	return hex.EncodeToString(sum.Sum(nil))
}

// deliver posts a body and answers the status and the message.
func deliver(t *testing.T, to *string, body string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, *to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range header {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

// The calls that Terraform's aws_codepipeline_webhook makes, in its order.
func TestWebhook(t *testing.T) {
	e := newEverything(t)
	_, err := e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: e.pipeline()})
	e.must(err)
	made, err := e.PutWebhook(t.Context(), hook(types.WebhookAuthenticationTypeGithubHmac, types.WebhookAuthConfiguration{SecretToken: aws.String("super-secret")}))
	e.must(err)
	if *made.Webhook.Arn != "arn:aws:codepipeline:us-east-1:000000000000:webhook:hook" || !strings.HasPrefix(*made.Webhook.Url, e.url+"/_slipway/webhooks/codepipeline/") {
		t.Errorf("made %+v", made.Webhook)
	}
	find := func() *types.ListWebhookItem {
		t.Helper()
		out, err := e.ListWebhooks(t.Context(), &codepipeline.ListWebhooksInput{})
		e.must(err)
		if len(out.Webhooks) == 0 {
			return nil
		}
		return &out.Webhooks[0]
	}
	w := find()
	if d := w.Definition; *d.Name != "hook" || *d.TargetPipeline != "web" || *d.TargetAction != "Get" || *d.AuthenticationConfiguration.SecretToken != "super-secret" ||
		*d.Filters[0].JsonPath != "$.ref" || *d.Filters[0].MatchEquals != "refs/heads/{S3Bucket}" || *w.Tags[0].Value != "web" || w.LastTriggered != nil {
		t.Errorf("read back %+v %+v", w, d)
	}
	in := hook(types.WebhookAuthenticationTypeGithubHmac, types.WebhookAuthConfiguration{SecretToken: aws.String("super-secret")})
	in.Tags, in.Webhook.Filters[0].MatchEquals = nil, aws.String("refs/heads/main")
	_, err = e.PutWebhook(t.Context(), in)
	e.must(err)
	_, err = e.TagResource(t.Context(), &codepipeline.TagResourceInput{ResourceArn: w.Arn, Tags: []types.Tag{{Key: aws.String("Stage"), Value: aws.String("prod")}}})
	e.must(err)
	_, err = e.UntagResource(t.Context(), &codepipeline.UntagResourceInput{ResourceArn: w.Arn, TagKeys: []string{"Team"}})
	e.must(err)
	if again := find(); *again.Url != *w.Url || *again.Definition.Filters[0].MatchEquals != "refs/heads/main" || len(again.Tags) != 1 || *again.Tags[0].Key != "Stage" {
		t.Errorf("changed %+v", again)
	}
	_, err = e.RegisterWebhookWithThirdParty(t.Context(), &codepipeline.RegisterWebhookWithThirdPartyInput{WebhookName: aws.String("hook")})
	var invalid *types.ValidationException
	if !errors.As(err, &invalid) || !strings.Contains(*invalid.Message, "ThirdParty") {
		t.Errorf("registered: %v", err)
	}
	_, err = e.DeleteWebhook(t.Context(), &codepipeline.DeleteWebhookInput{Name: aws.String("hook")})
	e.must(err)
	_, err = e.DeleteWebhook(t.Context(), &codepipeline.DeleteWebhookInput{Name: aws.String("hook")})
	e.must(err)
	if find() != nil {
		t.Error("still there")
	}
	if status, _ := deliver(t, w.Url, "{}"); status != http.StatusNotFound {
		t.Errorf("the old URL answers %d", status)
	}
	back, err := e.PutWebhook(t.Context(), hook(types.WebhookAuthenticationTypeUnauthenticated, types.WebhookAuthConfiguration{}))
	e.must(err)
	if *back.Webhook.Url == *w.Url {
		t.Error("a webhook that was made anew has the old URL")
	}
}

func TestDeliveries(t *testing.T) {
	e := newEverything(t)
	_, err := e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: e.pipeline()})
	e.must(err)
	count := func() int {
		t.Helper()
		out, err := e.ListPipelineExecutions(t.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String("web")})
		e.must(err)
		return len(out.PipelineExecutionSummaries)
	}
	put := func(auth types.WebhookAuthenticationType, c types.WebhookAuthConfiguration) *string {
		t.Helper()
		out, err := e.PutWebhook(t.Context(), hook(auth, c))
		e.must(err)
		return out.Webhook.Url
	}
	at := put(types.WebhookAuthenticationTypeGithubHmac, types.WebhookAuthConfiguration{SecretToken: aws.String("super-secret")})
	const push, other = `{"ref":"refs/heads/source","n":1}`, `{"ref":"refs/heads/next"}`
	newer := "X-Hub-Signature-256: sha256=" + signature(sha256.New, "super-secret", push)
	form := "payload=" + url.QueryEscape(`{"ref":"refs/heads/source","n":2}`)
	for _, c := range []struct {
		name, body string
		header     []string
		status     int
		starts     bool
	}{
		{"no signature", push, nil, http.StatusForbidden, false},
		{"a signature off by one", push, []string{newer[:len(newer)-1] + "x"}, http.StatusForbidden, false},
		{"another secret", push, []string{"X-Hub-Signature-256: sha256=" + signature(sha256.New, "secret", push)}, http.StatusForbidden, false},
		{"another body", push + " ", []string{newer}, http.StatusForbidden, false},
		{"the older signature does not help", push, []string{newer[:len(newer)-1] + "x", "X-Hub-Signature: sha1=" + signature(sha1.New, "super-secret", push)}, http.StatusForbidden, false},
		{"a push", push, []string{newer, "X-GitHub-Delivery: 1"}, http.StatusOK, true},
		{"the push again", push, []string{newer, "X-GitHub-Delivery: 2"}, http.StatusOK, false},
		{"another branch", other, []string{"X-Hub-Signature: sha1=" + signature(sha1.New, "super-secret", other)}, http.StatusOK, false},
		{"a form", form, []string{"Content-Type: application/x-www-form-urlencoded", "X-Hub-Signature: sha1=" + signature(sha1.New, "super-secret", form)}, http.StatusOK, true},
		{"JSON that is called a form", other, []string{"Content-Type: application/x-www-form-urlencoded", "X-Hub-Signature: sha1=" + signature(sha1.New, "super-secret", other)}, http.StatusOK, false},
		{"no JSON", "{", []string{"X-Hub-Signature: sha1=" + signature(sha1.New, "super-secret", "{")}, http.StatusBadRequest, false},
	} {
		before := count()
		status, message := deliver(t, at, c.body, c.header...)
		if status != c.status || (count() > before) != c.starts {
			t.Errorf("%s: %d %s, %d started", c.name, status, message, count()-before)
		}
	}
	out, err := e.ListPipelineExecutions(t.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String("web")})
	e.must(err)
	if tr := out.PipelineExecutionSummaries[0].Trigger; tr.TriggerType != types.TriggerTypeWebhook || *tr.TriggerDetail != "arn:aws:codepipeline:us-east-1:000000000000:webhook:hook" {
		t.Errorf("trigger %+v", tr)
	}
	hooks, err := e.ListWebhooks(t.Context(), &codepipeline.ListWebhooksInput{})
	e.must(err)
	if hooks.Webhooks[0].LastTriggered == nil {
		t.Error("it was never triggered")
	}

	e.searchDatabase("super-secret")

	before := count()
	at = put(types.WebhookAuthenticationTypeIp, types.WebhookAuthConfiguration{AllowedIPRange: aws.String("192.0.2.0/24")})
	if status, _ := deliver(t, at, push); status != http.StatusForbidden || count() != before {
		t.Errorf("an address outside: %d", status)
	}
	at = put(types.WebhookAuthenticationTypeIp, types.WebhookAuthConfiguration{AllowedIPRange: aws.String("127.0.0.0/8")})
	if status, _ := deliver(t, at, push); status != http.StatusOK || count() != before+1 {
		t.Errorf("an address inside: %d", status)
	}
	at = put(types.WebhookAuthenticationTypeUnauthenticated, types.WebhookAuthConfiguration{})
	deliver(t, at, push)
	deliver(t, at, push) // nothing tells it from the first
	if n := count(); n != before+3 {
		t.Errorf("%d started", n-before)
	}
	if status, _ := deliver(t, at, `{"ref":"`+strings.Repeat("x", 26<<20)+`"}`); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long delivery: %d", status)
	}
	if r, err := http.Get(*at); err != nil || r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %v, %v", r, err)
	}
}

func TestWebhooksThatAreRefused(t *testing.T) {
	e := newEverything(t)
	_, err := e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: e.pipeline()})
	e.must(err)
	secret := aws.String("super-secret")
	for name, c := range map[string]struct {
		want string
		in   *codepipeline.PutWebhookInput
		edit func(*types.WebhookDefinition)
	}{
		"no secret":           {"InvalidWebhookAuthenticationParametersException", hook(types.WebhookAuthenticationTypeGithubHmac, types.WebhookAuthConfiguration{}), nil},
		"a range beside":      {"InvalidWebhookAuthenticationParametersException", hook(types.WebhookAuthenticationTypeGithubHmac, types.WebhookAuthConfiguration{SecretToken: secret, AllowedIPRange: aws.String("10.0.0.0/8")}), nil},
		"no range":            {"InvalidWebhookAuthenticationParametersException", hook(types.WebhookAuthenticationTypeIp, types.WebhookAuthConfiguration{AllowedIPRange: aws.String("10.0.0.0")}), nil},
		"a secret for nobody": {"InvalidWebhookAuthenticationParametersException", hook(types.WebhookAuthenticationTypeUnauthenticated, types.WebhookAuthConfiguration{SecretToken: secret}), nil},
		"no path": {"InvalidWebhookFilterPatternException", hook(types.WebhookAuthenticationTypeUnauthenticated, types.WebhookAuthConfiguration{}), func(d *types.WebhookDefinition) {
			d.Filters[0].JsonPath = aws.String("ref")
		}},
		"no pipeline": {"PipelineNotFoundException", hook(types.WebhookAuthenticationTypeUnauthenticated, types.WebhookAuthConfiguration{}), func(d *types.WebhookDefinition) {
			d.TargetPipeline = aws.String("nope")
		}},
		"no source": {"ValidationException", hook(types.WebhookAuthenticationTypeUnauthenticated, types.WebhookAuthConfiguration{}), func(d *types.WebhookDefinition) {
			d.TargetAction = aws.String("Publish")
		}},
	} {
		if c.edit != nil {
			c.edit(c.in.Webhook)
		}
		_, err := e.PutWebhook(t.Context(), c.in)
		if code := code(err); code != c.want {
			t.Errorf("%s: %s %v", name, code, err)
		}
	}
	out, err := e.ListWebhooks(t.Context(), &codepipeline.ListWebhooksInput{})
	if err != nil || len(out.Webhooks) != 0 {
		t.Errorf("left: %+v, %v", out, err)
	}
}

// Nothing that AWS hides lies in the database in clear.
func (e *everything) searchDatabase(secret string) {
	e.t.Helper()
	files, _ := filepath.Glob(filepath.Join(e.data, "slipway.db*"))
	if len(files) == 0 {
		e.t.Fatal("no database")
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil && bytes.Contains(b, []byte(secret)) {
			e.t.Errorf("%s has the secret in clear", f)
		}
	}
}
