package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// client asks on one connection at a time.
type client struct {
	cfg     Config
	address string
	fresh   bool
	request []byte

	conn   net.Conn
	reader *bufio.Reader
	used   bool // it has answered before
}

func newClient(c Config, u *url.URL, fresh bool) *client {
	host := u.Hostname()
	if strings.HasSuffix(host, ".localhost") {
		host = "localhost" // not every resolver knows
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	close := ""
	if fresh {
		close = "Connection: close\r\n"
	}
	return &client{cfg: c, address: net.JoinHostPort(host, port), fresh: fresh,
		request: fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: slipway-load\r\n%s\r\n", u.RequestURI(), u.Host, close)}
}

func (k *client) close() {
	if k.conn != nil {
		_ = k.conn.Close()
		k.conn = nil
	}
}

var errClosed = errors.New("connection closed without an answer")

// get sends one request, and once more if a connection that was kept turns out
// to be closed.
func (k *client) get(ctx context.Context) (version string, retried bool, err error) {
	version, err = k.try(ctx)
	if errors.Is(err, errClosed) && k.used {
		k.close()
		version, err = k.try(ctx)
		retried = true
	}
	if err != nil || k.fresh {
		k.close()
	}
	return version, retried, err
}

func (k *client) try(ctx context.Context) (version string, err error) {
	if k.conn == nil {
		d := net.Dialer{Timeout: k.cfg.Timeout}
		if k.conn, err = d.DialContext(ctx, "tcp", k.address); err != nil {
			k.conn = nil
			return "", err
		}
		k.used = false
		if k.reader == nil {
			k.reader = bufio.NewReader(nil)
		}
		k.reader.Reset(k.conn)
	}
	if err := k.conn.SetDeadline(time.Now().Add(k.cfg.Timeout)); err != nil {
		return "", err
	}
	if _, err := k.conn.Write(k.request); err != nil {
		return "", fmt.Errorf("%w", errClosed)
	}
	if _, err := k.reader.Peek(1); err != nil {
		var slow net.Error
		if errors.As(err, &slow) && slow.Timeout() {
			return "", err
		}
		return "", errClosed
	}
	resp, err := http.ReadResponse(k.reader, nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	k.used = true
	if resp.Close {
		k.close()
	}
	if resp.StatusCode/100 != 2 {
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	if k.cfg.Header != "" {
		return resp.Header.Get(k.cfg.Header), nil
	}
	line, _, _ := bytes.Cut(body, []byte("\n"))
	return strings.TrimSpace(string(line[:min(len(line), 80)])), nil
}
