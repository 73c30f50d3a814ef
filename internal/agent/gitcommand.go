package agent

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

// gitCommand runs git with a credential that is in nobody's argument list.
type gitCommand struct {
	program, dir string
	address      *url.URL // of the repository
	login        job.Login
	insecure     bool // its certificate is not checked
	build        *running
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
	config := [][2]string{{"safe.directory", "*"}}
	if g.login.Token != "" {
		// Only for this host: a redirect elsewhere, or a submodule, gets nothing.
		config = append(config, [2]string{"credential." + g.address.Scheme + "://" + g.address.Host + ".helper", helper})
	}
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=http:https",
		"SLIPWAY_GIT_USER=" + g.login.User, "SLIPWAY_GIT_PASSWORD=" + g.login.Token, "GIT_CONFIG_COUNT=" + strconv.Itoa(len(config)),
	}
	for i, c := range config {
		n := strconv.Itoa(i)
		cmd.Env = append(cmd.Env, "GIT_CONFIG_KEY_"+n+"="+c[0], "GIT_CONFIG_VALUE_"+n+"="+c[1])
	}
	if g.insecure {
		cmd.Env = append(cmd.Env, "GIT_SSL_NO_VERIFY=1")
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &limited{&out}, &limited{&errs}
	code, err := g.build.shell.waitFor(ctx, cmd)
	switch {
	case err != nil:
		return "", err
	case code != 0:
		text := strings.TrimSpace(g.build.log.secrets.Text(errs.String()))
		for args[0] == "-c" {
			args = args[2:]
		}
		return "", fmt.Errorf("git %s failed: %s", args[0], strings.Join(strings.Fields(text), " "))
	}
	return strings.TrimSpace(out.String()), nil
}
