package sns

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // signature version 1 is SHA-1, and the default of topics
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"time"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/store"
)

// CertificatePrefix begins the path of the certificate of signatures, as it does
// on AWS.
const CertificatePrefix = "/SimpleNotificationService-"

// certificate is the installation's, with which all messages are signed.
type certificate struct {
	PEM    string
	Sealed string // the private key, PKCS #8
}

const certificates store.Table[certificate] = "sns.certificate" // one, "own"

// signer is a certificate ready for use.
type signer struct {
	key  *rsa.PrivateKey
	pem  string
	path string
}

// sign signs an envelope: RSA with PKCS #1 v1.5, over SHA-1 in version 1 and
// SHA-256 in version 2.
func (s *Service) sign(ctx context.Context, t *topic, e *envelope) error {
	with, err := s.signer(ctx)
	if err != nil {
		return err
	}
	e.SigningCertURL, e.SignatureVersion = s.Site.URL+with.path, "1"
	hash, sum := crypto.SHA1, []byte(nil)
	if t.Attributes["SignatureVersion"] == "2" {
		digest := sha256.Sum256(e.signed())
		e.SignatureVersion, hash, sum = "2", crypto.SHA256, digest[:]
	} else {
		digest := sha1.Sum(e.signed()) //nolint:gosec // as above
		sum = digest[:]
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, with.key, hash, sum)
	e.Signature = base64.StdEncoding.EncodeToString(signature)
	return err
}

// signer finds the certificate, and makes it when it is needed first.
func (s *Service) signer(ctx context.Context) (*signer, error) {
	s.signing.Lock()
	defer s.signing.Unlock()
	if s.own != nil {
		return s.own, nil
	}
	var kept *certificate
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		kept, err = certificates.Get(r, "own")
		return err
	})
	var found *signer
	if err == nil {
		found, err = s.open(kept)
	}
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, seal.ErrBroken) {
		if kept, err = s.newCertificate(); err != nil {
			return nil, err
		}
		if err = s.Engine.Update(ctx, func(tx *engine.Tx) error { return certificates.Put(tx, kept, "own") }); err == nil {
			found, err = s.open(kept)
		}
	}
	if err != nil {
		return nil, err
	}
	s.own = found
	return found, nil
}

func (s *Service) open(c *certificate) (*signer, error) {
	plain, err := s.Box.Open(c.Sealed)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, err
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("sns: the key of the certificate is not RSA")
	}
	sum := sha256.Sum256([]byte(c.PEM))
	return &signer{key: private, pem: c.PEM, path: CertificatePrefix + hex.EncodeToString(sum[:16]) + ".pem"}, nil
}

func (s *Service) newCertificate() (*certificate, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	now := s.Engine.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "sns.slipway", Organization: []string{"Slipway"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(30, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &certificate{PEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), Sealed: s.Box.Seal(private)}, nil
}

// Certificate answers the SigningCertURL.
func (s *Service) Certificate() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		with, err := s.signer(r.Context())
		if err != nil {
			s.Log.Error("the certificate cannot be read", "err", err)
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		if r.URL.Path != with.path {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/x-pem-file")
		_, _ = w.Write([]byte(with.pem))
	})
}
