package console

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// guard refuses requests that a page of somebody else's may have caused: "" is
// fine. The host must be one of ours, so that a name that an attacker points at
// this machine (DNS rebinding) gets nothing; what writes must come from a page
// of the very same origin.
func (c *Console) guard(r *http.Request) (why string) {
	if !c.ourHost(r.Host) {
		return "This is not an address of this console. If it should be one, start the server with --public-url."
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return ""
	}
	origin, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || origin.Host == "" || !strings.EqualFold(origin.Host, r.Host) || origin.Scheme != "http" && origin.Scheme != "https" {
		return "The request does not come from a page of this console."
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return "The request does not come from a page of this console."
	}
	return ""
}

// ourHost tells whether a Host header names this server: as it names itself, by
// the public URL, or by an address, which no name server can point elsewhere.
func (c *Console) ourHost(host string) bool {
	if strings.EqualFold(host, c.Site.Host) {
		return true
	}
	if u, err := url.Parse(c.PublicURL); err == nil && strings.EqualFold(host, u.Host) {
		return true
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return false
	}
	_, ours, err := net.SplitHostPort(c.Site.Host)
	return err == nil && port == ours && (strings.EqualFold(name, "localhost") || net.ParseIP(name) != nil)
}
