package codebuild

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// PathWebhooks is where git providers deliver events to projects.
const PathWebhooks = "/_slipway/webhooks/codebuild"

// maxDelivery is the most bytes of an event; GitHub sends at most 25 MB.
const maxDelivery = 25 << 20

// Deliveries is the handler of PathWebhooks. It knows a delivery by the URL it
// was made for and by its signature. Builds are not started by one yet.
func (s *Service) Deliveries() http.Handler { return http.HandlerFunc(s.deliver) }

func (s *Service) deliver(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuseDelivery(w, http.StatusMethodNotAllowed, "deliveries are posted")
		return
	}
	p, err := s.hooked(r)
	if err != nil {
		s.tryAgain(w, err)
		return
	}
	if p == nil {
		refuseDelivery(w, http.StatusNotFound, "no webhook has this URL")
		return
	}
	secret := []byte(nil)
	if p.HookSecret != "" {
		if secret, err = s.Secrets.Open(p.HookSecret); err != nil {
			s.tryAgain(w, err)
			return
		}
	}
	sum := hmac.New(sha256.New, secret)
	_, err = io.Copy(sum, http.MaxBytesReader(w, r.Body, maxDelivery))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		refuseDelivery(w, http.StatusRequestEntityTooLarge, "the event is longer than 25 MiB")
		return
	case err != nil:
		refuseDelivery(w, http.StatusBadRequest, "the event ends too early")
		return
	}
	if !genuine(p.Source.Type, r.Header, secret, sum.Sum(nil)) {
		refuseDelivery(w, http.StatusUnauthorized, "the signature is missing or wrong")
		return
	}
	if r.Header.Get("X-GitHub-Event") == "ping" {
		answer(w, http.StatusOK, map[string]string{"message": "pong"})
		return
	}
	refuseDelivery(w, http.StatusNotImplemented, "builds that webhooks start are not available in Slipway yet")
}

func refuseDelivery(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"message": message})
}

// hooked is the project whose webhook a delivery is for, or nil.
func (s *Service) hooked(r *http.Request) (p *project, err error) {
	target, err := s.URLs.Open(r.URL.Query().Get("t"))
	if err != nil {
		return nil, nil
	}
	part := strings.Split(string(target), "/")
	if len(part) != 3 {
		return nil, nil
	}
	err = s.Engine.View(r.Context(), func(r store.Reader) error {
		p, err = get(projects, r, part[0], part[1])
		return err
	})
	if err != nil || p == nil || p.Webhook == nil || p.Hook != part[2] {
		return nil, err
	}
	return p, nil
}

// genuine compares, in constant time, what the provider proves with the
// webhook's secret. Bitbucket has none: there the URL is all that nobody else
// knows.
func genuine(provider types.SourceType, h http.Header, secret, sum []byte) bool {
	switch provider {
	case types.SourceTypeBitbucket:
		return true
	case types.SourceTypeGitlab, types.SourceTypeGitlabSelfManaged:
		return len(secret) > 0 && subtle.ConstantTimeCompare([]byte(h.Get("X-Gitlab-Token")), secret) == 1
	}
	got, err := hex.DecodeString(strings.TrimPrefix(h.Get("X-Hub-Signature-256"), "sha256="))
	return err == nil && len(secret) > 0 && hmac.Equal(got, sum)
}
