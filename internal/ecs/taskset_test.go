package ecs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// sets is a service of CodeDeploy's with task sets at 100 per cent, the first
// of them the primary one.
func sets(desired int32, ids ...string) service {
	s := svc(desired, 100, 200)
	s.DeploymentController = &types.DeploymentController{Type: codeDeploy}
	for i, id := range ids {
		t := taskSet{Scale: 100, rollout: rollout{Deployment: types.Deployment{Id: aws.String(id), Status: aws.String(setActive)}}}
		if i == 0 {
			t.Status = aws.String(setPrimary)
		}
		s.Sets = append(s.Sets, t)
	}
	return s
}

func TestDesiredOfScale(t *testing.T) {
	for _, c := range []struct {
		count int32
		scale float64
		want  int
	}{{10, 100, 10}, {10, 30, 3}, {3, 70, 3}, {4, 30, 2}, {1, 0.1, 1}, {10, 0, 0}, {0, 100, 0}, {1000, 14.7, 147}, {100, 7, 7}} {
		set := taskSet{Scale: c.scale, rollout: rollout{Deployment: types.Deployment{Status: aws.String(setActive)}}}
		if got := set.desired(c.count); got != c.want {
			t.Errorf("%g %% of %d: %d, want %d", c.scale, c.count, got, c.want)
		}
		set.Status = aws.String(setDraining)
		if got := set.desired(c.count); got != 0 {
			t.Errorf("draining: %d", got)
		}
	}
}

// A set that ends is not one of the five that a service may have.
func TestLiveSets(t *testing.T) {
	s := sets(1, "blue", "green", "red", "grey", "white")
	if got := liveSets(s.Sets); got != maxSets {
		t.Error(got)
	}
	s.Sets[1].Status, s.Sets[2].Status = aws.String(setDraining), aws.String(setDraining)
	if got := liveSets(s.Sets); got != maxSets-2 {
		t.Error(got)
	}
}

// Each set is scheduled on its own: none takes another's room or place.
func TestSetMoves(t *testing.T) {
	half := sets(4, "blue", "green")
	half.Sets[1].Scale = 50
	drained := sets(2, "blue", "green")
	drained.Sets[0].Status, drained.Sets[1].Status = aws.String(setDraining), aws.String(setPrimary)
	for _, c := range []struct {
		name              string
		svc               service
		tasks             string
		blue, green       int // to start
		stopBlue, stopGrn int
	}{
		{"a first set", sets(2, "blue"), "", 2, 0, 0, 0},
		{"beside another", sets(2, "blue", "green"), "blue:R*2", 0, 2, 0, 0},
		{"half of it", half, "blue:R*4", 0, 2, 0, 0},
		{"both are there", sets(2, "blue", "green"), "blue:R*2 green:R*2", 0, 0, 0, 0},
		{"the service is scaled out", sets(3, "blue", "green"), "blue:R*2 green:R*2", 1, 1, 0, 0},
		{"the service is scaled in", sets(1, "blue", "green"), "blue:R*2 green:R*2", 0, 0, 1, 1},
		{"one dies", sets(2, "blue", "green"), "blue:R green:R*2", 1, 0, 0, 0},
		{"one is unhealthy", sets(2, "blue", "green"), "blue:h*2 green:h green:u", 0, 1, 0, 0},
		{"its replacement is healthy", sets(2, "blue", "green"), "blue:h*2 green:h*2 green:u", 0, 0, 0, 1},
		{"the old one ends", drained, "blue:R*2 green:R*2", 0, 0, 2, 0},
	} {
		p := schedule(c.svc, views(c.tasks), epoch, stableAfter)
		var stopBlue, stopGreen int
		for _, s := range p.Stop {
			if strings.HasPrefix(s.ID, "blue") {
				stopBlue++
			} else {
				stopGreen++
			}
		}
		if p.Start["blue"] != c.blue || p.Start["green"] != c.green || stopBlue != c.stopBlue || stopGreen != c.stopGrn {
			t.Errorf("%s: start %v, stop %d blue and %d green", c.name, p.Start, stopBlue, stopGreen)
		}
	}
}

// emitted lists a plan's events with the set they are about.
func emitted(p plan) string {
	var all []string
	for _, n := range p.Emit {
		all = append(all, n.Name+" "+n.ID)
	}
	return strings.Join(all, ", ")
}

// The events of a set's life, each of them once: nobody has to look again and
// again.
func TestSetSteadyState(t *testing.T) {
	s := sets(1, "blue", "green")
	step := func(what, tasks, events, said string) {
		t.Helper()
		for range 2 {
			p := schedule(s, views(tasks), epoch, stableAfter)
			if got := emitted(p); got != events {
				t.Errorf("%s: emitted %q, want %q", what, got, events)
			}
			if got := strings.Join(p.Say, "|"); got != said {
				t.Errorf("%s: said %q, want %q", what, got, said)
			}
			s, events, said = p.Service, "", ""
		}
	}
	const told, blue, green = "(service web) updated computedDesiredCount for taskSet %s to 1.", "(service web, taskSet blue) updated state to STEADY_STATE.", "(service web, taskSet green) updated state to STEADY_STATE."
	const all = "|(service web) has reached a steady state."
	step("nothing yet", "blue:P", "", fmt.Sprintf(told+"|"+told, "blue", "green"))
	step("blue runs", "blue:R green:P", "TASKSET_STEADY_STATE blue", blue)
	step("green's target is new", "blue:R green:i", "", "")
	step("green is healthy", "blue:R green:h", "TASKSET_STEADY_STATE green, SERVICE_STEADY_STATE ", green+all)
	step("green's target fails for a moment", "blue:R green:i", "TASKSET_STABILIZING green", "")
	step("green is back", "blue:R green:h", "TASKSET_STEADY_STATE green, SERVICE_STEADY_STATE ", green+all)
	step("blue is gone", "green:h", "TASKSET_STABILIZING blue", "")
}

