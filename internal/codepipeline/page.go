package codepipeline

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/store"
)

// page walks one page of a list through a range of keys.
type page struct {
	scope string // the parameters that a token is bound to
	max   int
	token *string
}

// each calls take for the entries of the page until max of them were taken,
// and returns the token of the next page, if there is one.
//
// Errors: InvalidNextTokenException.
func (p page) each(r store.Reader, rg store.Range, take func(store.Entry) (taken bool, err error)) (next *string, err error) {
	if p.token != nil {
		key, ok := wire.DecodeToken(p.scope, *p.token)
		if !ok {
			return nil, badToken()
		}
		rg.Start = key
	}
	n := 0
	for e, err := range r.Scan(rg) {
		if err != nil {
			return nil, err
		}
		if n == p.max {
			return aws.String(wire.EncodeToken(p.scope, e.Key)), nil
		}
		taken, err := take(e)
		if err != nil {
			return nil, err
		}
		if taken {
			n++
		}
	}
	return nil, nil
}

// limit is how many results a request wants.
func limit(asked *int32, standard int) int {
	if asked == nil || *asked <= 0 || int(*asked) > standard {
		return standard
	}
	return int(*asked)
}

func badToken() error {
	return &types.InvalidNextTokenException{Message: aws.String("The next token is damaged, or does not belong to this request")}
}
