// Package codeconnections is AWS CodeConnections, which was CodeStar
// Connections: links to repositories of git providers, with which pipelines
// and builds read them. Both APIs are one implementation; a resource keeps the
// prefix of the API that made it, and both read it.
//
//	CreateConnection ──▶ PENDING ── the handshake: base URL and token, checked ──▶ AVAILABLE
//	                        ▲                at the provider (complete.go)           │   │
//	                        │                                                        │   │ the provider
//	                        └──────── the endpoint of its host changes ──────────────┘   │ refuses the token
//	                        ▲                                                            ▼
//	                        └───────────────────── handshake again ◀────────────────── ERROR
//
// A token is sealed together with the origins it may be sent to (access.go).
package codeconnections
