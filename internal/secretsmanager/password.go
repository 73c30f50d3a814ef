package secretsmanager

import (
	"context"
	"crypto/rand"
	"math/big"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

const defaultLength = 32 // characters of a password

// GetRandomPassword makes a password of the classes of characters that are not
// excluded, with one of each unless RequireEachIncludedType is false.
func (s *Service) GetRandomPassword(_ context.Context, in *secretsmanager.GetRandomPasswordInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetRandomPasswordOutput, error) {
	length := defaultLength
	if in.PasswordLength != nil {
		length = int(*in.PasswordLength)
	}
	var classes []string
	for _, c := range []struct {
		out   bool
		chars string
	}{
		{aws.ToBool(in.ExcludeUppercase), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
		{aws.ToBool(in.ExcludeLowercase), "abcdefghijklmnopqrstuvwxyz"},
		{aws.ToBool(in.ExcludeNumbers), "0123456789"},
		{aws.ToBool(in.ExcludePunctuation), "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
		{!aws.ToBool(in.IncludeSpace), " "},
	} {
		if c.out {
			continue
		}
		chars := strings.Map(func(r rune) rune {
			if strings.ContainsRune(aws.ToString(in.ExcludeCharacters), r) {
				return -1
			}
			return r
		}, c.chars)
		if chars != "" {
			classes = append(classes, chars)
		}
	}
	each := in.RequireEachIncludedType == nil || *in.RequireEachIncludedType
	switch {
	case len(classes) == 0:
		return nil, fail("InvalidParameter", "You excluded all characters: there is nothing to make a password of.")
	case each && length < len(classes):
		return nil, fail("InvalidParameter", "Password length must be at least the number of included character types, which is %d.", len(classes))
	}
	password := make([]byte, length)
	all := strings.Join(classes, "")
	for i := range password {
		from := all
		if each && i < len(classes) {
			from = classes[i]
		}
		password[i] = from[below(len(from))]
	}
	for i := length - 1; i > 0; i-- { // so that the classes are not in order
		j := below(i + 1)
		password[i], password[j] = password[j], password[i]
	}
	return &secretsmanager.GetRandomPasswordOutput{RandomPassword: aws.String(string(password))}, nil
}

// below is a random number in [0, n), all equally likely.
func below(n int) int {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err) // the reader never fails
	}
	return int(i.Int64())
}
