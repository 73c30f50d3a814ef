package logs

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// Events of a group with a KMS key are kept encrypted: the group has a data key,
// which is kept encrypted under the KMS key. A chunk names the data key that it
// needs, so that what was written under a former key can be read for as long as
// that key lives.

// dataKey is a key of a group's events, encrypted by KMS.
type dataKey struct{ Ciphertext []byte }

// keyMemory is how long a data key is used without asking KMS again, so how
// long after a KMS key was disabled it is still of use. AWS says five minutes.
const keyMemory = 5 * time.Minute

// opened are the data keys that KMS opened lately.
type opened struct {
	mu   sync.Mutex
	keys map[string]openedKey // by ciphertext
}

type openedKey struct {
	aead  cipher.AEAD
	until time.Time
}

// about binds a data key to its group, as AWS's key policies ask for.
func about(groupARN string) map[string]string { return map[string]string{"aws:logs:arn": groupARN} }

// asLogs is CloudWatch Logs as KMS sees it.
func (s *Service) asLogs(ctx context.Context, region string) context.Context {
	return identity.WithRegion(identity.WithCaller(ctx, &identity.Caller{
		Kind: identity.Service, Account: s.cfg.Site.Account, ARN: "logs." + region + ".amazonaws.com",
	}), region)
}

// newDataKey makes a data key under a KMS key; nil for no key.
func (s *Service) newDataKey(ctx context.Context, kmsKeyID *string, groupARN string) (*dataKey, error) {
	if kmsKeyID == nil {
		return nil, nil
	}
	out, err := s.cfg.Keys.GenerateDataKey(s.asLogs(ctx, identity.Region(ctx)), &kms.GenerateDataKeyInput{
		KeyId: kmsKeyID, KeySpec: kmstypes.DataKeySpecAes256, EncryptionContext: about(groupARN)})
	switch {
	case refused(err):
		return nil, invalidParameter("The specified KMS key does not exist or is not allowed to be used with LogGroup '" + groupARN + "'.")
	case err != nil:
		return nil, err
	}
	return &dataKey{Ciphertext: out.CiphertextBlob}, nil
}

// refused tells that KMS answered with an error of its own.
func refused(err error) bool {
	var here *wire.Error
	var there smithy.APIError
	return errors.As(err, &here) || errors.As(err, &there)
}

// cipher is the nth data key of a group, ready for use.
func (s *Service) cipher(g *group, n int) (cipher.AEAD, error) {
	if n < 0 || n >= len(g.DataKeys) {
		return nil, errChunk
	}
	sealed := g.DataKeys[n].Ciphertext
	now := s.cfg.Engine.Now()
	s.opened.mu.Lock()
	k, ok := s.opened.keys[string(sealed)]
	s.opened.mu.Unlock()
	if ok && now.Before(k.until) {
		return k.aead, nil
	}
	out, err := s.cfg.Keys.Decrypt(s.asLogs(context.Background(), g.Region), &kms.DecryptInput{
		CiphertextBlob: sealed, EncryptionContext: about(aws.ToString(g.LogGroupArn))})
	switch {
	case refused(err):
		return nil, &keyError{group: g.name(), err: err}
	case err != nil:
		return nil, err
	}
	block, err := aes.NewCipher(out.Plaintext)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	s.opened.mu.Lock()
	defer s.opened.mu.Unlock()
	if s.opened.keys == nil {
		s.opened.keys = map[string]openedKey{}
	}
	s.opened.keys[string(sealed)] = openedKey{aead, now.Add(keyMemory)}
	return aead, nil
}

// keyError is a data key that KMS does not open.
type keyError struct {
	group string
	err   error
}

func (e *keyError) Error() string { return "logs: key of group " + e.group + ": " + e.err.Error() }
func (e *keyError) Unwrap() error { return e.err }

// readable turns a keyError into what clients hear.
func readable(err error) error {
	var k *keyError
	if errors.As(err, &k) {
		return &wire.Error{Code: "AccessDeniedException", Status: http.StatusBadRequest,
			Message: "The KMS key of log group " + k.group + " cannot be used. Is it disabled, or about to be deleted?"}
	}
	return err
}

