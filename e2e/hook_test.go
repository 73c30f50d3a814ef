package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

type hooks struct{}

// hook receives what SNS sends, as somebody's web server would: it confirms the
// subscription by visiting the SubscribeURL, and keeps the notifications.
type hook struct {
	mu     sync.Mutex
	got    []string
	came   chan struct{} // closed by the next one
	broken int           // requests that are still to be answered with 503
}

// hookCommand is
//
//	hook start NAME                a receiver; sets $NAME to its URL
//	hook break NAME N              answers the next N requests with 503
//	[!] hook got NAME SECONDS RE   waits for a notification whose headers, subject and
//	                               message, a line each, match; prints it. With ! waits
//	                               and wants none
func hookCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: hook start|break|got NAME …")
	}
	all := ts.Value(hooks{}).(map[string]*hook)
	if args[0] == "start" {
		h := &hook{came: make(chan struct{})}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
		go func() { _ = server.Serve(l) }()
		ts.Defer(func() { _ = server.Close() })
		all[args[1]] = h
		ts.Setenv(args[1], "http://"+l.Addr().String()+"/hook")
		return
	}
	h := all[args[1]]
	switch {
	case h == nil:
		ts.Fatalf("no hook %s", args[1])
	case args[0] == "break" && len(args) == 3:
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		h.mu.Lock()
		h.broken = n
		h.mu.Unlock()
	case args[0] == "got" && len(args) == 4:
		seconds, err := strconv.Atoi(args[2])
		ts.Check(err)
		want, err := regexp.Compile(args[3])
		ts.Check(err)
		text, ok := h.wait(want, time.Duration(seconds)*time.Second)
		fmt.Fprintln(ts.Stdout(), text)
		if ok == neg {
			ts.Fatalf("waited for %s; a notification came: %v\n%s", args[3], ok, text)
		}
	default:
		ts.Fatalf("hook %s?", args[0])
	}
}

// wait returns the first notification that matches, or all if none did in time.
func (h *hook) wait(want *regexp.Regexp, most time.Duration) (text string, ok bool) {
	over := time.After(most)
	for {
		h.mu.Lock()
		came, all := h.came, h.got
		h.mu.Unlock()
		for _, text := range all {
			if want.MatchString(text) {
				return text, true
			}
		}
		select {
		case <-came:
		case <-over:
			return fmt.Sprintf("%q", all), false
		}
	}
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	h.mu.Lock()
	broken := h.broken > 0
	if broken {
		h.broken--
	}
	h.mu.Unlock()
	if broken {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var m struct{ Type, Subject, Message, SubscribeURL string }
	if r.Header.Get("X-Amz-Sns-Rawdelivery") == "true" {
		m.Message = string(body)
	} else if json.Unmarshal(body, &m) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if m.SubscribeURL != "" {
		answer, err := http.Get(m.SubscribeURL) //nolint:gosec,noctx // what a receiver is asked to do
		if err == nil {
			_ = answer.Body.Close()
		}
		return
	}
	text := fmt.Sprintf("%s %s\n%s\n%s", r.Header.Get("X-Amz-Sns-Message-Type"), r.Header.Get("X-Amz-Sns-Topic-Arn"), m.Subject, m.Message)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got = append(h.got, text)
	close(h.came)
	h.came = make(chan struct{})
}
