// Package ssm is the Parameter Store of AWS Systems Manager: parameters in
// hierarchies, their versions and labels, and policies that delete them or call
// for a change in time. A SecureString is encrypted by KMS for whoever calls.
//
// # The life of a parameter
//
//	PutParameter ──▶ version 1 ── PutParameter with Overwrite ──▶ version 2 …
//	                    │  the last 100 versions stay                │
//	                    └── DeleteParameter, or its Expiration ──▶ gone with all versions
//
// Of Systems Manager nothing else is there: no documents, no nodes, no commands.
package ssm
