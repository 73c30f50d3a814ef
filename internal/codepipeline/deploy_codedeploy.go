package codepipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	deploytypes "github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/bus"
)

// deploymentAPI is what the actions need of CodeDeploy.
type deploymentAPI interface {
	CreateDeployment(context.Context, *codedeploy.CreateDeploymentInput, ...func(*codedeploy.Options)) (*codedeploy.CreateDeploymentOutput, error)
	GetDeployment(context.Context, *codedeploy.GetDeploymentInput, ...func(*codedeploy.Options)) (*codedeploy.GetDeploymentOutput, error)
}

// revisionDeploy has CodeDeploy deploy the input artifact.
type revisionDeploy struct{ *dependencies }

// deploymentMemo is the deployment that an action waits for.
type deploymentMemo struct{ Deployment string }

// Key is the id of the deployment that an event is about.
func (revisionDeploy) Key(ev *bus.Event) string {
	var d struct {
		DeploymentID string `json:"deploymentId"`
	}
	if ev.Source != "aws.codedeploy" || json.Unmarshal(ev.Detail, &d) != nil {
		return ""
	}
	return d.DeploymentID
}

func (d revisionDeploy) Step(ctx context.Context, w *Work) (*Result, error) {
	cfg, err := w.Session(ctx)
	if err != nil {
		return nil, err
	}
	if w.Memo == nil {
		in := w.Inputs[0]
		from := &deploytypes.S3Location{Bucket: aws.String(in.Bucket), Key: aws.String(in.Key), BundleType: deploytypes.BundleTypeZip}
		if in.VersionID != "" {
			from.Version = aws.String(in.VersionID)
		}
		return d.deploy(ctx, w, cfg, &deploytypes.RevisionLocation{RevisionType: deploytypes.RevisionLocationTypeS3, S3Location: from})
	}
	var memo deploymentMemo
	if err := json.Unmarshal(w.Memo, &memo); err != nil {
		return nil, err
	}
	return d.follow(ctx, cfg, memo.Deployment)
}

// deploy begins a deployment of a revision that is this action's alone.
func (d *dependencies) deploy(ctx context.Context, w *Work, cfg aws.Config, revision *deploytypes.RevisionLocation) (*Result, error) {
	client := d.codedeploy(cfg)
	out, err := client.CreateDeployment(ctx, &codedeploy.CreateDeploymentInput{ApplicationName: aws.String(w.Configuration["ApplicationName"]),
		DeploymentGroupName: aws.String(w.Configuration["DeploymentGroupName"]), Revision: revision})
	id := ""
	if out != nil {
		id = aws.ToString(out.DeploymentId)
	}
	var busy *deploytypes.DeploymentLimitExceededException
	if errors.As(err, &busy) && w.Repeated {
		// The group may be busy with the deployment that a step before a crash
		// began. The permissions that AWS asks of a pipeline's role do not let it
		// list deployments; the message names the one.
		if id, err = d.own(ctx, client, busy.ErrorMessage(), revision); err == nil && id == "" {
			err = busy
		}
	}
	if err != nil {
		return nil, err
	}
	return &Result{Memo: deploymentMemo{id}, Wake: []string{id}, Again: true, ExternalID: id,
		ExternalURL: d.console + "codedeploy/deployments/" + url.PathEscape(id) + "?region=" + w.Region}, nil
}

// own is the deployment that a message names, if it is of the revision.
func (d *dependencies) own(ctx context.Context, client deploymentAPI, message string, revision *deploytypes.RevisionLocation) (id string, err error) {
	_, id, _ = strings.Cut(message, "active Deployment '")
	id, _, ok := strings.Cut(id, "'")
	if !ok {
		return "", nil
	}
	out, err := client.GetDeployment(ctx, &codedeploy.GetDeploymentInput{DeploymentId: aws.String(id)})
	if err != nil || out.DeploymentInfo.Revision == nil {
		return "", err
	}
	its := out.DeploymentInfo.Revision
	switch {
	case revision.AppSpecContent != nil && its.AppSpecContent != nil && aws.ToString(its.AppSpecContent.Sha256) == aws.ToString(revision.AppSpecContent.Sha256),
		revision.S3Location != nil && its.S3Location != nil && aws.ToString(its.S3Location.Key) == aws.ToString(revision.S3Location.Key):
		return id, nil
	}
	return "", nil
}

// follow looks at how a deployment does.
func (d *dependencies) follow(ctx context.Context, cfg aws.Config, id string) (*Result, error) {
	out, err := d.codedeploy(cfg).GetDeployment(ctx, &codedeploy.GetDeploymentInput{DeploymentId: aws.String(id)})
	if err != nil {
		return nil, err
	}
	info := out.DeploymentInfo
	switch info.Status {
	case deploytypes.DeploymentStatusSucceeded:
		return &Result{Done: true, Summary: "Deployment Succeeded"}, nil
	case deploytypes.DeploymentStatusFailed, deploytypes.DeploymentStatusStopped:
		return &Result{Failure: &Failure{Code: jobFailed, Message: deploymentEnd(id, info)}, Summary: fmt.Sprintf("Deployment %s failed", id)}, nil
	}
	return &Result{Wake: []string{id}}, nil
}

// deploymentEnd says why a deployment did not succeed, and what came of it.
func deploymentEnd(id string, info *deploytypes.DeploymentInfo) string {
	message := fmt.Sprintf("Deployment %s failed", id)
	if e := info.ErrorInformation; e != nil {
		message = fmt.Sprintf("%s: %s (Error Code: %s)", message, aws.ToString(e.Message), e.Code)
	}
	if r := info.RollbackInfo; r != nil && aws.ToString(r.RollbackMessage) != "" {
		message += ". " + aws.ToString(r.RollbackMessage)
	}
	return message
}
