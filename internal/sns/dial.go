package sns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// newClient makes the client that posts to endpoints. It asks no proxy, which
// would connect to what is refused here, and follows no redirect.
func newClient() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error { return permitted(address) }}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConns: 64, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// metadata are the addresses, beside all link-local ones, where clouds tell
// machines their secrets.
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("192.0.0.192"), netip.MustParseAddr("168.63.129.16"),
}

var errForbidden = errors.New("the address is link-local, multicast or of a metadata service, to which nothing is delivered")

// permitted refuses addresses at the moment of the connection, when the name of
// an endpoint cannot mean another any more.
func permitted(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return errForbidden
	}
	for _, m := range metadata {
		if ip == m {
			return errForbidden
		}
	}
	return nil
}

// unreached tells of a failed request without its URL, which may hold secrets.
func unreached(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	switch {
	case errors.Is(err, errForbidden):
		return giveUp("%s", errForbidden)
	case errors.Is(err, context.DeadlineExceeded):
		return later("the endpoint did not answer within %s", postTimeout)
	}
	return later("%s", fmt.Sprint(err))
}
