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
)

// certificate is the one for a name that clients ask for: one that has it, or
// else the default one of the listener that is meant; nil if it has none.
func (s *served) certificate(name string) *tls.Certificate {
	for _, l := range s.listeners {
		for _, c := range l.Certs {
			if name != "" && c.Leaf.VerifyHostname(name) == nil {
				return c
			}
		}
	}
	if l := s.find(name, true); l != nil && len(l.Certs) > 0 {
		return l.Certs[0]
	}
	return nil
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
