package wire_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// serve is the smallest gateway: no authentication, one service.
func serve(t testing.TB, s wire.Service) aws.Config {
	t.Helper()
	bound, err := wire.Bind(s)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(handler(t, bound))
	t.Cleanup(srv.Close)
	return aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(srv.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
		RetryMaxAttempts: 1}
}

func handler(t testing.TB, bound *wire.Bound) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(identity.WithRequestID(r.Context(), "11111111-2222-3333-4444-555555555555"))
		err := func() error {
			var body []byte
			if bound.Buffered(r) {
				var err error
				if body, err = io.ReadAll(r.Body); err != nil {
					return err
				}
			}
			call, err := bound.Find(r, body)
			if err != nil {
				return err
			}
			in, err := call.Decode(r, body)
			if err != nil {
				return err
			}
			if call.Operation.Stream != nil {
				return call.Operation.Stream(r.Context(), in, w)
			}
			out, err := call.Operation.Call(r.Context(), in)
			if err != nil {
				return err
			}
			return call.Encode(w, r, out)
		}()
		if errors.Is(err, wire.ErrBroken) {
			panic(http.ErrAbortHandler)
		}
		if err != nil {
			if f := bound.EncodeError(w, r, err); f.Internal && !errors.Is(err, errSecret) {
				t.Errorf("internal error: %v", err)
			}
		}
	}
}

// errSecret is an internal error that no client may read.
var errSecret = errors.New("disk at /var/lib is full")

func ctx(t testing.TB) context.Context { return t.Context() }
