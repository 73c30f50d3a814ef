// Package demo shows the main job end to end, as a client of the public API
// and nothing else: official SDKs, git, and HTTP to the running tasks. Every
// step checks the outcome, not the status; the first one that fails ends it.
package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Options of a demonstration.
type Options struct {
	// Listen is the address for the server that the demonstration starts when
	// none answers there; Data is that server's data directory.
	Listen, Data string
	// Yes approves production without asking.
	Yes bool
	// Exit ends after success, stopping a server that was started here;
	// otherwise it goes on until the context ends.
	Exit bool
	// BlueGreen puts production behind a load balancer, and CodeDeploy replaces
	// its tasks; Break then pushes a version that answers with errors.
	BlueGreen, Break bool
	// Program is the path of this program, to start the server with.
	Program string
	In      io.Reader
	Out     io.Writer
}

// Names of what the demonstration makes.
const (
	name            = "hello"                      // the application and its container
	placeholder     = "slipway/placeholder:latest" // answers on servicePort until the first deployment
	servicePort     = 8080
	buildImage      = "aws/codebuild/standard:7.0"
	approvalMessage = "Does staging answer with the new version?"
)

var clusters = []string{staging, production}

const (
	staging    = "staging"
	production = "production"
)

// names are those of the resources of one demonstration.
type names struct {
	app                       string // repositories and services; all other names begin with it
	pipelineName, projectName string
	buildRole, pipelineRole   string
	executionRole, taskRole   string
	user                      string // whose generated git credentials push
}

func namesOf(app string) names {
	return names{app: app, pipelineName: app + "-pipeline", projectName: app + "-build",
		buildRole: app + "-codebuild", pipelineRole: app + "-codepipeline",
		executionRole: app + "-ecs-execution", taskRole: app + "-task", user: app + "-developer"}
}

// Demo is one run.
type Demo struct {
	Options
	names
	blueGreen *blueGreen // nil without BlueGreen
	cfg       aws.Config
	account   string
	work      string // scratch directory with the clone
	in        *bufio.Reader

	s3       *s3.Client
	iam      *iam.Client
	ecr      *ecr.Client
	ecs      *ecs.Client
	git      *codecommit.Client
	build    *codebuild.Client
	pipeline *codepipeline.Client
	logs     *cloudwatchlogs.Client

	started time.Time
	times   []timing
}

type timing struct {
	what string
	took time.Duration
}

// Run shows the main job. It returns nil only if every step was verified.
func Run(ctx context.Context, o Options) error {
	d := &Demo{Options: o, names: namesOf(name), in: bufio.NewReader(o.In), started: time.Now()}
	if o.BlueGreen {
		d.names = namesOf(name + "-web")
		d.blueGreen = &blueGreen{d: d}
	}
	if _, err := exec.LookPath("git"); err != nil {
		return errors.New("the git command is needed: apt-get install git")
	}
	work, err := os.MkdirTemp("", "slipway-demo-")
	if err != nil {
		return err
	}
	d.work = work
	defer os.RemoveAll(work)

	stop, err := d.server(ctx)
	if err != nil {
		return err
	}
	defer stop()

	if err := d.step("Resources by the API", d.setup, ctx); err != nil {
		return err
	}
	good, err := d.mainJob(ctx)
	if err != nil {
		return err
	}
	if err := d.aBadVersion(ctx, good); err != nil {
		return err
	}
	d.summary(good)
	if d.Exit {
		return d.quiet(ctx)
	}
	d.say("\nThe server goes on at %s. Ctrl-C ends it.", d.endpoint())
	<-ctx.Done()
	return nil
}

// aBadVersion shows what keeps one from the users.
func (d *Demo) aBadVersion(ctx context.Context, good string) error {
	switch {
	case !d.BlueGreen:
		return d.brokenPush(ctx, good)
	case d.Break:
		return d.step("A version that answers with errors is rolled back by the alarm", func(ctx context.Context) error {
			return d.blueGreen.broken(ctx, good)
		}, ctx)
	}
	return nil
}

func (d *Demo) endpoint() string { return aws.ToString(d.cfg.BaseEndpoint) }

func (d *Demo) connect(ctx context.Context, cfg aws.Config) error {
	d.cfg = cfg
	me, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return err
	}
	d.account = aws.ToString(me.Account)
	d.s3 = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	d.iam = iam.NewFromConfig(cfg)
	d.ecr = ecr.NewFromConfig(cfg)
	d.ecs = ecs.NewFromConfig(cfg)
	d.git = codecommit.NewFromConfig(cfg)
	d.build = codebuild.NewFromConfig(cfg)
	d.pipeline = codepipeline.NewFromConfig(cfg)
	d.logs = cloudwatchlogs.NewFromConfig(cfg)
	if d.blueGreen != nil {
		d.blueGreen.connect(cfg)
	}
	return nil
}

func (d *Demo) say(format string, args ...any) { fmt.Fprintf(d.Out, format+"\n", args...) }

// step runs f and keeps how long it took.
func (d *Demo) step(what string, f func(context.Context) error, ctx context.Context) error {
	d.say("\n── %s", what)
	start := time.Now()
	if err := f(ctx); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	d.done(what, start)
	return nil
}

func (d *Demo) done(what string, start time.Time) {
	took := time.Since(start)
	d.times = append(d.times, timing{what, took})
	d.say("   ✓ %s (%s)", what, round(took))
}

func round(t time.Duration) time.Duration {
	if t < time.Second {
		return t.Round(time.Millisecond)
	}
	return t.Round(10 * time.Millisecond)
}

func (d *Demo) summary(version string) {
	d.say("\n── Done in %s", round(time.Since(d.started)))
	for _, t := range d.times {
		d.say("   %9s  %s", round(t.took), t.what)
	}
	d.say("\nLook further (while the server runs):")
	hints := []string{
		fmt.Sprintf(`eval "$(%s env --data %s)"`, d.Program, d.Data),
		"aws codepipeline get-pipeline-state --name " + d.pipelineName,
		"aws codepipeline list-pipeline-executions --pipeline-name " + d.pipelineName,
		"aws logs tail /aws/codebuild/" + d.projectName,
		"aws ecr describe-images --repository-name " + d.app,
		"aws ecs describe-services --cluster production --services " + d.app,
		"git clone " + d.endpoint() + "/v1/repos/" + d.app + "  # with: git config --global credential.helper '!aws codecommit credential-helper --ignore-host-check $@' and credential.UseHttpPath true",
	}
	if d.BlueGreen {
		hints = append(hints, "aws deploy list-deployments --application-name "+d.app+" --deployment-group-name "+production)
	}
	for _, line := range hints {
		d.say("   %s", line)
	}
}

// ask waits for a line.
func (d *Demo) ask(question string) string {
	fmt.Fprint(d.Out, question)
	line, _ := d.in.ReadString('\n')
	return strings.TrimSpace(line)
}
