package ecs_test

import (
	"encoding/base64"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// A tag that moves changes nothing in a deployment: its tasks, and those of a
// rollback to it, run the image that its first one pulled.
func TestImageOfADeployment(t *testing.T) {
	repository := ""
	t.Cleanup(func() { // when its containers have gone; those by digest, too
		ids, _ := exec.Command("docker", "images", "-q", repository).Output()
		if list := strings.Fields(string(ids)); repository != "" && len(list) > 0 {
			_ = exec.Command("docker", append([]string{"rmi", "-f"}, list...)...).Run()
		}
	})
	srv, client := containers(t)
	ctx := t.Context()
	registry := ecr.NewFromConfig(srv.Config())
	made := apptest.Must(registry.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("app")}))(t)
	token := apptest.Must(registry.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{}))(t)
	secret, err := base64.StdEncoding.DecodeString(*token.AuthorizationData[0].AuthorizationToken)
	if err != nil {
		t.Fatal(err)
	}
	repository = *made.Repository.RepositoryUri
	image, home := repository+":latest", t.TempDir()
	docker := func(stdin string, args ...string) {
		t.Helper()
		c := exec.CommandContext(ctx, "docker", args...)
		c.Env, c.Stdin = append(os.Environ(), "DOCKER_CONFIG="+home), strings.NewReader(stdin)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("docker %v: %v %s", args, err, out)
		}
	}
	push := func(version string) {
		t.Helper()
		docker("FROM slipway/busybox:latest\nLABEL version="+version+"\n", "build", "-q", "-t", image, "-")
		docker("", "push", "-q", image)
	}
	docker(strings.TrimPrefix(string(secret), "AWS:"), "login", "-u", "AWS", "--password-stdin", strings.SplitN(image, "/", 2)[0])
	only := func() (task, digest string) {
		t.Helper()
		stable(t, client, "web")
		list := apptest.Must(client.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String(cluster), ServiceName: aws.String("web")}))(t)
		if len(list.TaskArns) != 1 {
			return "", ""
		}
		out := apptest.Must(client.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String(cluster), Tasks: list.TaskArns}))(t)
		return *out.Tasks[0].TaskArn, aws.ToString(out.Tasks[0].Containers[0].ImageDigest)
	}
	// running is the digest that the only task runs, when it is not the one before.
	running := func(before string) (task, digest string) {
		t.Helper()
		for end := time.Now().Add(2 * time.Minute); task == before || digest == ""; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("no other task runs")
			}
			task, digest = only()
		}
		return task, digest
	}
	push("1")
	createService(t, client, register(t, client, image, "one"))
	task, first := running("")
	push("2")
	apptest.Must(client.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String(cluster), Task: &task}))(t)
	task, digest := running(task)
	if digest != first {
		t.Errorf("after the tag had moved %s ran, before it %s", digest, first)
	}
	svc := stable(t, client, "web")
	revisions := apptest.Must(client.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{*svc.CurrentServiceRevisions[0].Arn}}))(t)
	if got := revisions.ServiceRevisions[0].ContainerImages[0]; aws.ToString(got.ImageDigest) != first || *got.Image != image {
		t.Errorf("revision %+v", got)
	}
	apptest.Must(client.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"), ForceNewDeployment: true}))(t)
	_, second := running(task)
	if second == first {
		t.Error("a new deployment does not look at the tag")
	}
	// A version that ends at once, under the same tag, is rolled back to the one before.
	docker("FROM slipway/busybox:latest\nENTRYPOINT [\"false\"]\n", "build", "-q", "-t", image, "-")
	docker("", "push", "-q", image)
	apptest.Must(client.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"), ForceNewDeployment: true}))(t)
	d := deployment(t, client, "web", func(d types.ServiceDeployment) bool { return d.FinishedAt != nil })
	if _, digest := running(""); d.Status != types.ServiceDeploymentStatusRollbackSuccessful || digest != second {
		t.Errorf("%s, %s runs, want %s", d.Status, digest, second)
	}
}
