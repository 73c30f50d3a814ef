package codedeploy

import (
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
)

// announce publishes "CodeDeploy Deployment State-change Notification", and
// lets the triggers know.
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
	err = s.Bus.Emit(tx, bus.Event{DetailType: "CodeDeploy Deployment State-change Notification", Source: "aws.codedeploy", Account: s.Site.Account,
		Region: d.Region, Resources: []string{s.arn(d.Region, "application:"+app), s.arn(d.Region, "deploymentgroup:"+app+"/"+name)}, Detail: detail})
	if err != nil {
		return err
	}
	if event, ok := map[string]types.TriggerEventType{"SUCCESS": types.TriggerEventTypeDeploymentSuccess, "FAILURE": types.TriggerEventTypeDeploymentFailure,
		"STOP": types.TriggerEventTypeDeploymentStop, "READY": types.TriggerEventTypeDeploymentReady}[state]; ok {
		return s.trigger(tx, d, event)
	}
	return nil
}
