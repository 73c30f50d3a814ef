package apptest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/smithy-go"
)

// Code is the code of the API's error that an SDK of either generation
// returned. Of anything else it is the text, for a test that fails to show.
func Code(err error) string {
	var api smithy.APIError
	var older awserr.Error
	switch {
	case errors.As(err, &api):
		return api.ErrorCode()
	case errors.As(err, &older):
		return older.Code()
	}
	return fmt.Sprint(err)
}

// WantCode fails the test if err's Code is not want.
func WantCode(t testing.TB, err error, want string) {
	t.Helper()
	if Code(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Must is v for tests that cannot go on without it: Must(c.GetRole(ctx, in))(t)
// ends the test if there is an error.
func Must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
