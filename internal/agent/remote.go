package agent

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

// remote is the address of a repository and how to log in there. What is secret
// of the login is masked from then on.
func (b *running) remote(ctx context.Context, s job.Source) (address *url.URL, login job.Login, err error) {
	switch {
	case s.CloneURL != "":
		address, login, err = b.referred(ctx, s.CloneURL)
	case s.Hosted():
		if address, login, err = b.hosted(ctx, s); err == nil && login.Token != "" {
			b.serve.remember(address, login)
		}
	case s.Type == sourceReferred:
		address, login, err = b.referred(ctx, s.Location)
	default:
		address, login, err = b.codecommit(ctx, s)
	}
	if login.Token != "" {
		b.log.secrets.Add(login.Token)
	}
	return address, login, err
}

// codecommit logs in to a CodeCommit repository in the build's role.
func (b *running) codecommit(ctx context.Context, s job.Source) (*url.URL, job.Login, error) {
	address, region, err := b.cloneURL(s.Location)
	if err != nil {
		return nil, job.Login{}, err
	}
	login, err := b.roleLogin(ctx, address, region)
	return address, login, err
}

// tokenUser is the user's name that providers want beside a token: any will do
// for GitHub and GitLab.
// https://support.atlassian.com/bitbucket-cloud/docs/using-access-tokens/
var tokenUser = map[string]string{
	"GITHUB": "x-access-token", "GITHUB_ENTERPRISE": "x-access-token", "BITBUCKET": "x-token-auth", "GITLAB": "oauth2", "GITLAB_SELF_MANAGED": "oauth2",
}

// hosted logs in to a git provider with what was imported for it.
func (b *running) hosted(ctx context.Context, s job.Source) (*url.URL, job.Login, error) {
	address, err := url.Parse(s.Location)
	if err != nil || address.Scheme != "https" && address.Scheme != "http" || address.Host == "" {
		return nil, job.Login{}, fmt.Errorf("%q is not the clone URL of a repository", s.Location)
	}
	login := s.Login
	if s.Secret != "" {
		if login, err = b.sourceSecret(ctx, s.Secret); err != nil {
			return nil, job.Login{}, err
		}
	}
	if login.Token != "" && login.User == "" {
		login.User = tokenUser[s.Type]
	}
	address.User = nil // Bitbucket's URLs have one
	return address, login, nil
}

// hostedPath is host/owner/repository of a clone URL.
func hostedPath(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return ""
	}
	return filepath.Join(u.Hostname(), filepath.FromSlash(path.Clean("/"+strings.TrimSuffix(u.Path, ".git"))))
}

var codecommitHost = regexp.MustCompile(`^(?:vpce-[^.]+\.)?git-codecommit(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.)?amazonaws\.com$`)

// cloneURL turns a CodeCommit location, AWS's or ours, into the URL at this
// installation and its region.
func (b *running) cloneURL(location string) (*url.URL, string, error) {
	u, err := url.Parse(location)
	if err != nil || repositoryName(location) == "" {
		return nil, "", fmt.Errorf("%q is not the clone URL of a CodeCommit repository", location)
	}
	region := b.job.Region
	if m := codecommitHost.FindStringSubmatch(u.Hostname()); m != nil {
		region = m[1]
	}
	at, err := url.Parse(b.cfg.Endpoint)
	if err != nil {
		return nil, "", err
	}
	at.Path = "/v1/repos/" + repositoryName(location)
	return at, region, nil
}

// repositoryName is the last part of a CodeCommit clone URL, or "".
func repositoryName(location string) string {
	_, name, ok := strings.Cut(location, "/v1/repos/")
	if !ok || strings.ContainsAny(name, "/?#\x00") || name == "." || name == ".." {
		return ""
	}
	return name
}

// gitPassword is what `aws codecommit credential-helper` makes: a signature over
// the repository's path, valid for minutes.
func gitPassword(secret, region, host, path string, now time.Time) string {
	stamp := now.UTC().Format("20060102T150405")
	date := stamp[:8]
	canonical := sha256.Sum256([]byte("GIT\n" + path + "\n\nhost:" + host + "\n\nhost\n"))
	text := "AWS4-HMAC-SHA256\n" + stamp + "\n" + date + "/" + region + "/codecommit/aws4_request\n" + hex.EncodeToString(canonical[:])
	sign := func(key []byte, data string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(data))
		return h.Sum(nil)
	}
	key := sign(sign(sign(sign([]byte("AWS4"+secret), date), region), "codecommit"), "aws4_request")
	return stamp + "Z" + hex.EncodeToString(sign(key, text))
}
