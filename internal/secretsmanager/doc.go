// Package secretsmanager is AWS Secrets Manager: secrets, their versions, and
// the stages that tell which version is meant.
//
// A value is encrypted with a data key under the secret's key of KMS, for whoever
// calls: who may read a secret but not use its key gets nothing. Values are in no
// log and in no error.
//
// # Stages
//
//	PutSecretValue            ┌─────────── AWSCURRENT moves ───────────┐
//	     new version ◀────────┘                                        │
//	     AWSCURRENT    the version that had it: AWSPREVIOUS    the one before that: none
//
// A version without stages is deprecated: of those beyond 100 versions the
// oldest go, once they are a day old.
//
// # Deletion
//
//	there ── DeleteSecret ──▶ marked ── the recovery window ends ──▶ gone
//	  ▲                         │
//	  └────── RestoreSecret ────┘
//
// Rotation needs functions and replication other installations: both are not
// there.
package secretsmanager
