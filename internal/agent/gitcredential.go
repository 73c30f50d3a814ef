package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

// gitCredential is git's credential helper for commands of a build whose
// buildspec says git-credential-helper: yes. It logs in to CodeCommit, and
// to the repositories behind connections, in the build's role, and to the hosts of the build's sources as the build did.
func gitCredential(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 || args[0] != "get" {
		return nil // store and erase are nothing to us
	}
	asked := map[string]string{}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "=")
		asked[name] = value
	}
	if path := "/" + asked["path"]; ourHost(asked["host"]) && (strings.HasPrefix(path, "/v1/repos/") || strings.HasPrefix(path, connectionPath)) {
		return roleCredential(ctx, asked["host"], path, out)
	}
	var login job.Login
	if err := askAgent(ctx, loginPath, url.Values{"host": {asked["protocol"] + "://" + asked["host"]}}, &login); err != nil || login.Token == "" {
		return err
	}
	_, err := fmt.Fprintf(out, "username=%s\npassword=%s\n", login.User, login.Token)
	return err
}

// ourHost tells hosts that may see a signature of the build's role.
func ourHost(host string) bool {
	endpoint, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL"))
	name, _, _ := strings.Cut(host, ":")
	return err == nil && endpoint.Host == host || codecommitHost.MatchString(name)
}

// roleCredential logs in to a repository of CodeCommit or behind a connection.
func roleCredential(ctx context.Context, host, path string, out io.Writer) error {
	host, _, _ = strings.Cut(host, ":")
	var c struct{ AccessKeyId, SecretAccessKey, Token string } //nolint:revive // AWS's spelling
	if err := askAgent(ctx, credentialsPath, nil, &c); err != nil {
		return err
	}
	region := os.Getenv("AWS_REGION")
	if m := codecommitHost.FindStringSubmatch(host); m != nil {
		region = m[1]
	}
	if rest, ok := strings.CutPrefix(path, connectionPath); ok {
		if parts := strings.SplitN(rest, "/", 3); len(parts) == 3 {
			region = parts[1]
		}
	}
	_, err := fmt.Fprintf(out, "username=%s%%%s\npassword=%s\n", c.AccessKeyId, c.Token, gitPassword(c.SecretAccessKey, region, host, path, time.Now()))
	return err
}

// askAgent asks the agent of the build that this process belongs to.
func askAgent(ctx context.Context, path string, query url.Values, into any) error {
	u, err := url.Parse(os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"))
	if err != nil {
		return err
	}
	u.Path, u.RawQuery = path, query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the build's agent answers %s", resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
