package iam

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// The only service whose passwords are used here.
const codeCommit = "codecommit.amazonaws.com"

const maxGitCredentials = 2 // of a user

// gitCredential is a user's name and password for git. The password is random
// and long, so one round of hashing keeps it: there is nothing to guess.
type gitCredential struct {
	types.ServiceSpecificCredentialMetadata
	Hash string
}

var (
	gitCredentials     = store.Table[gitCredential]("iam.gitcredential") // by credential id
	gitNames           = store.Table[string]("iam.gitname")              // service user name
	userGitCredentials = store.Table[string]("iam.usergit")              // user, credential id
)

func gitCredentialsOf(r store.Reader, user string) iter.Seq2[*string, error] {
	return userGitCredentials.All(r, user)
}

func hashPassword(p string) string {
	sum := sha256.Sum256([]byte(p))
	return hex.EncodeToString(sum[:])
}

// GitPassword finds the user whose active git credential this is; ok is false
// for anything else.
func (s *Service) GitPassword(ctx context.Context, name, password string) (_ auth.Credential, ok bool, err error) {
	var owner *user
	var keyID string
	err = s.view(ctx, func(r store.Reader) error {
		credentialID, err := gitNames.Get(r, name)
		if err != nil {
			return err
		}
		c, err := gitCredentials.Get(r, *credentialID)
		if err != nil {
			return err
		}
		if c.Status != types.StatusTypeActive || subtle.ConstantTimeCompare([]byte(hashPassword(password)), []byte(c.Hash)) != 1 {
			return store.ErrNotFound
		}
		keyID = *credentialID
		owner, err = loadUser(r, c.UserName)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return auth.Credential{}, false, nil
	}
	if err != nil {
		return auth.Credential{}, false, err
	}
	return auth.Credential{Caller: s.userCaller(owner, keyID)}, true, nil
}

// CreateServiceSpecificCredential makes a name and password for git; the
// password is shown this once.
func (s *Service) CreateServiceSpecificCredential(ctx context.Context, in *iam.CreateServiceSpecificCredentialInput, _ ...func(*iam.Options)) (*iam.CreateServiceSpecificCredentialOutput, error) {
	if *in.ServiceName != codeCommit {
		return nil, &types.ServiceNotSupportedException{Message: aws.String("No such service " + *in.ServiceName + " is supported for Service Specific Credentials")}
	}
	password := id.Of(s.cfg.IDs, id.AlphaNum, 43) + "="
	c := &gitCredential{Hash: hashPassword(password)}
	c.ServiceSpecificCredentialId, c.ServiceName = s.unique("ACCA"), in.ServiceName
	c.Status, c.CreateDate = types.StatusTypeActive, s.now()
	err := s.update(ctx, func(tx store.Tx) error {
		u, err := loadUser(tx, in.UserName)
		if err != nil {
			return err
		}
		n := 0
		for _, err := range gitCredentialsOf(tx, *u.UserName) {
			if err != nil {
				return err
			}
			n++
		}
		if n >= maxGitCredentials {
			return quota("ServiceSpecificCredentialsPerUser", maxGitCredentials)
		}
		c.UserName = u.UserName
		base := *u.UserName + "-at-" + s.cfg.Site.Account
		name := base
		for i := 1; ; i++ { // the second one has a suffix
			if _, err := gitNames.Get(tx, name); errors.Is(err, store.ErrNotFound) {
				break
			} else if err != nil {
				return err
			}
			name = base + "+" + itoa(i)
		}
		c.ServiceUserName = &name
		if err := gitNames.Put(tx, c.ServiceSpecificCredentialId, name); err != nil {
			return err
		}
		if err := userGitCredentials.Put(tx, c.ServiceSpecificCredentialId, *u.UserName, *c.ServiceSpecificCredentialId); err != nil {
			return err
		}
		return gitCredentials.Put(tx, c, *c.ServiceSpecificCredentialId)
	})
	return &iam.CreateServiceSpecificCredentialOutput{ServiceSpecificCredential: c.shown(password)}, err
}

func (c *gitCredential) shown(password string) *types.ServiceSpecificCredential {
	return &types.ServiceSpecificCredential{
		ServiceSpecificCredentialId: c.ServiceSpecificCredentialId, ServiceName: c.ServiceName, ServiceUserName: c.ServiceUserName,
		ServicePassword: &password, Status: c.Status, UserName: c.UserName, CreateDate: c.CreateDate,
	}
}

// ListServiceSpecificCredentials pages a user's credentials, without passwords.
func (s *Service) ListServiceSpecificCredentials(ctx context.Context, in *iam.ListServiceSpecificCredentialsInput, _ ...func(*iam.Options)) (*iam.ListServiceSpecificCredentialsOutput, error) {
	name := in.UserName
	if !aws.ToBool(in.AllUsers) {
		var err error
		if name, err = s.callerOr(ctx, name); err != nil {
			return nil, err
		}
	}
	out := &iam.ListServiceSpecificCredentialsOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		if name != nil {
			u, err := loadUser(r, name)
			if err != nil {
				return err
			}
			name = u.UserName
		}
		all := []types.ServiceSpecificCredentialMetadata{}
		for c, err := range gitCredentials.All(r) {
			if err != nil {
				return err
			}
			if (name == nil || *c.UserName == *name) && (in.ServiceName == nil || *in.ServiceName == *c.ServiceName) {
				all = append(all, c.ServiceSpecificCredentialMetadata)
			}
		}
		var err error
		out.ServiceSpecificCredentials, out.Marker, out.IsTruncated, err = ofSlice(page{"GitCredentials" + aws.ToString(name), in.Marker, in.MaxItems}, all,
			func(c types.ServiceSpecificCredentialMetadata) string { return *c.ServiceSpecificCredentialId })
		return err
	})
}

