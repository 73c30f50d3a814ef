package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

// config is the port's TLS: that of the listener that a client means. Sessions
// are resumed by the port's own keys, whichever listener it is.
func (o *port) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if l := o.served.Load().secure(hello.ServerName); l != nil {
				return l.tls, nil
			}
			return nil, nil
		},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return o.proxy.certs.of(hello.ServerName) },
	}
}

// secure is the listener that a client means by a name: one that has a
// certificate for it, the load balancer's of that name, or the only one.
func (s *served) secure(name string) *listener {
	for _, l := range s.listeners {
		if l.TLS && certificateFor(l.Certs, name) != nil {
			return l
		}
	}
	return s.find(name, true)
}

func certificateFor(all []*tls.Certificate, name string) *tls.Certificate {
	for _, c := range all {
		if name != "" && c.Leaf.VerifyHostname(name) == nil {
			return c
		}
	}
	return nil
}

// config is a listener's TLS.
func (p *Proxy) config(l *plane.Listener) *tls.Config {
	if !l.TLS {
		return nil
	}
	return &tls.Config{
		MinVersion: max(l.MinTLS, tls.VersionTLS10), MaxVersion: l.MaxTLS, CipherSuites: l.Ciphers, NextProtos: l.Protocols,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			name := hello.ServerName
			if c := certificateFor(l.Certs, name); c != nil {
				return c, nil
			}
			if len(l.Certs) > 0 {
				return l.Certs[0], nil
			}
			if name == "" {
				name = l.Host
			}
			return p.certs.of(name)
		},
	}
}

// certificates makes a certificate, signed by itself, for each name that
// clients ask for: what a listener's certificate is at AWS is not here.
type certificates struct {
	mu    sync.Mutex
	names map[string]*tls.Certificate
}

// mostCertificates bounds what clients can make us keep.
const mostCertificates = 1000

func (c *certificates) of(name string) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if have := c.names[name]; have != nil {
		return have, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "Slipway load balancer"}, DNSNames: []string{name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	made := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	if len(c.names) >= mostCertificates || c.names == nil {
		c.names = map[string]*tls.Certificate{}
	}
	c.names[name] = made
	return made, nil
}
