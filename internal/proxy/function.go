package proxy

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/health"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

// Functions is Lambda: Call runs a function in the name of a service, for the
// resource that source names, and waits. failed says that the answer is the
// function's error.
type Functions interface {
	Call(ctx context.Context, principal, source, function string, payload []byte) (answer []byte, failed bool, err error)
}

// principal is who invokes functions; their policies must let it.
const principal = "elasticloadbalancing.amazonaws.com"

// maxEvent is the most bytes of a request's body for a function, and of its
// answer.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
const maxEvent = 1 << 20

// event is a request as functions get it; either the single or the multiple
// values are there.
type event struct {
	RequestContext struct {
		ELB struct {
			TargetGroupARN string `json:"targetGroupArn"`
		} `json:"elb"`
	} `json:"requestContext"`
	Method       string              `json:"httpMethod"`
	Path         string              `json:"path"`
	Query        map[string]string   `json:"queryStringParameters,omitempty"`
	MultiQuery   map[string][]string `json:"multiValueQueryStringParameters,omitempty"`
	Headers      map[string]string   `json:"headers,omitempty"`
	MultiHeaders map[string][]string `json:"multiValueHeaders,omitempty"`
	Body         string              `json:"body"`
	Base64       bool                `json:"isBase64Encoded"`
}

// eventOf makes an event of a request whose body has been read.
func eventOf(g *plane.Group, method, path, query string, header http.Header, body []byte) *event {
	e := &event{Method: method, Path: path}
	e.RequestContext.ELB.TargetGroupARN = g.ARN
	headers, params := map[string][]string{}, map[string][]string{}
	for name, v := range header {
		headers[strings.ToLower(name)] = v
	}
	// Names and values stay as they were sent: functions decode them.
	for pair := range strings.SplitSeq(query, "&") {
		if pair != "" {
			k, v, _ := strings.Cut(pair, "=")
			params[k] = append(params[k], v)
		}
	}
	if g.MultiValue {
		e.MultiHeaders, e.MultiQuery = headers, params
	} else {
		e.Headers, e.Query = last(headers), last(params)
	}
	if e.Base64 = !textual(header); e.Base64 {
		e.Body = base64.StdEncoding.EncodeToString(body)
	} else {
		e.Body = string(body)
	}
	return e
}

// last is what a function sees of repeated names.
func last(all map[string][]string) map[string]string {
	out := make(map[string]string, len(all))
	for k, v := range all {
		if len(v) > 0 {
			out[k] = v[len(v)-1]
		}
	}
	return out
}

// textual tells whether a body is passed on as it is: AWS's list of types. A
// request without a type has no body, or one of text.
func textual(h http.Header) bool {
	if h.Get("Content-Encoding") != "" {
		return false
	}
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if h.Get("Content-Type") == "" {
		return true
	}
	switch kind {
	case "application/json", "application/javascript", "application/xml":
		return true
	}
	return err == nil && strings.HasPrefix(kind, "text/")
}

// response is what a function answers.
type response struct {
	Status       int                 `json:"statusCode"`
	Description  string              `json:"statusDescription"`
	Headers      map[string]any      `json:"headers"`
	MultiHeaders map[string][]string `json:"multiValueHeaders"`
	Body         string              `json:"body"`
	Base64       bool                `json:"isBase64Encoded"`
}

// functionError is why a function gave no response, in the access log's words.
type functionError string

func (e functionError) Error() string { return "the function gave no response: " + string(e) }

// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#error-reason-codes
const (
	unhandled       functionError = "LambdaUnhandled"
	tooLarge        functionError = "LambdaResponseTooLarge"
	invalidResponse functionError = "LambdaInvalidResponse"
)

// reasonOf is the access log's reason for a call that failed.
func reasonOf(err error) string {
	var own functionError
	var coded interface{ ErrorCode() string }
	switch {
	case errors.As(err, &own):
		return string(own)
	case errors.As(err, &coded) && strings.HasPrefix(coded.ErrorCode(), "AccessDenied"):
		return "LambdaAccessDenied"
	}
	return "LambdaServiceException"
}