func (s *Service) changeGitCredential(ctx context.Context, name, credentialID *string, fn func(store.Tx, *gitCredential) error) error {
	name, err := s.callerOr(ctx, name)
	if err != nil {
		return err
	}
	return s.update(ctx, func(tx store.Tx) error {
		u, err := loadUser(tx, name)
		if err != nil {
			return err
		}
		c, err := gitCredentials.Get(tx, *credentialID)
		if errors.Is(err, store.ErrNotFound) || err == nil && *c.UserName != *u.UserName {
			return noSuch("Service Specific Credential %s does not exist.", *credentialID)
		}
		if err != nil {
			return err
		}
		return fn(tx, c)
	})
}

// UpdateServiceSpecificCredential activates or deactivates a credential.
func (s *Service) UpdateServiceSpecificCredential(ctx context.Context, in *iam.UpdateServiceSpecificCredentialInput, _ ...func(*iam.Options)) (*iam.UpdateServiceSpecificCredentialOutput, error) {
	return &iam.UpdateServiceSpecificCredentialOutput{}, s.changeGitCredential(ctx, in.UserName, in.ServiceSpecificCredentialId, func(tx store.Tx, c *gitCredential) error {
		c.Status = in.Status
		return gitCredentials.Put(tx, c, *c.ServiceSpecificCredentialId)
	})
}

// ResetServiceSpecificCredential makes a new password.
func (s *Service) ResetServiceSpecificCredential(ctx context.Context, in *iam.ResetServiceSpecificCredentialInput, _ ...func(*iam.Options)) (*iam.ResetServiceSpecificCredentialOutput, error) {
	password := id.Of(s.cfg.IDs, id.AlphaNum, 43) + "="
	out := &iam.ResetServiceSpecificCredentialOutput{}
	return out, s.changeGitCredential(ctx, in.UserName, in.ServiceSpecificCredentialId, func(tx store.Tx, c *gitCredential) error {
		c.Hash = hashPassword(password)
		out.ServiceSpecificCredential = c.shown(password)
		return gitCredentials.Put(tx, c, *c.ServiceSpecificCredentialId)
	})
}

// DeleteServiceSpecificCredential deletes a credential.
func (s *Service) DeleteServiceSpecificCredential(ctx context.Context, in *iam.DeleteServiceSpecificCredentialInput, _ ...func(*iam.Options)) (*iam.DeleteServiceSpecificCredentialOutput, error) {
	return &iam.DeleteServiceSpecificCredentialOutput{}, s.changeGitCredential(ctx, in.UserName, in.ServiceSpecificCredentialId, func(tx store.Tx, c *gitCredential) error {
		if err := gitNames.Delete(tx, *c.ServiceUserName); err != nil {
			return err
		}
		if err := userGitCredentials.Delete(tx, *c.UserName, *c.ServiceSpecificCredentialId); err != nil {
			return err
		}
		return gitCredentials.Delete(tx, *c.ServiceSpecificCredentialId)
	})
}
