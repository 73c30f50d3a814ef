package githost

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Delivery is one webhook that was sent.
type Delivery struct {
	URL    string
	Header http.Header
	Body   []byte
	Status int // of the answer, 0 if there was none
}

// Deliveries are the webhooks sent so far, those on their way awaited.
func (h *Host) Deliveries() []*Delivery {
	h.sending.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.deliveries)
}

var client = &http.Client{Timeout: 30 * time.Second}

// Send sends a webhook, again or for the first time, and returns the status of
// the answer.
func (d *Delivery) Send() (int, error) {
	r, err := http.NewRequest(http.MethodPost, d.URL, bytes.NewReader(d.Body))
	if err != nil {
		return 0, err
	}
	r.Header = d.Header.Clone()
	resp, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, nil
}

// event is what happened: a ref that moved, or a pull request.
type event struct {
	ref, before, after string // objects; "" for none
	pull               *PullRequest
	action             string // opened, updated, closed, merged
	commits            []*commitInfo
	head               *commitInfo // nil if the ref is gone
}

const zero = "0000000000000000000000000000000000000000"

func orZero(id string) string {
	if id == "" {
		return zero
	}
	return id
}

// moved tells of every ref that is not what it was, and of the pull requests
// whose branch it is.
func (r *Repo) moved(before map[string]string) {
	after := r.refs()
	names := slices.Collect(maps.Keys(after))
	for name := range before {
		if after[name] == "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if before[name] == after[name] {
			continue
		}
		e := &event{ref: name, before: before[name], after: after[name]}
		if e.after != "" {
			e.head, _ = r.info(e.after)
			if strings.HasPrefix(name, "refs/heads/") {
				e.commits = r.between(e.before, e.after)
			}
		}
		r.tell(e)
		for _, p := range r.pulls {
			if e.head != nil && p.Open && "refs/heads/"+p.Head == name {
				r.tell(&event{pull: p, action: "updated", head: e.head, before: e.before})
			}
		}
	}
}

// tell sends an event to every webhook of the repository, in turn.
func (r *Repo) tell(e *event) {
	h := r.host
	h.mu.Lock()
	hooks := slices.Clone(h.hooks)
	silent := h.silent
	h.mu.Unlock()
	if silent {
		return
	}
	for _, k := range hooks {
		if k.repo != r {
			continue
		}
		name, payload := webhooks[k.dialect](r, e)
		if payload == nil {
			continue
		}
		body, err := json.Marshal(payload)
		if err != nil {
			panic(err)
		}
		d := &Delivery{URL: k.url, Body: body, Header: h.headers(k, name, body)}
		h.sending.Add(1)
		func() {
			defer h.sending.Done()
			d.Status, _ = d.Send()
		}()
		h.mu.Lock()
		h.deliveries = append(h.deliveries, d)
		h.mu.Unlock()
	}
}

// webhooks make the payload of an event and say what the dialect calls it.
var webhooks = map[string]func(*Repo, *event) (string, any){
	GitHub: gitHubWebhook, Gitea: giteaWebhook, GitLab: gitLabWebhook, Bitbucket: bitbucketWebhook,
}

func (h *Host) headers(k *hook, event string, body []byte) http.Header {
	mac := hmac.New(sha256.New, []byte(k.secret))
	mac.Write(body)
	signature := hex.EncodeToString(mac.Sum(nil))
	delivery := fmt.Sprintf("%08x-0000-4000-8000-000000000000", h.id())
	out := http.Header{"Content-Type": {"application/json"}}
	switch k.dialect {
	case GitHub:
		out.Set("X-GitHub-Event", event)
		out.Set("X-GitHub-Delivery", delivery)
		out.Set("X-Hub-Signature-256", "sha256="+signature)
	case Gitea:
		out.Set("X-Gitea-Event", event)
		out.Set("X-Gitea-Delivery", delivery)
		out.Set("X-Gitea-Signature", signature)
	case GitLab:
		out.Set("X-Gitlab-Event", event)
		out.Set("Idempotency-Key", delivery)
		out.Set("X-Gitlab-Token", k.secret)
	case Bitbucket:
		out.Set("X-Event-Key", event)
		out.Set("X-Request-UUID", delivery)
		out.Set("X-Hub-Signature", "sha256="+signature)
	}
	return out
}

// PullRequest asks to merge a branch of a repository into another of it.
type PullRequest struct {
	ID         int64
	Title      string
	Head, Base string // branches
	Open       bool
	// From is another repository, for pull requests from forks.
	From string
	repo *Repo
}

// OpenPullRequest opens one and tells of it.
func (r *Repo) OpenPullRequest(title, head, base, from string) (*PullRequest, error) {
	p := &PullRequest{ID: int64(len(r.pulls) + 1), Title: title, Head: head, Base: base, Open: true, From: from, repo: r}
	if p.From == "" {
		p.From = r.Name
	}
	info, err := r.info("refs/heads/" + head)
	if err != nil {
		return nil, err
	}
	r.pulls = append(r.pulls, p)
	r.tell(&event{pull: p, action: "opened", head: info})
	return p, nil
}

// Close closes a pull request, merged or not, and tells of it.
func (p *PullRequest) Close(merged bool) {
	p.Open = false
	info, _ := p.repo.info("refs/heads/" + p.Head)
	action := "closed"
	if merged {
		action = "merged"
	}
	p.repo.tell(&event{pull: p, action: action, head: info})
}

// Retitle changes words only.
func (p *PullRequest) Retitle(title string) {
	p.Title = title
	info, _ := p.repo.info("refs/heads/" + p.Head)
	p.repo.tell(&event{pull: p, action: "edited", head: info})
}
