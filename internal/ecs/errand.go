package ecs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// Alarms is CloudWatch as far as deployments ask it for the state of alarms, as
// ECS's service-linked role may. AWS's client has the method, too.
type Alarms interface {
	DescribeAlarms(ctx context.Context, in *cloudwatch.DescribeAlarmsInput, opts ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
}

// errandKey is the payload of an errand's job.
type errandKey struct {
	Service    taskKey // ID is the service's name
	Deployment string
	Number     int
}

// sendErrand enqueues the job of the errand that a deployment has ordered.
// Shifts of one service are done one after another; a hook that takes long holds
// up nothing.
func (s *Service) sendErrand(tx *engine.Tx, svc *service, e *errand) error {
	key := errandKey{taskKey{svc.Region, svc.cluster(), svc.name()}, svc.Deploy.ID, e.Number}
	id := svc.Region + "/" + svc.cluster() + "/" + svc.name()
	if e.Do == pause {
		return nil // a person does it
	}
	if e.Do == invoke {
		return tx.Enqueue(engine.NewJob{Kind: jobHook, ID: fmt.Sprintf("%s/%s/%d", id, key.Deployment, key.Number), Payload: key})
	}
	return tx.Enqueue(engine.NewJob{Kind: jobShift, ID: id, Key: id, Payload: key})
}

// current is the service whose deployment waits for an errand; nil if none does
// any more.
func (k errandKey) current(r store.Reader) (*service, error) {
	svc, err := services.Get(r, k.Service.Region, k.Service.Cluster, k.Service.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if d := svc.Deploy; !d.open() || d.ID != k.Deployment || d.Errand == nil || d.Errand.Number != k.Number || d.Errand.Done || d.Errand.Failed != "" {
		return nil, nil
	}
	return svc, nil
}

// runErrand does an errand, which may be again, and notes what came of it. What
// another service refuses ends the deployment; what may pass is tried again.
func (s *Service) runErrand(ctx context.Context, job *engine.Job) error {
	var key errandKey
	if err := json.Unmarshal(job.Payload, &key); err != nil {
		return err
	}
	var svc *service
	if err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		svc, err = key.current(r)
		return err
	}); err != nil || svc == nil {
		return err
	}
	d := svc.Deploy
	ctx = identity.WithRegion(ctx, svc.Region)
	var err error
	var missing []string // alarms
	switch e := d.Errand; e.Do {
	case look:
		missing, err = s.lookAtAlarms(ctx, d)
	case shift, part:
		err = s.shiftTraffic(ctx, svc, e)
	case invoke:
		err = s.invokeHook(ctx, svc, e)
	}
	switch {
	case err == nil:
		d.Errand.Done = true
	case !refusal(err):
		return err
	default:
		d.Errand.Failed = said(err)
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		now, err := key.current(tx)
		if err != nil || now == nil {
			return err
		}
		now.Deploy.Errand = d.Errand
		for _, name := range d.Muted {
			if !slices.Contains(now.Deploy.Muted, name) {
				now.Deploy.Muted = append(now.Deploy.Muted, name)
			}
		}
		for _, name := range d.Triggered {
			now.Deploy.trigger(name)
		}
		if len(missing) > 0 {
			if err := s.say(tx, now, "(service "+now.name()+") (deployment "+d.Target+") watches alarms that do not exist: "+strings.Join(missing, ", ")+"."); err != nil {
				return err
			}
		}
		return s.putService(tx, now)
	})
}

// refusal tells whether trying again would give the same answer.
func refusal(err error) bool {
	var ours *wire.Error
	var theirs smithy.APIError
	switch {
	case errors.As(err, &ours):
		return ours.Status < 500
	case errors.As(err, &theirs):
		return theirs.ErrorFault() != smithy.FaultServer
	}
	var e *hookError
	return errors.As(err, &e)
}

// as is the session in a role that a service gives to ECS.
func (s *Service) as(region, role string, svc *service) session.Request {
	r := session.Request{RoleARN: role, Name: "ECSDeployment", Service: "ecs.amazonaws.com", Region: region}
	if svc != nil {
		r.SourceARN = aws.ToString(svc.ServiceArn)
	}
	return r
}

