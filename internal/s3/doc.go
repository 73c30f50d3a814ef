// Package s3 is Amazon S3: buckets, objects with versions, multipart uploads.
//
// Documents lie in the store, bytes in a blob.Store. A key of the store ends
// with the object's key, so that S3's order (bytewise UTF-8) is the store's:
//
//	s3.bucket  BUCKET                    bucket, with its configurations
//	s3.object  BUCKET KEY                object: the current version
//	s3.version BUCKET KEY VERSION        object: a noncurrent version, newest first
//	s3.null    BUCKET KEY                where a noncurrent null version lies
//	s3.upload  BUCKET KEY UPLOAD         upload in progress
//	s3.part    UPLOAD NUMBER             part of an upload, and of the object it became
//	s3.blob    BLOB                      number of documents that refer to the blob
//
// The versions of one key:
//
//	               put (versioning off, or current is null and suspended)
//	                 ┌───────┐
//	                 ▼       │
//	(nothing) ─put→ current ─┘ ──put (enabled)──→ noncurrent ──delete version──→ (nothing)
//	                 ▲  │                              │
//	                 │  └─delete version─→ (nothing)   │
//	                 └──── delete of the current ──────┘
//
// A delete without a version removes the object of an unversioned bucket, and
// else puts a delete marker, which is a version without data.
//
// Bytes are written and flushed before the transition that refers to them. The
// transition that drops the last reference enqueues their removal. What a
// crash leaves between the two is found by the sweep at the next start.
//
// Differences from AWS that clients can see: a bucket answers in every region
// (AWS redirects), data at rest is not encrypted whatever the encryption
// headers say, storage classes are labels (though archived objects are read
// only after a restore, which is done at once), and some configurations are
// checked, kept and shown without effect: bucket policies and lists of access
// (callers are judged by their own policies, and nobody comes in without a
// signature), CORS rules, access logging, and notifications to topics, queues
// and functions.
package s3
