package codedeploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// jobTrigger publishes one notification to a trigger's topic.
const jobTrigger = "codedeploy.trigger"

// notification is what a trigger's job has to publish.
type notification struct {
	Region, Deployment      string
	Trigger, Topic          string
	Event, Subject, Message string
}

// statuses are what notifications call the events.
var statuses = map[types.TriggerEventType]string{
	types.TriggerEventTypeDeploymentStart: "CREATED", types.TriggerEventTypeDeploymentSuccess: "SUCCEEDED", types.TriggerEventTypeDeploymentFailure: "FAILED",
	types.TriggerEventTypeDeploymentStop: "STOPPED", types.TriggerEventTypeDeploymentReady: "READY", types.TriggerEventTypeDeploymentRollback: "CREATED",
}

// trigger lets the triggers know that want to hear of an event.
// https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-sns-event-notifications-json-format.html
func (s *Service) trigger(tx *engine.Tx, d *deployment, event types.TriggerEventType) error {
	shown, err := d.shown(tx)
	if err != nil {
		return err
	}
	for _, t := range d.Triggers {
		if !slices.Contains(t.TriggerEvents, event) {
			continue
		}
		message, err := s.message(shown, d.Region, aws.ToString(t.TriggerName), statuses[event])
		if err != nil {
			return err
		}
		err = tx.Enqueue(engine.NewJob{Kind: jobTrigger, Key: d.id(), Payload: notification{Region: d.Region, Deployment: d.id(),
			Trigger: aws.ToString(t.TriggerName), Topic: aws.ToString(t.TriggerTargetArn), Event: string(event), Message: message,
			Subject: fmt.Sprintf("%s: AWS CodeDeploy %s in %s to %s", statuses[event], d.id(), d.Region, aws.ToString(shown.DeploymentGroupName))}})
		if err != nil {
			return err
		}
	}
	return nil
}

// message is the body of a notification: everything in it is a string.
func (s *Service) message(d *types.DeploymentInfo, region, trigger, status string) (string, error) {
	m := map[string]string{"region": region, "accountId": s.Site.Account, "eventTriggerName": trigger, "status": status,
		"applicationName": aws.ToString(d.ApplicationName), "deploymentId": aws.ToString(d.DeploymentId), "deploymentGroupName": aws.ToString(d.DeploymentGroupName)}
	for name, at := range map[string]*time.Time{"createTime": d.CreateTime, "completeTime": d.CompleteTime} {
		if at != nil {
			m[name] = at.UTC().Format("Mon Jan 02 15:04:05 UTC 2006")
		}
	}
	parts := map[string]any{}
	if e := d.ErrorInformation; e != nil {
		parts["errorInformation"] = map[string]any{"ErrorCode": e.Code, "ErrorMessage": e.Message}
	}
	if r := d.RollbackInfo; r != nil {
		rollback := map[string]string{}
		for name, v := range map[string]*string{"RollbackDeploymentId": r.RollbackDeploymentId, "RollbackTriggeringDeploymentId": r.RollbackTriggeringDeploymentId, "RollbackMessage": r.RollbackMessage} {
			if v != nil {
				rollback[name] = *v
			}
		}
		parts["rollbackInformation"] = rollback
	}
	if o := d.DeploymentOverview; o != nil {
		parts["deploymentOverview"] = o
	}
	for name, part := range parts {
		b, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		m[name] = string(b)
	}
	b, err := json.Marshal(m)
	return string(b), err
}

// publish is the job of a notification. One that cannot be published never
// fails a deployment, whose status messages say so.
func (s *Service) publish(ctx context.Context, job *engine.Job) error {
	var n notification
	if err := json.Unmarshal(job.Payload, &n); err != nil {
		return err
	}
	var d *deployment
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		d, err = deployments.Get(r, n.Region, n.Deployment)
		return err
	})
	if err != nil {
		return err
	}
	c, err := s.open(ctx, d)
	if err == nil {
		_, err = c.topics.Publish(ctx, &sns.PublishInput{TopicArn: &n.Topic, Subject: &n.Subject, Message: &n.Message})
		err = refused(err, d, amazonSNS, types.ErrorCodeInternalError, "")
	}
	var why *failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &why):
	case job.Attempt < mostAttempts:
		return s.again(job, err)
	default:
		why = failed(types.ErrorCodeInternalError, "%v", err)
	}
	s.Log.Warn("a deployment's trigger was not notified", "deployment", n.Deployment, "trigger", n.Trigger, "topic", n.Topic, "event", n.Event, "reason", why.Message)
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		d, err := deployments.Get(tx, n.Region, n.Deployment)
		if err != nil {
			return err
		}
		d.DeploymentStatusMessages = append(d.DeploymentStatusMessages, fmt.Sprintf("The trigger %s was not notified of %s: %s", n.Trigger, n.Event, why.Message))
		return deployments.Put(tx, d, n.Region, n.Deployment)
	})
}
