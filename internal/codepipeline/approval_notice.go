package codepipeline

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
)

// topicAPI is what approvals need of Amazon SNS.
type topicAPI interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// notice is the message to reviewers, as AWS sends it ("JSON data format for
// manual approval notifications").
type notice struct {
	Region   string         `json:"region"`
	Console  string         `json:"consoleLink"`
	Approval noticeApproval `json:"approval"`
}

type noticeApproval struct {
	Pipeline string  `json:"pipelineName"`
	Stage    string  `json:"stageName"`
	Action   string  `json:"actionName"`
	Token    string  `json:"token"`
	Expires  string  `json:"expires"`
	Link     *string `json:"externalEntityLink"`
	Review   string  `json:"approvalReviewLink"`
	Data     *string `json:"customData"`
}

// maxSubject is the length that SNS gives a subject.
const maxSubject = 100

// notify tells a topic of an approval that waits.
func (a approval) notify(ctx context.Context, w *Work) error {
	topic := w.Configuration["NotificationArn"]
	if topic == "" {
		return nil
	}
	cfg, err := w.Session(ctx)
	if err != nil {
		return err
	}
	page := a.console + "codepipeline/pipelines/" + url.PathEscape(w.Pipeline)
	text := func(key string) *string {
		if v := w.Configuration[key]; v != "" {
			return &v
		}
		return nil
	}
	b, err := json.Marshal(notice{Region: w.Region, Console: page, Approval: noticeApproval{
		Pipeline: w.Pipeline, Stage: w.Stage, Action: w.Action, Token: w.ActionExecutionID, Expires: w.Deadline.UTC().Format("2006-01-02T15:04Z"),
		Link: text("ExternalEntityLink"), Data: text("CustomData"),
		Review: page + "/" + url.PathEscape(w.Stage) + "/" + url.PathEscape(w.Action) + "/approve/" + w.ActionExecutionID}})
	if err != nil {
		return err
	}
	_, err = a.sns(cfg).Publish(ctx, &sns.PublishInput{TopicArn: aws.String(topic), Message: aws.String(string(b)),
		Subject: aws.String(cut("APPROVAL NEEDED: AWS CodePipeline "+w.Pipeline+" for action "+w.Action, maxSubject))})
	var missing *snstypes.NotFoundException
	var unauthorized *snstypes.AuthorizationErrorException
	var api smithy.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &missing):
		return fail(configurationError, "The Amazon SNS topic %s does not exist", topic)
	case errors.As(err, &unauthorized), denied(err):
		return fail(permissionError, "The role of the action is not authorized to publish to the Amazon SNS topic %s. Error: %s", topic, words(err))
	case errors.As(err, &api) && api.ErrorCode() == "InvalidParameter":
		return fail(configurationError, "The Amazon SNS topic %s takes no notification. Error: %s", topic, words(err))
	}
	return err
}
