// Package ecr is Amazon ECR: repositories, images and their tags by API, and
// the rules behind the OCI registry that docker and skopeo speak to.
//
// The registry keeps bytes; this package keeps what they mean. A push is:
//
//	checks (repository, permission, immutability)
//	  → the registry stores the manifest, having checked that its blobs are there
//	  → one transaction: image, tag, "ECR Image Action" event, lifecycle job
//
// A crash between the last two leaves a manifest without a name, which a client's
// second try completes and a sweep removes.
package ecr
