package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	callTimeout  = 30 * time.Second
	maxAnswer    = 32 << 20 // bytes
	maxRedirects = 5
	// MaxPages bounds lists whose pages never end.
	MaxPages = 200
)

// REST calls a JSON API.
type REST struct {
	base string
	http *http.Client
	// Header is sent along with every request.
	Header http.Header
}

// NewREST calls the API at base through carrier, usually a *Bound.
func NewREST(base *url.URL, carrier http.RoundTripper) *REST {
	return &REST{base: strings.TrimSuffix(base.String(), "/"), Header: http.Header{}, http: &http.Client{
		Transport: carrier, Timeout: callTimeout,
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			switch {
			case len(via) > maxRedirects:
				return errors.New("too many redirects")
			case r.Method != http.MethodGet:
				return errors.New("a redirect of a request that writes")
			case via[0].URL.Scheme == "https" && r.URL.Scheme != "https":
				return errors.New("a redirect from https to " + r.URL.Scheme)
			}
			return nil
		},
	}}
}

// Get reads what is at a path, made of a query and parts that are each escaped
// by Path.
func (c *REST) Get(ctx context.Context, path string, into any) error {
	_, err := c.do(ctx, http.MethodGet, c.base+path, nil, into)
	return err
}

// All reads the pages of a list, which Link headers chain, until more answers
// false.
func All[T any](ctx context.Context, c *REST, path string, more func([]T) bool) error {
	at := c.base + path
	for n := 0; at != ""; n++ {
		if n == MaxPages {
			return fmt.Errorf("%w: a list without an end", ErrAnswer)
		}
		var page []T
		h, err := c.do(ctx, http.MethodGet, at, nil, &page)
		if err != nil || !more(page) {
			return err
		}
		at = next(h)
	}
	return nil
}

// next is the URL of the next page by an answer's Link header, "" after the last.
func next(h http.Header) string {
	for link := range strings.SplitSeq(h.Get("Link"), ",") {
		target, attributes, ok := strings.Cut(strings.TrimSpace(link), ">")
		if ok && strings.Contains(attributes, `rel="next"`) {
			return strings.TrimPrefix(target, "<")
		}
	}
	return ""
}

// GetURL is Get of a whole URL, that of a next page.
func (c *REST) GetURL(ctx context.Context, at string, into any) error {
	_, err := c.do(ctx, http.MethodGet, at, nil, into)
	return err
}

// Post sends in as JSON.
func (c *REST) Post(ctx context.Context, path string, in, into any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, http.MethodPost, c.base+path, body, into)
	return err
}

// Delete removes what is at a path; if nothing is, that is no error.
func (c *REST) Delete(ctx context.Context, path string) error {
	_, err := c.do(ctx, http.MethodDelete, c.base+path, nil, nil)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

func (c *REST) do(ctx context.Context, method, at string, body []byte, into any) (http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	for name, values := range c.Header {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", "Slipway")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, reason(err))
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, reason(err))
	}
	if err := refusal(resp, b, Origin(resp.Request.URL) != Origin(r.URL)); err != nil {
		return nil, err
	}
	if into == nil {
		return resp.Header, nil
	}
	if err := json.Unmarshal(b, into); err != nil {
		return nil, fmt.Errorf("%w: the answer is not the JSON that was expected", ErrAnswer)
	}
	return resp.Header, nil
}

// reason leaves the URL away, which may have queries that are not for logs.
func reason(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// Refusal is an answer other than success.
type Refusal struct {
	Status int
	Text   string // the provider's, cut
	kind   error
}

func (r *Refusal) Error() string {
	text := fmt.Sprintf("%v (status %d", r.kind, r.Status)
	if r.Text != "" {
		text += ": " + r.Text
	}
	return text + ")"
}

func (r *Refusal) Unwrap() error { return r.kind }

func refusal(resp *http.Response, body []byte, moved bool) error {
	r := &Refusal{Status: resp.StatusCode}
	switch status := resp.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case moved:
		r.kind = ErrMoved
	case status == http.StatusUnauthorized:
		r.kind = ErrToken
	case status == http.StatusTooManyRequests, status >= 500,
		status == http.StatusForbidden && resp.Header.Get("X-RateLimit-Remaining") == "0":
		r.kind = ErrAway
	case status == http.StatusForbidden:
		r.kind = ErrDenied
	case status == http.StatusNotFound, status == http.StatusGone:
		r.kind = ErrNotFound
	case status >= 300 && status < 400:
		r.kind = ErrAnswer
	default:
		r.kind = ErrDenied
	}
	var said struct {
		Message any `json:"message"` // GitHub, Gitea, GitLab
		Error   any `json:"error"`   // GitLab, Bitbucket
	}
	if json.Unmarshal(body, &said) == nil {
		for _, v := range []any{said.Message, said.Error} {
			if v != nil && r.Text == "" {
				b, _ := json.Marshal(v)
				if r.Text = strings.Trim(string(b), `"`); len(r.Text) > 300 {
					r.Text = r.Text[:300]
				}
			}
		}
	}
	return r
}

// Path joins parts to a path below the API, each escaped as one segment.
func Path(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(p))
	}
	return b.String()
}
