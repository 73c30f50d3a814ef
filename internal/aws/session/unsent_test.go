package session_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/slipway-dev/slipway/internal/aws/session"
)

func TestUnsent(t *testing.T) {
	cfg := aws.Config{Region: "us-east-1", Credentials: aws.AnonymousCredentials{}, BaseEndpoint: aws.String("http://127.0.0.1:1"), RetryMaxAttempts: 1}
	get := func(ctx context.Context, bucket string) error {
		_, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("k")})
		return err
	}
	_, missing := ecs.NewFromConfig(cfg).RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{Family: aws.String("f")})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{missing, "1 validation error(s) found. - missing required field, RegisterTaskDefinitionInput.ContainerDefinitions."},
		{get(t.Context(), "arn:aws:s3:::b"), "Path-style addressing cannot be used with ARN buckets"},
		{get(t.Context(), "b"), ""}, // nobody answers
		{get(over, "b"), ""},
		{errors.New("x"), ""},
		{nil, ""},
	} {
		if why, ok := session.Unsent(c.err); why != c.want || ok != (c.want != "") {
			t.Errorf("%v: %q, %t", c.err, why, ok)
		}
	}
}
