package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/accesslog"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/health"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
	"github.com/slipway-dev/slipway/internal/id"
)

// said is a function that answers by the path, and a journal of what is logged.
type said struct{ lines chan string }

type denied struct{ error }

func (denied) ErrorCode() string { return "AccessDeniedException" }

func (s *said) Call(_ context.Context, _, _, _ string, payload []byte) (answer []byte, failed bool, err error) {
	switch text := string(payload); {
	case strings.Contains(text, "/denied"):
		return nil, false, denied{errors.New("no")}
	case strings.Contains(text, "/away"):
		return nil, false, errors.New("no")
	case strings.Contains(text, "/raises"):
		return []byte(`{"errorMessage":"x"}`), true, nil
	case strings.Contains(text, "/odd"):
		return []byte(`"hello"`), false, nil
	case strings.Contains(text, "/large"):
		return []byte(`{"statusCode":200,"body":"` + strings.Repeat("a", maxEvent) + `"}`), false, nil
	}
	return []byte(`{"statusCode":200,"body":"hello"}`), false, nil
}

func (s *said) Write(_ accesslog.Place, line []byte) { s.lines <- string(line) }

// The log says why a function gave no response.
func TestFunctionErrors(t *testing.T) {
	s := &said{make(chan string, 1)}
	p := New(Config{Clock: clock.System, IDs: id.Random, Log: slog.New(slog.DiscardHandler), Metrics: nobody{}, Journal: s, Functions: s,
		Probed: func(context.Context, string, string, health.Result) {}})
	t.Cleanup(p.Close)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = free.Close()
	l := &plane.Listener{ARN: "l", Balancer: "app/lb/1", Host: "h", Options: plane.Options{Idle: time.Minute, AccessLog: &accesslog.Place{}},
		Rules: []*plane.Rule{{ARN: "r", Forward: &plane.Forward{Groups: []plane.Weighted{{Group: "g", Weight: 1}}}}}}
	g := &plane.Group{ARN: "g", Path: "g/1", Lambda: true, Algorithm: plane.RoundRobin, Targets: []plane.Target{{Key: "f", Function: "f"}}}
	l.Port = free.Addr().(*net.TCPAddr).Port
	if closed := p.Apply(&plane.Config{Listeners: []*plane.Listener{l}, Groups: map[string]*plane.Group{"g": g}}); len(closed) > 0 {
		t.Fatal(closed)
	}
	for path, want := range map[string]string{"/": "-", "/denied": "LambdaAccessDenied", "/away": "LambdaServiceException", "/raises": "LambdaUnhandled",
		"/odd": "LambdaInvalidResponse", "/large": "LambdaResponseTooLarge"} {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", l.Port, path))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		line := <-s.lines
		if !strings.Contains(line, ` "forward" "-" "`+want+`" "-" `) || (resp.StatusCode == 200) != (want == "-") {
			t.Errorf("%s: %s\n%s", path, resp.Status, line)
		}
	}
}
