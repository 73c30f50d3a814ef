package ec2

import (
	"errors"

	"github.com/slipway-dev/slipway/internal/store"
)

// tokens are the ids that requests with a ClientToken made: region, table, token
// → id. They are kept for good.
const tokens store.Table[string] = "ec2.token"

// repeated is the document that a request with the same token made, nil if there
// was none or the document is gone.
func repeated[D any](r store.Reader, t store.Table[D], region, token string) (*D, error) {
	if token == "" {
		return nil, nil
	}
	id, err := tokens.Get(r, region, string(t), token)
	if err != nil {
		return nil, lost(err)
	}
	d, err := t.Get(r, region, *id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return d, err
}

// remember keeps what a request with a token made.
func remember[D any](tx store.Tx, t store.Table[D], region, token, id string) error {
	if token == "" {
		return nil
	}
	return tokens.Put(tx, &id, region, string(t), token)
}
