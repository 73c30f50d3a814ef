package codedeploy

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
)

// The server dies after each thing that a deployment does to the world, before
// it could write down that it did: every one ends as if it had not.
func TestCrash(t *testing.T) {
	for name, c := range map[string]struct {
		run    func(b *bench, id string)
		status types.DeploymentStatus
		code   types.ErrorCode
		world  string
	}{
		"success": {func(*bench, string) {}, types.DeploymentStatusSucceeded, "", "b:100"},
		"alarm":   {func(b *bench, _ string) { b.alarm("errors") }, types.DeploymentStatusStopped, types.ErrorCodeAlarmActive, "a:100"},
		"stop": {func(b *bench, id string) {
			_, err := b.StopDeployment(b.ctx, &codedeploy.StopDeploymentInput{DeploymentId: &id})
			b.must(err)
			b.settle()
		}, types.DeploymentStatusStopped, types.ErrorCodeManualStop, "a:100"},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				b, died := newBench(t), false
				b.group(types.ComputePlatformEcs, func(g *types.DeploymentGroupInfo) {
					g.AlarmConfiguration = &types.AlarmConfiguration{Enabled: true, Alarms: []types.Alarm{{Name: aws.String("errors")}}}
				})
				b.world.alarms["errors"] = "OK"
				b.world.lazy = true
				b.world.crash = func(string) error {
					if died || len(b.world.changes) != n {
						return nil
					}
					died = true
					return errors.New("the server died")
				}
				revive := func() {
					if died {
						b.stop()
						b.start()
						b.settle()
					}
				}
				id := b.deploy(ecsSpec(""), config("ECSCanary10Percent5Minutes"))
				revive()
				b.steady()
				revive()
				c.run(b, id) // in the middle of the canary
				revive()
				b.pass(6 * time.Minute)
				revive()
				b.pass(time.Minute)
				b.want(id, c.status, c.code)
				if got := b.world.split(prod); got != c.world || len(b.world.sets) != 1 {
					t.Fatalf("died after change %d (%v): %s, sets %s", n, b.world.changes, got, b.world.running())
				}
				if c.status != types.DeploymentStatusSucceeded {
					b.rolledBack(id)
				}
				if !died {
					if n < 5 {
						t.Fatalf("only %d changes", n)
					}
					return
				}
				b.stop()
			}
		})
	}
}
