package sts

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/session"
)

// renewal is how long before its end a session is replaced by a new one.
const renewal = 5 * time.Minute

// Credentials implements session.Source.
func (s *Service) Credentials(ctx context.Context, r session.Request) (aws.Credentials, error) {
	name := sessionName(r.Name)
	facts := map[string][]string{
		"sts:RoleSessionName": {name},
		"aws:SourceAccount":   {s.cfg.Site.Account},
	}
	if r.SourceARN != "" {
		facts["aws:SourceArn"] = []string{r.SourceARN}
	}
	service := &identity.Caller{Kind: identity.Service, Account: s.cfg.Site.Account, ARN: r.Service, UserID: r.Service}
	role, err := s.assume(ctx, service, r.RoleARN, facts)
	if err != nil {
		return aws.Credentials{}, err
	}
	life := r.Duration
	if life == 0 {
		life = defaultRoleSession
	}
	c, err := s.issue(token{RoleARN: *role.Arn, RoleID: *role.RoleId, Name: name, Policies: r.Policies, Source: r.SourceARN}, life)
	if err != nil {
		return aws.Credentials{}, err
	}
	return aws.Credentials{
		AccessKeyID:     *c.AccessKeyId,
		SecretAccessKey: *c.SecretAccessKey,
		SessionToken:    *c.SessionToken,
		Source:          "slipway",
		CanExpire:       true,
		Expires:         *c.Expiration,
		AccountID:       s.cfg.Site.Account,
	}, nil
}

// Config implements session.Source. That the role can be assumed is known when
// it returns.
func (s *Service) Config(ctx context.Context, r session.Request) (aws.Config, error) {
	first, err := s.Credentials(ctx, r)
	if err != nil {
		return aws.Config{}, err
	}
	region := r.Region
	if region == "" {
		region = s.cfg.Site.Region
	}
	fresh := make(chan aws.Credentials, 1)
	fresh <- first
	provider := aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		select {
		case c := <-fresh:
			return c, nil
		default:
			return s.Credentials(ctx, r)
		}
	})
	return aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(s.cfg.Site.URL),
		Credentials:  aws.NewCredentialsCache(provider, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = renewal }),
		HTTPClient:   s.http,
	}, nil
}

// sessionName makes a RoleSessionName of anything: 2 to 64 of [\w+=,.@-].
func sessionName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("_+=,.@-", r):
			return r
		}
		return '-'
	}, s)
	if len(s) > 64 {
		s = s[:64]
	}
	for len(s) < 2 {
		s += "-"
	}
	return s
}
