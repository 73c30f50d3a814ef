package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTerraform runs the real terraform with the real AWS provider, unmodified,
// over each directory of testdata/terraform and over those in examples: apply,
// a plan that must be empty, apply again with change.tfvars if there is one, an
// empty plan again, destroy, and nothing left. It needs
//
//	SLIPWAY_TEST_TERRAFORM_AWS=path of the provider's binary
//
// and terraform on PATH; no registry can be asked in the test. A directory with
// ECS services, or a file named "docker", runs on the Docker Engine, others on
// processes.
func TestTerraform(t *testing.T) {
	provider := os.Getenv("SLIPWAY_TEST_TERRAFORM_AWS")
	if provider == "" {
		t.Skip("SLIPWAY_TEST_TERRAFORM_AWS does not name a provider binary")
	}
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("no terraform on PATH")
	}
	dirs, err := filepath.Glob("testdata/terraform/*/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Glob("../examples/terraform*/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	for _, main := range append(dirs, examples...) {
		dir := filepath.Dir(main)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			newWorkspace(t, terraform, provider, dir).story()
		})
	}
}

// workspace is a directory of Terraform's with a server of its own.
type workspace struct {
	t         *testing.T
	terraform string
	dir       string
	env       []string
}

// override makes the provider talk to a server whose buckets have no DNS names,
// and gives every resource a tag to bring back.
const override = `
provider "aws" {
  s3_use_path_style = true
  default_tags {
    tags = { Story = "terraform", Owner = "e2e" }
  }
}
`

func newWorkspace(t *testing.T, terraform, provider, from string) *workspace {
	t.Helper()
	w := &workspace{t: t, terraform: terraform, dir: t.TempDir()}
	if err := os.CopyFS(w.dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	text := ""
	files, _ := filepath.Glob(filepath.Join(w.dir, "*.tf"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text += string(b)
	}
	if !strings.Contains(text, `provider "aws"`) {
		w.write("provider.tf", override)
	}
	provider, err := filepath.Abs(provider)
	if err != nil {
		t.Fatal(err)
	}
	plugins := t.TempDir()
	if err := os.Symlink(provider, filepath.Join(plugins, "terraform-provider-aws")); err != nil {
		t.Fatal(err)
	}
	w.write("terraform.rc", fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"hashicorp/aws\" = %q\n  }\n}\n", plugins))
	compute := "process"
	_, err = os.Stat(filepath.Join(from, "docker"))
	if err == nil || strings.Contains(text, `resource "aws_ecs_service"`) {
		if exec.Command("docker", "version").Run() != nil {
			t.Skip("no Docker Engine answers")
		}
		compute = "docker"
	}
	w.env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(w.dir, "terraform.rc"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_S3_USE_PATH_STYLE=true", "HOME="+w.dir)
	w.env = append(w.env, startServer(t, "--compute", compute)...)
	return w
}

// startServer runs the program on a free port until the test ends, and returns
// the environment of its root user.
func startServer(t *testing.T, flags ...string) (env []string) {
	t.Helper()
	// Not t.TempDir: the paths of sockets must be short.
	home, err := os.MkdirTemp("", "slipway-tf-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	data := filepath.Join(home, "data")
	cmd := exec.Command(binary, append([]string{"server", "--data", data, "--listen", "127.0.0.1:0"}, flags...)...)
	cmd.Env = append(os.Environ(), "SLIPWAY_WARM=0")
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		removeOwned(data)
		if t.Failed() {
			t.Logf("the server's log:\n%s", log.String())
		}
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the server did not start: %s", log.String())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	exports, err := exec.Command(binary, "env", "--data", data).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range exportLine.FindAllStringSubmatch(string(exports), -1) {
		env = append(env, m[1]+"="+m[2])
	}
	return env
}

func (w *workspace) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// run answers what terraform printed and its exit code, and prints the time.
func (w *workspace) run(args ...string) (string, int) {
	w.t.Helper()
	cmd := exec.Command(w.terraform, args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	begun := time.Now()
	out, err := cmd.CombinedOutput()
	w.t.Logf("terraform %s: %.1f s", strings.Join(args, " "), time.Since(begun).Seconds())
	if exit, ok := err.(*exec.ExitError); ok {
		return string(out), exit.ExitCode()
	} else if err != nil {
		w.t.Fatal(err)
	}
	return string(out), 0
}

func (w *workspace) must(args ...string) string {
	w.t.Helper()
	out, code := w.run(args...)
	if code != 0 {
		w.t.Fatalf("terraform %s:\n%s", strings.Join(args, " "), out)
	}
	return out
}

// empty asserts that nothing is left to do.
func (w *workspace) empty(vars ...string) {
	w.t.Helper()
	args := append([]string{"plan", "-no-color", "-input=false", "-detailed-exitcode"}, vars...)
	if out, code := w.run(args...); code != 0 {
		w.t.Fatalf("the plan after an apply is not empty:\n%s", out)
	}
}

var replaced = regexp.MustCompile(`(?m)^ *# .* must be (.*replaced.*)$`)

func (w *workspace) story() {
	w.t.Helper()
	begun := time.Now()
	w.must("apply", "-no-color", "-input=false", "-auto-approve")
	w.empty()
	vars := []string{}
	if _, err := os.Stat(filepath.Join(w.dir, "change.tfvars")); err == nil {
		vars = append(vars, "-var-file=change.tfvars")
		out := w.must(append([]string{"apply", "-no-color", "-input=false", "-auto-approve"}, vars...)...)
		if strings.Contains(out, "0 added, 0 changed, 0 destroyed") {
			w.t.Errorf("change.tfvars changes nothing:\n%s", out)
		}
		for _, m := range replaced.FindAllString(out, -1) {
			if !strings.Contains(m, "aws_ecs_task_definition.") { // a change is a new revision, to the provider a new resource
				w.t.Errorf("not in place: %s", m)
			}
		}
		w.empty(vars...)
	}
	w.must(append([]string{"destroy", "-no-color", "-input=false", "-auto-approve"}, vars...)...)
	if left := w.must("show", "-json"); strings.Contains(left, `"resources"`) {
		w.t.Errorf("left after destroy: %s", left)
	}
	w.t.Logf("all of it: %.1f s", time.Since(begun).Seconds())
}

// removeOwned takes away the containers that a data directory's server left.
func removeOwned(data string) {
	b, err := os.ReadFile(filepath.Join(data, "installation.json"))
	if err != nil {
		return
	}
	var installation struct{ ID string }
	if json.Unmarshal(b, &installation) != nil || installation.ID == "" {
		return
	}
	out, err := exec.Command("docker", "ps", "-aq", "--filter", "label=slipway="+installation.ID).Output()
	if err != nil || len(out) == 0 {
		return
	}
	_ = exec.Command("docker", append([]string{"rm", "-f", "-v"}, strings.Fields(string(out))...)...).Run()
}
