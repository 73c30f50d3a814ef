package proxy

import (
	"errors"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
	"github.com/slipway-dev/slipway/internal/proxy/h1"
)

// forward sends the request to the flight's target and copies the answer.
func (k *client) forward(f *flight, body []byte) (more bool) {
	f.sent = time.Now()
	k.out = k.appendRequest(k.out[:0], f)
	k.out = append(k.out, body...)
	u, err := k.ask(f)
	if err != nil {
		if u != nil {
			_ = u.Close()
		}
		if k.watch.gone.Load() {
			return false
		}
		return k.say(failure(f.listener, f.failed(err)))
	}
	f.status, f.head = k.response.Status, u.last
	f.pool.meter.Answered(f.status, f.head.Sub(f.sent))
	k.status = f.status
	keep, err := k.answer(f, u)
	if err == nil && keep && len(u.reader.Buffered()) == 0 {
		f.target.idle.give(u, f.pool.clock)
	} else {
		_ = u.Close()
	}
	var strange *strangeAnswer
	if errors.As(err, &strange) {
		return k.say(failure(f.listener, http.StatusBadGateway))
	}
	return err == nil
}

// ask sends what is in k.out and waits for the head of the answer. A kept
// connection that the target closes at this moment is replaced once, if asking
// twice does no harm.
func (k *client) ask(f *flight) (u *upstream, err error) {
	u = f.target.idle.take(f.sent, !replayable(k.request.Method))
	for {
		if u == nil {
			if u, err = f.pool.dial(f.proxy.ctx, f.target); err != nil {
				return nil, err
			}
		}
		err = k.exchange(f, u)
		if err == nil || !u.used || len(u.reader.Buffered()) > 0 || !replayable(k.request.Method) || k.watch.on || isTimeout(err) {
			return u, err
		}
		_ = u.Close()
		u = nil
	}
}

func replayable(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

func isTimeout(err error) bool {
	var slow interface{ Timeout() bool }
	return errors.As(err, &slow) && slow.Timeout()
}

// mostAnswerHead is AWS's limit for what comes before a target's body.
const mostAnswerHead = 32 << 10

func (k *client) exchange(f *flight, u *upstream) error {
	if err := u.begin(f.sent, f.listener.Options.Idle, func() { k.look(u) }); err != nil {
		return err
	}
	if _, err := u.Write(k.out); err != nil {
		return err
	}
	runtime.Gosched() // a read at once would find nothing: the target has just heard of it
	for {
		text, err := u.reader.Head()
		if err != nil {
			return err
		}
		if len(text) > mostAnswerHead {
			return h1.ErrTooLarge
		}
		if err := k.response.Parse(text); err != nil {
			return err
		}
		u.reader.Discard(len(text))
		switch s := k.response.Status; {
		case s >= 200:
			return nil
		case s == http.StatusSwitchingProtocols: // nobody asked for it
			return h1.ErrStrange
		case s != http.StatusContinue:
			if err := k.send([]byte(text), u.last); err != nil {
				return err
			}
		}
	}
}

// appendRequest writes the head of the target's request.
func (k *client) appendRequest(b []byte, f *flight) []byte {
	r, opts := &k.request, &f.listener.Options
	b = append(append(append(b, r.Method...), ' '), r.Target...)
	b = append(b, " HTTP/1.1\r\n"...)
	trace := ""
	for i := range r.Fields {
		x := &r.Fields[i]
		switch x.Kind {
		case h1.Connection, h1.ForwardedFor, h1.ForwardedProto, h1.ForwardedPort:
			continue
		case h1.Trace:
			if trace == "" {
				trace = x.Value
			}
			continue
		}
		if opts.DropInvalid && !plainName(x.Name) || opts.TLSVersion != "" && tlsHeader(opts, x.Name) {
			continue
		}
		b = appendField(b, x.Name, x.Value)
	}
	var before []string
	if opts.ForwardedFor != "remove" {
		before = r.Fields.Values("X-Forwarded-For")
	}
	if v := f.forwardedFor(before, k.host, k.number); v != "" {
		b = appendField(b, "X-Forwarded-For", v)
	}
	if k.secure != nil {
		b = append(b, "X-Forwarded-Proto: https\r\n"...)
		if opts.TLSVersion != "" {
			b = appendField(b, opts.TLSVersion, tlsVersion(k.secure))
			b = appendField(b, opts.TLSCipher, plane.CipherName(k.secure.CipherSuite))
		}
	} else {
		b = append(b, "X-Forwarded-Proto: http\r\n"...)
	}
	b = append(b, "X-Forwarded-Port: "...)
	b = strconv.AppendInt(b, int64(f.port), 10)
	b = append(b, "\r\n"...)
	b = appendField(b, "X-Amzn-Trace-Id", f.traced(trace))
	return append(b, "\r\n"...)
}

// tlsHeader knows the headers that only the load balancer sets.
func tlsHeader(opts *plane.Options, name string) bool {
	return strings.EqualFold(name, opts.TLSVersion) || strings.EqualFold(name, opts.TLSCipher)
}

func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, value...), "\r\n"...)
}

// strangeAnswer is one that cannot be passed on, noticed before any of it was.
type strangeAnswer struct{}

func (*strangeAnswer) Error() string { return "the target's answer is not HTTP" }

// How a body ends.
const (
	byLength = iota
	byChunks
	byClose
)