const sealedVersion = 2

// sealer encrypts the chunks of a group with a KMS key, and leaves others as
// they are. In clear a chunk says which data key it needs and what it counts as
// stored bytes.
func (s *Service) sealer(g *group) (func(chunk []byte, counts int64) []byte, error) {
	if g.KmsKeyId == nil {
		return func(chunk []byte, _ int64) []byte { return chunk }, nil
	}
	n := len(g.DataKeys) - 1
	aead, err := s.cipher(g, n)
	if err != nil {
		return nil, err
	}
	return func(chunk []byte, counts int64) []byte {
		b := binary.AppendUvarint([]byte{sealedVersion}, uint64(n))
		b = binary.AppendUvarint(b, uint64(counts))
		nonce := make([]byte, aead.NonceSize())
		_, _ = rand.Read(nonce) // never fails
		return aead.Seal(append(b, nonce...), nonce, chunk, nil)
	}, nil
}

// sealedHead reads what a sealed chunk says in clear.
func sealedHead(chunk []byte) (key int, counts int64, rest []byte, err error) {
	n, k := binary.Uvarint(chunk[1:])
	if k <= 0 {
		return 0, 0, nil, errChunk
	}
	c, l := binary.Uvarint(chunk[1+k:])
	if l <= 0 {
		return 0, 0, nil, errChunk
	}
	return int(n), int64(c), chunk[1+k+l:], nil
}

// openChunk reverses what a sealer did.
func (s *Service) openChunk(g *group, chunk []byte) ([]byte, error) {
	if len(chunk) == 0 || chunk[0] != sealedVersion {
		return chunk, nil
	}
	n, _, rest, err := sealedHead(chunk)
	if err != nil {
		return nil, err
	}
	aead, err := s.cipher(g, n)
	if err != nil {
		return nil, err
	}
	if len(rest) < aead.NonceSize() {
		return nil, errChunk
	}
	plain, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], nil)
	if err != nil {
		return nil, errChunk
	}
	return plain, nil
}

// ofKMS finds the group of AssociateKmsKey: by name, since results of queries,
// the other resource that has a key, are not there.
func ofKMS(ctx context.Context, r store.Reader, s *Service, name, identifier *string) (*group, error) {
	if identifier == nil {
		return s.group(ctx, r, name, nil)
	}
	if name != nil {
		return nil, invalidParameter("logGroupName and resourceIdentifier are mutually exclusive parameters.")
	}
	return s.identified(ctx, r, *identifier)
}

// AssociateKmsKey has the events to come encrypted under a KMS key.
func (s *Service) AssociateKmsKey(ctx context.Context, in *cloudwatchlogs.AssociateKmsKeyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.AssociateKmsKeyOutput, error) {
	var groupARN string
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		g, err := ofKMS(ctx, r, s, in.LogGroupName, in.ResourceIdentifier)
		if err == nil {
			groupARN = aws.ToString(g.LogGroupArn)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	k, err := s.newDataKey(ctx, in.KmsKeyId, groupARN)
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.AssociateKmsKeyOutput{}, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		g, err := ofKMS(ctx, tx, s, in.LogGroupName, in.ResourceIdentifier)
		if err != nil {
			return err
		}
		g.KmsKeyId, g.DataKeys = in.KmsKeyId, append(g.DataKeys, *k)
		return g.put(tx)
	})
}

// DisassociateKmsKey leaves the events to come in clear; those before are read
// as long as their key lives.
func (s *Service) DisassociateKmsKey(ctx context.Context, in *cloudwatchlogs.DisassociateKmsKeyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DisassociateKmsKeyOutput, error) {
	return &cloudwatchlogs.DisassociateKmsKeyOutput{}, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		g, err := ofKMS(ctx, tx, s, in.LogGroupName, in.ResourceIdentifier)
		if err != nil {
			return err
		}
		g.KmsKeyId = nil
		return g.put(tx)
	})
}
