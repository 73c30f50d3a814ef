package iam

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// aliases has the account's only alias: ACCOUNT.
const aliases = store.Table[string]("iam.alias")

// validAlias is the model's pattern but for two hyphens in a row, which its
// pattern refuses in a way that Go's expressions cannot.
var validAlias = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

// CreateAccountAlias names the account; a second alias takes the place of the
// first.
func (s *Service) CreateAccountAlias(ctx context.Context, in *iam.CreateAccountAliasInput, _ ...func(*iam.Options)) (*iam.CreateAccountAliasOutput, error) {
	if a := *in.AccountAlias; !validAlias.MatchString(a) || strings.Contains(a, "--") {
		return nil, invalid("1 validation error detected: Value '" + a + "' at 'accountAlias' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$")
	}
	return &iam.CreateAccountAliasOutput{}, s.update(ctx, func(tx store.Tx) error {
		old, err := aliases.Get(tx, s.cfg.Site.Account)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if old != nil && strings.EqualFold(*old, *in.AccountAlias) {
			return &types.EntityAlreadyExistsException{Message: aws.String("The account alias " + *in.AccountAlias + " already exists.")}
		}
		return aliases.Put(tx, in.AccountAlias, s.cfg.Site.Account)
	})
}

// ListAccountAliases answers the account's alias, if it has one.
func (s *Service) ListAccountAliases(ctx context.Context, _ *iam.ListAccountAliasesInput, _ ...func(*iam.Options)) (*iam.ListAccountAliasesOutput, error) {
	out := &iam.ListAccountAliasesOutput{AccountAliases: []string{}}
	return out, s.view(ctx, func(r store.Reader) error {
		alias, err := aliases.Get(r, s.cfg.Site.Account)
		if err == nil {
			out.AccountAliases = append(out.AccountAliases, *alias)
		}
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
}

// DeleteAccountAlias takes the account's name away.
func (s *Service) DeleteAccountAlias(ctx context.Context, in *iam.DeleteAccountAliasInput, _ ...func(*iam.Options)) (*iam.DeleteAccountAliasOutput, error) {
	return &iam.DeleteAccountAliasOutput{}, s.update(ctx, func(tx store.Tx) error {
		alias, err := aliases.Get(tx, s.cfg.Site.Account)
		if err == nil && *alias != *in.AccountAlias {
			err = store.ErrNotFound
		}
		if err != nil {
			return missing(err, "The account alias %s cannot be found.", *in.AccountAlias)
		}
		return aliases.Delete(tx, s.cfg.Site.Account)
	})
}
