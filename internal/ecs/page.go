package ecs

import (
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/store"
)

// page is one answer of a list. scope names the list and its parameters.
type page struct {
	rng   store.Range
	scope string
	left  int32
	next  *string
}

func newPage(scope, prefix string, token *string, max *int32, most int32) (*page, error) {
	p := &page{scope: scope, rng: store.Range{Prefix: prefix}, left: most}
	if max != nil {
		if *max < 1 || *max > 100 {
			return nil, invalidParameter("Max results should be between 1 and 100.")
		}
		p.left = *max
	}
	if aws.ToString(token) != "" {
		key, ok := wire.DecodeToken(scope, *token)
		if !ok {
			return nil, invalidParameter("Invalid token provided for pagination.")
		}
		p.rng.Start = key
	}
	return p, nil
}

// take accepts the item of a key, or notes that the next page begins there.
func (p *page) take(key string) bool {
	if p.left == 0 {
		p.next = aws.String(wire.EncodeToken(p.scope, key))
		return false
	}
	p.left--
	return true
}
