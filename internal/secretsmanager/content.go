package secretsmanager

import (
	"bytes"
	"context"
	"errors"

	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/seal/envelope"
	"github.com/slipway-dev/slipway/internal/store"
)

// content is a value in clear. It has no String method on purpose, and is
// never part of an error.
type content struct {
	bytes  []byte
	binary bool
}

// contentOf is what a request brings, nil if nothing.
func contentOf(text *string, binary []byte) (*content, error) {
	switch {
	case text != nil && binary != nil:
		return nil, fail("InvalidParameter", "You can't specify both a binary secret value and a string secret value in the same secret.")
	case text != nil:
		return &content{bytes: []byte(*text)}, nil
	case binary != nil:
		return &content{bytes: binary, binary: true}, nil
	}
	return nil, nil
}

// parts are the two members of an answer, of which one is set.
func (c *content) parts() (text *string, binary []byte) {
	if c.binary {
		return nil, c.bytes
	}
	s := string(c.bytes)
	return &s, nil
}

// versionID is the token under which a version is written. SDKs and the aws
// command make one by themselves.
func versionID(token *string) (string, error) {
	if token == nil {
		return "", fail("InvalidParameter", "You must provide a ClientRequestToken value. We recommend a UUID-type value.")
	}
	return *token, nil
}

// about is the encryption context of a version, as AWS has it.
func about(x *secret, versionID string) map[string]string {
	return map[string]string{"SecretARN": x.ARN, "SecretVersionId": versionID}
}

// seal encrypts a version under the secret's key, in the caller's name.
func (s *Service) seal(ctx context.Context, x *secret, versionID string, c *content) (*value, error) {
	sealed, err := envelope.Seal(ctx, s.cfg.Keys, x.key(), about(x, versionID), c.bytes)
	if err != nil {
		return nil, keyError(err, "EncryptionFailure", "Secrets Manager can't encrypt the protected secret text using the provided KMS key: ")
	}
	return &value{Sealed: sealed, Binary: c.binary}, nil
}

// open decrypts a version in the caller's name.
func (s *Service) open(ctx context.Context, x *secret, versionID string) (*content, error) {
	var v *value
	err := s.cfg.Engine.View(ctx, func(r store.Reader) (err error) {
		v, err = values.Get(r, x.ARN, versionID)
		return err
	})
	if errors.Is(err, store.ErrNotFound) { // deleted since x was read
		return nil, errNoSecret
	}
	if err != nil {
		return nil, err
	}
	plain, err := envelope.Open(ctx, s.cfg.Keys, about(x, versionID), v.Sealed)
	if err != nil {
		return nil, keyError(err, "DecryptionFailure", "Secrets Manager can't decrypt the protected secret text using the provided KMS key: ")
	}
	return &content{bytes: plain, binary: v.Binary}, nil
}

// same refuses to write a version that exists with another value.
func (s *Service) same(ctx context.Context, x *secret, versionID string, c *content) error {
	have, err := s.open(ctx, x, versionID)
	if err != nil {
		return err
	}
	if have.binary != c.binary || !bytes.Equal(have.bytes, c.bytes) {
		return fail("ResourceExists", "You can't modify an existing version, you can only create a new version.")
	}
	return nil
}

// keyError makes the service's exception of one of KMS's. Other errors are
// internal and stay so.
func keyError(err error, code, message string) error {
	why := text(err)
	switch {
	case why == "":
		return err
	case codeOf(err) == "AccessDeniedException" || codeOf(err) == "AccessDenied":
		return fail("AccessDenied", "Access to KMS is not allowed: %s", why)
	}
	return &wire.Error{Code: code, Message: message + why}
}

// text is what KMS says to clients, "" for internal errors.
func text(err error) string {
	var own *wire.Error
	var api smithy.APIError
	switch {
	case errors.As(err, &own):
		if own.Message == "" {
			return own.Code
		}
		return own.Message
	case errors.As(err, &api):
		return api.ErrorMessage()
	}
	return ""
}

func codeOf(err error) string {
	var own *wire.Error
	var api smithy.APIError
	switch {
	case errors.As(err, &own):
		return own.Code
	case errors.As(err, &api):
		return api.ErrorCode()
	}
	return ""
}