// call gives a function an event and reads its answer.
func (p *Proxy) call(ctx context.Context, function string, e *event) (*response, []byte, error) {
	payload, err := json.Marshal(e)
	if err != nil {
		return nil, nil, err
	}
	answer, failed, err := p.cfg.Functions.Call(ctx, principal, e.RequestContext.ELB.TargetGroupARN, function, payload)
	if err != nil {
		return nil, nil, err
	}
	var r response
	switch {
	case failed:
		return nil, nil, unhandled
	case len(answer) > maxEvent:
		return nil, nil, tooLarge
	case json.Unmarshal(answer, &r) != nil || r.Status < 100 || r.Status > 599:
		return nil, nil, invalidResponse
	}
	body := []byte(r.Body)
	if r.Base64 {
		if body, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
			return nil, nil, invalidResponse
		}
	}
	return &r, body, nil
}

// hopByHop are headers of a connection, which are not a function's to set.
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length"}

// header is what a response sets, of the kind that the group is for.
func (r *response) header(multi bool) http.Header {
	h := http.Header{}
	if multi {
		for name, v := range r.MultiHeaders {
			for _, value := range v {
				h.Add(name, value)
			}
		}
	} else {
		for name, v := range r.Headers {
			h.Set(name, fmt.Sprint(v))
		}
	}
	for _, name := range hopByHop {
		h.Del(name)
	}
	return h
}

// serveFunction answers a request with what a function makes of it.
func (f *flight) serveFunction(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEvent))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		failure(f.listener, http.StatusRequestEntityTooLarge).serve(w)
		return
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	f.sent = time.Now()
	e := eventOf(f.pool.Group, r.Method, r.URL.EscapedPath(), r.URL.RawQuery, f.functionHeader(r), body)
	got, body, err := f.proxy.call(r.Context(), f.target.function, e)
	if err != nil {
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler)
		}
		f.reason = reasonOf(err)
		f.proxy.cfg.Log.Info("a function gave no response", "group", f.pool.ARN, "function", f.target.function, "err", err)
		failure(f.listener, http.StatusBadGateway).serve(w)
		return
	}
	f.status, f.head = got.Status, time.Now()
	f.pool.meter.Answered(f.status, f.head.Sub(f.sent))
	h := w.Header()
	for name, v := range got.header(f.pool.MultiValue) {
		h[name] = v
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/octet-stream")
	}
	if !f.listener.Options.Server {
		h.Del("Server")
	}
	for name, v := range f.listener.Options.Headers {
		h.Set(name, v)
	}
	for _, c := range f.cookies(h) {
		h.Add("Set-Cookie", c)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(got.Status)
	_, _ = w.Write(body)
}

// functionHeader is a request's header with what the load balancer adds.
func (f *flight) functionHeader(r *http.Request) http.Header {
	h := r.Header.Clone()
	for _, name := range hopByHop[:len(hopByHop)-1] {
		h.Del(name)
	}
	h.Set("Host", r.Host)
	client, port, _ := net.SplitHostPort(r.RemoteAddr)
	if v := f.forwardedFor(r.Header["X-Forwarded-For"], client, port); v != "" {
		h.Set("X-Forwarded-For", v)
	} else {
		h.Del("X-Forwarded-For")
	}
	proto := "http"
	if originOf(r).secure != nil {
		proto = "https"
	}
	h.Set("X-Forwarded-Proto", proto)
	h.Set("X-Forwarded-Port", strconv.Itoa(f.port))
	h.Set("X-Amzn-Trace-Id", f.traced(r.Header.Get("X-Amzn-Trace-Id")))
	return h
}

// askFunction is a health check of a function, where the group has them.
func (b *probe) askFunction(ctx context.Context) health.Result {
	u, err := url.Parse(b.check.Path)
	if err != nil {
		return failed(err)
	}
	header := http.Header{"User-Agent": {"ELB-HealthChecker/2.0"}}
	r, _, err := b.proxy.call(ctx, b.target.Function, eventOf(b.of, http.MethodGet, u.EscapedPath(), u.RawQuery, header, nil))
	if err != nil {
		return failed(err)
	}
	return mismatch(b.check.Matcher, r.Status)
}
