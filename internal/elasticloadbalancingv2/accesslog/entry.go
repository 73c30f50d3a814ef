package accesslog

import (
	"strconv"
	"time"
)

// Entry is one request. Texts that are empty are written as "-".
type Entry struct {
	Type      string // http, https, h2, ws, wss
	Time      time.Time
	Balancer  string // app/NAME/ID
	Client    string // address:port
	Target    string
	Waited    time.Duration // from the request to its sending; negative if it was not sent
	Took      time.Duration // from then to the head of the answer; negative if there was none
	Answered  time.Duration // from then to the end of the answer
	Status    int
	Targets   int // the target's status
	Received  int64
	Sent      int64
	Method    string
	URL       string
	Protocol  string // HTTP/1.1
	Agent     string
	Cipher    string
	TLS       string // TLSv1.3
	Group     string // ARN
	Trace     string
	Domain    string // that the client asked for in TLS
	Cert      string // ARN
	Priority  int    // of the rule: 0 is the default's, -1 none
	Created   time.Time
	Actions   string // forward, redirect, fixed-response
	Redirect  string
	Error     string
	Class     string // Acceptable, Ambiguous, Severe
	ClassWhy  string
	TraceConn string // TID_…
}

const stamp = "2006-01-02T15:04:05.000000Z"

// Append writes the line of an application load balancer's access log.
func (e *Entry) Append(b []byte) []byte {
	b = append(append(b, e.Type...), ' ')
	b = append(e.Time.UTC().AppendFormat(b, stamp), ' ')
	b = append(append(b, e.Balancer...), ' ')
	b = append(dash(b, e.Client), ' ')
	b = append(dash(b, e.Target), ' ')
	b = append(seconds(b, e.Waited), ' ')
	b = append(seconds(b, e.Took), ' ')
	b = append(seconds(b, e.Answered), ' ')
	b = append(status(b, e.Status), ' ')
	b = append(status(b, e.Targets), ' ')
	b = append(strconv.AppendInt(b, e.Received, 10), ' ')
	b = append(strconv.AppendInt(b, e.Sent, 10), " \""...)
	b = append(dash(b, e.Method), ' ')
	b = append(escape(b, e.URL), ' ')
	b = append(dash(b, e.Protocol), "\" "...)
	b = append(quote(b, e.Agent), ' ')
	b = append(dash(b, e.Cipher), ' ')
	b = append(dash(b, e.TLS), ' ')
	b = append(dash(b, e.Group), ' ')
	b = append(quote(b, e.Trace), ' ')
	b = append(quote(b, e.Domain), ' ')
	b = append(quote(b, e.Cert), ' ')
	b = append(strconv.AppendInt(b, int64(e.Priority), 10), ' ')
	b = append(e.Created.UTC().AppendFormat(b, stamp), ' ')
	b = append(quote(b, e.Actions), ' ')
	b = append(quote(b, e.Redirect), ' ')
	b = append(quote(b, e.Error), ' ')
	b = append(quote(b, e.Target), " \""...)
	b = append(status(b, e.Targets), "\" "...)
	b = append(quote(b, e.Class), ' ')
	b = append(quote(b, e.ClassWhy), ' ')
	return append(dash(b, e.TraceConn), '\n')
}

// Connection is one connection of a client.
type Connection struct {
	Time          time.Time
	Address, Port string // of the client
	Listener      int    // port
	TLS, Cipher   string
	Handshake     time.Duration // negative if there was none
	Trace         string        // TID_…
}

// Append writes the line of a connection log. There are no client certificates.
func (c *Connection) Append(b []byte) []byte {
	b = append(c.Time.UTC().AppendFormat(b, stamp), ' ')
	b = append(dash(b, c.Address), ' ')
	b = append(dash(b, c.Port), ' ')
	b = append(strconv.AppendInt(b, int64(c.Listener), 10), ' ')
	b = append(dash(b, c.TLS), ' ')
	b = append(dash(b, c.Cipher), ' ')
	if c.Handshake < 0 {
		b = append(b, "- "...)
	} else {
		b = append(seconds(b, c.Handshake), ' ')
	}
	b = append(b, "\"-\" - - - "...)
	return append(dash(b, c.Trace), '\n')
}

func dash(b []byte, text string) []byte {
	if text == "" {
		return append(b, '-')
	}
	return append(b, text...)
}

// seconds are written with three digits after the point.
func seconds(b []byte, d time.Duration) []byte {
	if d < 0 {
		return append(b, "-1"...)
	}
	return strconv.AppendFloat(b, d.Seconds(), 'f', 3, 64)
}

func status(b []byte, code int) []byte {
	if code == 0 {
		return append(b, '-')
	}
	return strconv.AppendInt(b, int64(code), 10)
}

func quote(b []byte, text string) []byte {
	b = append(b, '"')
	if text == "" {
		b = append(b, '-')
	}
	return append(escape(b, text), '"')
}

// escape writes what clients say so that a line stays a line.
func escape(b []byte, text string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c >= 0x7f:
			b = append(b, '\\', 'x', digits[c>>4], digits[c&15])
		default:
			b = append(b, c)
		}
	}
	return b
}
