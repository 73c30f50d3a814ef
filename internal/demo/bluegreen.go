package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	cdtypes "github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/load"
)

const (
	// loadRate is in requests a second: enough to see a split within seconds,
	// little enough for a laptop.
	loadRate = 250
	// What a share must be based on, in requests, and how far it may be from the
	// weight: those on their way when the weight changes, ten at most, count for
	// the next one.
	enough    = 500
	deviation = 0.02
)

// production shifts the traffic of production to a new version and shows it.
// No request may fail, and the measured split must be the wanted one at 10 %,
// at 50 % and at 100 %.
func (b *blueGreen) production(ctx context.Context, execution, version string) error {
	if err := b.steady(ctx); err != nil {
		return err
	}
	blue, _, err := b.weights(ctx)
	if err != nil {
		return err
	}
	if b.load, err = load.Start(ctx, load.Config{URL: b.url, Rate: loadRate}); err != nil {
		return err
	}
	defer b.load.Stop()
	b.d.say("   %d requests a second to %s", loadRate, b.url)
	w := b.watch(blue, version)
	for {
		ended, err := b.d.ended(ctx, execution, "DeployProduction")
		if err != nil {
			return err
		}
		if err := w.look(ctx); err != nil {
			return err
		}
		if ended {
			break
		}
		if w.weight == 10 && w.step().Requests >= 2*enough {
			// CodeDeploy's canaries have two steps. Between them, whoever watches may
			// move the listener by hand.
			if err := b.move(ctx, blue, 50); err != nil {
				return err
			}
			if err := w.look(ctx); err != nil {
				return err
			}
			b.d.say("   (to 50 %% by hand, as an operator may: aws elbv2 modify-listener)")
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	if err := w.fill(ctx); err != nil {
		return err
	}
	w.end()
	if err := w.check(10, 50, 100); err != nil {
		return err
	}
	all := b.load.Counts()
	if all.Failed > 0 {
		return fmt.Errorf("requests failed: %s", all)
	}
	b.d.say("   0 of %d requests failed", all.Requests)
	return b.d.serves(ctx, production, version)
}

// steady waits until what production has now runs and is healthy: on a quick
// machine the first deployment comes before its first tasks are.
func (b *blueGreen) steady(ctx context.Context) error {
	return until(ctx, "the tasks of production to be healthy", func() (bool, error) {
		out, err := b.d.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(production), Services: []string{b.d.app}})
		if err != nil || len(out.Services) == 0 {
			return false, err
		}
		for _, set := range out.Services[0].TaskSets {
			if aws.ToString(set.Status) == "PRIMARY" {
				return set.StabilityStatus == ecstypes.StabilityStatusSteadyState, nil
			}
		}
		return false, nil
	})
}

// broken pushes a version that answers with errors and watches how the alarm
// brings the one before back.
func (b *blueGreen) broken(ctx context.Context, good string) error {
	if err := b.breakPage(); err != nil {
		return err
	}
	commit, err := b.d.push(ctx, "Answer with errors")
	if err != nil {
		return err
	}
	version := commit[:7]
	execution, err := b.d.executionOf(ctx, commit)
	if err != nil {
		return err
	}
	b.d.say("   commit %s, execution %s; its tests and its health checks pass", version, execution)
	for _, stage := range []string{"Build", "DeployStaging"} {
		if err := b.d.finish(ctx, execution, stage); err != nil {
			return err
		}
		b.d.say("   %s succeeded", stage)
	}
	if err := b.d.approve(ctx, execution); err != nil {
		return err
	}
	blue, _, err := b.weights(ctx)
	if err != nil {
		return err
	}
	if b.load, err = load.Start(ctx, load.Config{URL: b.url, Rate: loadRate}); err != nil {
		return err
	}
	defer b.load.Stop()
	w := b.watch(blue, version)
	var stopped *failed
	for stopped == nil {
		if ended, err := b.d.ended(ctx, execution, "DeployProduction"); err != nil && !errors.As(err, &stopped) {
			return err
		} else if ended {
			return fmt.Errorf("the broken version %s was deployed", version)
		}
		if err := w.look(ctx); err != nil {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	w.end()
	b.d.say("   %s", stopped)
	return b.returned(ctx, w, good)
}

// returned checks that the traffic came back: by the alarm, as a rollback, and
// without one failed request since.
func (b *blueGreen) returned(ctx context.Context, w *watcher, good string) error {
	after, err := b.load.Next(ctx, enough)
	if err != nil {
		return err
	}
	if after.Failed > 0 || share(after, good) != 1 {
		return fmt.Errorf("after the rollback production does not answer with version %s only: %s", good, after)
	}
	if w.back.IsZero() {
		return errors.New("the traffic never went to the broken version, or never came back")
	}
	alarm, err := b.alarms.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{b.alarm()}})
	if err != nil {
		return err
	}
	history, err := b.alarms.DescribeAlarmHistory(ctx, &cloudwatch.DescribeAlarmHistoryInput{AlarmName: aws.String(b.alarm())})
	if err != nil {
		return err
	}
	var rang time.Time
	for _, h := range history.AlarmHistoryItems {
		if strings.Contains(aws.ToString(h.HistorySummary), "to ALARM") && aws.ToTime(h.Timestamp).After(rang) {
			rang = aws.ToTime(h.Timestamp)
		}
	}
	if len(alarm.MetricAlarms) == 0 || rang.Before(w.begun) {
		return errors.New("the alarm did not ring")
	}
	all := b.load.Counts()
	b.d.say("   alarm %s after %s at 10 %%, traffic back %s after it", b.alarm(), round(max(rang.Sub(w.started), 0)), round(max(w.back.Sub(rang), 0)))
	b.d.say("   %d of %d requests failed, all of the broken version's share, none since", all.Failed, all.Requests)
	return b.rollbackIsRecorded(ctx, good)
}

