package codepipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// A custom action waits for a job worker:
//
//	Queued ── PollForJobs ──▶ Dispatched ── AcknowledgeJob ──▶ InProgress
//	  ▲                           │                               │
//	  └── nobody acknowledges ────┘        PutJobSuccessResult ───┼──▶ Succeeded
//	  ▲                                    PutJobFailureResult ───┴──▶ Failed
//	  └── a continuation token: another job for the same action
//
// The action ends with its last job, or at its timeout.
type workerJob struct {
	ID     string
	Action actionRef
	Type   types.ActionTypeId
	Query  string // the value of the type's queryable property, "" if it has none
	Status types.JobStatus
	// Queue is its place among those that wait; "" if it does not.
	Queue string `json:",omitempty"`
	Nonce string `json:",omitempty"`
	// Token is what the worker of the job before left for this one.
	Token string `json:",omitempty"`
}

const (
	workerJobs store.Table[workerJob] = "codepipeline.job" // id
	// jobQueue: the key of the type, query, place, id → id.
	jobQueue store.Table[string] = "codepipeline.job-queue"
)

// Jobs of the engine for those of workers, with the worker job's id; see
// answerJob, too.
const (
	// offerJob puts a job that nobody acknowledged back into the queue.
	offerJob = "codepipeline.job-offer"
	// forgetJob removes one that has ended.
	forgetJob = "codepipeline.job-forget"
)

const (
	acknowledgeWithin = 5 * time.Minute // AWS does not tell its own
	rememberedFor     = 24 * time.Hour
	maxPollBatch      = 50 // jobs of one answer
	maxVariableBytes  = 122880
)

// customAction hands an action over to job workers.
type customAction struct{}

// Step offers the job; the worker ends the action.
func (customAction) Step(context.Context, *Work) (*Result, error) { return &Result{Offer: true}, nil }

func (j *workerJob) queueKey() []string {
	return append(typeKey(j.Action.Region, &j.Type), j.Query, j.Queue, j.ID)
}

// offer queues the next job of an action.
func (s *Service) offer(tx *engine.Tx, a *ActionRecord, ref actionRef, token string) error {
	t, err := customTypes.Get(tx, typeKey(ref.Region, a.Declaration.ActionTypeId)...)
	if err != nil {
		return err
	}
	j := &workerJob{Action: ref, ID: id.UUID(s.cfg.IDs), Type: *a.Declaration.ActionTypeId, Token: token}
	for _, p := range t.ActionConfigurationProperties {
		if p.Queryable {
			j.Query = a.Input.ResolvedConfiguration[aws.ToString(p.Name)]
		}
	}
	a.Job = j.ID
	return s.enqueueJob(tx, j)
}

func (s *Service) enqueueJob(tx *engine.Tx, j *workerJob) error {
	j.Status, j.Nonce = types.JobStatusQueued, ""
	j.Queue = number(uint64(tx.Now().UnixNano()))
	if err := jobQueue.Put(tx, &j.ID, j.queueKey()...); err != nil {
		return err
	}
	return workerJobs.Put(tx, j, j.ID)
}

// dequeue takes a job out of the queue, if it is there.
func dequeue(tx *engine.Tx, j *workerJob) error {
	if j.Queue == "" {
		return nil
	}
	err := jobQueue.Delete(tx, j.queueKey()...)
	j.Queue = ""
	return err
}

// endJob ends the job that an action has, if any. Late reports find it for a
// day.
func (s *Service) endJob(tx *engine.Tx, id string, status types.JobStatus) error {
	j, err := workerJobs.Get(tx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := dequeue(tx, j); err != nil {
		return err
	}
	j.Status, j.Nonce, j.Token = status, "", ""
	for _, kind := range []string{offerJob, answerJob} {
		if err := tx.Cancel(kind, id); err != nil {
			return err
		}
	}
	if err := tx.Enqueue(engine.NewJob{Kind: forgetJob, ID: id, At: tx.Now().Add(rememberedFor)}); err != nil {
		return err
	}
	return workerJobs.Put(tx, j, id)
}

func (s *Service) forgetEnded(ctx context.Context, job *engine.Job) error {
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error { return workerJobs.Delete(tx, job.ID) })
}

// offerAgain queues a job that was given out and not acknowledged.
func (s *Service) offerAgain(ctx context.Context, job *engine.Job) error {
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		j, err := workerJobs.Get(tx, job.ID)
		if errors.Is(err, store.ErrNotFound) || err == nil && j.Status != types.JobStatusDispatched {
			return nil
		}
		if err != nil {
			return err
		}
		return s.enqueueJob(tx, j)
	})
}

