// Package kms is AWS Key Management Service: keys whose material never leaves
// it, and what is done with them. Key material is sealed under the
// installation's master key.
//
// # The life of a key
//
//	CreateKey ──▶ Enabled ◀── EnableKey ── DisableKey ──▶ Disabled
//	                 │                                      │  ▲
//	                 └──────── ScheduleKeyDeletion ─────────┘  │ CancelKeyDeletion
//	                                   ▼                       │
//	                            PendingDeletion ───────────────┘
//	                                   │ the deletion date
//	                                   ▼
//	                        gone, with its aliases and all it encrypted
//
// A symmetric key has one piece of material for each rotation. The newest
// encrypts; a ciphertext names the piece that it needs, so that old ones can be
// decrypted for as long as the key lives.
//
// Keys of AWS's services (alias/aws/NAME) are made at their first use. Grants,
// imported material, custom key stores and replicas are not there.
package kms
