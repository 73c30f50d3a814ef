package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

// Paths of the service's endpoints for agents.
const (
	PathJob         = "/_slipway/agent/job"
	PathJournal     = "/_slipway/agent/journal"
	PathCredentials = "/_slipway/agent/credentials"
)

// errGone is the service's answer that this agent is not wanted any more.
var errGone = errors.New("agent: dismissed")

// client speaks with the service.
type client struct {
	url, token string
	http       *http.Client
}

func newClient(c Config) *client {
	return &client{url: c.Endpoint, token: c.Token, http: &http.Client{Transport: transport(c)}}
}

// transport reaches the gateway: through its socket if there is one.
func transport(c Config) *http.Transport {
	t := &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, DisableCompression: true}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if c.Socket != "" {
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", c.Socket)
		}
	} else {
		t.DialContext = dialer.DialContext
	}
	return t
}

// job waits for work. nil without an error means to ask again.
func (c *client) job(ctx context.Context) (*job.Job, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var j job.Job
	status, err := c.do(ctx, http.MethodGet, PathJob, nil, &j)
	if err != nil || status == http.StatusNoContent {
		return nil, err
	}
	return &j, nil
}

// send delivers a piece of the journal that begins at offset and returns how
// far the service has the journal now.
func (c *client) send(ctx context.Context, offset int64, piece []byte) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var o job.Offset
	_, err := c.do(ctx, http.MethodPost, PathJournal+"?offset="+strconv.FormatInt(offset, 10), piece, &o)
	return o.Offset, err
}

func (c *client) credentials(ctx context.Context) (job.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var creds job.Credentials
	_, err := c.do(ctx, http.MethodGet, PathCredentials, nil, &creds)
	return creds, err
}

func (c *client) do(ctx context.Context, method, path string, body []byte, into any) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return 0, err
	}
	switch resp.StatusCode {
	case http.StatusOK, http.StatusConflict: // a conflict also tells the offset
		return resp.StatusCode, json.Unmarshal(b, into)
	case http.StatusNoContent:
		return resp.StatusCode, nil
	case http.StatusGone, http.StatusUnauthorized:
		return resp.StatusCode, errGone
	}
	return resp.StatusCode, fmt.Errorf("slipway answers %s: %s", resp.Status, bytes.TrimSpace(b))
}
