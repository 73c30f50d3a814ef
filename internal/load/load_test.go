package load

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	var n, bad atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch i := n.Add(1); {
		case bad.Load() > 0:
			bad.Add(-1)
			w.WriteHeader(http.StatusBadGateway)
		case i%10 == 0:
			fmt.Fprint(w, "version 2\nand more")
		default:
			fmt.Fprint(w, "version 1")
		}
	}))
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	l, err := Start(ctx, Config{URL: strings.Replace(s.URL, "127.0.0.1", "web.elb.localhost", 1)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.Next(ctx, 1000)
	if err != nil || c.Requests < 1000 || c.Failed > 0 || c.Retried > 0 || c.Share("version 2") < 9 || c.Share("version 2") > 11 {
		t.Errorf("%v\n%v", err, c)
	}
	bad.Store(5)
	if c, err = l.Next(ctx, 200); err != nil || c.Failed != 5 || c.Failures["status 502"] != 5 {
		t.Errorf("%v\n%v", err, c)
	}
	s.CloseClientConnections() // those that were kept are made again
	if c, err = l.Next(ctx, 200); err != nil || c.Requests-c.Failed < 150 {
		t.Errorf("%v\n%v", err, c)
	}
	c = l.Stop()
	if sum := c.Versions["version 1"] + c.Versions["version 2"] + c.Failed; c.Requests != sum {
		t.Errorf("%d is not %d\n%v", sum, c.Requests, c)
	}
	if text := c.String(); !strings.HasPrefix(text, fmt.Sprintf("requests %d, failed ", c.Requests)) || !strings.Contains(text, "failed by status 502: 5\n") {
		t.Error(text)
	}
	if _, err := Start(ctx, Config{URL: "ftp://x"}); err == nil {
		t.Error("that is no URL to ask")
	}
}

func TestRate(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	l, err := Start(t.Context(), Config{URL: s.URL, Rate: 100, Kept: 2, Fresh: -1})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := l.Next(t.Context(), 21); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 150*time.Millisecond {
		t.Errorf("21 requests at 100 a second took %v", took)
	}
	if c := l.Stop(); c.Failed > 0 {
		t.Error(c)
	}
}
