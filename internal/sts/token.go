package sts

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/id"
)

// token is what a session token says, sealed. The names are short because the
// token travels with every request.
type token struct {
	AccessKeyID string    `json:"k"`
	Secret      string    `json:"s"`
	Issued      time.Time `json:"i"`
	Expires     time.Time `json:"e"`
	// Role sessions.
	RoleARN  string   `json:"r,omitempty"`
	RoleID   string   `json:"d,omitempty"`
	Name     string   `json:"n,omitempty"`
	Policies []string `json:"p,omitempty"`
	// Source is the resource a service acts for, such as a rule of EventBridge.
	Source string `json:"o,omitempty"`
	// Base is the long-term key a session of GetSessionToken was made with.
	Base string `json:"b,omitempty"`
}

// issue completes and seals a token.
func (s *Service) issue(t token, life time.Duration) (*types.Credentials, error) {
	t.AccessKeyID = "ASIA" + id.Of(s.cfg.IDs, id.Base32, 16)
	t.Secret = id.Of(s.cfg.IDs, id.AlphaNum, 40)
	t.Issued = s.cfg.Clock.Now().UTC().Truncate(time.Second)
	t.Expires = t.Issued.Add(life)
	b, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	sealed := s.box.Seal(b)
	return &types.Credentials{AccessKeyId: &t.AccessKeyID, SecretAccessKey: &t.Secret, SessionToken: &sealed, Expiration: &t.Expires}, nil
}

var (
	errUnknownKey = &wire.Error{Code: "InvalidClientTokenId", Status: http.StatusForbidden,
		Message: "The security token included in the request is invalid."}
	errExpired = &wire.Error{Code: "ExpiredToken", Status: http.StatusForbidden,
		Message: "The security token included in the request is expired"}
)

const maxToken = 64 << 10 // bytes

// Lookup implements auth.Keys, for long-term and temporary credentials.
// Sessions die with their role, or with the key they were made with.
func (s *Service) Lookup(ctx context.Context, accessKeyID, sessionToken string) (auth.Credential, error) {
	temporary := strings.HasPrefix(accessKeyID, "ASIA")
	switch {
	case !temporary && sessionToken == "":
		return s.cfg.Principals.AccessKey(ctx, accessKeyID)
	case !temporary, sessionToken == "", len(sessionToken) > maxToken:
		return auth.Credential{}, errUnknownKey
	}
	b, err := s.box.Open(sessionToken)
	if err != nil {
		return auth.Credential{}, errUnknownKey
	}
	var t token
	if err := json.Unmarshal(b, &t); err != nil || t.AccessKeyID != accessKeyID {
		return auth.Credential{}, errUnknownKey
	}
	if !s.cfg.Clock.Now().Before(t.Expires) {
		return auth.Credential{}, errExpired
	}
	if t.RoleARN == "" {
		return s.baseSession(ctx, &t)
	}
	role, _, err := s.cfg.Principals.Role(ctx, t.RoleARN)
	var gone *iamtypes.NoSuchEntityException
	if errors.As(err, &gone) || err == nil && *role.RoleId != t.RoleID {
		return auth.Credential{}, errUnknownKey
	}
	if err != nil {
		return auth.Credential{}, err
	}
	return auth.Credential{Secret: t.Secret, Caller: &identity.Caller{
		Kind:            identity.AssumedRole,
		Account:         s.cfg.Site.Account,
		ARN:             s.sessionARN(*role.RoleName, t.Name),
		UserID:          t.RoleID + ":" + t.Name,
		RoleARN:         t.RoleARN,
		RoleName:        *role.RoleName,
		SessionName:     t.Name,
		AccessKeyID:     accessKeyID,
		SessionPolicies: t.Policies,
		SourceARN:       t.Source,
		IssuedAt:        t.Issued,
		ExpiresAt:       t.Expires,
	}}, nil
}

// baseSession is that of a user or the root user.
func (s *Service) baseSession(ctx context.Context, t *token) (auth.Credential, error) {
	base, err := s.cfg.Principals.AccessKey(ctx, t.Base)
	if err != nil {
		return auth.Credential{}, err
	}
	c := *base.Caller
	c.AccessKeyID, c.IssuedAt, c.ExpiresAt = t.AccessKeyID, t.Issued, t.Expires
	return auth.Credential{Secret: t.Secret, Caller: &c}, nil
}

// sessionARN leaves out the role's path, as AWS does.
func (s *Service) sessionARN(role, session string) string {
	return arn.New("sts", "", s.cfg.Site.Account, "assumed-role/"+role+"/"+session)
}
