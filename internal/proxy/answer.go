package proxy

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

var discard = log.New(io.Discard, "", 0)

// answer is what the load balancer says itself.
func (o *port) answer(w http.ResponseWriter, l *listener, status int) {
	answer(w, l, status)
	o.proxy.counted()
}

func answer(w http.ResponseWriter, l *listener, status int) {
	l.meter.Answered(status)
	own(w, l)
	page(w, status, fmt.Sprintf("<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n<center><h1>%[1]d %[2]s</h1></center>\r\n</body>\r\n</html>\r\n", status, http.StatusText(status)))
}

func page(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/html")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// own sets the headers of the load balancer's own answers.
func own(w http.ResponseWriter, l *listener) {
	if l.Options.Server {
		w.Header().Set("Server", "awselb/2.0")
	}
	for name, v := range l.Options.Headers {
		w.Header().Set(name, v)
	}
}

func (o *port) fixed(w http.ResponseWriter, r *http.Request, l *listener, f *plane.Fixed) {
	l.meter.Fixed.Add(1)
	l.meter.Answered(f.Status)
	o.proxy.counted()
	own(w, l)
	kind := f.ContentType
	if kind == "" {
		kind = "text/plain"
	}
	h := w.Header()
	h.Set("Content-Type", kind+"; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(f.Body)))
	w.WriteHeader(f.Status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, f.Body)
	}
}

// redirect answers with the request's address, changed.
func (o *port) redirect(w http.ResponseWriter, r *http.Request, l *listener, c *plane.Redirect) {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	host := hostOf(r.Host)
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	fill := strings.NewReplacer("#{protocol}", scheme, "#{host}", host, "#{port}", strconv.Itoa(o.number),
		"#{path}", strings.TrimPrefix(r.URL.EscapedPath(), "/"), "#{query}", r.URL.RawQuery).Replace
	to := strings.ToLower(fill(c.Protocol)) + "://" + fill(c.Host) + ":" + fill(c.Port) + fill(c.Path)
	if q := fill(c.Query); q != "" {
		to += "?" + q
	}
	if strings.ContainsAny(to, "\r\n") {
		o.answer(w, l, http.StatusBadRequest)
		return
	}
	l.meter.Redirects.Add(1)
	w.Header().Set("Location", to)
	o.answer(w, l, c.Status)
}
