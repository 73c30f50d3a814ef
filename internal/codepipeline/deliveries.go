package codepipeline

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" // GitHub's older signature
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// WebhookPath is where webhooks are delivered; the rest of the path names one.
const WebhookPath = "/_slipway/webhooks/codepipeline/"

// maxDelivery is the most bytes of a delivery; GitHub sends at most 25 MB.
const maxDelivery = 25 << 20

// Webhooks is the handler of WebhookPath. A delivery that its webhook lets pass
// starts the webhook's pipeline; one that the filters do not want is answered
// well and does nothing.
func (s *Service) Webhooks() http.Handler { return http.HandlerFunc(s.deliver) }

func (s *Service) deliver(w http.ResponseWriter, r *http.Request) {
	status, message := s.accept(w, r)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func (s *Service) accept(w http.ResponseWriter, r *http.Request) (status int, message string) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, "deliveries are posted"
	}
	hook, err := s.webhookAt(r.Context(), strings.TrimPrefix(r.URL.Path, WebhookPath))
	if err != nil {
		return s.broken(err)
	}
	if hook == nil {
		return http.StatusNotFound, "no webhook has this URL"
	}
	auth := hook.Definition.AuthenticationConfiguration
	if hook.Definition.Authentication == types.WebhookAuthenticationTypeIp && !within(aws.ToString(auth.AllowedIPRange), r.RemoteAddr) {
		return http.StatusForbidden, "the address is not in the allowed range"
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDelivery))
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return http.StatusRequestEntityTooLarge, "the delivery is longer than 25 MiB"
	}
	if err != nil {
		return http.StatusBadRequest, "the delivery ends too early"
	}
	signed := hook.Definition.Authentication == types.WebhookAuthenticationTypeGithubHmac
	if signed {
		secret, err := s.cfg.Secrets.Open(hook.Secret)
		if err != nil {
			return s.broken(err)
		}
		if !genuine(secret, r.Header, body) {
			return http.StatusForbidden, "the signature is missing or wrong"
		}
	}
	doc, err := payload(r.Header, body)
	if err != nil {
		return http.StatusBadRequest, "the delivery is not JSON"
	}
	return s.trigger(r.Context(), hook, doc, deliveryID(signed, r.Header, body))
}

func (s *Service) broken(err error) (int, string) {
	s.cfg.Log.Error("codepipeline: a delivery failed", "error", err)
	return http.StatusInternalServerError, "try again later"
}

// webhookAt finds a webhook by the last part of its URL; nil if there is none.
func (s *Service) webhookAt(ctx context.Context, id string) (w *webhook, err error) {
	err = s.cfg.Engine.View(ctx, func(r store.Reader) error {
		ref, err := webhookURLs.Get(r, id)
		if err != nil {
			return err
		}
		w, err = webhooks.Get(r, ref.Region, ref.Name)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return w, err
}

func within(cidr, remote string) bool {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddrPort(remote)
	return err == nil && prefix.Contains(addr.Addr().Unmap())
}

// genuine checks GitHub's signature of a body, the newer if there are both.
func genuine(secret []byte, h http.Header, body []byte) bool {
	check := func(algorithm func() hash.Hash, text string) bool {
		sum := hmac.New(algorithm, secret)
		sum.Write(body)
		got, err := hex.DecodeString(text)
		return err == nil && hmac.Equal(got, sum.Sum(nil))
	}
	if text, ok := strings.CutPrefix(h.Get("X-Hub-Signature-256"), "sha256="); ok {
		return check(sha256.New, text)
	}
	text, ok := strings.CutPrefix(h.Get("X-Hub-Signature"), "sha1=")
	return ok && check(sha1.New, text)
}

// payload reads the document of a delivery, which GitHub also sends as the
// field of a form. Others call JSON a form because their client does.
func payload(h http.Header, body []byte) (doc any, err error) {
	if t, _, _ := mime.ParseMediaType(h.Get("Content-Type")); t == "application/x-www-form-urlencoded" {
		if form, err := url.ParseQuery(string(body)); err == nil && form.Has("payload") {
			body = []byte(form.Get("payload"))
		}
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber() // commit counts and ids compare as they are written
	err = d.Decode(&doc)
	return doc, err
}

// deliveryID tells a delivery from others, "" if nothing does. Of one that is
// signed the body does: its headers could be anybody's, and a replay must start
// nothing.
func deliveryID(signed bool, h http.Header, body []byte) string {
	if signed {
		sum := sha256.Sum256(body)
		return hex.EncodeToString(sum[:])
	}
	return h.Get("X-GitHub-Delivery")
}

// trigger starts the pipeline if all filters pass.
func (s *Service) trigger(ctx context.Context, hook *webhook, doc any, delivery string) (status int, message string) {
	status, message = http.StatusOK, "ignored: the filters do not match"
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := s.pipelineOf(tx, hook.Region, aws.ToString(hook.Definition.TargetPipeline))
		if err != nil {
			return err
		}
		a := sourceAction(&p.Declaration, aws.ToString(hook.Definition.TargetAction))
		if a == nil || !pass(hook.Definition.Filters, doc, mask(a.Configuration)) {
			return nil
		}
		how := starting{trigger: types.ExecutionTrigger{TriggerType: types.TriggerTypeWebhook, TriggerDetail: hook.Arn}}
		if delivery != "" {
			how.token = "webhook:" + aws.ToString(hook.Arn) + ":" + delivery
		}
		before, err := startedBy(tx, p, how.token)
		if err != nil {
			return err
		}
		execution, err := s.start(tx, p, how)
		if err != nil {
			return err
		}
		message = "started the execution " + execution
		if before != "" {
			message = "this delivery started the execution " + execution + " before"
			return nil
		}
		now, err := webhooks.Get(tx, hook.Region, aws.ToString(hook.Definition.Name))
		if errors.Is(err, store.ErrNotFound) {
			return nil // deleted just now
		}
		if err != nil {
			return err
		}
		now.LastTriggered = aws.Time(s.cfg.Engine.Now())
		return webhooks.Put(tx, now, hook.Region, aws.ToString(hook.Definition.Name))
	})
	if known(err) {
		s.cfg.Log.Warn("codepipeline: a delivery could not start a pipeline", "webhook", aws.ToString(hook.Definition.Name), "reason", err)
		return http.StatusConflict, "the pipeline cannot be started now"
	}
	if err != nil {
		return s.broken(err)
	}
	return status, message
}

// pass reports whether a document meets every filter. {Key} in a value stands
// for the target action's configuration.
func pass(filters []types.WebhookFilterRule, doc any, configuration map[string]string) bool {
	for _, f := range filters {
		p, err := parsePath(aws.ToString(f.JsonPath))
		if err != nil {
			return false
		}
		want := aws.ToString(f.MatchEquals)
		for key, v := range configuration {
			want = strings.ReplaceAll(want, "{"+key+"}", v)
		}
		ok := false
		for _, v := range p.find(doc) {
			ok = ok || f.MatchEquals == nil || textOf(v) == want
		}
		if !ok {
			return false
		}
	}
	return true
}
