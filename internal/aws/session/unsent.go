package session

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"
)

// Unsent tells whether a client of the SDK refused to send a request, because a
// member is missing or has no endpoint (the ARN of a bucket where its name
// belongs, say), and why. To try again is of no use then.
func Unsent(err error) (why string, ok bool) {
	var params smithy.InvalidParamsError
	var form *smithy.SerializationError
	switch {
	case errors.As(err, &params):
		return strings.Join(strings.Fields(params.Error()), " "), true
	case errors.As(err, &form):
		return form.Error(), true
	}
	// Endpoint rules have no type of error.
	const rule = "endpoint rule error, "
	if err != nil {
		_, why, ok = strings.Cut(err.Error(), rule)
	}
	return why, ok
}
