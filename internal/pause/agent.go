package pause

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"time"

	"github.com/slipway-dev/slipway/internal/forward"
)

// The two things that the agent's address serves, by their paths in ECS: the
// URI of AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, and what begins with
// ECS_CONTAINER_METADATA_URI_V4. The ids in them cannot be guessed.
var (
	credentialsPath = regexp.MustCompile(`^/v2/credentials/([0-9a-zA-Z-]{1,64})$`)
	metadataPath    = regexp.MustCompile(`^/v4/([0-9a-zA-Z-]{1,128})((?:/task|/stats|/task/stats)?)$`)
)

// gatewayPath is where the gateway has it; /v2/ is the registry's there.
func gatewayPath(path string) (string, bool) {
	if m := credentialsPath.FindStringSubmatch(path); m != nil {
		return "/_slipway/tasks/" + m[1] + "/credentials", true
	}
	if m := metadataPath.FindStringSubmatch(path); m != nil {
		return "/_slipway/tasks/" + m[1] + "/metadata" + m[2], true
	}
	return "", false
}

// agentHandler passes those on and nothing else.
func agentHandler(socket string) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			path, _ := gatewayPath(r.In.URL.Path)
			r.Out.URL = &url.URL{Scheme: "http", Host: "localhost", Path: path}
			r.Out.Host = "localhost"
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return forward.Dial(ctx, socket)
			},
			MaxIdleConns: 1, IdleConnTimeout: time.Second,
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := gatewayPath(r.URL.Path); !ok || r.Method != http.MethodGet {
			http.NotFound(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	})
}

func serveAgent(ctx context.Context, ln net.Listener, socket string) error {
	srv := &http.Server{Handler: agentHandler(socket), ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
