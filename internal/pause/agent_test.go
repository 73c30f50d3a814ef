package pause

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
)

func TestAgentPaths(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	gateway := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Method+" "+r.URL.RequestURI())
	})}
	go func() { _ = gateway.Serve(ln) }()
	t.Cleanup(func() { _ = gateway.Close() })
	agent := httptest.NewServer(agentHandler(socket))
	t.Cleanup(agent.Close)

	for path, want := range map[string]string{
		"/v2/credentials/0a-b":       "GET /_slipway/tasks/0a-b/credentials",
		"/v4/x-1":                    "GET /_slipway/tasks/x-1/metadata",
		"/v4/x-1/task":               "GET /_slipway/tasks/x-1/metadata/task",
		"/v2/credentials/../x":       "404",
		"/v2/credentials/a%2f..%2fb": "404",
		"/v2/repository/tags/list":   "404",
		"/_slipway/health":           "404",
		"/":                          "404",
	} {
		res, err := http.Get(agent.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		got := string(body)
		if res.StatusCode == http.StatusNotFound {
			got = "404"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	res, err := http.Post(agent.URL+"/v2/credentials/a", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("POST: %d", res.StatusCode)
	}
}
