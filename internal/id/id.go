// Package id makes the identifiers that AWS would make, from an injected
// source so that tests can foresee them.
package id

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync/atomic"
)

// Source makes identifiers. Every method is safe for concurrent use.
type Source interface {
	// Bytes fills b.
	Bytes(b []byte)
}

// Random is the source for everything but tests.
var Random Source = random{}

type random struct{}

func (random) Bytes(b []byte) { _, _ = rand.Read(b) } // never fails since Go 1.24

// Sequence is a foreseeable source for tests: 1, 2, 3 …
type Sequence struct{ n atomic.Uint64 }

// Bytes writes the next number, big-endian, at the end of b.
func (s *Sequence) Bytes(b []byte) {
	clear(b)
	var word [8]byte
	binary.BigEndian.PutUint64(word[:], s.n.Add(1))
	if len(b) >= 8 {
		copy(b[len(b)-8:], word[:])
	} else {
		copy(b, word[8-len(b):])
	}
}

// UUID is a lower-case version 4 UUID.
func UUID(s Source) string {
	var b [16]byte
	s.Bytes(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Hex is n lower-case hexadecimal digits.
func Hex(s Source, n int) string {
	b := make([]byte, (n+1)/2)
	s.Bytes(b)
	return hex.EncodeToString(b)[:n]
}

// Of is n characters of the alphabet. Alphabets whose length divides 256
// are drawn evenly; for others the bias is below 1 in 4.
func Of(s Source, alphabet string, n int) string {
	b := make([]byte, n)
	s.Bytes(b)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

// Alphabets that AWS's identifiers are drawn from.
const (
	Digits   = "0123456789"
	Base32   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	AlphaNum = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
