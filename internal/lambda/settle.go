package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// ready writes a function whose $LATEST is new, and sees to it that it becomes
// ready. The code of a zip is already, and an image whose digest is known: who
// asks next sees it so, while the answer to the change says, as AWS's does, that
// it is under way.
func (s *Service) ready(tx *engine.Tx, f *function) error {
	if c := f.Latest.Code; c.Image == "" || c.Digest != "" {
		s.retire(tx, f)
		return s.settled(tx, f, c, nil)
	}
	id := f.Region + "/" + f.Name
	if err := tx.Enqueue(engine.NewJob{Kind: jobSettle, ID: id, Key: id, Payload: name{Region: f.Region, Function: f.Name}}); err != nil {
		return err
	}
	return functions.Put(tx, f, f.Region, f.Name)
}

// retire ends what runs an older $LATEST, after the commit.
func (s *Service) retire(tx *engine.Tx, f *function) {
	tx.AfterCommit(func() { s.pool.retire(f.Region, f.Name, latest, s.served(f).Generation) })
}

// settle makes an image ready, and tells how it went.
func (s *Service) settle(ctx context.Context, job *engine.Job) error {
	var n name
	if err := json.Unmarshal(job.Payload, &n); err != nil {
		return nil
	}
	var f *function
	err := s.view(ctx, func(r store.Reader) (err error) {
		f, err = functions.Get(r, n.Region, n.Function)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	ready, failure, err := s.resolve(ctx, f.Latest.Code)
	if err != nil {
		return err
	}
	generation := f.Latest.Generation
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		f, err := functions.Get(tx, n.Region, n.Function)
		if errors.Is(err, store.ErrNotFound) || err == nil && f.Latest.Generation != generation {
			return tx.Done(job) // deleted, or changed again: another job follows
		}
		if err != nil {
			return err
		}
		if err := s.settled(tx, f, ready, failure); err != nil {
			return err
		}
		s.retire(tx, f)
		return tx.Done(job)
	})
	return err
}

// failure is why something cannot run.
type failure struct {
	code   string // of StateReasonCode and LastUpdateStatusReasonCode
	reason string
}

func (s *Service) settled(tx *engine.Tx, f *function, ready code, why *failure) error {
	digest := func(v *version) {
		if ready.Image != "" && why == nil {
			v.Code, v.CodeSha256 = ready, aws.String(ready.Digest)
		}
	}
	state := func(v *version) {
		digest(v)
		v.State, v.StateReason, v.StateReasonCode = types.StateActive, nil, ""
		v.LastUpdateStatus, v.LastUpdateStatusReason, v.LastUpdateStatusReasonCode = types.LastUpdateStatusSuccessful, nil, ""
		if why != nil {
			v.State, v.StateReason, v.StateReasonCode = types.StateFailed, aws.String(why.reason), types.StateReasonCode(why.code)
			v.LastUpdateStatus, v.LastUpdateStatusReason = types.LastUpdateStatusFailed, aws.String(why.reason)
			v.LastUpdateStatusReasonCode = types.LastUpdateStatusReasonCode(why.code)
		}
	}
	if f.Latest.LastUpdateStatus == types.LastUpdateStatusInProgress && f.Serving != nil && why != nil {
		// What ran before goes on.
		f.Latest.LastUpdateStatus, f.Latest.LastUpdateStatusReason = types.LastUpdateStatusFailed, aws.String(why.reason)
		f.Latest.LastUpdateStatusReasonCode = types.LastUpdateStatusReasonCode(why.code)
	} else {
		state(&f.Latest)
		if why == nil {
			f.Serving = nil
		}
	}
	if f.Published > 0 {
		key := padded(strconv.FormatInt(f.Published, 10))
		v, err := versions.Get(tx, f.Region, f.Name, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil && v.State == types.StatePending {
			state(v)
			if err := versions.Put(tx, v, f.Region, f.Name, key); err != nil {
				return err
			}
		}
	}
	return functions.Put(tx, f, f.Region, f.Name)
}

// served is what runs as $LATEST.
func (s *Service) served(f *function) *version {
	if f.Serving != nil {
		return f.Serving
	}
	return &f.Latest
}

// contained tells whether functions run in containers, and not as processes.
func (s *Service) contained() bool {
	info, err := s.Compute.Info(s.ending)
	return err != nil || info.Images
}

// taskDir is where a piece of code lies unpacked, "" for none.
func (s *Service) taskDir(sha string) (string, error) {
	if sha == "" {
		return "", nil
	}
	dir := filepath.Join(s.codeDir(sha), taskName)
	_, err := os.Stat(dir)
	return dir, err
}