// rollbackIsRecorded checks how CodeDeploy tells the story.
func (b *blueGreen) rollbackIsRecorded(ctx context.Context, good string) error {
	list, err := b.deployments.ListDeployments(ctx, &codedeploy.ListDeploymentsInput{ApplicationName: &b.d.app, DeploymentGroupName: aws.String(production)})
	if err != nil {
		return err
	}
	for _, id := range list.Deployments {
		out, err := b.deployments.GetDeployment(ctx, &codedeploy.GetDeploymentInput{DeploymentId: aws.String(id)})
		if err != nil {
			return err
		}
		info := out.DeploymentInfo
		if e := info.ErrorInformation; e == nil || e.Code != cdtypes.ErrorCodeAlarmActive {
			continue
		}
		if info.RollbackInfo == nil || info.RollbackInfo.RollbackDeploymentId == nil {
			return fmt.Errorf("the deployment %s was stopped by the alarm, but has no rollback", id)
		}
		b.d.say("   %s", aws.ToString(info.RollbackInfo.RollbackMessage))
		return b.d.serves(ctx, production, good)
	}
	return errors.New("no deployment was stopped by the alarm")
}

// breakPage makes the application answer with errors, which its test and its
// health check do not see.
func (b *blueGreen) breakPage() error {
	file := filepath.Join(b.d.clone(), "main.go")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	const answer = "fmt.Fprint(w, page())"
	bad := strings.Replace(string(text), answer, `http.Error(w, "no greeting in version "+version, http.StatusInternalServerError)`, 1)
	if bad == string(text) {
		return fmt.Errorf("%s has no %s to break", file, answer)
	}
	return os.WriteFile(file, []byte(bad), 0o644)
}

// weights reads which target group has the traffic, and how much, in percent,
// the other one.
func (b *blueGreen) weights(ctx context.Context) (heavier string, other int32, err error) {
	out, err := b.balancers.DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{b.listener}})
	if err != nil {
		return "", 0, err
	}
	var total, most int32
	for _, g := range out.Listeners[0].DefaultActions[0].ForwardConfig.TargetGroups {
		w := aws.ToInt32(g.Weight)
		if total += w; w > most {
			heavier, most = aws.ToString(g.TargetGroupArn), w
		}
	}
	if total == 0 {
		return "", 0, errors.New("the listener forwards to no target group")
	}
	return heavier, (total - most) * 100 / total, nil
}

// greenWeight is the percentage of the target group that is not blue.
func (b *blueGreen) greenWeight(ctx context.Context, blue string) (int32, error) {
	heavier, other, err := b.weights(ctx)
	if err != nil || heavier == blue {
		return other, err
	}
	return 100 - other, nil
}

// move gives the group that is not blue a percentage of the traffic.
func (b *blueGreen) move(ctx context.Context, blue string, percent int32) error {
	var tuples []elbtypes.TargetGroupTuple
	for _, g := range b.groups {
		w := percent
		if g == blue {
			w = 100 - percent
		}
		tuples = append(tuples, elbtypes.TargetGroupTuple{TargetGroupArn: aws.String(g), Weight: aws.Int32(w)})
	}
	_, err := b.balancers.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: &b.listener,
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, ForwardConfig: &elbtypes.ForwardActionConfig{TargetGroups: tuples}}}})
	return err
}

func pause(ctx context.Context) error {
	t := time.NewTimer(pace)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
