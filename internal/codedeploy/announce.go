package codedeploy

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
)

// announce publishes "CodeDeploy Deployment State-change Notification", and
// tells which triggers got no notification.
func (s *Service) announce(tx *engine.Tx, d *deployment, state string) error {
	shown, err := d.shown(tx)
	if err != nil {
		return err
	}
	app, name := aws.ToString(shown.ApplicationName), aws.ToString(shown.DeploymentGroupName)
	detail, err := json.Marshal(map[string]string{"instanceGroupId": d.GroupID, "region": d.Region, "application": app,
		"deploymentId": d.id(), "state": state, "deploymentGroup": name})
	if err != nil {
		return err
	}
	if event, ok := map[string]types.TriggerEventType{"SUCCESS": types.TriggerEventTypeDeploymentSuccess, "FAILURE": types.TriggerEventTypeDeploymentFailure,
		"STOP": types.TriggerEventTypeDeploymentStop, "READY": types.TriggerEventTypeDeploymentReady}[state]; ok {
		s.tellTriggers(d, event)
	}
	return s.Bus.Emit(tx, bus.Event{DetailType: "CodeDeploy Deployment State-change Notification", Source: "aws.codedeploy", Account: s.Site.Account,
		Region: d.Region, Resources: []string{s.arn(d.Region, "application:"+app), s.arn(d.Region, "deploymentgroup:"+app+"/"+name)}, Detail: detail})
}

// tellTriggers says which triggers would have been notified of an event. Nothing
// is published, as Slipway's SNS has no Publish: the deployment's status
// messages and the log say so.
func (s *Service) tellTriggers(d *deployment, event types.TriggerEventType) {
	for _, t := range d.Triggers {
		if !slices.Contains(t.TriggerEvents, event) {
			continue
		}
		s.Log.Warn("a deployment's trigger is not notified: publishing to SNS is not implemented by Slipway",
			"deployment", d.id(), "trigger", aws.ToString(t.TriggerName), "topic", aws.ToString(t.TriggerTargetArn), "event", string(event))
		d.DeploymentStatusMessages = append(d.DeploymentStatusMessages,
			fmt.Sprintf("The trigger %s was not notified of %s: publishing to SNS is not implemented by Slipway.", aws.ToString(t.TriggerName), event))
	}
}
