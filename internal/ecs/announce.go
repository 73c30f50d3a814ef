package ecs

import (
	"encoding/json"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
)

// emitTask publishes "ECS Task State Change", whose detail is the described
// task.
func (s *Service) emitTask(tx *engine.Tx, t *task) error {
	shown := t.shown(true)
	shown.Tags = nil // not in the event
	doc, err := wireForm(shown)
	if err != nil {
		return err
	}
	detail := doc.(map[string]any)
	detail["updatedAt"] = tx.Now().Format(time.RFC3339Nano)
	if list, ok := detail["attachments"].([]any); ok {
		for _, a := range list {
			if m, ok := a.(map[string]any); ok {
				m["type"] = "eni" // its name in events
			}
		}
	}
	return s.emit(tx, t.Region, "ECS Task State Change", t.arn(), detail)
}

// emitNotice publishes what a plan tells of a service.
func (s *Service) emitNotice(tx *engine.Tx, svc *service, n notice) error {
	detail := map[string]any{"eventType": n.Type, "eventName": n.Name}
	if n.Reason != "" {
		detail["reason"] = n.Reason
	}
	if n.Deployment {
		detail["deploymentId"], detail["updatedAt"] = n.ID, tx.Now().Format(time.RFC3339Nano)
		return s.emit(tx, svc.Region, "ECS Deployment State Change", aws.ToString(svc.ServiceArn), detail)
	}
	if n.Set {
		detail["taskSetArns"] = []string{s.setARN(svc, n.ID)}
	}
	detail["clusterArn"], detail["createdAt"] = svc.ClusterArn, tx.Now().Format(time.RFC3339Nano)
	return s.emit(tx, svc.Region, "ECS Service Action", aws.ToString(svc.ServiceArn), detail)
}

func (s *Service) emit(tx *engine.Tx, region, kind, resource string, detail any) error {
	b, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	return s.Bus.Emit(tx, bus.Event{
		DetailType: kind, Source: "aws.ecs", Account: s.Site.Account, Region: region, Resources: []string{resource}, Detail: b,
	})
}

// wireForm is an SDK document with the member names of the wire: lower-case
// first letters, and nothing where a member is not set. A task has no maps, whose
// keys would be data.
func wireForm(doc any) (any, error) {
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, err
	}
	return lower(v), nil
}

func lower(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			if e == nil || e == "" {
				continue
			}
			r := []rune(k)
			r[0] = unicode.ToLower(r[0])
			out[string(r)] = lower(e)
		}
		return out
	case []any:
		for i := range v {
			v[i] = lower(v[i])
		}
	}
	return v
}
