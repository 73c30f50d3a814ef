// Package seal encrypts what must not lie in the database or travel in clear:
// secret keys, key material, session tokens, registry passwords.
//
//	master key            a file of its own, or one that the flag names
//	   │ wraps (AES-256-GCM)
//	data keys             the keyring, a file of the data directory
//	   │ HKDF, one key for each purpose
//	boxes                 AES-256-GCM
//
// The newest data key seals; a sealed text names the one that it needs, so that
// older ones go on opening what they sealed. Rotate replaces the master key and
// adds a data key: nothing that was sealed has to be written again.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// ErrBroken is returned by Open for what this key did not seal for this purpose.
var ErrBroken = errors.New("seal: broken or foreign")

const keySize = 32 // bytes of master and data keys

// Key seals and opens. It has one or more data keys, the newest first.
type Key struct{ data []dataKey }

type dataKey struct {
	id     string // "" seals without a name, as there was one key only
	secret []byte
}

// New makes a key from 32 bytes, for tests.
func New(secret []byte) *Key { return &Key{[]dataKey{{secret: secret}}} }

// Box seals and opens for one purpose; boxes of different purposes cannot
// open each other's.
type Box struct{ ciphers []namedCipher }

type namedCipher struct {
	id   string
	aead cipher.AEAD
}

// For returns the box of a purpose, e.g. "sts.session".
func (k *Key) For(purpose string) Box {
	var b Box
	for _, d := range k.data {
		derived, err := hkdf.Key(sha256.New, d.secret, nil, "slipway "+purpose, keySize)
		if err != nil {
			panic(err) // only for impossible lengths
		}
		b.ciphers = append(b.ciphers, namedCipher{d.id, gcm(derived)})
	}
	return b
}

func gcm(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only for impossible lengths
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// Seal returns characters that need no escaping in URLs.
func (b Box) Seal(plain []byte) string {
	c := b.ciphers[0]
	text := base64.RawURLEncoding.EncodeToString(encrypt(c.aead, plain))
	if c.id != "" {
		return c.id + "." + text
	}
	return text
}

// Open reverses Seal or returns ErrBroken.
func (b Box) Open(sealed string) ([]byte, error) {
	id, text, named := strings.Cut(sealed, ".")
	if !named {
		id, text = "", sealed
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, ErrBroken
	}
	for _, c := range b.ciphers {
		if c.id == id {
			return decrypt(c.aead, raw)
		}
	}
	return nil, ErrBroken
}

// encrypt puts a random nonce before the ciphertext.
func encrypt(aead cipher.AEAD, plain []byte) []byte {
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	_, _ = rand.Read(nonce) // never fails
	return aead.Seal(nonce, nonce, plain, nil)
}

func decrypt(aead cipher.AEAD, raw []byte) ([]byte, error) {
	n := aead.NonceSize()
	if len(raw) < n {
		return nil, ErrBroken
	}
	plain, err := aead.Open(nil, raw[:n], raw[n:], nil)
	if err != nil {
		return nil, ErrBroken
	}
	return plain, nil
}

// name is how a key is known without telling it.
func name(key []byte) string {
	sum := sha256.Sum256(append([]byte("slipway key "), key...))
	return hex.EncodeToString(sum[:4])
}

func random() []byte {
	b := make([]byte, keySize)
	_, _ = rand.Read(b)
	return b
}