func TestSetEnds(t *testing.T) {
	s := sets(1, "blue", "green")
	s.Sets[0].Status, s.Sets[1].Status = aws.String(setDraining), aws.String(setPrimary)
	p := schedule(s, views("blue:h green:h"), epoch, stableAfter)
	if len(p.Stop) != 1 || p.Stop[0].ID != "blue0" || !strings.Contains(strings.Join(p.Say, "|"), "(service web, taskSet blue) has stopped 1 running tasks: (task blue0).") {
		t.Errorf("%+v", p)
	}
	if p = schedule(p.Service, views("blue:D green:h"), epoch, stableAfter); len(p.Service.Sets) != 2 {
		t.Error("gone before its targets are drained")
	}
	p = schedule(p.Service, views("blue:S green:h"), epoch, stableAfter)
	if len(p.Service.Sets) != 1 || p.Service.Sets[0].id() != "green" || emitted(p) != "TASKS_STOPPED blue, SERVICE_STEADY_STATE " {
		t.Errorf("sets %d, emitted %s", len(p.Service.Sets), emitted(p))
	}
}

// Targets in a group that no listener forwards to are not checked; that is no
// reason to wait for ever, and ends when they are.
func TestSetBehindNoListener(t *testing.T) {
	s := sets(1, "blue")
	all := views("blue:R")
	all[0].Targets = at(elbtypes.TargetHealthStateEnumUnused)
	p := schedule(s, all, epoch, stableAfter)
	if !p.Service.Sets[0].Steady {
		t.Error("not steady behind no listener")
	}
	all[0].Targets = at(elbtypes.TargetHealthStateEnumInitial)
	if p = schedule(p.Service, all, epoch, stableAfter); p.Service.Sets[0].Steady {
		t.Error("steady while its health is not known")
	}
}

// Starts that fail are announced once, come ever slower, and are the set's own.
func TestSetImpaired(t *testing.T) {
	s := sets(1, "blue", "green")
	for range freeFailures {
		s.Sets[1].fail(epoch, "Essential container in task exited (container app: exit code 3)")
	}
	p := schedule(s, views("blue:R"), epoch, stableAfter)
	const said = "(service web, taskSet green) is unable to consistently start tasks successfully. The last one stopped: Essential container in task exited (container app: exit code 3)." +
		" For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
	if !slices.Contains(p.Say, said) {
		t.Errorf("said %q", p.Say)
	}
	if !strings.Contains(emitted(p), "SERVICE_TASK_START_IMPAIRED green") || p.Start["green"] != 0 || p.Wake.IsZero() {
		t.Errorf("%+v", p)
	}
	p = schedule(p.Service, views("blue:R"), epoch.Add(time.Minute), stableAfter)
	if strings.Contains(emitted(p), "IMPAIRED") || p.Start["green"] != 1 {
		t.Errorf("later: %+v", p)
	}
	p = schedule(p.Service, views("blue:R green:H"), epoch.Add(time.Minute), stableAfter)
	if p.Service.Sets[1].FailedTasks != 0 || p.Service.Sets[1].Impaired {
		t.Errorf("after a healthy one: %+v", p.Service.Sets[1])
	}
}

// A service that ends takes its task sets with it.
func TestServiceOfSetsEnds(t *testing.T) {
	s := sets(0, "blue", "green")
	s.Status = aws.String("DRAINING")
	p := schedule(s, views("blue:R green:P"), epoch, stableAfter)
	if len(p.Stop) != 2 || aws.ToString(p.Service.Status) != "DRAINING" ||
		slices.ContainsFunc(p.Service.Sets, func(t taskSet) bool { return !t.is(setDraining) }) {
		t.Errorf("%+v", p)
	}
	p = schedule(p.Service, views("blue:S green:S"), epoch, stableAfter)
	if aws.ToString(p.Service.Status) != "INACTIVE" || len(p.Service.Sets) != 0 {
		t.Errorf("status %s, %d sets", aws.ToString(p.Service.Status), len(p.Service.Sets))
	}
	if s.Sets[0].is(setDraining) {
		t.Error("a plan changed what it was made from")
	}
}

// A service that nobody has deployed to is there, and goes.
func TestNothingDeployed(t *testing.T) {
	s := sets(2)
	s.DeploymentController.Type = external
	if p := schedule(s, nil, epoch, stableAfter); len(p.Start) != 0 || len(p.Say) != 0 {
		t.Errorf("%+v", p)
	}
	s.Status = aws.String("DRAINING")
	if p := schedule(s, nil, epoch, stableAfter); aws.ToString(p.Service.Status) != "INACTIVE" {
		t.Errorf("status %s", aws.ToString(p.Service.Status))
	}
}