// lookAtAlarms notes which alarms are in the state ALARM: those that were before
// the deployment began are not watched, so that it can mend what they tell of.
// It returns those that are not there.
func (s *Service) lookAtAlarms(ctx context.Context, d *deployment) (missing []string, err error) {
	out, err := s.Alarms.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: d.Config.Alarms.AlarmNames,
		AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm, cwtypes.AlarmTypeCompositeAlarm}, MaxRecords: aws.Int32(100)})
	if err != nil {
		return nil, err
	}
	missing = slices.Clone(d.Config.Alarms.AlarmNames)
	note := func(name *string, state cwtypes.StateValue, transitioned, updated *time.Time) {
		missing = slices.DeleteFunc(missing, func(m string) bool { return m == aws.ToString(name) })
		if state != cwtypes.StateValueAlarm {
			return
		}
		since := aws.ToTime(transitioned)
		if transitioned == nil {
			since = aws.ToTime(updated)
		}
		if since.Before(d.CreatedAt) {
			d.Muted = append(d.Muted, aws.ToString(name))
		} else {
			d.trigger(aws.ToString(name))
		}
	}
	for _, a := range out.MetricAlarms {
		note(a.AlarmName, a.StateValue, a.StateTransitionedTimestamp, a.StateUpdatedTimestamp)
	}
	for _, a := range out.CompositeAlarms {
		note(a.AlarmName, a.StateValue, a.StateTransitionedTimestamp, a.StateUpdatedTimestamp)
	}
	return missing, nil
}

// trigger notes an alarm that counts.
func (d *deployment) trigger(name string) bool {
	if slices.Contains(d.Muted, name) || slices.Contains(d.Triggered, name) {
		return false
	}
	d.Triggered = append(d.Triggered, name)
	return true
}

// watched finds the services whose deployments watch an alarm: region, alarm,
// cluster, service.
const watched store.Table[taskKey] = "ecs.alarm"

// watchAlarms notes, or forgets, which alarms a deployment watches.
func (s *Service) watchAlarms(tx *engine.Tx, svc *service, d *deployment, on bool) error {
	if d == nil || d.Config.Alarms == nil || !d.Config.Alarms.Enable {
		return nil
	}
	for _, name := range d.Config.Alarms.AlarmNames {
		key := []string{svc.Region, name, svc.cluster(), svc.name()}
		var err error
		if on {
			err = watched.Put(tx, &taskKey{svc.Region, svc.cluster(), svc.name()}, key...)
		} else {
			err = watched.Delete(tx, key...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// followAlarms tells deployments of alarms that go into the state ALARM.
func (s *Service) followAlarms() {
	s.Bus.Subscribe("ecs.alarms", func(ev *bus.Event) bool {
		return ev.Source == "aws.cloudwatch" && ev.DetailType == "CloudWatch Alarm State Change"
	}, func(ctx context.Context, ev bus.Event) error {
		var detail struct {
			AlarmName string
			State     struct{ Value, Timestamp string }
		}
		if err := json.Unmarshal(ev.Detail, &detail); err != nil {
			return err
		}
		if detail.State.Value != string(cwtypes.StateValueAlarm) {
			return nil
		}
		since, err := time.Parse("2006-01-02T15:04:05.000-0700", detail.State.Timestamp)
		if err != nil {
			since = ev.Time
		}
		return s.Engine.Update(ctx, func(tx *engine.Tx) error {
			for key, err := range watched.All(tx, ev.Region, detail.AlarmName) {
				if err != nil {
					return err
				}
				svc, err := services.Get(tx, key.Region, key.Cluster, key.ID)
				if errors.Is(err, store.ErrNotFound) {
					continue
				}
				if err != nil {
					return err
				}
				if d := svc.Deploy; d.open() && !since.Before(d.CreatedAt) && d.trigger(detail.AlarmName) {
					if err := s.putService(tx, svc); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
}
