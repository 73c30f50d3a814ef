package ecs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// membership is a task's place in a target group.
type membership struct {
	Group     string // its ARN
	Container string
	Port      int32
	// Machine and HostPort are the target if the task has no address of its own:
	// this machine, and its port that leads to the container's.
	Machine  string `json:",omitempty"`
	HostPort int32  `json:",omitempty"`
	Stage    stage
	// Health is the target's state as the load balancer says it, and Why its
	// reason.
	Health elbtypes.TargetHealthStateEnum `json:",omitempty"`
	Why    string                         `json:",omitempty"`
	// Blamed tells that the service's events have its failed health checks.
	Blamed bool `json:",omitempty"`
}

// stage is how far a membership is.
type stage string

const (
	unregistered stage = ""
	registering  stage = "registering" // it may be registered: a stop deregisters it
	registered   stage = "registered"
	draining     stage = "draining" // deregistered; requests may be on their way
	left         stage = "left"
)

func (m *membership) failed() bool { return m.Health == elbtypes.TargetHealthStateEnumUnhealthy }

// memberships are those of a new task of a deployment or task set.
func (r *rollout) memberships() []membership {
	var all []membership
	for _, lb := range r.LoadBalancers {
		all = append(all, membership{Group: r.group(&lb), Container: aws.ToString(lb.ContainerName), Port: aws.ToInt32(lb.ContainerPort)})
	}
	return all
}

func (t *task) anyTarget(stages ...stage) bool {
	return slices.ContainsFunc(t.Targets, func(m membership) bool { return slices.Contains(stages, m.Stage) })
}

// nextJoin is what a task that has started must do to be in its target groups.
func nextJoin(t *task) (action, bool) {
	switch {
	case t.anyTarget(unregistered):
		return action{do: activate}, true
	case t.anyTarget(registering):
		return action{do: register}, true
	}
	return action{}, false
}

// nextLeave is what a task must do to leave its target groups before its
// containers are stopped. Only a container that runs is waited for: nothing is
// on its way to any other.
func nextLeave(t *task) (action, bool) {
	switch {
	case t.anyTarget(registering, registered) && t.status() != statusDeactivating:
		return action{do: deactivate}, true
	case t.anyTarget(registering, registered):
		return action{do: deregister}, true
	case slices.ContainsFunc(t.Targets, func(m membership) bool { return m.Stage == draining && t.runs(m.Container) }):
		return action{do: wait}, true
	}
	return action{}, false
}

func (t *task) runs(container string) bool {
	for i, c := range t.Definition.ContainerDefinitions {
		if aws.ToString(c.Name) == container {
			return !t.Boxes[i].StartedAt.IsZero() && aws.ToString(t.Containers[i].LastStatus) != statusStopped
		}
	}
	return false
}

// address is the task's own.
func (t *task) address() string {
	for _, c := range t.Containers {
		for _, n := range c.NetworkInterfaces {
			return aws.ToString(n.PrivateIpv4Address)
		}
	}
	return ""
}

// endpoint is what is registered: an address or an instance, and its port.
func (t *task) endpoint(m membership) (id string, port int32) {
	if m.Machine != "" {
		return m.Machine, m.HostPort
	}
	return t.address(), m.Port
}

// hostPort is the port of the machine that leads to a container's; 0 if there
// is none.
func (t *task) hostPort(container string, port int32) int32 {
	for _, c := range t.Containers {
		for _, b := range c.NetworkBindings {
			if aws.ToString(c.Name) == container && aws.ToInt32(b.ContainerPort) == port {
				return aws.ToInt32(b.HostPort)
			}
		}
	}
	return 0
}

func (t *task) targetKey(m membership) []string {
	id, port := t.endpoint(m)
	return []string{m.Group, id, strconv.Itoa(int(port))}
}

func (t *task) target(m membership) []elbtypes.TargetDescription {
	id, port := t.endpoint(m)
	return []elbtypes.TargetDescription{{Id: &id, Port: &port}}
}

