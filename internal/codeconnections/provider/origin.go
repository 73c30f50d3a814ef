package provider

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Origin is the scheme, host and port of a URL, by which one is told from
// another: https://git.example.com:443.
func Origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// Bound carries requests and adds a token to those for one origin. Wherever a
// redirect leads, the token does not go along, because it is not the request
// that has it.
type Bound struct {
	Origin    string
	Authorize func(*http.Request)
	Next      http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b *Bound) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Del("Authorization")
	if Origin(r.URL) == b.Origin {
		b.Authorize(r)
	}
	return b.Next.RoundTrip(r)
}

// Transport reaches providers. certificates in PEM are trusted besides the
// system's, for providers with an authority of their own.
func Transport(certificates string) (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = time.Minute
	t.IdleConnTimeout = 30 * time.Second
	if certificates != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM([]byte(certificates)) {
			return nil, errors.New("provider: the certificate cannot be read")
		}
		t.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return t, nil
}
