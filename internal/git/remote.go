package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// Remote is a repository at another server, with the credential to use it.
type Remote struct {
	URL            string // http or https, without a credential
	User, Password string
	// Certificates is a file of PEM certificates to trust instead of the
	// system's; "" for those.
	Certificates string
}

// What can be wrong with a remote.
var (
	ErrRemoteDenied   = errors.New("git: the server refuses the credential")
	ErrRemoteNotFound = errors.New("git: the server has no such repository, or hides it")
	// ErrRemoteMoved is a redirect. None is followed, so that a credential goes
	// nowhere but where it was given for.
	ErrRemoteMoved = errors.New("git: the server redirects elsewhere")
)

// RemoteRefs returns the remote's refs that match patterns, full names like
// refs/heads/main or refs/heads/*. Annotated tags are followed to what they name.
func (r *Repositories) RemoteRefs(ctx context.Context, from Remote, patterns ...string) (map[string]string, error) {
	args := []string{"ls-remote", "--quiet", "--end-of-options", from.URL}
	for _, p := range patterns {
		args = append(args, p, p+"^{}")
	}
	out, err := r.remote(ctx, "", from, args...)
	if err != nil {
		return nil, err
	}
	refs := map[string]string{}
	for line := range strings.Lines(string(out)) {
		object, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if name, peeled := strings.CutSuffix(name, "^{}"); peeled || ok && refs[name] == "" {
			refs[name] = object
		}
	}
	return refs, nil
}

// Fetch brings commits into a repository, with as much history as depth says
// (0 is all). With treesOnly the contents of files stay away, if the server can
// do that.
func (r *Repositories) Fetch(ctx context.Context, id string, from Remote, depth int, treesOnly bool, commits ...string) error {
	args := []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules"}
	if depth > 0 {
		args = append(args, "--depth="+strconv.Itoa(depth))
	}
	if treesOnly {
		args = append(args, "--filter=blob:none")
	}
	_, err := r.remote(ctx, r.dir(id), from, append(append(args, "--end-of-options", from.URL), commits...)...)
	return err
}

// credentialHelper is shell text for git; it says two variables.
const credentialHelper = `!f() { test "$1" = get && printf 'username=%s\npassword=%s\n' "$SLIPWAY_GIT_USER" "$SLIPWAY_GIT_PASSWORD"; }; f`

// remote runs git with a credential that is in nobody's argument list.
func (r *Repositories) remote(ctx context.Context, dir string, to Remote, args ...string) ([]byte, error) {
	cmd := r.command(ctx, dir, args...)
	settings := []string{
		"credential.helper", credentialHelper,
		"http.followRedirects", "false",
		"protocol.allow", "never", "protocol.http.allow", "always", "protocol.https.allow", "always",
		"http.lowSpeedLimit", "1000", "http.lowSpeedTime", "60", // bytes a second, seconds
	}
	cmd.Env = append(cmd.Env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(settings)/2),
		"SLIPWAY_GIT_USER="+to.User, "SLIPWAY_GIT_PASSWORD="+to.Password)
	for i := 0; i < len(settings); i += 2 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i/2, settings[i]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i/2, settings[i+1]))
	}
	if to.Certificates != "" {
		cmd.Env = append(cmd.Env, "GIT_SSL_CAINFO="+to.Certificates)
	}
	for _, name := range []string{"http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	out, err := run(cmd, nil)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = remoteError(err)
	}
	return out, err
}

// remoteError knows git's words, since there are no exit statuses for them.
// LC_ALL is C here.
func remoteError(err error) error {
	text := err.Error()
	for _, known := range []struct {
		words string
		err   error
	}{
		{"Authentication failed", ErrRemoteDenied},
		{"returned error: 401", ErrRemoteDenied},
		{"returned error: 403", ErrRemoteDenied},
		{"could not read Username", ErrRemoteDenied},
		{"returned error: 30", ErrRemoteMoved},
		{"' not found", ErrRemoteNotFound},
		{"returned error: 404", ErrRemoteNotFound},
		{"not our ref", ErrNotFound},
		{"couldn't find remote ref", ErrNotFound},
	} {
		if strings.Contains(text, known.words) {
			return fmt.Errorf("%w: %w", known.err, err)
		}
	}
	return err
}
