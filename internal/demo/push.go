package demo

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/slipway-dev/slipway/examples"
)

func (d *Demo) cfgHost() string {
	u, err := url.Parse(d.endpoint())
	if err != nil {
		return d.endpoint()
	}
	return u.Host
}

// clone is where the application's repository lies on this machine.
func (d *Demo) clone() string { return filepath.Join(d.work, name) }

// credentials makes an IAM user with git credentials, as a developer would
// have them, and keeps them in a file only git reads.
func (d *Demo) credentials(ctx context.Context) (helper string, err error) {
	if _, err := d.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String(d.user)}); err != nil && !exists(err) {
		return "", err
	}
	_, err = d.iam.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{
		UserName: aws.String(d.user), PolicyArn: aws.String("arn:aws:iam::aws:policy/AWSCodeCommitPowerUser"),
	})
	if err != nil {
		return "", err
	}
	// A user has at most two; those of earlier demonstrations are of no use,
	// for a password is shown only once.
	old, err := d.iam.ListServiceSpecificCredentials(ctx, &iam.ListServiceSpecificCredentialsInput{
		UserName: aws.String(d.user), ServiceName: aws.String("codecommit.amazonaws.com"),
	})
	if err != nil {
		return "", err
	}
	for _, c := range old.ServiceSpecificCredentials {
		_, err := d.iam.DeleteServiceSpecificCredential(ctx, &iam.DeleteServiceSpecificCredentialInput{
			UserName: aws.String(d.user), ServiceSpecificCredentialId: c.ServiceSpecificCredentialId,
		})
		if err != nil {
			return "", err
		}
	}
	made, err := d.iam.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{
		UserName: aws.String(d.user), ServiceName: aws.String("codecommit.amazonaws.com"),
	})
	if err != nil {
		return "", err
	}
	c := made.ServiceSpecificCredential
	line := (&url.URL{Scheme: "http", Host: d.cfgHost(), User: url.UserPassword(aws.ToString(c.ServiceUserName), aws.ToString(c.ServicePassword))}).String()
	file := filepath.Join(d.work, "git-credentials")
	return "store --file=" + file, os.WriteFile(file, []byte(line+"\n"), 0o600)
}

// checkout writes the sample application into a new repository.
func (d *Demo) checkout(ctx context.Context) error {
	helper, err := d.credentials(ctx)
	if err != nil {
		return fmt.Errorf("git credentials: %w", err)
	}
	sample, err := fs.Sub(examples.Hello, name)
	if err != nil {
		return err
	}
	if err := os.CopyFS(d.clone(), sample); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(d.clone(), "go.mod"), []byte(examples.HelloModule), 0o644); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"config", "user.name", "Demo"},
		{"config", "user.email", "demo@example.com"},
		{"config", "credential.helper", helper},
		{"remote", "add", "origin", d.endpoint() + "/v1/repos/" + d.app},
		{"fetch", "--quiet", "origin"},
	} {
		if _, err := d.run(ctx, args...); err != nil {
			return err
		}
	}
	// A later demonstration on the same server goes on from what is there.
	if _, err := d.run(ctx, "rev-parse", "--verify", "--quiet", "origin/main"); err == nil {
		_, err = d.run(ctx, "reset", "--quiet", "--soft", "origin/main")
		return err
	}
	return nil
}

// push commits everything and pushes it with plain git; it returns the commit.
func (d *Demo) push(ctx context.Context, message string) (string, error) {
	for _, args := range [][]string{
		{"add", "--all"},
		{"commit", "--quiet", "--allow-empty", "--message", message},
		{"push", "--quiet", "origin", "main"},
	} {
		if _, err := d.run(ctx, args...); err != nil {
			return "", err
		}
	}
	commit, err := d.run(ctx, "rev-parse", "HEAD")
	return strings.TrimSpace(commit), err
}

func (d *Demo) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = d.clone()
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// breakTest makes the application say something its test does not accept.
func (d *Demo) breakTest() error {
	file := filepath.Join(d.clone(), "main.go")
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	broken := strings.Replace(string(b), `"Hello from Slipway"`, `"Goodbye from Slipway"`, 1)
	if broken == string(b) {
		return fmt.Errorf("%s has no greeting to break", file)
	}
	return os.WriteFile(file, []byte(broken), 0o644)
}
