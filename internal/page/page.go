// Package page answers lists a page at a time from a table of the store. The
// token of the next page holds the key at which it begins, so a page costs what
// it holds, however much history lies before it.
package page

import (
	"errors"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/store"
)

// ErrToken is returned for a token that is damaged or of another list; each
// service has an exception of its own for it.
var ErrToken = errors.New("page: invalid token")

// Request is what a client asks for.
type Request struct {
	// Scope names the list: operation, region, and every parameter that must
	// not change from page to page. A token is good for its scope only.
	Scope string
	Token *string // nil or empty for the first page
	Max   int     // items of a page
	// Reverse lists from the last key to the first.
	Reverse bool
}

// Of is one page of the documents of t whose keys begin with parts, as make
// turns them into items; make leaves out those that it answers false for. next
// is nil on the last page. items is never nil.
//
// Errors: ErrToken; those of make and of the store.
func Of[D, T any](r store.Reader, t store.Table[D], in Request, make func(*D) (T, bool, error), parts ...string) (items []T, next *string, err error) {
	rg := store.Range{Prefix: store.Prefix(append([]string{string(t)}, parts...)...), Reverse: in.Reverse}
	if in.Token != nil && *in.Token != "" {
		key, ok := wire.DecodeToken(in.Scope, *in.Token)
		if !ok {
			return nil, nil, ErrToken
		}
		rg.Start = key
	}
	items = []T{}
	for e, err := range r.Scan(rg) {
		if err != nil {
			return nil, nil, err
		}
		doc, err := t.Decode(e.Value)
		if err != nil {
			return nil, nil, err
		}
		item, ok, err := make(doc)
		switch {
		case err != nil:
			return nil, nil, err
		case !ok:
		case len(items) == in.Max:
			token := wire.EncodeToken(in.Scope, e.Key)
			return items, &token, nil
		default:
			items = append(items, item)
		}
	}
	return items, nil, nil
}

// Limit is the size of a page: what the client asked for, within 1 and most;
// most if it asked for nothing.
func Limit(asked *int32, most int) int {
	if asked == nil || *asked < 1 || int(*asked) > most {
		return most
	}
	return int(*asked)
}
