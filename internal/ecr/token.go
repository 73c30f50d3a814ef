package ecr

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
)

// token is what a registry password says, sealed: who logs in, and until when.
type token struct {
	Caller  identity.Caller
	Region  string
	Expires time.Time
}

// GetAuthorizationToken makes a password for `docker login`, good for 12 hours
// and for everything its caller may do.
func (s *Service) GetAuthorizationToken(ctx context.Context, in *ecr.GetAuthorizationTokenInput, _ ...func(*ecr.Options)) (*ecr.GetAuthorizationTokenOutput, error) {
	ids := in.RegistryIds
	for _, id := range ids {
		if err := s.registry(&id); err != nil {
			return nil, err
		}
	}
	expires := s.Engine.Now().Add(tokenLife)
	plain, err := json.Marshal(token{Caller: *identity.From(ctx), Region: identity.Region(ctx), Expires: expires})
	if err != nil {
		return nil, err
	}
	data := types.AuthorizationData{
		AuthorizationToken: aws.String(base64.StdEncoding.EncodeToString([]byte("AWS:" + s.Tokens.Seal(plain)))),
		ExpiresAt:          aws.Time(expires),
		ProxyEndpoint:      aws.String(s.Site.URL),
	}
	out := &ecr.GetAuthorizationTokenOutput{AuthorizationData: []types.AuthorizationData{data}}
	for range max(0, len(ids)-1) {
		out.AuthorizationData = append(out.AuthorizationData, data)
	}
	return out, nil
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
