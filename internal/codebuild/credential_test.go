package codebuild_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
)

func TestSourceCredentialStory(t *testing.T) {
	w := begin(t)
	importOne := func(in *codebuild.ImportSourceCredentialsInput) (string, error) {
		out, err := w.cb.ImportSourceCredentials(t.Context(), in)
		if err != nil {
			return "", err
		}
		return *out.Arn, nil
	}
	list := func() map[string]types.SourceCredentialsInfo {
		t.Helper()
		out, err := w.cb.ListSourceCredentials(t.Context(), &codebuild.ListSourceCredentialsInput{})
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]types.SourceCredentialsInfo{}
		for _, c := range out.SourceCredentialsInfos {
			all[*c.Arn] = c
		}
		return all
	}
	const token = "ghp_a-very-secret-token"
	in := &codebuild.ImportSourceCredentialsInput{AuthType: types.AuthTypePersonalAccessToken, ServerType: types.ServerTypeGithubEnterprise, Token: aws.String(token)}
	arn, err := importOne(in)
	if err != nil || arn != "arn:aws:codebuild:us-east-1:000000000000:token/github_enterprise" {
		t.Fatal(arn, err)
	}
	if c := list()[arn]; c.AuthType != in.AuthType || c.ServerType != in.ServerType {
		t.Errorf("%+v", c)
	}
	again := *in
	again.ShouldOverwrite = aws.Bool(false)
	if _, err := importOne(&again); code(err) != "ResourceAlreadyExistsException" {
		t.Errorf("twice: %v", err)
	}
	connection := "arn:aws:codeconnections:us-east-1:000000000000:connection/1"
	if arn, err := importOne(&codebuild.ImportSourceCredentialsInput{AuthType: types.AuthTypeCodeconnections, ServerType: types.ServerTypeGitlab, Token: &connection}); err != nil || *list()[arn].Resource != connection {
		t.Errorf("connection: %v", err)
	}
	for name, bad := range map[string]*codebuild.ImportSourceCredentialsInput{
		"oauth":      {AuthType: types.AuthTypeOauth, ServerType: types.ServerTypeGithub, Token: aws.String("x")},
		"user":       {AuthType: types.AuthTypeBasicAuth, ServerType: types.ServerTypeBitbucket, Token: aws.String("x")},
		"server":     {AuthType: types.AuthTypeBasicAuth, ServerType: types.ServerTypeGithub, Token: aws.String("x"), Username: aws.String("u")},
		"connection": {AuthType: types.AuthTypeCodeconnections, ServerType: types.ServerTypeGithub, Token: aws.String("x")},
		"type":       {AuthType: "NONE", ServerType: types.ServerTypeGithub, Token: aws.String("x")},
	} {
		if _, err := importOne(bad); code(err) != "InvalidInputException" {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Nothing on disk has the token.
	err = filepath.WalkDir(w.srv.Data(), func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(token)) {
			t.Errorf("%s has the token in clear", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := w.cb.DeleteSourceCredentials(t.Context(), &codebuild.DeleteSourceCredentialsInput{Arn: &arn}); err != nil {
		t.Fatal(err)
	}
	if _, there := list()[arn]; there {
		t.Error("read after delete")
	}
	if _, err := w.cb.DeleteSourceCredentials(t.Context(), &codebuild.DeleteSourceCredentialsInput{Arn: &arn}); code(err) != "ResourceNotFoundException" {
		t.Errorf("delete again: %v", err)
	}
}
