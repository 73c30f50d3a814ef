package sts

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	iamapi "github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/iam"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store/memory"
)

func service(t *testing.T, audit bool, c clock.Clock) (*Service, *iam.Service) {
	t.Helper()
	at := site.Site{Account: "000000000000", Region: "us-east-1", URL: "http://localhost:4566", Host: "localhost:4566"}
	keys := seal.New(make([]byte, 32))
	i := iam.New(iam.Config{Store: memory.New(), Site: at, Clock: c, IDs: id.Random, Log: slog.New(slog.DiscardHandler), Keys: keys, Audit: audit,
		Root: iam.RootKey{AccessKeyID: "AKIAROOT", Secret: "s"}})
	return New(Config{Site: at, Clock: c, IDs: id.Random, Keys: keys, Principals: i, Transport: http.DefaultTransport}), i
}

func role(t *testing.T, i *iam.Service, trust string) string {
	t.Helper()
	out, err := i.CreateRole(context.Background(), &iamapi.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole",` + trust + `}}`)})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Role.Arn
}

func TestSource(t *testing.T) {
	ctx := context.Background()
	const build = "codebuild.amazonaws.com"
	const project = "arn:aws:codebuild:us-east-1:000000000000:project/p"
	trusted := `"Principal":{"Service":"codebuild.amazonaws.com"}`
	deputy := trusted + `,"Condition":{"StringEquals":{"aws:SourceAccount":"000000000000"},"ArnLike":{"aws:SourceArn":"arn:aws:codebuild:*:000000000000:project/p"}}`
	for _, tt := range []struct {
		name, trust string
		audit       bool
		req         session.Request
		denied      bool
	}{
		{"trusted", trusted, false, session.Request{Service: build}, false},
		{"another service", trusted, false, session.Request{Service: "ecs.amazonaws.com"}, true},
		{"another service under audit", trusted, true, session.Request{Service: "ecs.amazonaws.com"}, false},
		{"for this project", deputy, false, session.Request{Service: build, SourceARN: project}, false},
		{"for another project", deputy, false, session.Request{Service: build, SourceARN: project + "2"}, true},
		{"missing", trusted, true, session.Request{Service: build, RoleARN: "arn:aws:iam::000000000000:role/x"}, true},
		{"no ARN", trusted, true, session.Request{Service: build, RoleARN: "r"}, true},
		{"another path", trusted, true, session.Request{Service: build, RoleARN: "arn:aws:iam::000000000000:role/x/r"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, i := service(t, tt.audit, clock.System)
			arn := role(t, i, tt.trust)
			if tt.req.RoleARN == "" {
				tt.req.RoleARN = arn
			}
			tt.req.Name = "a name/with: characters that session names do not have, and much longer than sixty-four"
			c, err := s.Credentials(ctx, tt.req)
			if tt.denied {
				var e *wire.Error
				if !errors.As(err, &e) || e.Code != "AccessDenied" || !strings.Contains(e.Message, "is not authorized to perform: sts:AssumeRole on resource: "+tt.req.RoleARN) {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			found, err := s.Lookup(ctx, c.AccessKeyID, c.SessionToken)
			if err != nil || found.Secret != c.SecretAccessKey || found.Caller.RoleARN != arn || len(found.Caller.SessionName) != 64 {
				t.Errorf("looked up %+v, %v", found.Caller, err)
			}
			if _, err := s.Lookup(ctx, c.AccessKeyID, ""); err == nil {
				t.Error("found without its token")
			}
		})
	}
}

func TestSessionsExpire(t *testing.T) {
	now := clock.NewFake(time.Date(2024, 5, 1, 10, 0, 0, 0, time.UTC))
	s, i := service(t, false, now)
	c, err := s.Credentials(context.Background(), session.Request{RoleARN: role(t, i, `"Principal":{"Service":"x.amazonaws.com"}`), Service: "x.amazonaws.com", Name: "s"})
	if err != nil {
		t.Fatal(err)
	}
	now.Advance(time.Hour - time.Second)
	if _, err := s.Lookup(context.Background(), c.AccessKeyID, c.SessionToken); err != nil {
		t.Errorf("before its end: %v", err)
	}
	now.Advance(time.Second)
	var e *wire.Error
	if _, err := s.Lookup(context.Background(), c.AccessKeyID, c.SessionToken); !errors.As(err, &e) || e.Code != "ExpiredToken" {
		t.Errorf("after its end: %v", err)
	}
}
