package codepipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// functionAPI is what the action needs of Lambda.
type functionAPI interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// functionInvoke gives an action to a Lambda function as a job that is under
// way from the start:
//
//	assign ─▶ invoke ─▶ PutJobSuccessResult, PutJobFailureResult, or 20 minutes of silence
//	             ▲          │
//	             └── 30 s ──┘ with a continuation token: another job
//
// A crash between the invocation and its record invokes the function again for
// the same job, as Lambda itself may do with any asynchronous event.
type functionInvoke struct{ *dependencies }

// invokeMemo names the job that the function was last invoked for.
type invokeMemo struct{ Job string }

const (
	// answerJob fails an action whose function says nothing.
	answerJob = "codepipeline.job-answer"
	// answerWithin is AWS's limit; a continuation token begins it anew.
	answerWithin = 20 * time.Minute
	// continueAfter keeps a function that looks whether something has ended
	// from asking all the time.
	continueAfter = 30 * time.Second
)

// The function's event, in the words of AWS.
type (
	jobEvent struct {
		Job jobOfEvent `json:"CodePipeline.job"`
	}
	jobOfEvent struct {
		ID        string         `json:"id"`
		AccountID string         `json:"accountId"`
		Data      jobDataOfEvent `json:"data"`
	}
	jobDataOfEvent struct {
		ActionConfiguration struct {
			Configuration map[string]string `json:"configuration"`
		} `json:"actionConfiguration"`
		InputArtifacts      []artifactOfEvent     `json:"inputArtifacts"`
		OutputArtifacts     []artifactOfEvent     `json:"outputArtifacts"`
		ArtifactCredentials *credentialsOfEvent   `json:"artifactCredentials,omitempty"`
		ContinuationToken   string                `json:"continuationToken,omitempty"`
		EncryptionKey       *encryptionKeyOfEvent `json:"encryptionKey,omitempty"`
	}
	artifactOfEvent struct {
		Name     string  `json:"name"`
		Revision *string `json:"revision"`
		Location struct {
			Type string `json:"type"`
			S3   struct {
				Bucket string `json:"bucketName"`
				Key    string `json:"objectKey"`
			} `json:"s3Location"`
		} `json:"location"`
	}
	credentialsOfEvent struct {
		AccessKeyID     string `json:"accessKeyId"`
		SecretAccessKey string `json:"secretAccessKey"`
		SessionToken    string `json:"sessionToken"`
	}
	encryptionKeyOfEvent struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	}
)

func (f functionInvoke) Step(ctx context.Context, w *Work) (*Result, error) {
	if w.Job == "" {
		return &Result{Assign: true, Again: true}, nil
	}
	var memo invokeMemo
	if w.Memo != nil {
		if err := json.Unmarshal(w.Memo, &memo); err != nil {
			return nil, err
		}
	}
	if memo.Job == w.Job {
		return &Result{}, nil // its function has the word
	}
	cfg, err := w.Session(ctx)
	if err != nil {
		return nil, err
	}
	data, err := w.JobData(ctx)
	if err != nil {
		return nil, err
	}
	payload, err := json.Marshal(eventOf(w.Job, f.account, data))
	if err != nil {
		return nil, err
	}
	name := w.Configuration["FunctionName"]
	_, err = f.lambda(cfg).Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(name), InvocationType: lambdatypes.InvocationTypeEvent, Payload: payload})
	var missing *lambdatypes.ResourceNotFoundException
	switch {
	case errors.As(err, &missing):
		return nil, fail(configurationError, "The AWS Lambda function %s cannot be found. Check the FunctionName of the action", name)
	case denied(err):
		return nil, fail(permissionError, "The role of the action is not authorized to perform lambda:InvokeFunction on the AWS Lambda function %s. Error: %s", name, words(err))
	case err != nil:
		return nil, err
	}
	return &Result{Memo: invokeMemo{w.Job}, ExternalURL: f.console + "lambda/functions/" + url.PathEscape(name) + "?region=" + w.Region}, nil
}

func eventOf(job, account string, d *types.JobData) jobEvent {
	ev := jobEvent{jobOfEvent{ID: job, AccountID: account, Data: jobDataOfEvent{
		InputArtifacts: artifactsOfEvent(d.InputArtifacts), OutputArtifacts: artifactsOfEvent(d.OutputArtifacts),
		ContinuationToken: aws.ToString(d.ContinuationToken),
	}}}
	ev.Job.Data.ActionConfiguration.Configuration = d.ActionConfiguration.Configuration
	if c := d.ArtifactCredentials; c != nil {
		ev.Job.Data.ArtifactCredentials = &credentialsOfEvent{aws.ToString(c.AccessKeyId), aws.ToString(c.SecretAccessKey), aws.ToString(c.SessionToken)}
	}
	if k := d.EncryptionKey; k != nil {
		ev.Job.Data.EncryptionKey = &encryptionKeyOfEvent{aws.ToString(k.Id), string(k.Type)}
	}
	return ev
}

func artifactsOfEvent(list []types.Artifact) []artifactOfEvent {
	out := []artifactOfEvent{}
	for _, a := range list {
		e := artifactOfEvent{Name: aws.ToString(a.Name), Revision: a.Revision}
		e.Location.Type = string(a.Location.Type)
		e.Location.S3.Bucket, e.Location.S3.Key = aws.ToString(a.Location.S3Location.BucketName), aws.ToString(a.Location.S3Location.ObjectKey)
		out = append(out, e)
	}
	return out
}

// assign makes the next job of an action whose worker is called at a time.
func (s *Service) assign(tx *engine.Tx, a *ActionRecord, ref actionRef, token string, at time.Time) error {
	j := &workerJob{Action: ref, ID: id.UUID(s.cfg.IDs), Type: *a.Declaration.ActionTypeId, Token: token, Status: types.JobStatusInProgress}
	a.Job = j.ID
	if err := tx.Enqueue(engine.NewJob{Kind: answerJob, ID: j.ID, At: at.Add(answerWithin)}); err != nil {
		return err
	}
	return workerJobs.Put(tx, j, j.ID)
}

// unanswered is the job that fails an action whose function said nothing.
func (s *Service) unanswered(ctx context.Context, job *engine.Job) error {
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		j, err := workerJobs.Get(tx, job.ID)
		if errors.Is(err, store.ErrNotFound) || err == nil && j.Status != types.JobStatusInProgress {
			return nil
		}
		if err != nil {
			return err
		}
		a, _, err := unfinished(tx, j.Action)
		if err != nil || a == nil {
			return err
		}
		return s.finish(tx, j.Action, &Result{Failure: &Failure{Code: jobFailed, Message: fmt.Sprintf(
			"The AWS Lambda function %s failed to return a result. Check the function to verify that it has permission to call the PutJobSuccessResult action and that it made a call to PutJobSuccessResult.",
			a.Input.ResolvedConfiguration["FunctionName"])}}, "")
	})
}
