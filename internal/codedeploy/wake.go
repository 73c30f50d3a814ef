package codedeploy

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
)

// What a deployment watches: its service, and its alarms.

func watchedService(arn string) string { return "service/" + arn }

func watchedAlarm(region, name string) string { return "alarm/" + region + "/" + name }

func (d *deployment) watched() []string {
	var all []string
	if e := d.Run.ECS; e != nil {
		all = append(all, watchedService(e.ServiceARN))
	}
	if d.Alarms != nil && d.Alarms.Enabled {
		for _, a := range d.Alarms.Alarms {
			all = append(all, watchedAlarm(d.Region, aws.ToString(a.Name)))
		}
	}
	return all
}

// watch lets events find the deployment.
func (s *Service) watch(tx *engine.Tx, d *deployment) error {
	ref := timerID(d.Region, d.id())
	for _, w := range d.watched() {
		if err := watches.Put(tx, &ref, w, d.Region, d.id()); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) unwatch(tx *engine.Tx, d *deployment) error {
	for _, w := range d.watched() {
		if err := watches.Delete(tx, w, d.Region, d.id()); err != nil {
			return err
		}
	}
	return nil
}

// cause is what an event is about, as deployments watch it; "" for what wakes
// none.
func cause(ev *bus.Event) string {
	switch {
	case ev.Source == "aws.ecs" && (ev.DetailType == "ECS Service Action" || ev.DetailType == "ECS Deployment State Change") && len(ev.Resources) > 0:
		return watchedService(ev.Resources[0])
	case ev.Source == "aws.cloudwatch" && ev.DetailType == "CloudWatch Alarm State Change":
		var detail struct {
			AlarmName string
			State     struct{ Value string }
		}
		if json.Unmarshal(ev.Detail, &detail) == nil && detail.State.Value == "ALARM" {
			return watchedAlarm(ev.Region, detail.AlarmName)
		}
	}
	return ""
}

// woken lets the deployments that watch what an event is about look again.
func (s *Service) woken(ctx context.Context, ev bus.Event) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		for ref, err := range watches.All(tx, cause(&ev)) {
			if err != nil {
				return err
			}
			region, id, _ := strings.Cut(*ref, "/")
			if err := s.wake(tx, region, id); err != nil {
				return err
			}
		}
		return nil
	})
}
