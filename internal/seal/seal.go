// Package seal encrypts what must not lie in the database or travel in clear:
// secret keys, session tokens, registry passwords. AES-256-GCM under the
// installation's master key, a 32-byte file of mode 0600 in the data directory.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ErrBroken is returned by Open for what this key did not seal for this purpose.
var ErrBroken = errors.New("seal: broken or foreign")

// Key seals and opens.
type Key struct{ master []byte }

// Load reads the master key at path, or makes it.
func Load(path string) (*Key, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		b = make([]byte, 32)
		_, _ = rand.Read(b)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		if _, err = f.Write(b); err == nil {
			err = f.Sync()
		}
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return nil, err
		}
		return &Key{b}, nil
	}
	if err != nil {
		return nil, err
	}
	if len(b) != 32 {
		return nil, fmt.Errorf("seal: %s is not a key of 32 bytes", path)
	}
	return &Key{b}, nil
}

// New makes a key from 32 bytes.
func New(master []byte) *Key { return &Key{master} }

// Box seals and opens for one purpose; boxes of different purposes cannot
// open each other's.
type Box struct{ aead cipher.AEAD }

// For returns the box of a purpose, e.g. "sts.session".
func (k *Key) For(purpose string) Box {
	derived, err := hkdf.Key(sha256.New, k.master, nil, "slipway "+purpose, 32)
	if err != nil {
		panic(err) // only for impossible lengths
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return Box{aead}
}

// Seal returns URL-safe base64 without padding.
func (b Box) Seal(plain []byte) string {
	nonce := make([]byte, b.aead.NonceSize(), b.aead.NonceSize()+len(plain)+b.aead.Overhead())
	_, _ = rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(b.aead.Seal(nonce, nonce, plain, nil))
}

// Open reverses Seal or returns ErrBroken.
func (b Box) Open(sealed string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(raw) < b.aead.NonceSize() {
		return nil, ErrBroken
	}
	n := b.aead.NonceSize()
	plain, err := b.aead.Open(nil, raw[:n], raw[n:], nil)
	if err != nil {
		return nil, ErrBroken
	}
	return plain, nil
}
