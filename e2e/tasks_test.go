package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// awsJSON runs the aws command and decodes what it prints.
func awsJSON(ts *testscript.TestScript, v any, args ...string) error {
	path, err := awsPath()
	if err != nil {
		return err
	}
	if err := ts.Exec(path, append([]string{"--endpoint-url", ts.Getenv("AWS_ENDPOINT_URL"), "--output", "json"}, args...)...); err != nil {
		return err
	}
	return json.Unmarshal([]byte(ts.ReadFile("stdout")), v)
}

// page fetches what the running task of a service answers on port 8080.
func page(ts *testscript.TestScript, cluster, service string) (string, error) {
	var list struct{ TaskArns []string }
	if err := awsJSON(ts, &list, "ecs", "list-tasks", "--cluster", cluster, "--service-name", service); err != nil {
		return "", err
	}
	if len(list.TaskArns) != 1 {
		return "", fmt.Errorf("%d tasks are running", len(list.TaskArns))
	}
	var tasks struct {
		Tasks []struct {
			Attachments []struct {
				Details []struct{ Name, Value string }
			}
		}
	}
	if err := awsJSON(ts, &tasks, append([]string{"ecs", "describe-tasks", "--cluster", cluster, "--tasks"}, list.TaskArns...)...); err != nil {
		return "", err
	}
	for _, a := range tasks.Tasks[0].Attachments {
		for _, d := range a.Details {
			if d.Name != "privateIPv4Address" {
				continue
			}
			client := http.Client{Timeout: 5 * time.Second}
			resp, err := client.Get("http://" + d.Value + ":8080/")
			if err != nil {
				return "", err
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			return string(b), err
		}
	}
	return "", fmt.Errorf("the task has no address")
}

// serves CLUSTER SERVICE TEXT: the service has one running task, and it answers
// with the text, now or within seconds (an old task may still be stopping).
func servesCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: serves CLUSTER SERVICE TEXT")
	}
	deadline := time.Now().Add(45 * time.Second)
	for {
		got, err := page(ts, args[0], args[1])
		if err == nil && strings.Contains(got, args[2]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s in %s answers %q (%v), want %q", args[1], args[0], got, err, args[2])
		}
		time.Sleep(300 * time.Millisecond) // a client's pace, outside of the program
	}
}

// owned: every container of the story's server belongs to a task that runs, or
// waits for a build.
func ownedCommand(ts *testscript.TestScript, neg bool, args []string) {
	var installation struct{ ID string }
	b, err := os.ReadFile(filepath.Join(ts.Getenv("DATA"), "installation.json"))
	ts.Check(err)
	ts.Check(json.Unmarshal(b, &installation))
	deadline := time.Now().Add(30 * time.Second)
	for {
		running := map[string]bool{}
		for _, cluster := range []string{"staging", "production"} {
			var list struct{ TaskArns []string }
			if awsJSON(ts, &list, "ecs", "list-tasks", "--cluster", cluster) == nil {
				for _, arn := range list.TaskArns {
					running[arn] = true
				}
			}
		}
		out, err := exec.Command("docker", "ps", "-a", "--filter", "label=slipway="+installation.ID,
			"--format", `{{.Label "slipway.owner"}} {{.Label "slipway.role"}} {{.Names}}`).Output()
		ts.Check(err)
		var stray []string
		for line := range strings.Lines(string(out)) {
			owner, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			if owner != "" && !running[owner] || owner == "" && !strings.HasPrefix(rest, "warm") {
				stray = append(stray, line)
			}
		}
		if len(stray) == 0 {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("containers without an owner:\n%s", strings.Join(stray, ""))
		}
		time.Sleep(300 * time.Millisecond)
	}
}