// activate writes down which targets the task is about to be, so that whatever
// happens next they are found.
func (s *Service) activate(tx *engine.Tx, t *task) error {
	t.LastStatus = aws.String(statusActivating)
	for i := range t.Targets {
		m := &t.Targets[i]
		m.Stage = registering
		if !t.awsvpc() {
			m.Machine, m.HostPort = s.Site.Instance(), t.hostPort(m.Container, m.Port)
		}
		key := t.key()
		if err := members.Put(tx, &key, t.targetKey(*m)...); err != nil {
			return err
		}
	}
	return nil
}

// disown drops what activate wrote, unless another task has the address now.
func (t *task) disown(tx *engine.Tx) error {
	for _, m := range t.Targets {
		if is, err := t.owns(tx, m); err != nil || !is {
			if err != nil {
				return err
			}
			continue
		}
		if err := members.Delete(tx, t.targetKey(m)...); err != nil {
			return err
		}
	}
	return nil
}

func (t *task) owns(r store.Reader, m membership) (bool, error) {
	key, err := members.Get(r, t.targetKey(m)...)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && *key == t.key(), err
}

// register registers the task with its target groups, which may be again.
func (s *Service) register(ctx context.Context, t *task) error {
	inRegion := identity.WithRegion(ctx, t.Region)
	for _, m := range t.Targets {
		if m.Stage != registering {
			continue
		}
		if _, err := s.Balancers.RegisterTargets(inRegion, &elb.RegisterTargetsInput{TargetGroupArn: &m.Group, Targets: t.target(m)}); err != nil {
			if ctx.Err() != nil {
				return err
			}
			why := fmt.Sprintf("failed to register targets in (target-group %s) with (error %s)", m.Group, said(err))
			if err := s.change(ctx, t.key(), func(tx *engine.Tx, t *task) error { return s.tell(tx, t, why) }); err != nil {
				return err
			}
			return &startError{"ResourceInitializationError", why}
		}
	}
	err := s.change(ctx, t.key(), func(tx *engine.Tx, t *task) error {
		for i := range t.Targets {
			m := &t.Targets[i]
			if m.Stage != registering || t.stopping() {
				continue
			}
			m.Stage = registered
			if err := s.tell(tx, t, "registered 1 targets in (target-group "+m.Group+")"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.observeTargets(ctx, t.key())
}

// deregister takes the task out of its target groups: no new requests reach it
// from then on.
func (s *Service) deregister(ctx context.Context, t *task) error {
	inRegion := identity.WithRegion(ctx, t.Region)
	gone := make([]bool, len(t.Targets))
	for i, m := range t.Targets {
		if m.Stage != registering && m.Stage != registered {
			continue
		}
		owns := false
		if err := s.Engine.View(ctx, func(r store.Reader) (err error) {
			owns, err = t.owns(r, m)
			return err
		}); err != nil {
			return err
		}
		if gone[i] = !owns; gone[i] {
			continue
		}
		_, err := s.Balancers.DeregisterTargets(inRegion, &elb.DeregisterTargetsInput{TargetGroupArn: &m.Group, Targets: t.target(m)})
		if gone[i] = notFound(err); err != nil && !gone[i] {
			return err
		}
	}
	err := s.change(ctx, t.key(), func(tx *engine.Tx, t *task) error {
		begun := false
		for i := range t.Targets {
			m := &t.Targets[i]
			if m.Stage != registering && m.Stage != registered {
				continue
			}
			m.Stage, m.Health, m.Why = draining, "", ""
			if gone[i] {
				m.Stage = left
				continue
			}
			begun = true
			if err := s.tell(tx, t, "deregistered 1 targets in (target-group "+m.Group+")"); err != nil {
				return err
			}
		}
		if !begun {
			return nil
		}
		return s.note(tx, t, func(svc *service) string {
			return fmt.Sprintf("(service %s, taskSet %s) has begun draining connections on 1 tasks.", svc.name(), t.Deployment)
		})
	})
	if err != nil {
		return err
	}
	return s.observeTargets(ctx, t.key())
}

// tell adds a message about the task's service, or its task set, to the service's
// events.
func (s *Service) tell(tx *engine.Tx, t *task, message string) error {
	return s.note(tx, t, func(svc *service) string { return svc.who(t.Deployment) + message })
}

// note adds a message to the events of the task's service.
func (s *Service) note(tx *engine.Tx, t *task, message func(*service) string) error {
	svc, err := services.Get(tx, t.Region, t.Cluster, t.Service)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.say(tx, svc, message(svc)); err != nil {
		return err
	}
	return services.Put(tx, svc, t.Region, t.Cluster, t.Service)
}

// observeTargets notes what the load balancers say of a task's targets.
func (s *Service) observeTargets(ctx context.Context, key taskKey) error {
	t, err := s.load(ctx, key)
	if err != nil || t == nil || !t.anyTarget(registered, draining) {
		return err
	}
	inRegion := identity.WithRegion(ctx, t.Region)
	seen := slices.Clone(t.Targets)
	for i := range seen {
		m := &seen[i]
		if m.Stage != registered && m.Stage != draining {
			continue
		}
		out, err := s.Balancers.DescribeTargetHealth(inRegion, &elb.DescribeTargetHealthInput{TargetGroupArn: &m.Group, Targets: t.target(*m)})
		switch {
		case notFound(err):
			m.see(elbtypes.TargetHealth{State: elbtypes.TargetHealthStateEnumUnused, Description: aws.String("The target group does not exist")}, t.stopping())
		case err != nil:
			return err
		case len(out.TargetHealthDescriptions) > 0:
			m.see(*out.TargetHealthDescriptions[0].TargetHealth, t.stopping())
		}
	}
	if slices.Equal(seen, t.Targets) {
		return nil
	}
	before := t.Targets
	return s.change(ctx, key, func(_ *engine.Tx, t *task) error {
		for i := range t.Targets {
			if t.Targets[i] == before[i] {
				t.Targets[i] = seen[i]
			}
		}
		return nil
	})
}

// see notes what the load balancer says. A target that someone took out is
// registered again while the task runs; one that someone put back is
// deregistered again while the task stops.
func (m *membership) see(h elbtypes.TargetHealth, stopping bool) {
	away := h.Reason == elbtypes.TargetHealthReasonEnumNotRegistered
	absent := h.State == elbtypes.TargetHealthStateEnumUnused && h.Reason == "" // with its group
	switch {
	case m.Stage == draining && (away || absent):
		m.Stage = left
		return
	case m.Stage == draining && h.State != elbtypes.TargetHealthStateEnumDraining:
		m.Stage = registered
	case m.Stage == registered && away && !stopping:
		m.Stage = registering
	}
	m.Health, m.Why = h.State, aws.ToString(h.Description)
	m.Blamed = m.Blamed && m.failed()
}

// followTargets looks at a task again when a load balancer says something new
// of its target.
func (s *Service) followTargets() {
	s.Bus.Subscribe("ecs.targets", func(ev *bus.Event) bool {
		return ev.Source == "aws.elasticloadbalancing" && ev.DetailType == "Target Health Change"
	}, func(ctx context.Context, ev bus.Event) error {
		var target struct {
			ID   string
			Port int
		}
		if err := json.Unmarshal(ev.Detail, &target); err != nil || len(ev.Resources) == 0 {
			return err
		}
		return s.Engine.Update(ctx, func(tx *engine.Tx) error {
			key, err := members.Get(tx, ev.Resources[0], target.ID, strconv.Itoa(target.Port))
			if errors.Is(err, store.ErrNotFound) {
				return nil // someone else's
			}
			if err != nil {
				return err
			}
			return tx.Enqueue(engine.NewJob{Kind: jobTask, ID: key.ID, Key: key.ID, Payload: *key})
		})
	})
}
