package codeconnections

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"

	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	// maxWebhook is the size of the largest webhook, GitHub's own limit.
	maxWebhook = 25 << 20
	// maxReadings is how many webhooks may be in memory at once.
	maxReadings = 8
	// readWithin is how long one may take.
	readWithin = time.Minute
)

// seen is a webhook that was taken: by the id of its delivery and by its body.
type seen struct{ At time.Time }

const seens store.Table[seen] = "codeconnections.delivered" // hook id, "id" or "body", value

const (
	deliveryJob = "codeconnections.delivery"
	sweepJob    = "codeconnections.sweep"
)

// Webhooks receives what providers tell of repositories. Whoever knows a hook's
// secret is the provider; nobody else gets beyond the signature.
func (s *Service) Webhooks() http.Handler { return http.HandlerFunc(s.webhook) }

func (s *Service) webhook(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimPrefix(r.URL.Path, HookPrefix)
	var at *watch
	var c *connection
	err := s.Engine.View(r.Context(), func(rd store.Reader) error {
		ref, err := hooks.Get(rd, id)
		if err != nil {
			return err
		}
		if at, err = s.watchOf(rd, ref.Connection, ref.Repository); err == nil && at != nil {
			c, err = s.connectionOf(rd, ref.Connection)
		}
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound), known(err), err == nil && at == nil:
		http.Error(w, "there is no such webhook", http.StatusNotFound)
		return
	case err != nil:
		s.internal(w, r, err)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "a webhook is a POST", http.StatusMethodNotAllowed)
		return
	case c.ConnectionStatus != types.ConnectionStatusAvailable:
		http.Error(w, "the connection of this webhook is not available", http.StatusConflict)
		return
	}
	a, err := s.unseal(c.Access, c.arn())
	if err != nil {
		s.internal(w, r, err)
		return
	}
	secret, err := s.Secrets.Open(at.Hook.Secret)
	if err != nil {
		s.internal(w, r, err)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readWithin)) // some writers cannot
	select {
	case s.readings <- struct{}{}:
		defer func() { <-s.readings }()
	case <-r.Context().Done():
		return
	}
	body, ok := readWebhook(w, r)
	if !ok {
		return
	}
	dialect := dialectNamed(a.Dialect)
	log := s.Log.With("connection", c.arn(), "repository", at.Repository)
	if !dialect.Signed(r.Header, body, string(secret)) {
		log.Warn("a webhook with a wrong signature is refused", "from", r.RemoteAddr)
		http.Error(w, "the signature is wrong", http.StatusUnauthorized)
		return
	}
	d, err := dialect.Read(r.Header, body)
	if err != nil {
		log.Warn("a webhook cannot be read", "reason", err)
		http.Error(w, "the webhook cannot be read", http.StatusBadRequest)
		return
	}
	if len(d.Changes) == 0 {
		_, _ = io.WriteString(w, "nothing to do\n")
		return
	}
	if !strings.EqualFold(d.Repository, at.Repository) && !strings.EqualFold(d.Repository, at.Canonical) {
		log.Warn("a webhook is about another repository", "about", d.Repository)
		http.Error(w, "this webhook is for another repository", http.StatusUnprocessableEntity)
		return
	}
	news, err := s.accept(r.Context(), at, dialect.Delivery(r.Header), body, d.Changes)
	switch {
	case err != nil:
		s.internal(w, r, err)
	case !news:
		_, _ = io.WriteString(w, "this was delivered before\n")
	default:
		w.WriteHeader(http.StatusAccepted)
	}
}

// readWebhook reads the body whole: the signature is over all of it.
func readWebhook(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	if r.ContentLength > maxWebhook {
		w.Header().Set("Connection", "close") // the rest is not read
		http.Error(w, "a webhook has at most 25 MB", http.StatusRequestEntityTooLarge)
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		http.Error(w, "a webhook has at most 25 MB", http.StatusRequestEntityTooLarge)
		return nil, false
	case err != nil:
		http.Error(w, "the body ended early", http.StatusBadRequest)
		return nil, false
	}
	return body, true
}

func (s *Service) internal(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.Log.Error("webhook", "error", err)
	}
	http.Error(w, "internal error", http.StatusInternalServerError)
}

// delivery is the payload of a job that announces what a webhook told.
type delivery struct {
	hookRef
	Changes []source.Change
}

// accept takes a webhook in, if it was not taken before. The id of the delivery
// alone would not do: the signature does not cover it.
func (s *Service) accept(ctx context.Context, at *watch, delivered string, body []byte, changes []source.Change) (news bool, err error) {
	sum := sha256.Sum256(body)
	keys := [][]string{{at.Hook.ID, "body", hex.EncodeToString(sum[:])}}
	if delivered != "" && len(delivered) <= 200 {
		keys = append(keys, []string{at.Hook.ID, "id", delivered})
	}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		news = true
		for _, key := range keys {
			if _, err := seens.Get(tx, key...); err == nil {
				news = false
			} else if !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		if !news {
			return nil
		}
		for _, key := range keys {
			if err := seens.Put(tx, &seen{tx.Now()}, key...); err != nil {
				return err
			}
		}
		for i := range changes {
			trim(&changes[i])
		}
		return tx.Enqueue(engine.NewJob{Kind: deliveryJob, Key: watchID(at.Connection, at.Repository),
			Payload: delivery{hookRef{at.Connection, at.Repository}, changes}})
	})
	return news, err
}
