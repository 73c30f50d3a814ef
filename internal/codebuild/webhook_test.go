package codebuild_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
)

func TestWebhookStory(t *testing.T) {
	w := begin(t)
	w.project("hooked", greet, func(in *codebuild.CreateProjectInput) {
		in.Source = &types.ProjectSource{Type: types.SourceTypeGithub, Location: aws.String("https://github.com/o/r")}
	})
	filter := func(typ types.WebhookFilterType, pattern string) types.WebhookFilter {
		return types.WebhookFilter{Type: typ, Pattern: &pattern, ExcludeMatchedPattern: aws.Bool(false)}
	}
	in := &codebuild.CreateWebhookInput{ProjectName: aws.String("hooked"), FilterGroups: [][]types.WebhookFilter{{filter("EVENT", "PUSH, PULL_REQUEST_MERGED"), filter("HEAD_REF", "^refs/heads/main$")}}}
	_, err := w.cb.CreateWebhook(t.Context(), in)
	if code(err) != "ResourceNotFoundException" || !strings.Contains(err.Error(), "Could not find access token for server type github") {
		t.Errorf("without a token: %v", err)
	}
	for name, bad := range map[string]*codebuild.CreateWebhookInput{
		"no event":   {FilterGroups: [][]types.WebhookFilter{{filter("HEAD_REF", "x")}}},
		"event":      {FilterGroups: [][]types.WebhookFilter{{filter("EVENT", "PUSHED")}}},
		"expression": {FilterGroups: [][]types.WebhookFilter{{filter("EVENT", "PUSH"), filter("HEAD_REF", "(")}}},
		"both":       {BranchFilter: aws.String("x"), FilterGroups: in.FilterGroups},
		"branch":     {BranchFilter: aws.String("*")},
	} {
		bad.ProjectName, bad.ManualCreation = in.ProjectName, aws.Bool(true)
		if _, err := w.cb.CreateWebhook(t.Context(), bad); code(err) != "InvalidInputException" {
			t.Errorf("%s: %v", name, err)
		}
	}
	in.ManualCreation = aws.Bool(true)
	out, err := w.cb.CreateWebhook(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	secret := aws.ToString(out.Webhook.Secret)
	hook := w.read("hooked").Webhook
	same(t, "filters", in.FilterGroups, hook.FilterGroups)
	if hook.Secret != nil || secret == "" || *hook.PayloadUrl != *out.Webhook.PayloadUrl || hook.Status != types.WebhookStatusActive {
		t.Errorf("%+v", hook)
	}
	if _, err := w.cb.CreateWebhook(t.Context(), in); code(err) != "ResourceAlreadyExistsException" {
		t.Errorf("twice: %v", err)
	}

	deliver := func(url, event, secret string) (int, string) {
		t.Helper()
		body := []byte(`{"zen":"Keep it simple"}`)
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
		sum := hmac.New(sha256.New, []byte(secret))
		sum.Write(body)
		req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(sum.Sum(nil)))
		req.Header.Set("X-GitHub-Event", event)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	if status, text := deliver(*hook.PayloadUrl, "ping", secret); status != http.StatusOK {
		t.Errorf("ping: %d %s", status, text)
	}
	if status, text := deliver(*hook.PayloadUrl, "push", secret); status != http.StatusNotImplemented || !strings.Contains(text, "builds that webhooks start are not available in Slipway yet") {
		t.Errorf("push: %d %s", status, text)
	}
	if status, _ := deliver(*hook.PayloadUrl, "push", secret+"x"); status != http.StatusUnauthorized {
		t.Errorf("forged: %d", status)
	}
	if status, _ := deliver(w.srv.URL+"/_slipway/webhooks/codebuild?t=AAAA", "push", secret); status != http.StatusNotFound {
		t.Errorf("elsewhere: %d", status)
	}

	if resp, err := http.Post(*hook.PayloadUrl, "application/json", bytes.NewReader(make([]byte, 30<<20))); err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("30 MB: %v %v", resp, err)
	} else {
		_ = resp.Body.Close()
	}

	rotated, err := w.cb.UpdateWebhook(t.Context(), &codebuild.UpdateWebhookInput{ProjectName: in.ProjectName, BranchFilter: aws.String("^main$"), BuildType: types.WebhookBuildTypeBuildBatch, RotateSecret: true})
	if err != nil {
		t.Fatal(err)
	}
	hook = w.read("hooked").Webhook
	if aws.ToString(rotated.Webhook.Secret) == secret || hook.FilterGroups != nil || aws.ToString(hook.BranchFilter) != "^main$" || hook.BuildType != types.WebhookBuildTypeBuildBatch {
		t.Errorf("%+v", hook)
	}
	if status, _ := deliver(*hook.PayloadUrl, "ping", secret); status != http.StatusUnauthorized {
		t.Errorf("the old secret: %d", status)
	}
	gone := *hook.PayloadUrl
	if _, err := w.cb.DeleteWebhook(t.Context(), &codebuild.DeleteWebhookInput{ProjectName: in.ProjectName}); err != nil {
		t.Fatal(err)
	}
	if w.read("hooked").Webhook != nil {
		t.Error("read after delete")
	}
	if status, _ := deliver(gone, "ping", *rotated.Webhook.Secret); status != http.StatusNotFound {
		t.Errorf("after delete: %d", status)
	}
	if _, err := w.cb.DeleteWebhook(t.Context(), &codebuild.DeleteWebhookInput{ProjectName: in.ProjectName}); code(err) != "ResourceNotFoundException" {
		t.Errorf("delete again: %v", err)
	}
	// What AWS would register at GitHub is not: its status says so.
	if _, err := w.cb.ImportSourceCredentials(t.Context(), &codebuild.ImportSourceCredentialsInput{AuthType: types.AuthTypePersonalAccessToken, ServerType: types.ServerTypeGithub, Token: aws.String("token")}); err != nil {
		t.Fatal(err)
	}
	in.ManualCreation = nil
	if out, err := w.cb.CreateWebhook(t.Context(), in); err != nil || out.Webhook.Status != types.WebhookStatusCreateFailed || !strings.Contains(*out.Webhook.StatusMessage, "does not register") {
		t.Errorf("%+v %v", out, err)
	}
}
