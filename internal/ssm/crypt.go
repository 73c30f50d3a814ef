package ssm

import (
	"context"
	"encoding/base64"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/seal/envelope"
)

// about is the encryption context of a parameter, as AWS has it.
func (s *Service) about(region, name string) map[string]string {
	return map[string]string{"PARAMETER_ARN": s.arn(region, name)}
}

// encrypt puts the value into a version: in clear, or encrypted in the name of
// the caller. KMS itself takes 4 KiB; what may be larger goes into an envelope.
func (s *Service) encrypt(ctx context.Context, region, name string, r *revision, value string) error {
	switch {
	case r.Type != types.ParameterTypeSecureString:
		r.Value = value
	case r.Tier == types.ParameterTierAdvanced:
		sealed, err := envelope.Seal(ctx, s.cfg.Keys, r.KeyID, s.about(region, name), []byte(value))
		if err != nil {
			return keyError(err)
		}
		r.Envelope = &sealed
	default:
		out, err := s.cfg.Keys.Encrypt(ctx, &kms.EncryptInput{KeyId: &r.KeyID, Plaintext: []byte(value), EncryptionContext: s.about(region, name)})
		if err != nil {
			return keyError(err)
		}
		r.Blob = out.CiphertextBlob
	}
	return nil
}

// value is a version's value: a SecureString's ciphertext unless the caller
// wants it decrypted.
func (s *Service) value(ctx context.Context, region, name string, r *revision, decrypt bool) (string, error) {
	switch {
	case r.Type != types.ParameterTypeSecureString:
		return r.Value, nil
	case !decrypt && r.Envelope != nil:
		return base64.StdEncoding.EncodeToString(append(append([]byte{}, r.Envelope.Key...), r.Envelope.Data...)), nil
	case !decrypt:
		return base64.StdEncoding.EncodeToString(r.Blob), nil
	case r.Envelope != nil:
		plain, err := envelope.Open(ctx, s.cfg.Keys, s.about(region, name), *r.Envelope)
		return string(plain), keyError(err)
	}
	out, err := s.cfg.Keys.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: r.Blob, EncryptionContext: s.about(region, name)})
	if err != nil {
		return "", keyError(err)
	}
	return string(out.Plaintext), nil
}

// keyError makes InvalidKeyId of KMS's exceptions, but of denials. Other errors
// are internal and stay so.
func keyError(err error) error {
	code, message := "", ""
	var own *wire.Error
	var api smithy.APIError
	switch {
	case errors.As(err, &own):
		code, message = own.Code, own.Message
	case errors.As(err, &api):
		code, message = api.ErrorCode(), api.ErrorMessage()
	}
	switch code {
	case "":
		return err
	case "AccessDenied", "AccessDeniedException":
		return fail("AccessDeniedException", "%s (Service: AWSKMS)", message)
	}
	return fail("InvalidKeyId", "%s (Service: AWSKMS; Error Code: %s)", message, code)
}