// answer copies the target's answer. keep tells whether the connection can serve
// another request.
func (k *client) answer(f *flight, u *upstream) (keep bool, err error) {
	r := &k.response
	length, err := r.Fields.Length()
	if err != nil {
		return false, &strangeAnswer{}
	}
	ends := byClose
	coding, coded := r.Fields.First(h1.TransferEncoding)
	none := k.request.Method == http.MethodHead || r.Status == http.StatusNoContent || r.Status == http.StatusNotModified
	keep = !r.Old
	switch {
	case coded && (r.Old || !strings.EqualFold(coding, "chunked") || r.Fields.Count(h1.TransferEncoding) > 1):
		return false, &strangeAnswer{}
	case coded:
		ends = byChunks
		keep = keep && length < 0 && (!none || k.request.Method == http.MethodHead)
	case none:
		ends, length = byLength, 0
	case length >= 0:
		ends = byLength
	}
	var named []string // fields that are the connection's
	for i := range r.Fields {
		if r.Fields[i].Kind == h1.Connection {
			for token := range strings.SplitSeq(r.Fields[i].Value, ",") {
				token = strings.TrimSpace(token)
				if strings.EqualFold(token, "close") {
					keep = false
				}
				named = append(named, token)
			}
		}
	}
	k.out = k.appendAnswer(k.out[:0], f, ends, named, none)
	if none {
		return keep, k.send(k.out, u.last)
	}
	switch ends {
	case byLength:
		return keep, k.copyLength(u, length)
	case byChunks:
		return keep, k.copyChunks(u)
	}
	return false, k.copyAll(u)
}

// appendAnswer writes the head of the client's answer.
func (k *client) appendAnswer(b []byte, f *flight, ends int, named []string, none bool) []byte {
	r, opts := &k.response, &f.listener.Options
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	b = append(append(append(b, ' '), r.Reason...), "\r\n"...)
	dated := false
	for i := range r.Fields {
		x := &r.Fields[i]
		switch x.Kind {
		case h1.Connection, h1.Hop, h1.TransferEncoding, h1.Upgrade:
			continue
		case h1.ContentLength:
			if ends != byLength && !none {
				continue
			}
		case h1.Trailer:
			if ends != byChunks {
				continue
			}
		case h1.Server:
			if !opts.Server {
				continue
			}
		case h1.Date:
			dated = true
		}
		if len(named) > 0 && x.Kind != h1.ContentLength && contains(named, x.Name) || opts.Headers != nil && sets(opts.Headers, x.Name) {
			continue
		}
		b = appendField(b, x.Name, x.Value)
	}
	for name, v := range opts.Headers {
		b = appendField(b, name, v)
	}
	for _, c := range f.cookies(r.Fields) {
		b = appendField(b, "Set-Cookie", c)
	}
	if !dated {
		b = append(b, "Date: "...)
		b = f.sent.UTC().AppendFormat(b, http.TimeFormat)
		b = append(b, "\r\n"...)
	}
	if ends != byLength && !none {
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	if k.closing {
		b = append(b, "Connection: close\r\n"...)
	}
	return append(b, "\r\n"...)
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

func sets(headers map[string]string, name string) bool {
	for n := range headers {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// large are buffers for bodies that do not come with their heads.
var large = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// copyLength sends k.out and a body of n bytes.
func (k *client) copyLength(u *upstream, n int64) error {
	have := u.reader.Buffered()
	have = have[:min(int64(len(have)), n)]
	k.out = append(k.out, have...)
	u.reader.Discard(len(have))
	n -= int64(len(have))
	if room := k.out[len(k.out):cap(k.out)]; n > 0 && n <= int64(len(room)) { // many servers write heads and bodies apart
		got := u.come(room[:n])
		k.out = k.out[:len(k.out)+got]
		n -= int64(got)
	}
	if err := k.send(k.out, u.last); err != nil || n == 0 {
		return err
	}
	buf := large.Get().(*[]byte)
	defer large.Put(buf)
	for n > 0 {
		got, err := u.Read((*buf)[:min(int64(len(*buf)), n)])
		if err != nil {
			return err
		}
		n -= int64(got)
		if err := k.send((*buf)[:got], u.last); err != nil {
			return err
		}
	}
	return nil
}

// copyChunks sends k.out and a body in chunks, as they come.
func (k *client) copyChunks(u *upstream) error {
	var c h1.Chunks
	for {
		have := u.reader.Buffered()
		n, done, err := c.Scan(have)
		if err != nil {
			return err
		}
		k.out = append(k.out, have[:n]...)
		u.reader.Discard(n)
		if len(k.out) > 0 {
			if err := k.send(k.out, u.last); err != nil {
				return err
			}
			k.out = k.out[:0]
		}
		if done {
			return nil
		}
		if err := u.reader.Fill(); err != nil {
			return err
		}
	}
}

// copyAll sends k.out and what comes until the target closes, in chunks.
func (k *client) copyAll(u *upstream) error {
	for {
		have := u.reader.Buffered()
		if len(have) > 0 {
			k.out = strconv.AppendInt(k.out, int64(len(have)), 16)
			k.out = append(append(append(k.out, "\r\n"...), have...), "\r\n"...)
			u.reader.Discard(len(have))
		}
		if len(k.out) > 0 {
			if err := k.send(k.out, u.last); err != nil {
				return err
			}
			k.out = k.out[:0]
		}
		if err := u.reader.Fill(); errors.Is(err, io.EOF) {
			return k.send([]byte("0\r\n\r\n"), u.last)
		} else if err != nil {
			return err
		}
	}
}
