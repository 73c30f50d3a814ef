package kms

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// A ciphertext of a symmetric key is
//
//	version (1 byte) | length of key ID (1) | key ID | generation (2) | nonce (12) | AES-256-GCM
//
// authenticated together with the header before the nonce and the encryption
// context. AWS's own form is not documented, and clients may not look into it.
const ciphertextVersion = 1

const nonceSize = 12

// errCiphertext has no text, as on AWS: nothing about why helps whoever guesses.
var errCiphertext = &wire.Error{Code: "InvalidCiphertextException"}

func header(keyID string, generation int) []byte {
	b := append([]byte{ciphertextVersion, byte(len(keyID))}, keyID...)
	return binary.BigEndian.AppendUint16(b, uint16(generation))
}

// parseCiphertext reads which key and which of its generations a blob needs.
func parseCiphertext(blob []byte) (keyID string, generation int, rest []byte, ok bool) {
	if len(blob) < 2 || blob[0] != ciphertextVersion {
		return "", 0, nil, false
	}
	n := 2 + int(blob[1])
	if len(blob) < n+2+nonceSize {
		return "", 0, nil, false
	}
	return string(blob[2:n]), int(binary.BigEndian.Uint16(blob[n:])), blob[n+2:], true
}

// additional is what is authenticated beside the plaintext: the header and the
// pairs of the encryption context, whose order does not matter.
func additional(head []byte, context map[string]string) []byte {
	b := bytes.Clone(head)
	for _, k := range slices.Sorted(maps.Keys(context)) {
		for _, s := range []string{k, context[k]} {
			b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
			b = append(b, s...)
		}
	}
	return b
}

func gcm(secret []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// encrypt encrypts with the current material of a symmetric key.
func (s *Service) encrypt(k *key, plain []byte, context map[string]string) ([]byte, error) {
	current := len(k.Materials) - 1
	secret, err := s.secret(k, current)
	if err != nil {
		return nil, err
	}
	aead, err := gcm(secret)
	if err != nil {
		return nil, err
	}
	head := header(k.id(), current)
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce)
	return aead.Seal(append(bytes.Clone(head), nonce...), nonce, plain, additional(head, context)), nil
}

// decrypt opens what encrypt made with k. materialID is what it was made with.
func (s *Service) decrypt(k *key, blob []byte, context map[string]string) (plain []byte, materialID string, err error) {
	id, generation, rest, ok := parseCiphertext(blob)
	if !ok || id != k.id() || generation >= len(k.Materials) {
		return nil, "", errCiphertext
	}
	secret, err := s.secret(k, generation)
	if err != nil {
		return nil, "", err
	}
	aead, err := gcm(secret)
	if err != nil {
		return nil, "", err
	}
	plain, err = aead.Open(nil, rest[:nonceSize], rest[nonceSize:], additional(header(id, generation), context))
	if err != nil {
		return nil, "", errCiphertext
	}
	return plain, k.Materials[generation].ID, nil
}
