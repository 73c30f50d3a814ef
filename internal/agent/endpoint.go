package agent

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

// Paths of what the agent tells the build's commands.
const (
	credentialsPath = "/v1/credentials"
	loginPath       = "/v1/login" // ?host=https://HOST
)

// endpoint serves the credentials to the build's commands, in the form of the
// container credentials provider that every SDK has, and the logins of the
// build's sources to git's credential helper.
type endpoint struct {
	URL, Token string
	server     *http.Server

	mu     sync.Mutex
	logins map[string]job.Login // scheme://host
}

// serveCredentials listens on a free port of the loopback interface.
func serveCredentials(c *credentials) (*endpoint, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 24)
	_, _ = rand.Read(secret)
	e := &endpoint{URL: "http://" + ln.Addr().String() + credentialsPath, Token: hex.EncodeToString(secret), logins: map[string]job.Login{}}
	c.secrets.Add(e.Token) // a build that prints its environment gives nothing away
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+credentialsPath, func(w http.ResponseWriter, r *http.Request) {
		got, err := c.get(r.Context())
		if err != nil {
			tell(w, http.StatusServiceUnavailable, map[string]string{"code": "Unavailable", "message": "the build's role session cannot be had"})
			return
		}
		tell(w, http.StatusOK, got)
	})
	mux.HandleFunc("GET "+loginPath, func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		tell(w, http.StatusOK, e.logins[r.URL.Query().Get("host")])
	})
	e.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The token keeps other users of a shared loopback interface out.
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(e.Token)) != 1 {
			tell(w, http.StatusUnauthorized, map[string]string{"code": "Unauthorized", "message": "the authorization token is missing or wrong"})
			return
		}
		mux.ServeHTTP(w, r)
	})}
	go func() {
		if err := e.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			_ = ln.Close()
		}
	}()
	return e, nil
}

func tell(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// remember keeps a login for git commands of the build.
func (e *endpoint) remember(address *url.URL, login job.Login) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.logins[address.Scheme+"://"+address.Host] = login
}

func (e *endpoint) close() { _ = e.server.Close() }
