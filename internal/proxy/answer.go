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
type answer struct {
	status int
	header [][2]string
	body   string
}

// severalHere is for a request that none of the port's load balancers is
// meant by.
var severalHere = page(http.StatusMisdirectedRequest, "Several load balancers listen on this port: name one by its DNS name.")

func page(status int, text string) *answer {
	return &answer{status: status, header: [][2]string{{"Content-Type", "text/html"}}, body: text}
}

// failure is an answer because there is no other.
func failure(l *listener, status int) *answer {
	l.meter.Answered(status)
	return plainly(status).of(l)
}

// plainly is a page that says no more than the status.
func plainly(status int) *answer {
	return page(status, fmt.Sprintf("<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n<center><h1>%[1]d %[2]s</h1></center>\r\n</body>\r\n</html>\r\n", status, http.StatusText(status)))
}

// of sets the headers of a listener's own answers.
func (a *answer) of(l *listener) *answer {
	if l.Options.Server {
		a.header = append(a.header, [2]string{"Server", "awselb/2.0"})
	}
	for name, v := range l.Options.Headers {
		a.header = append(a.header, [2]string{name, v})
	}
	return a
}

// serve sends the answer through net/http, which leaves the body out where
// there must be none.
func (a *answer) serve(w http.ResponseWriter) {
	h := w.Header()
	for _, f := range a.header {
		h.Set(f[0], f[1])
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// own is the answer of a rule that forwards nothing.
func (o *port) own(l *listener, x *rule, q *plane.Request) *answer {
	if x.Fixed != nil {
		return fixed(l, x.Fixed)
	}
	return o.redirect(l, x.Redirect, q)
}

func fixed(l *listener, f *plane.Fixed) *answer {
	l.meter.Fixed.Add(1)
	l.meter.Answered(f.Status)
	kind := f.ContentType
	if kind == "" {
		kind = "text/plain"
	}
	a := &answer{status: f.Status, header: [][2]string{{"Content-Type", kind + "; charset=utf-8"}}, body: f.Body}
	return a.of(l)
}

// redirect answers with the request's address, changed.
func (o *port) redirect(l *listener, c *plane.Redirect, q *plane.Request) *answer {
	scheme := "http"
	if q.Secure {
		scheme = "https"
	}
	host := q.Host
	if strings.Contains(host, ":") {
		host = "[" + strings.Trim(host, "[]") + "]"
	}
	fill := strings.NewReplacer("#{protocol}", scheme, "#{host}", host, "#{port}", strconv.Itoa(o.number),
		"#{path}", strings.TrimPrefix(q.Path, "/"), "#{query}", q.Query).Replace
	to := strings.ToLower(fill(c.Protocol)) + "://" + fill(c.Host) + ":" + fill(c.Port) + fill(c.Path)
	if query := fill(c.Query); query != "" {
		to += "?" + query
	}
	if strings.ContainsAny(to, "\r\n") {
		return failure(l, http.StatusBadRequest)
	}
	l.meter.Redirects.Add(1)
	a := failure(l, c.Status)
	a.header = append(a.header, [2]string{"Location", to})
	return a
}
