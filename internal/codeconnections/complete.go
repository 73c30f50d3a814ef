package codeconnections

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/codeconnections/handshake"
	"github.com/slipway-dev/slipway/internal/codeconnections/provider"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// Installation is UpdateInstallation for the gateway, see handshake.Complete.
func (s *Service) Installation(ctx context.Context, body []byte) (any, error) {
	in := &handshake.Input{}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if d.Decode(in) != nil { // its words could repeat the token
		return nil, fail("Serialization", "The request is not the JSON of an installation")
	}
	return s.UpdateInstallation(ctx, in)
}

// UpdateInstallation is the handshake: it gives a connection the token with
// which it reaches its provider, after the provider has accepted it. It works
// for connections in any status, so that a token can be renewed. AWS does this
// in its console, under the permission UpdateConnectionInstallation and without
// a public operation.
//
// Errors: ResourceNotFoundException; ValidationException for what is asked;
// InvalidInputException if the provider refuses the token or is none;
// ResourceUnavailableException if it does not answer.
func (s *Service) UpdateInstallation(ctx context.Context, in *handshake.Input) (*handshake.Output, error) {
	if err := s.Authorizer.AuthorizeAny(ctx, either("UpdateConnectionInstallation", in.ConnectionArn, nil)...); err != nil {
		return nil, err
	}
	if err := here(ctx, in.ConnectionArn, noConnection); err != nil {
		return nil, err
	}
	c, h, err := s.pending(ctx, in.ConnectionArn)
	if err != nil {
		return nil, err
	}
	token := strings.TrimSpace(in.Token)
	if err := checkToken(token); err != nil {
		return nil, err
	}
	base, err := baseOf(c, h, in.BaseURL)
	if err != nil {
		return nil, err
	}
	speak, err := candidates(c, base, in.Dialect)
	if err != nil {
		return nil, err
	}
	a := access{Connection: c.arn(), Base: base, Token: token}
	if h != nil {
		a.Certificate = certificate(h)
	}
	account, err := s.shake(ctx, &a, speak)
	if err != nil {
		return nil, err
	}
	if err := s.installed(ctx, &a, h); err != nil {
		return nil, err
	}
	s.Log.Info("connection is available", "connection", c.arn(), "provider", a.Base, "dialect", a.Dialect, "account", account, "by", identity.From(ctx).ARN)
	return &handshake.Output{ConnectionStatus: string(types.ConnectionStatusAvailable), Account: account, BaseURL: a.Base, Dialect: a.Dialect}, nil
}

func (s *Service) pending(ctx context.Context, arn string) (c *connection, h *host, err error) {
	return c, h, s.Engine.View(ctx, func(r store.Reader) (err error) {
		if c, err = s.connectionOf(r, arn); err == nil && c.HostArn != nil {
			h, err = s.hostOf(r, *c.HostArn)
		}
		return err
	})
}

// checkToken refuses what would break a header; it says nothing of the token.
func checkToken(token string) error {
	if token == "" || len(token) > 4096 {
		return fail("Validation", "A token of 1 to 4096 characters is needed")
	}
	for _, c := range []byte(token) {
		if c <= ' ' || c > '~' {
			return fail("Validation", "The token has characters that no token has, like spaces or line breaks within")
		}
	}
	return nil
}

// baseOf is the base URL of a connection's provider. A host has it; otherwise
// it may be given, and is the provider's own service if not.
func baseOf(c *connection, h *host, given string) (string, error) {
	given = strings.TrimRight(strings.TrimSpace(given), "/")
	if h != nil {
		endpoint := strings.TrimRight(aws.ToString(h.ProviderEndpoint), "/")
		if given != "" && given != endpoint {
			return "", fail("Validation", "The host of this connection is at %s; change it with UpdateHost", endpoint)
		}
		return endpoint, nil
	}
	if given == "" {
		if d := ownDialect(c.ProviderType); d != nil {
			given = d.Home()
		}
	}
	if err := checkEndpoint(&given); err != nil {
		return "", fail("Validation", "The base URL must be like https://git.example.com, without a user, query or fragment")
	}
	return given, nil
}

// candidates are the dialects to try. Gitea and Forgejo have no provider type
// of AWS's, so any connection to another place than the provider's own may be
// to one of them.
func candidates(c *connection, base, asked string) ([]provider.Dialect, error) {
	own := ownDialect(c.ProviderType)
	if own == nil {
		return nil, fail("UnsupportedProviderType", "Connections to %s are not available in Slipway yet", c.ProviderType)
	}
	gitea := dialectNamed("gitea")
	switch {
	case asked == own.Name():
		return []provider.Dialect{own}, nil
	case asked == gitea.Name():
		return []provider.Dialect{gitea}, nil
	case asked != "":
		return nil, fail("Validation", "A connection to %s speaks %s or %s, not %q", c.ProviderType, own.Name(), gitea.Name(), asked)
	case base == own.Home():
		return []provider.Dialect{own}, nil
	}
	return []provider.Dialect{own, gitea}, nil
}

// shake tries dialects until a provider accepts the token, and notes which.
func (s *Service) shake(ctx context.Context, a *access, speak []provider.Dialect) (account string, err error) {
	var first error
	for _, d := range speak {
		a.Dialect = d.Name()
		r, err := s.reach(*a)
		if err != nil {
			return "", err
		}
		account, err := r.client.Account(ctx)
		if err == nil {
			return account, nil
		}
		s.Log.Info("handshake refused", "connection", a.Connection, "provider", a.Base, "dialect", a.Dialect, "reason", err)
		// What one dialect's API says of a token tells more than that there is
		// no API of the other's.
		if first == nil || errors.Is(err, provider.ErrToken) || errors.Is(err, provider.ErrDenied) {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	switch {
	case errors.Is(first, provider.ErrToken), errors.Is(first, provider.ErrDenied):
		return "", fail("InvalidInput", "The provider at %s refuses the token", a.Base)
	case errors.Is(first, provider.ErrAway):
		return "", fail("ResourceUnavailable", "The provider at %s does not answer: %v", a.Base, first)
	}
	return "", fail("InvalidInput", "At %s there is no provider that this connection could be to", a.Base)
}

// installed records a handshake that was successful.
func (s *Service) installed(ctx context.Context, a *access, was *host) error {
	sealed, err := s.seal(a)
	if err != nil {
		return err
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		c, err := s.connectionOf(tx, a.Connection)
		if err != nil {
			return err
		}
		if was != nil {
			h, err := s.hostOf(tx, was.arn())
			if err != nil {
				return err
			}
			if aws.ToString(h.ProviderEndpoint) != aws.ToString(was.ProviderEndpoint) {
				return fail("Conflict", "The host %s has moved meanwhile; try again", h.arn())
			}
			h.Status = aws.String(hostAvailable)
			if err := s.putHost(tx, h); err != nil {
				return err
			}
		}
		if err := s.moved(tx, c, a); err != nil {
			return err
		}
		c.ConnectionStatus, c.Access = types.ConnectionStatusAvailable, sealed
		if err := s.putConnection(tx, c); err != nil {
			return err
		}
		return s.enqueueSync(tx, c.arn())
	})
}

// moved forgets what is known of the repositories of a connection that now
// goes elsewhere: they are others.
func (s *Service) moved(tx *engine.Tx, c *connection, to *access) error {
	if c.Access == "" {
		return nil
	}
	from, err := s.unseal(c.Access, c.arn())
	if err == nil && from.Base == to.Base && from.Dialect == to.Dialect {
		return nil
	}
	return s.dropWatches(tx, c)
}
