// Package auth is the contract between those who receive requests (gateway,
// registry, git server) and those who know principals and policies (iam, sts).
package auth

import (
	"context"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Credential is an access key that is valid now.
type Credential struct {
	Secret string
	Caller *identity.Caller
}

// Keys finds credentials. Errors are *wire.Error with the Query protocol's
// codes: InvalidClientTokenId, ExpiredToken; each protocol renames them.
type Keys interface {
	Lookup(ctx context.Context, accessKeyID, sessionToken string) (Credential, error)
}

// Authorizer decides whether the context's caller may do all of these.
// Under --iam audit it records what would have been denied and returns nil;
// otherwise the error is a *wire.Error of code AccessDenied.
type Authorizer interface {
	Authorize(ctx context.Context, checks ...wire.Access) error
}