// PollForJobs gives jobs of a custom action type to a worker.
//
// Errors: ActionTypeNotFoundException, ValidationException.
func (s *Service) PollForJobs(ctx context.Context, in *codepipeline.PollForJobsInput, _ ...func(*codepipeline.Options)) (*codepipeline.PollForJobsOutput, error) {
	region, t := identity.Region(ctx), in.ActionTypeId
	if t.Owner != types.ActionOwnerCustom {
		return nil, invalid("PollForJobs is for action types with the owner Custom only")
	}
	var ids []string
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		custom, err := customTypeOf(r, region, t)
		if err != nil {
			return err
		}
		if custom == nil {
			return &types.ActionTypeNotFoundException{Message: aws.String(fmt.Sprintf(
				"ActionType (Category: '%s', Provider: '%s', Owner: '%s', Version: '%s') is not available", t.Category, aws.ToString(t.Provider), t.Owner, aws.ToString(t.Version)))}
		}
		query, err := custom.query(in.QueryParam)
		if err != nil {
			return err
		}
		most := 1
		if in.MaxBatchSize != nil {
			most = min(int(*in.MaxBatchSize), maxPollBatch)
		}
		for id, err := range jobQueue.All(r, append(typeKey(region, t), query)...) {
			if err != nil {
				return err
			}
			if len(ids) == most {
				break
			}
			ids = append(ids, *id)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &codepipeline.PollForJobsOutput{Jobs: []types.Job{}}
	for _, id := range ids {
		job, err := s.dispatch(ctx, id)
		if err != nil {
			return nil, err
		}
		if job != nil {
			out.Jobs = append(out.Jobs, *job)
		}
	}
	return out, nil
}

// query is the value of the queryable property that a poll asks for.
func (t *customType) query(param map[string]string) (string, error) {
	for _, p := range t.ActionConfigurationProperties {
		if !p.Queryable {
			continue
		}
		v, ok := param[aws.ToString(p.Name)]
		if !ok || len(param) != 1 {
			return "", invalid("The queryParam must have the queryable property %s of the action type, and no other", aws.ToString(p.Name))
		}
		return v, nil
	}
	if len(param) > 0 {
		return "", invalid("The action type has no queryable property: the queryParam must be empty")
	}
	return "", nil
}

// dispatch gives a job out, unless another worker was faster. An action whose
// role gives no credentials for its artifacts fails instead.
func (s *Service) dispatch(ctx context.Context, id string) (*types.Job, error) {
	var j *workerJob
	var a *ActionRecord
	var p *Pipeline
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) (err error) {
		a = nil
		if j, err = workerJobs.Get(tx, id); errors.Is(err, store.ErrNotFound) || err == nil && j.Status != types.JobStatusQueued {
			return nil
		} else if err != nil {
			return err
		}
		if a, p, err = unfinished(tx, j.Action); err != nil || a == nil {
			return err
		}
		if err := dequeue(tx, j); err != nil {
			return err
		}
		j.Status, j.Nonce = types.JobStatusDispatched, s.nonce()
		if err := tx.Enqueue(engine.NewJob{Kind: offerJob, ID: id, At: tx.Now().Add(acknowledgeWithin)}); err != nil {
			return err
		}
		return workerJobs.Put(tx, j, id)
	})
	if err != nil || a == nil {
		return nil, err
	}
	data, err := s.jobData(ctx, p, a, j)
	if f := refusal(err); f != nil {
		return nil, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error { return s.finish(tx, j.Action, &Result{Failure: f}, "") })
	}
	if err != nil {
		return nil, err
	}
	return &types.Job{Id: aws.String(id), AccountId: aws.String(s.cfg.Site.Account), Nonce: aws.String(j.Nonce), Data: data}, nil
}

func (s *Service) nonce() string { return id.Of(s.cfg.IDs, id.Digits, 16) }

// jobOf reads a job.
//
// Errors: JobNotFoundException.
func jobOf(r store.Reader, id *string) (*workerJob, error) {
	j, err := workerJobs.Get(r, aws.ToString(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, &types.JobNotFoundException{Message: aws.String("There is no job with the ID " + aws.ToString(id))}
	}
	return j, err
}

// AcknowledgeJob tells that a worker has taken a job. The same nonce does so
// once.
//
// Errors: JobNotFoundException, InvalidNonceException.
func (s *Service) AcknowledgeJob(ctx context.Context, in *codepipeline.AcknowledgeJobInput, _ ...func(*codepipeline.Options)) (*codepipeline.AcknowledgeJobOutput, error) {
	out := &codepipeline.AcknowledgeJobOutput{}
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		j, err := jobOf(tx, in.JobId)
		if err != nil {
			return err
		}
		if j.Status != types.JobStatusDispatched || j.Nonce != aws.ToString(in.Nonce) {
			return &types.InvalidNonceException{Message: aws.String("The nonce is not that of the last poll for the job " + j.ID + ", or was used before")}
		}
		j.Status, j.Nonce = types.JobStatusInProgress, ""
		out.Status = j.Status
		if err := tx.Cancel(offerJob, j.ID); err != nil {
			return err
		}
		return workerJobs.Put(tx, j, j.ID)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// GetJobDetails shows a job to its worker.
//
// Errors: JobNotFoundException.
func (s *Service) GetJobDetails(ctx context.Context, in *codepipeline.GetJobDetailsInput, _ ...func(*codepipeline.Options)) (*codepipeline.GetJobDetailsOutput, error) {
	var j *workerJob
	var a *ActionRecord
	var p *Pipeline
	err := s.cfg.Engine.View(ctx, func(r store.Reader) (err error) {
		if j, err = jobOf(r, in.JobId); err != nil {
			return err
		}
		a, p, err = unfinished(r, j.Action)
		return err
	})
	if err != nil {
		return nil, err
	}
	if a == nil { // what it was for has ended, and with it the right to see its secrets
		return nil, &types.JobNotFoundException{Message: aws.String("The action of the job " + j.ID + " has ended")}
	}
	data, err := s.jobData(ctx, p, a, j)
	if f := refusal(err); f != nil {
		return nil, invalid("%s", f.Message)
	}
	if err != nil {
		return nil, err
	}
	return &codepipeline.GetJobDetailsOutput{JobDetails: &types.JobDetails{Id: in.JobId, AccountId: aws.String(s.cfg.Site.Account), Data: data}}, nil
}
