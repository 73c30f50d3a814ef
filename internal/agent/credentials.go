package agent

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/agent/job"
	"github.com/slipway-dev/slipway/internal/agent/mask"
)

// credentials are the build's role session: fetched from the service when they
// are first asked for, renewed before they expire, and masked in the log.
type credentials struct {
	client  *client
	secrets *mask.Secrets

	mu   sync.Mutex
	have job.Credentials
	till time.Time
}

// renewBefore is when a session is renewed; a server that is away then has this
// long to come back.
const renewBefore = 15 * time.Minute

func (c *credentials) get(ctx context.Context) (job.Credentials, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Until(c.till) > renewBefore {
		return c.have, nil
	}
	fresh, err := c.client.credentials(ctx)
	if err != nil {
		if time.Until(c.till) > 0 {
			return c.have, nil
		}
		return job.Credentials{}, err
	}
	till, err := time.Parse(time.RFC3339, fresh.Expiration)
	if err != nil {
		return job.Credentials{}, err
	}
	c.secrets.Add(fresh.AccessKeyID, fresh.SecretAccessKey, fresh.Token)
	c.have, c.till = fresh, till
	return fresh, nil
}

// Retrieve is the SDK's credentials provider.
func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := c.get(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return aws.Credentials{
		AccessKeyID: got.AccessKeyID, SecretAccessKey: got.SecretAccessKey, SessionToken: got.Token,
		CanExpire: true, Expires: c.till, Source: "slipway",
	}, nil
}

// endpoint serves the credentials to the build's commands, in the form of the
// container credentials provider that every SDK has.
type endpoint struct {
	URL, Token string
	server     *http.Server
}

// serveCredentials listens on a free port of the loopback interface.
func serveCredentials(c *credentials) (*endpoint, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 24)
	_, _ = rand.Read(secret)
	e := &endpoint{URL: "http://" + ln.Addr().String() + "/v1/credentials", Token: hex.EncodeToString(secret)}
	c.secrets.Add(e.Token) // a build that prints its environment gives nothing away
	e.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		// The token keeps other users of a shared loopback interface out.
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(e.Token)) != 1 {
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(map[string]string{"code": "Unauthorized", "message": "the authorization token is missing or wrong"})
			return
		}
		got, err := c.get(r.Context())
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = json.NewEncoder(w).Encode(map[string]string{"code": "Unavailable", "message": "the build's role session cannot be had"})
			return
		}
		_ = json.NewEncoder(w).Encode(got)
	})}
	go func() {
		if err := e.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			_ = ln.Close()
		}
	}()
	return e, nil
}

func (e *endpoint) close() { _ = e.server.Close() }
