// Package identity carries who calls, from where, in a request's context.
package identity

import (
	"context"
	"time"
)

// Kind says what sort of principal a caller is.
type Kind string

// The kinds of principal, spelled as in aws:PrincipalType.
const (
	Root        Kind = "Account"
	User        Kind = "User"
	AssumedRole Kind = "AssumedRole"
	Service     Kind = "Service" // a service principal, e.g. codebuild.amazonaws.com
)

// Caller is an authenticated principal.
type Caller struct {
	Kind    Kind
	Account string
	// ARN is the user's, or the session's: arn:aws:sts::A:assumed-role/R/S.
	ARN string
	// UserID is AIDA…, AROA…:session, or the account for the root user.
	UserID string
	// RoleARN and RoleName are set for sessions of a role.
	RoleARN     string
	RoleName    string
	SessionName string
	UserName    string
	AccessKeyID string
	// SessionPolicies are the JSON policies that narrow this session.
	SessionPolicies []string
	// SourceARN is the resource for which a service of ours took the role, if it
	// said so: a rule of EventBridge. Nobody else can set it.
	SourceARN string
	IssuedAt  time.Time // of temporary credentials
	ExpiresAt time.Time // zero for long-term keys
}

type key int

const (
	callerKey key = iota
	regionKey
	requestKey
)

// WithCaller returns a context in which c calls.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey, c)
}

// From returns who calls. It panics without a caller: an operation that was
// reached without authentication is a defect, not a state to handle.
func From(ctx context.Context) *Caller {
	return ctx.Value(callerKey).(*Caller)
}

// Maybe returns who calls, if anyone does: work at start-up has no caller.
func Maybe(ctx context.Context) (*Caller, bool) {
	c, ok := ctx.Value(callerKey).(*Caller)
	return c, ok
}

// WithRegion returns a context for a region.
func WithRegion(ctx context.Context, region string) context.Context {
	return context.WithValue(ctx, regionKey, region)
}

// Region is the region the request was signed for; it panics without one.
func Region(ctx context.Context) string { return ctx.Value(regionKey).(string) }

// WithRequestID returns a context for a request.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey, id)
}

// RequestID is the id that the answer carries, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey).(string)
	return id
}
