package agent

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

// clone checks out a CodeCommit repository, detached, and returns the commit.
func (b *running) clone(ctx context.Context, s job.Source, dir string) (string, error) {
	git, err := lookPath("git")
	if err != nil {
		return "", fmt.Errorf("the build image has no git, which a CODECOMMIT source needs")
	}
	address, region, err := b.cloneURL(s.Location)
	if err != nil {
		return "", err
	}
	creds, err := b.creds.get(ctx)
	if err != nil {
		return "", fmt.Errorf("credentials of the service role: %w", err)
	}
	user := creds.AccessKeyID
	if creds.Token != "" {
		user += "%" + creds.Token
	}
	password := gitPassword(creds.SecretAccessKey, region, address.Hostname(), address.Path, time.Now())
	b.log.secrets.Add(password)
	g := &gitCommand{program: git, dir: dir, user: user, password: password, build: b}
	ref, commit, err := version(s.Version)
	if err != nil {
		return "", err
	}
	if err := g.run(ctx, "init", "--quiet"); err != nil {
		return "", err
	}
	if err := g.run(ctx, "remote", "add", "origin", address.String()); err != nil {
		return "", err
	}
	if err := b.sourceCache(ctx, g, address); err != nil {
		b.log.say("Source cache is not used: %v", err)
	}
	return b.checkout(ctx, g, s, ref, commit)
}

var (
	fullCommit = regexp.MustCompile(`^[0-9a-f]{40}$`)
	pinned     = regexp.MustCompile(`^(refs/.+)\^\{([0-9a-f]{40})\}$`)
)

// version reads commit, branch, tag, refs/… and refs/…^{commit}.
func version(v string) (ref, commit string, err error) {
	if m := pinned.FindStringSubmatch(v); m != nil {
		return m[1], m[2], nil
	}
	if fullCommit.MatchString(v) {
		return "", v, nil
	}
	if strings.HasPrefix(v, "-") || strings.ContainsAny(v, " ~^:?*[\\\x00\x7f\n") || strings.Contains(v, "..") {
		return "", "", fmt.Errorf("%q is not a source version", v)
	}
	return v, "", nil
}

func (b *running) checkout(ctx context.Context, g *gitCommand, s job.Source, ref, commit string) (string, error) {
	depth := []string(nil)
	if s.Depth > 0 && s.Depth <= 25 && commit == "" {
		depth = []string{"--depth", strconv.Itoa(s.Depth)}
	}
	fetch := func(refspecs ...string) error {
		args := append([]string{"fetch", "--quiet", "--no-recurse-submodules"}, depth...)
		return g.run(ctx, append(append(args, "origin"), refspecs...)...)
	}
	target := "FETCH_HEAD"
	var err error
	switch {
	case commit != "" && ref != "":
		target, err = commit, fetch("+"+ref)
	case commit != "":
		target, err = commit, fetch("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
	case ref == "":
		err = fetch("HEAD")
	case strings.HasPrefix(ref, "refs/"):
		err = fetch("+" + ref)
	default:
		branch := "refs/remotes/origin/" + ref
		if err = fetch("+refs/heads/" + ref + ":" + branch); err == nil {
			target = branch
		} else if fetch("+refs/tags/"+ref+":refs/tags/"+ref) == nil {
			target, err = "refs/tags/"+ref, nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("%w for source version %q", err, s.Version)
	}
	if err := g.run(ctx, "-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", target); err != nil {
		return "", fmt.Errorf("%w for source version %q", err, s.Version)
	}
	if s.Submodules {
		if err := g.run(ctx, "submodule", "update", "--init", "--recursive", "--quiet"); err != nil {
			return "", err
		}
	}
	return g.output(ctx, "rev-parse", "HEAD")
}

// sourceCache keeps the objects of a repository between builds (mode
// LOCAL_SOURCE_CACHE): a mirror that the clone borrows from.
func (b *running) sourceCache(ctx context.Context, g *gitCommand, address *url.URL) error {
	if !b.job.Cache.LocalSource {
		return nil
	}
	sum := sha256.Sum256([]byte(address.String()))
	mirror := filepath.Join(b.job.Cache.LocalDir, "source", hex.EncodeToString(sum[:8])+".git")
	m := *g
	m.dir = mirror
	if _, err := os.Stat(filepath.Join(mirror, "HEAD")); err != nil {
		if err := os.MkdirAll(mirror, 0o755); err != nil {
			return err
		}
		if err := m.run(ctx, "init", "--quiet", "--bare"); err != nil {
			return err
		}
	}
	if err := m.run(ctx, "fetch", "--quiet", "--prune", address.String(), "+refs/*:refs/*"); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(g.dir, ".git", "objects", "info", "alternates"), []byte(filepath.Join(mirror, "objects")+"\n"), 0o644)
}

// gitCommand runs git with a credential that is in nobody's argument list.
type gitCommand struct {
	program, dir   string
	user, password string
	build          *running
}

// helper is shell text for git; it says the two variables.
const helper = `!f() { test "$1" = get && printf 'username=%s\npassword=%s\n' "$SLIPWAY_GIT_USER" "$SLIPWAY_GIT_PASSWORD"; }; f`

func (g *gitCommand) run(ctx context.Context, args ...string) error {
	_, err := g.output(ctx, args...)
	return err
}

func (g *gitCommand) output(ctx context.Context, args ...string) (string, error) {
	cmd := exec.Command(g.program, args...)
	cmd.Dir = g.dir
	home := os.Getenv("HOME")
	if home == "" {
		home = "/root"
	}
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C", "GIT_TERMINAL_PROMPT=0",
		"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=credential.helper", "GIT_CONFIG_VALUE_0=" + helper,
		"GIT_CONFIG_KEY_1=safe.directory", "GIT_CONFIG_VALUE_1=*",
		"SLIPWAY_GIT_USER=" + g.user, "SLIPWAY_GIT_PASSWORD=" + g.password,
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &limited{&out}, &limited{&errs}
	code, err := g.build.shell.waitFor(ctx, cmd)
	switch {
	case err != nil:
		return "", err
	case code != 0:
		text := strings.TrimSpace(g.build.log.secrets.Text(errs.String()))
		verb := args[0]
		return "", fmt.Errorf("git %s failed: %s", verb, strings.Join(strings.Fields(text), " "))
	}
	return strings.TrimSpace(out.String()), nil
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

// gitCredential is git's credential helper for commands of a build whose
// buildspec says git-credential-helper: yes.
func gitCredential(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 || args[0] != "get" {
		return nil // store and erase are nothing to us
	}
	asked := map[string]string{}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "=")
		asked[name] = value
	}
	host, _, _ := strings.Cut(asked["host"], ":")
	if !strings.HasPrefix(asked["path"], "v1/repos/") {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var c job.Credentials
	if err := json.NewDecoder(resp.Body).Decode(&c); err != nil || c.AccessKeyID == "" {
		return fmt.Errorf("no credentials of the build's role")
	}
	region := os.Getenv("AWS_REGION")
	if m := codecommitHost.FindStringSubmatch(host); m != nil {
		region = m[1]
	}
	_, err = fmt.Fprintf(out, "username=%s%%%s\npassword=%s\n", c.AccessKeyID, c.Token,
		gitPassword(c.SecretAccessKey, region, host, "/"+asked["path"], time.Now()))
	return err
}
