package iam

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/store"
)

const defaultPage = 100 // items; the model has the maximum, 1000

// page is a list's Marker, MaxItems and scope: the marker of one list is not
// valid for another.
type page struct {
	scope  string
	marker *string
	max    *int32
}

func (p page) start() (key string, limit int, err error) {
	limit = defaultPage
	if p.max != nil {
		limit = int(*p.max)
	}
	if p.marker != nil {
		var ok bool
		if key, ok = wire.DecodeToken(p.scope, *p.marker); !ok {
			return "", 0, invalid("Invalid Marker.")
		}
	}
	return key, limit, nil
}

// ofSlice pages a sorted list whose items key tells apart.
func ofSlice[T any](p page, all []T, key func(T) string) (out []T, marker *string, more bool, err error) {
	start, limit, err := p.start()
	if err != nil {
		return nil, nil, false, err
	}
	out = []T{}
	for _, v := range all {
		if key(v) < start {
			continue
		}
		if len(out) == limit {
			return out, aws.String(wire.EncodeToken(p.scope, key(v))), true, nil
		}
		out = append(out, v)
	}
	return out, nil, false, nil
}

// ofTable pages the documents of a table that make accepts and turns into
// items. Keys have one part.
func ofTable[D, T any](p page, r store.Reader, t store.Table[D], make func(*D) (T, bool)) (out []T, marker *string, more bool, err error) {
	start, limit, err := p.start()
	if err != nil {
		return nil, nil, false, err
	}
	rg := store.Range{Prefix: store.Prefix(string(t))}
	if start != "" {
		rg.Start = t.Key(start)
	}
	out = []T{}
	for e, err := range r.Scan(rg) {
		if err != nil {
			return nil, nil, false, err
		}
		key := strings.TrimPrefix(e.Key, rg.Prefix)
		doc, err := t.Get(r, key)
		if err != nil {
			return nil, nil, false, err
		}
		v, ok := make(doc)
		if !ok {
			continue
		}
		if len(out) == limit {
			return out, aws.String(wire.EncodeToken(p.scope, key)), true, nil
		}
		out = append(out, v)
	}
	return out, nil, false, nil
}

// under tells whether a path lies below a PathPrefix.
func under(path, prefix *string) bool {
	return strings.HasPrefix(aws.ToString(path), aws.ToString(prefix))
}
