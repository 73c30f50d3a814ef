package codebuild

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/agent"
	"github.com/slipway-dev/slipway/internal/agent/job"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// agents answers the build agents. Each has a token that seals its name; the
// token is worth nothing once the agent's build is over.
func (s *Service) agents(w http.ResponseWriter, r *http.Request) {
	sealed, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	name, err := s.Tokens.Open(sealed)
	if !ok || err != nil {
		http.Error(w, "unknown agent", http.StatusUnauthorized)
		return
	}
	worker := string(name)
	switch {
	case r.Method == http.MethodGet && r.URL.Path == agent.PathJob:
		s.serveJob(w, r, worker)
	case r.Method == http.MethodPost && r.URL.Path == agent.PathJournal:
		s.serveJournal(w, r, worker)
	case r.Method == http.MethodGet && r.URL.Path == agent.PathCredentials:
		s.serveCredentials(w, r, worker)
	default:
		http.NotFound(w, r)
	}
}

// pollTime is how long an agent's question for work is held.
const pollTime = 30 * time.Second

func (s *Service) serveJob(w http.ResponseWriter, r *http.Request, worker string) {
	wake, pooled := s.pool.wait(worker)
	defer s.pool.forget(worker)
	b, err := s.buildOf(r.Context(), worker)
	if err == nil && b == nil && pooled {
		timer := time.NewTimer(pollTime)
		defer timer.Stop()
		select {
		case <-wake:
		case <-timer.C:
			w.WriteHeader(http.StatusNoContent)
			return
		case <-s.ending.Done():
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		case <-r.Context().Done():
			return
		}
		b, err = s.buildOf(r.Context(), worker)
	}
	switch {
	case err != nil:
		s.tryAgain(w, err)
	case b == nil && s.pool.knows(worker):
		w.WriteHeader(http.StatusNoContent)
	case b == nil:
		w.WriteHeader(http.StatusGone)
	default:
		j := s.job(b)
		if err := s.logins(r.Context(), b, j); err != nil {
			s.tryAgain(w, err)
			return
		}
		if j.Hosts, err = s.Hosts(r.Context()); err != nil {
			s.tryAgain(w, err)
			return
		}
		answer(w, http.StatusOK, j)
	}
}

// buildOf is the unfinished build that an agent runs, or nil.
func (s *Service) buildOf(ctx context.Context, worker string) (b *build, err error) {
	err = s.Engine.View(ctx, func(r store.Reader) error {
		b, err = buildOf(r, worker)
		return err
	})
	return b, err
}

func buildOf(r store.Reader, worker string) (*build, error) {
	at, err := get(workers, r, worker)
	if err != nil || at == nil {
		return nil, err
	}
	b, err := get(builds, r, at.Region, at.ID)
	if err != nil || b == nil || b.BuildComplete || b.Worker != worker {
		return nil, err
	}
	return b, nil
}

func (s *Service) serveCredentials(w http.ResponseWriter, r *http.Request, worker string) {
	b, err := s.buildOf(r.Context(), worker)
	if err == nil && b == nil {
		w.WriteHeader(http.StatusGone)
		return
	}
	var c aws.Credentials
	if err == nil {
		c, err = s.Sessions.Credentials(r.Context(), s.session(b))
	}
	var denied *wire.Error
	if errors.As(err, &denied) {
		http.Error(w, denied.Message, http.StatusForbidden)
		return
	}
	if err != nil {
		s.tryAgain(w, err)
		return
	}
	answer(w, http.StatusOK, job.Credentials{RoleArn: aws.ToString(b.ServiceRole), AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey,
		Token: c.SessionToken, Expiration: c.Expires.UTC().Format(time.RFC3339)})
}

var (
	errDismissed = errors.New("codebuild: the build of this agent is over")
	errOffset    = errors.New("codebuild: another piece of the journal is due")
)

func (s *Service) serveJournal(w http.ResponseWriter, r *http.Request, worker string) {
	offset, err := strconv.ParseInt(r.URL.Query().Get("offset"), 10, 64)
	if err != nil || offset < 0 {
		http.Error(w, "offset", http.StatusBadRequest)
		return
	}
	piece, err := io.ReadAll(http.MaxBytesReader(w, r.Body, job.MaxPiece))
	if err != nil {
		http.Error(w, "piece", http.StatusBadRequest)
		return
	}
	acked, err := s.take(r.Context(), worker, offset, piece)
	switch {
	case errors.Is(err, errDismissed):
		w.WriteHeader(http.StatusGone)
	case errors.Is(err, errOffset):
		answer(w, http.StatusConflict, job.Offset{Offset: acked})
	case err != nil:
		s.tryAgain(w, err)
	default:
		answer(w, http.StatusOK, job.Offset{Offset: acked})
	}
}

// take takes a piece of an agent's journal in: its log lines, what it says of
// the build and how far it goes, all or nothing.
func (s *Service) take(ctx context.Context, worker string, offset int64, piece []byte) (acked int64, err error) {
	records, err := job.Decode(piece)
	if err != nil {
		return 0, err
	}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		b, err := buildOf(tx, worker)
		if err != nil {
			return err
		}
		if b == nil {
			return errDismissed
		}
		if acked = b.Acked; offset != b.Acked {
			return errOffset
		}
		b.Acked += int64(len(piece))
		acked = b.Acked
		if err := s.logLines(tx, b, records); err != nil {
			return err
		}
		if err := builds.Put(tx, b, b.Region, b.id()); err != nil {
			return err
		}
		for _, r := range records {
			if c := changeOf(r); c != nil {
				if err := s.change(tx, b, c, time.UnixMilli(r.Time)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return acked, err
}

func changeOf(r job.Record) change {
	switch {
	case r.Begin != "":
		return began{types.BuildPhaseType(r.Begin)}
	case r.End != nil:
		return ended{*r.End}
	case r.Source != nil:
		return resolved{*r.Source}
	case r.Result != nil:
		return finished{*r.Result}
	}
	return nil
}

func (s *Service) logLines(tx *engine.Tx, b *build, records []job.Record) error {
	if b.Logs == nil || b.Logs.GroupName == nil {
		return nil // disabled
	}
	var events []logtypes.InputLogEvent
	for _, r := range records {
		if r.Log != "" {
			events = append(events, logtypes.InputLogEvent{Timestamp: aws.Int64(r.Time), Message: aws.String(r.Log)})
		}
	}
	if len(events) == 0 {
		return nil
	}
	return s.Logs.Append(tx, b.Region, *b.Logs.GroupName, *b.Logs.StreamName, events)
}

func (s *Service) tryAgain(w http.ResponseWriter, err error) {
	if !errors.Is(err, context.Canceled) {
		s.Log.Error("codebuild", "err", err)
	}
	http.Error(w, "try again", http.StatusServiceUnavailable)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
