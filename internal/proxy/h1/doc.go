// Package h1 reads HTTP/1.1's messages as bytes, without a goroutine and with one
// allocation for a head. It is strict: what is written otherwise than RFC 9112
// says is an error, so that what is passed on means the same to everyone. The
// rest of HTTP is net/http's.
package h1
